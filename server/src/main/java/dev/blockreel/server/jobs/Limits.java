package dev.blockreel.server.jobs;

import static dev.blockreel.failure.EngineFailure.badRequest;

import java.time.Duration;

/**
 * What the server takes on and for how long it keeps it.
 *
 * @param batch jobs of a model that may run at the same time; one with guidance counts twice
 * @param queue jobs that may wait
 * @param perOwner jobs and images of one API key that may wait or run
 * @param queueTime how long a job may wait
 * @param jobTime how long a job may run
 * @param keep how long a finished job stays
 * @param storedJobs finished jobs that stay; beyond it the oldest one goes
 * @param storedBytes what all jobs may take on disk; beyond it the oldest finished ones go
 * @param bodyBytes size of a request body
 * @param grace how long running jobs may go on after the server was asked to stop
 */
public record Limits(
    int batch,
    int queue,
    int perOwner,
    Duration queueTime,
    Duration jobTime,
    Duration keep,
    int storedJobs,
    long storedBytes,
    long bodyBytes,
    Duration grace) {
  /** The longest time limit, 100 years: far from where milliseconds since 1970 overflow. */
  public static final Duration LONGEST = Duration.ofDays(36_525);

  /** For one machine and a few users. */
  public static final Limits DEFAULT =
      new Limits(
          8,
          64,
          64,
          Duration.ofMinutes(10),
          Duration.ofMinutes(10),
          Duration.ofHours(24),
          1000,
          4L << 30,
          16L << 20,
          Duration.ofSeconds(10));

  public Limits {
    if (batch < 1
        || queue < 1
        || perOwner < 1
        || storedJobs < 1
        || storedBytes < 1
        || bodyBytes < 1) {
      throw badRequest(
          "limits must be above 0: got batch %d, queue %d, per key %d, kept %d jobs, %d bytes, body %d",
          batch, queue, perOwner, storedJobs, storedBytes, bodyBytes);
    }
    for (Duration duration : new Duration[] {queueTime, jobTime, keep, grace}) {
      if (duration.isNegative() || duration.compareTo(LONGEST) > 0) {
        throw badRequest("a time limit must lie between 0 and 100 years: got %s", duration);
      }
    }
  }
}
