package dev.blockreel.server.jobs;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.server.engine.ServedModel;
import dev.blockreel.server.engine.Work;
import dev.blockreel.server.streams.ClipRecorder;
import dev.blockreel.server.streams.LiveClip;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One clip from its acceptance to its end. Any thread may read its state; one engine thread alone
 * moves it on, until all frames exist.
 */
public final class Job implements Work {
  private static final Logger LOG = LoggerFactory.getLogger(Job.class);

  /** Between two tellings of steps; of frames and states all are told. */
  private static final long STEP_NANOS = 50_000_000;

  private final Jobs jobs;
  private final Path folder;
  private final CompletableFuture<JobRecord> over = new CompletableFuture<>();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private final AtomicInteger callers = new AtomicInteger();
  private final long comeNanos = System.nanoTime();
  private volatile JobRecord record;
  private volatile LiveClip live = new LiveClip();
  private volatile JobError stopReason;
  private volatile int blocksDone;
  private volatile int blocksTotal;
  private volatile int framesDone;
  private volatile long begunNanos;
  private long toldNanos = System.nanoTime() - STEP_NANOS; // engine thread only
  private JobError unusable; // engine thread only; why its reference is
  private ClipRecorder recorder; // engine thread only, until its files are to be written
  private long bytes = -1; // disk thread only

  /**
   * @param model what makes it, or null where that is no longer served
   */
  Job(Jobs jobs, JobRecord record, Path folder, ServedModel model) {
    this.jobs = jobs;
    this.record = record;
    this.folder = folder;
    this.blocksTotal =
        record.blocks() > 0 || model == null
            ? record.blocks()
            : model.steps().applyAsInt(GivenFrames.none(record.request()));
    if (record.status().over()) {
      live = null;
      framesDone = record.status() == JobStatus.COMPLETED ? record.request().frames() : 0;
      blocksDone = record.status() == JobStatus.COMPLETED ? blocksTotal : 0;
      over.complete(record);
    }
  }

  /** How long it has been here, whatever the clock was set to; before a restart does not count. */
  Duration age() {
    return Duration.ofNanos(System.nanoTime() - comeNanos);
  }

  /** How long ago it was begun, which it must have been. */
  Duration runningTime() {
    return Duration.ofNanos(System.nanoTime() - begunNanos);
  }

  /** What is known and stored about it. */
  public JobRecord record() {
    return record;
  }

  /** Its name. */
  public String id() {
    return record.id();
  }

  /** Its live streams; empty once it is over: viewers then read its files. */
  public Optional<LiveClip> live() {
    return Optional.ofNullable(live);
  }

  /** A file of a completed job, by its name in {@link ClipRecorder}. */
  public Path file(String name) {
    return folder.resolve(name);
  }

  /** Steps that are done. */
  public int blocksDone() {
    return blocksDone;
  }

  /** Steps of the whole. */
  public int blocksTotal() {
    return blocksTotal;
  }

  /** Frames that viewers can see. */
  public int framesDone() {
    return framesDone;
  }

  /** Blocks done of all, in percent; 100 only when completed. */
  public int progress() {
    if (record.status() == JobStatus.COMPLETED) {
      return 100;
    }
    return blocksTotal == 0 ? 0 : Math.min(99, 100 * blocksDone / blocksTotal);
  }

  /**
   * Completes with how it ended here, when that is on disk. It may be queued again then, for the
   * next server.
   */
  public CompletableFuture<JobRecord> over() {
    return over;
  }

  /**
   * Calls {@code listener} after each change of state or progress, on the thread that made it: it
   * must be quick.
   *
   * @return ends it
   */
  public Runnable listen(Runnable listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }

  /** What it takes on disk; looked at once, when it is over. */
  long bytes(LongSupplier look) {
    if (bytes < 0) {
      bytes = look.getAsLong();
    }
    return bytes;
  }

  private void tell() {
    listeners.forEach(Runnable::run);
  }

  /** Sets the reason why it shall end early; the first one counts. */
  synchronized void stop(JobError reason) {
    if (stopReason == null) {
      stopReason = reason;
    }
  }

  JobError stopReason() {
    return stopReason;
  }

