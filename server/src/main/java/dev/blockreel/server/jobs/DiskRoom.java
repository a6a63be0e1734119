package dev.blockreel.server.jobs;

import dev.blockreel.failure.EngineFailure;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps what jobs take on disk within the limits. For the disk thread. */
final class DiskRoom {
  private static final Logger LOG = LoggerFactory.getLogger(DiskRoom.class);

  /** How many jobs go in one turn of the disk thread, which new ones wait for. */
  static final int AT_ONCE = 50;

  private final Map<String, Job> jobs;
  private final JobStore store;
  private final Limits limits;
  private final Consumer<Runnable> later;
  private boolean goesOn; // disk thread only; its next turn waits already

  /**
   * @param jobs all jobs, oldest first; those that are forgotten leave it
   * @param later runs what it gets on the disk thread, after what waits for that already
   */
  DiskRoom(Map<String, Job> jobs, JobStore store, Limits limits, Consumer<Runnable> later) {
    this.jobs = jobs;
    this.store = store;
    this.limits = limits;
    this.later = later;
  }

  /**
   * Whether another job may come with {@code reference}, or null. Finished jobs make room for new
   * ones; those that wait do not.
   */
  boolean isThere(Job job, Path reference) {
    long needed = reference == null ? 0 : JobStore.size(reference);
    long waiting =
        jobs.values().stream()
            .filter(other -> other != job && other.record().request().hasReference())
            .filter(other -> !other.record().status().over())
            .mapToLong(other -> store.bytes(other.id()))
            .sum();
    return (needed == 0 || waiting + needed <= limits.storedBytes()) && store.hasRoom(needed);
  }

  /**
   * What has expired goes, and the oldest finished jobs until what stays is within the limits; a
   * few at a time.
   */
  void make() {
    long now = System.currentTimeMillis();
    List<Job> finished =
        jobs.values().stream().filter(job -> job.record().status().over()).toList();
    long bytes = finished.stream().mapToLong(this::bytes).sum();
    int gone = 0;
    for (Job oldest : finished) {
      boolean fits = finished.size() - gone <= limits.storedJobs() && bytes <= limits.storedBytes();
      if (fits && oldest.record().expiresAt() > now) {
        continue;
      }
      if (gone == AT_ONCE) {
        goOnLater();
        return;
      }
      gone++;
      bytes -= bytes(oldest);
      forgetOrWarn(oldest);
    }
  }

  private void goOnLater() {
    if (goesOn) {
      return;
    }
    goesOn = true;
    later.accept(
        () -> {
          goesOn = false;
          make();
        });
  }

  private long bytes(Job job) {
    return job.bytes(() -> store.bytes(job.id()));
  }

  /**
   * Removes a job with all that it has on disk.
   *
   * @throws EngineFailure MEDIA when something of it could not be removed
   */
  void forget(Job job) {
    jobs.remove(job.id()); // first: nobody shall find it and miss its files
    store.delete(job.id());
  }

  /** The same where nobody asked for it: what cannot be removed stays on disk. */
  private void forgetOrWarn(Job job) {
    try {
      forget(job);
    } catch (EngineFailure e) {
      LOG.warn("{}: {}", job.id(), e.getMessage());
    }
  }
}
