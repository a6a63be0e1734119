package dev.blockreel.server.engine;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.script.Torch;
import dev.blockreel.server.operations.Measures;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that generates: step after step, with what it was given to do between two of them.
 * Models take turns.
 */
final class EngineThread {
  private static final Logger LOG = LoggerFactory.getLogger(EngineThread.class);

  /** More threads than this share too little. */
  private static final int MOST = 4;

  /** Weights that several cores read at the same time without waiting for memory. */
  private static final long SMALL = 100L << 20;

  private final Engine engine;
  private final int slots;
  private final Measures measures;
  private final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
  private final Map<String, ModelRunner> runners = new LinkedHashMap<>();
  private final Set<Work> works = new LinkedHashSet<>();
  private final Thread thread;
  private final CompletableFuture<Void> ready = new CompletableFuture<>();
  private volatile int slotsTaken;
  private volatile boolean ended;

  /**
   * @param slots of each model's batch
   */
  EngineThread(Engine engine, String name, int slots, Measures measures) {
    this.engine = engine;
    this.slots = slots;
    this.measures = measures;
    this.thread = new Thread(this::run, name);
  }

  /**
   * How many threads suit these models. Steps of small models are many and short, and a processor's
   * cores wait for each other in them: there each core does better with clips of its own. Large
   * models read their weights once a step, for all clips that are in it; so does a GPU.
   */
  static int suitable(List<ModelSource> sources) {
    long weights =
        sources.stream()
            .mapToLong(source -> ModelDirectory.open(source.directory()).weightBytes())
            .max()
            .orElse(0);
    return Torch.onGpu() || weights > SMALL ? 1 : Math.min(MOST, Torch.threads());
  }

  Thread thread() {
    return thread;
  }

  /** Begins, and returns once the thread knows its share of the processor ({@link Torch#alone}). */
  void begin() {
    thread.start();
    ready.join();
  }

  /** Makes a batch of each model; it can {@link #begin} then. */
  void prepare(Map<String, Pipeline> pipelines) {
    pipelines.forEach(
        (name, pipeline) ->
            runners.put(
                name,
                new ModelRunner(
                    pipeline.batch(slots), pipeline, measures, work -> engine.left(this, work))));
  }

  /** What it has begun and is not over; guarded by the engine. */
  Set<Work> works() {
    return works;
  }

  /** Whether this work may join now; guarded by the engine. */
  boolean hasRoom(Work work) {
    if (ended) {
      return false;
    }
    int taken = 0;
    for (Work other : works) {
      taken += other.model().equals(work.model()) ? other.slots() : 0;
    }
    // What needs more than there is joins an empty batch, which then says so.
    return runners.containsKey(work.model()) && (taken + work.slots() <= slots || taken == 0);
  }

  /** Whether it does nothing any more: a fault ended it, if nobody closed the engine. */
  boolean ended() {
    return ended;
  }

  /** Slots that its work takes; guarded by the engine. */
  int load() {
    return works.stream().mapToInt(Work::slots).sum();
  }

  /** Does something between two steps. */
  void run(Runnable task) {
    tasks.add(task);
  }

  /** Slots of its batches that are not free. */
  int slotsTaken() {
    return slotsTaken;
  }

  private void run() {
    try {
      LOG.debug("{} has a share of {} threads", thread.getName(), Torch.threads());
      ready.complete(null);
      while (engine.goesOn(this)) {
        for (Work work = engine.next(this); work != null; work = engine.next(this)) {
          runners.get(work.model()).join(work);
        }
        boolean worked = false;
        for (ModelRunner runner : runners.values()) {
          worked |= runner.step();
        }
        slotsTaken = runners.values().stream().mapToInt(ModelRunner::slotsTaken).sum();
        Runnable task = worked ? tasks.poll() : tasks.take();
        for (; task != null; task = tasks.poll()) {
          task.run();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      LOG.error("an engine thread ended", e);
    } finally {
      ready.complete(null);
      ended = true;
      runners.values().forEach(ModelRunner::close);
    }
  }
}
