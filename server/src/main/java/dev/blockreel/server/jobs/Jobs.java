package dev.blockreel.server.jobs;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.server.engine.Engine;
import dev.blockreel.server.engine.ServedModel;
import dev.blockreel.server.jobs.Refusal.Reason;
import dev.blockreel.server.operations.Measures;
import dev.blockreel.server.streams.ClipRecorder;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All jobs of this server. {@link #submit} admits or refuses at once; records are written on a
 * thread of its own, in order, so that neither the event loop nor the engine waits for the disk.
 * Another one makes the files of clips whose frames are done, while the engine makes the next.
 */
public final class Jobs implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Jobs.class);

  private final Engine engine;
  private final Map<String, ServedModel> models;
  private final Limits limits;
  private final Measures measures;
  private final JobStore store;
  private final JobIds ids;
  private final NavigableMap<String, Job> jobs = new ConcurrentSkipListMap<>(JobIds.BY_AGE);
  private final DiskRoom room;
  private final ExecutorService disk =
      Executors.newSingleThreadExecutor(task -> new Thread(task, "job-store"));
  private final ExecutorService files =
      Executors.newSingleThreadExecutor(task -> new Thread(task, "clip-files"));
  private volatile boolean stopping;
  private volatile double usualSeconds = 1;
  private int beingStored; // guarded by this
  private final Set<ImageWork> images = ConcurrentHashMap.newKeySet(); // that wait or run

  /** A page of jobs in the wanted order, and whether others follow. */
  public record Page(List<Job> jobs, boolean more) {}

  /**
   * Reads the jobs of earlier runs: those that waited wait again; those that ran are made again
   * from their seed, unless their viewer has gone with the old server.
   *
   * @param folder where jobs are kept
   * @param node name of this server in the ids of its jobs
   */
  public Jobs(
      Path folder,
      String node,
      Engine engine,
      Map<String, ServedModel> models,
      Limits limits,
      Measures measures) {
    this.engine = engine;
    this.models = models;
    this.limits = limits;
    this.measures = measures;
    this.store = new JobStore(folder);
    this.room = new DiskRoom(jobs, store, limits, this::later);
    this.ids = new JobIds(node);
    store.load().forEach(this::restore);
    disk.execute(room::make);
  }

  private void restore(JobRecord stored) {
    JobRecord record = stored;
    if (!record.status().over()) {
      boolean served = models.containsKey(record.request().model());
      record = record.restored(served, now(), now() + limits.keep().toMillis());
      store.saveWithoutMedia(record);
    }
    Job job = job(record);
    jobs.put(job.id(), job);
    if (!record.status().over()) {
      engine.submit(job);
    }
  }

  private Job job(JobRecord record) {
    return new Job(this, record, store.folder(record.id()), models.get(record.request().model()));
  }

  private static long now() {
    return System.currentTimeMillis();
  }

  /**
   * Takes a job on.
   *
   * @param reference a file that becomes the job's or is deleted, or null
   * @param session whether the job belongs to a live session
   * @return the job, also where this Idempotency-Key made it earlier, once it is on disk and waits
   *     for its turn, or a {@link Refusal} where there is no room for it there
   * @throws Refusal at once, where it is not taken on
   */
  public CompletableFuture<Accepted> submit(
      VideoRequest request,
      Path reference,
      String owner,
      Idempotency idempotency,
      boolean session) {
    Job job;
    synchronized (this) {
      try {
        Optional<Job> known = known(owner, idempotency);
        if (known.isPresent()) {
          drop(reference);
          return CompletableFuture.completedFuture(new Accepted(known.get(), false));
        }
        refuseWhereFull(owner, 1);
      } catch (Refusal e) {
        drop(reference);
        throw e;
      }
      long now = now();
      job = job(JobRecord.queued(ids.next(now), owner, idempotency, session, request, now));
      jobs.put(job.id(), job);
      beingStored++;
    }
    return CompletableFuture.supplyAsync(
            () -> {
              if (!room.isThere(job, reference)) {
                drop(reference);
                throw refusal(Reason.DISK_FULL, "there is no room on the disk for another job");
              }
              store.create(job.record(), reference);
              return new Accepted(job, true);
            },
            disk)
        .whenComplete(
            (stored, failure) -> {
              synchronized (this) {
                beingStored--;
              }
              if (failure != null) {
                jobs.remove(job.id());
                // Others may hold it by its Idempotency-Key.
                JobRecord last = job.record().failed(JobError.of(failure.getCause()), now(), now());
                job.settle(last, last);
                LOG.warn("a job could not be stored: {}", failure.getMessage());
              } else {
                engine.submit(job);
                if (job.cancelled()) {
                  withdraw(job);
                }
              }
            });
  }

  private void drop(Path reference) {
    if (reference != null) {
      later(() -> store.drop(reference));
    }
  }

  private Optional<Job> known(String owner, Idempotency idempotency) {
    if (idempotency == null) {
      return Optional.empty();
    }
    for (Job job : jobs.values()) {
      Idempotency other = job.record().idempotency();
      if (other != null
          && other.key().equals(idempotency.key())
          && job.owner().equals(owner)
          && !job.abandoned()) {
        if (!other.equals(idempotency)) {
          throw refusal(
              Reason.IDEMPOTENCY_MISMATCH,
              "this Idempotency-Key was used for a request with other fields");
        }
        return Optional.of(job);
      }
    }
    return Optional.empty();
  }

  /**
   * Takes on the images of a request, which are no jobs but count like them.
   *
   * @param works all of one owner, at least one
   * @throws Refusal where they are not taken on
   */
  public void submit(List<ImageWork> works) {
    synchronized (this) {
      refuseWhereFull(works.get(0).owner(), works.size());
      images.addAll(works);
    }
    for (ImageWork work : works) {
      work.whenOver(() -> images.remove(work));
      engine.submit(work);
    }
  }

  /** Ends an image before its next block; does nothing where it is over. */
  public void cancel(ImageWork work, RuntimeException reason) {
    work.cancel(reason);
    if (engine.withdraw(work)) {
      work.failed(reason);
    }
  }

  private void refuseWhereFull(String owner, int more) {
    if (stopping) {
      throw shuttingDown();
    }
    int waiting = queueDepth();
    if (waiting >= limits.queue() || (waiting > 0 && waiting + more > limits.queue())) {
      throw refusal(
          Reason.QUEUE_FULL, "%d jobs wait: %d are the most".formatted(waiting, limits.queue()));
    }
    long own =
        jobs.values().stream()
                .filter(job -> !job.record().status().over() && job.owner().equals(owner))
                .count()
            + images.stream().filter(work -> work.owner().equals(owner)).count();
    if (own + more > limits.perOwner()) {
      throw refusal(
          Reason.TOO_MANY_IN_FLIGHT,
          "this key has %d clips and images that wait or run: %d are the most"
              .formatted(own, limits.perOwner()));
    }
  }

  private Refusal shuttingDown() {
    return refusal(Reason.SHUTTING_DOWN, "the server is shutting down");
  }

  private Refusal refusal(Reason reason, String message) {
    int seconds = (int) Math.max(1, Math.min(120, Math.ceil(usualSeconds)));
    return new Refusal(reason, message, seconds, queueDepth());
  }

  /** How many jobs wait. */
  public synchronized int queueDepth() {
    return engine.depth() + beingStored;
  }

  /** 1 for the next one; 0 when it no longer waits. */
  public int position(Job job) {
    return engine.position(job);
  }

  /** Options that a model takes; none where it is no longer served. */
  public List<String> options(String model) {
    return models.containsKey(model) ? models.get(model).options() : List.of();
  }

  /** A job of this owner. */
  public Optional<Job> find(String id, String owner) {
    return Optional.ofNullable(jobs.get(id)).filter(job -> job.owner().equals(owner));
  }

  /**
   * Jobs of an owner in the order of their making.
   *
   * @param after id of the job that the page follows, or null for the first page
   * @param limit how many at most
   * @param descending whether the newest come first
   */
  public Page list(String owner, String after, int limit, boolean descending) {
    NavigableMap<String, Job> ordered = descending ? jobs.descendingMap() : jobs;
    Collection<Job> rest =
        after == null ? ordered.values() : ordered.tailMap(after, false).values();
    List<Job> found =
        rest.stream().filter(job -> job.owner().equals(owner)).limit(limit + 1L).toList();
    return new Page(found.subList(0, Math.min(limit, found.size())), found.size() > limit);
  }

  /** Ends a job before its next block; does nothing where it is over. */
  public void cancel(Job job, JobError reason) {
    job.stop(reason);
    withdraw(job);
  }

  private void withdraw(Job job) {
    if (engine.withdraw(job)) {
      failed(job, job.stopReason());
    }
  }

  /**
   * Cancels a job and removes its record and files; completes when they are gone.
   *
   * @throws Refusal at the end of the server, when nothing is removed any more
   */
  public CompletableFuture<Void> delete(Job job) {
    cancel(job, JobError.CANCELLED);
    try {
      return job.over().thenRunAsync(() -> room.forget(job), disk);
    } catch (RejectedExecutionException e) {
      throw shuttingDown();
    }
  }

  // The engine thread reports, and the one that writes clips:

  void began(Job job) {
    JobRecord record = job.record().begun(now());
    job.record(record);
    measures.began(job.age());
    disk.execute(() -> save(record));
  }

  void firstFrame(Job job) {
    job.record(job.record().shown(now()));
    measures.firstFrame(job.age());
  }

  void frames(int count) {
    measures.frames(count);
  }

  /** All frames exist: takes their recorder over. */
  void write(Job job, ClipRecorder recorder) {
    files.execute(
        () -> {
          try (recorder) {
            recorder.writeFiles();
          } catch (RuntimeException | Error e) {
            failed(job, job.unwritten(e));
            return;
          }
          completed(job);
        });
  }

  private void completed(Job job) {
    measures.ended();
    JobRecord record = job.record();
    usualSeconds = 0.8 * usualSeconds + 0.2 * job.runningTime().toMillis() / 1000.0;
    disk.execute(
        () -> {
          JobRecord last =
              record.completed(job.blocksTotal(), now(), now() + limits.keep().toMillis());
          try {
            store.saveWithMedia(last);
          } catch (RuntimeException | Error e) {
            fail(job, job.unwritten(e));
            return;
          }
          measures.completed(job.age());
          job.settle(last, last);
          room.make();
        });
  }

  void failed(Job job, JobError reason) {
    if (job.record().startedAt() > 0) {
      measures.ended();
    }
    disk.execute(() -> fail(job, reason));
  }

  private void fail(Job job, JobError reason) {
    measures.failed(reason.code());
    JobRecord last = job.record().failed(reason, now(), now() + limits.keep().toMillis());
    // Whoever waits is told that it failed; the next server begins it anew.
    boolean again = reason.equals(JobError.SHUTTING_DOWN) && !last.session();
    try {
      store.deleteMedia(job.id());
    } catch (EngineFailure e) {
      LOG.warn("{}: {}", job.id(), e.getMessage());
    }
    JobRecord stored = again ? last.putBack() : last;
    save(stored);
    job.settle(stored, last);
    room.make();
  }

  private void save(JobRecord record) {
    try {
      if (jobs.containsKey(record.id())) {
        store.save(record);
      }
    } catch (EngineFailure e) {
      LOG.warn("{}: {}", record.id(), e.getMessage());
    }
  }

  /** Ends what is too late and forgets what has expired; to be called each second. */
  public void sweep() {
    if (stopping) {
      return;
    }
    long now = now();
    boolean expired = false;
    for (Job job : jobs.values()) {
      JobRecord record = job.record();
      switch (record.status()) {
        case QUEUED -> {
          if (job.age().compareTo(limits.queueTime()) > 0) {
            cancel(job, JobError.WAITED_TOO_LONG);
          }
        }
        case IN_PROGRESS -> {
          if (job.runningTime().compareTo(limits.jobTime()) > 0) {
            cancel(job, JobError.RAN_TOO_LONG);
          }
        }
        case COMPLETED, FAILED -> expired |= record.expiresAt() <= now;
      }
    }
    if (expired) {
      disk.execute(room::make);
    }
    disk.execute(measures::sampleMemory);
  }

  /** Does something with files, in its turn. */
  public void later(Runnable task) {
    if (!stopping) {
      disk.execute(task);
    }
  }

  /** What is allowed. */
  public Limits limits() {
    return limits;
  }

  /**
   * Takes on nothing more and waits for what runs, {@link Limits#grace} long; what is not done then
   * ends and is begun anew by the next server, as is what waits. To be called on no event loop.
   */
  @Override
  public void close() {
    synchronized (this) {
      stopping = true;
    }
    engine.drain();
    for (ImageWork work : images) {
      if (engine.withdraw(work)) {
        work.failed(shuttingDown());
      }
    }
    CompletableFuture<?>[] running =
        Stream.concat(
                jobs.values().stream()
                    .filter(job -> job.record().status() == JobStatus.IN_PROGRESS)
                    .map(Job::over),
                images.stream().map(ImageWork::image))
            .toArray(CompletableFuture[]::new);
    try {
      CompletableFuture.allOf(running)
          .orTimeout(limits.grace().toMillis(), TimeUnit.MILLISECONDS)
          .join();
    } catch (CompletionException e) {
      LOG.info("some jobs are not done: they begin anew with the next server");
    }
    images.forEach(work -> cancel(work, shuttingDown()));
    for (Job job : jobs.values()) {
      if (!job.record().status().over()) {
        cancel(job, JobError.SHUTTING_DOWN);
      }
    }
    engine.close();
    end(files); // each hands its record to the disk
    end(disk);
  }

  private static void end(ExecutorService writer) {
    writer.shutdown();
    try {
      if (!writer.awaitTermination(30, TimeUnit.SECONDS)) {
        LOG.warn("files could not be written in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
