package dev.blockreel.server.jobs;

import dev.blockreel.failure.EngineFailure;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps what jobs take on disk within the limits. For the disk thread. */
final class DiskRoom {
  private static final Logger LOG = LoggerFactory.getLogger(DiskRoom.class);

  /** What must be free on the disk for a job to be taken on: its clip wants to be stored too. */
  private static final long RESERVE = 16 << 20;

  private final Map<String, Job> jobs;
  private final JobStore store;
  private final Limits limits;

  /**
   * @param jobs all jobs, oldest first; those that are forgotten leave it
   */
  DiskRoom(Map<String, Job> jobs, JobStore store, Limits limits) {
    this.jobs = jobs;
    this.store = store;
    this.limits = limits;
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
    return (needed == 0 || waiting + needed <= limits.storedBytes())
        && store.free() >= needed + RESERVE;
  }

  /** The oldest finished jobs go, until what stays is within the limits. */
  void make() {
    List<Job> finished =
        jobs.values().stream().filter(job -> job.record().status().over()).toList();
    long bytes = finished.stream().mapToLong(this::bytes).sum();
    int count = finished.size();
    for (Job oldest : finished) {
      if (count <= limits.storedJobs() && bytes <= limits.storedBytes()) {
        return;
      }
      bytes -= bytes(oldest);
      count--;
      forgetOrWarn(oldest);
    }
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
  void forgetOrWarn(Job job) {
    try {
      forget(job);
    } catch (EngineFailure e) {
      LOG.warn("{}: {}", job.id(), e.getMessage());
    }
  }
}