  /** Whether nobody gets its clip any more: its viewer has gone, or it failed before him. */
  boolean abandoned() {
    return record.session() && (stopReason != null || record.status() == JobStatus.FAILED);
  }

  /** Somebody waits for its end, until he {@linkplain #leave leaves}. */
  public void join() {
    callers.incrementAndGet();
  }

  /**
   * One of those who {@linkplain #join waited} does so no more.
   *
   * @return whether he was the last one
   */
  public boolean leave() {
    return callers.decrementAndGet() == 0;
  }

  void record(JobRecord next) {
    record = next;
    tell();
  }

  /**
   * Nothing changes any more.
   *
   * @param stored what is on disk now
   * @param outcome what those who wait are told
   */
  void settle(JobRecord stored, JobRecord outcome) {
    record = stored;
    if (stored.status() == JobStatus.COMPLETED) {
      blocksDone = blocksTotal;
    }
    LiveClip streams = live;
    live = null;
    if (streams != null) {
      streams.end();
    }
    over.complete(outcome);
    tell();
    listeners.clear();
  }

  @Override
  public String model() {
    return record.request().model();
  }

  @Override
  public String owner() {
    return record.owner();
  }

  @Override
  public int slots() {
    return record.request().options().cfg() > 0 ? 2 : 1;
  }

  @Override
  public GenerationRequest begin(Pipeline pipeline) {
    begunNanos = System.nanoTime();
    jobs.began(this);
    VideoRequest request = record.request();
    GenerationRequest asked =
        request.hasReference() ? continuing(pipeline) : GivenFrames.none(request);
    blocksTotal = pipeline.steps(asked);
    // Viewers hear that it has begun by the recorder's streams.
    recorder = new ClipRecorder(live, folder, request.width(), request.height(), request.fps());
    return asked;
  }

  private GenerationRequest continuing(Pipeline pipeline) {
    try {
      return GivenFrames.continuing(record.request(), folder.resolve(JobStore.REFERENCE), pipeline);
    } catch (EngineFailure e) {
      if (e.code() == FailureCode.MEDIA) {
        unusable = JobError.unusable(e);
        LOG.info("{}: its reference: {}", id(), String.valueOf(e.getCause()));
      }
      throw e;
    }
  }

  @Override
  public void step(int done, int total) {
    blocksDone = done;
    blocksTotal = total;
    recorder.catchUp();
    // Single tokens come faster than anybody can look, and each message costs.
    long now = System.nanoTime();
    if (now - toldNanos >= STEP_NANOS) {
      toldNanos = now;
      tell();
    }
  }

  @Override
  public void frames(Clip next) {
    int wanted = record.request().frames() - framesDone;
    if (wanted <= 0) {
      return;
    }
    recorder.add(next.frames() <= wanted ? next : next.slice(0, wanted));
    if (framesDone == 0) {
      jobs.firstFrame(this);
    }
    framesDone = recorder.frames();
    jobs.frames(Math.min(wanted, next.frames()));
    tell();
  }

  @Override
  public boolean cancelled() {
    return stopReason != null;
  }

  @Override
  public boolean enough() {
    return framesDone >= record.request().frames();
  }

  @Override
  public void finished() {
    recorder.endStreams();
    jobs.write(this, recorder);
    recorder = null;
  }

  @Override
  public void failed(Throwable cause) {
    release();
    JobError reason = stopReason;
    boolean cancelled =
        cause instanceof EngineFailure failure && failure.code() == FailureCode.CANCELLED;
    if (!cancelled || reason == null) {
      LOG.warn("{} failed: {}", id(), cause.getMessage());
      reason = unusable == null ? told(cause) : unusable;
    }
    jobs.failed(this, reason);
  }

  /** Logs why its files or its record cannot be written, and gives the reason for others. */
  JobError unwritten(Throwable cause) {
    if (cause instanceof EngineFailure) {
      LOG.warn("{}: {}", id(), cause.getMessage());
    } else {
      LOG.error("{} could not be written", id(), cause);
    }
    return told(cause);
  }

  private JobError told(Throwable cause) {
    return JobError.of(DiskSpace.refusedOr(folder, cause));
  }

  private void release() {
    if (recorder != null) {
      recorder.close();
      recorder = null;
    }
  }
}
