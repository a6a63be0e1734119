package dev.blockreel.server.engine;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.sampler.GenerationBatch;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.server.operations.Measures;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine thread and what waits for it. Work is taken oldest first, owners in turn; models take
 * turns too. All tensors live and die on this thread.
 */
public final class Engine implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  private final List<ModelSource> sources;
  private final int slots;
  private final Measures measures;
  private final WorkQueue queue = new WorkQueue();
  private final BlockingQueue<Runnable> errands = new LinkedBlockingQueue<>();
  private final Map<String, ModelRunner> runners = new LinkedHashMap<>();
  private final CompletableFuture<Map<String, ServedModel>> loaded = new CompletableFuture<>();
  private final Thread thread = new Thread(this::run, "engine");
  private volatile boolean stopping;

  private Engine(List<ModelSource> sources, int slots, Measures measures) {
    this.sources = List.copyOf(sources);
    this.slots = slots;
    this.measures = measures;
    measures.watchQueue(queue::depth);
  }

  /**
   * Starts the thread, which begins to load the models.
   *
   * @param slots how many clips of a model may be generated at the same time; one with guidance
   *     counts twice
   */
  public static Engine start(List<ModelSource> sources, int slots, Measures measures) {
    Engine engine = new Engine(sources, slots, measures);
    engine.thread.start();
    return engine;
  }

  /** All models by name, in the given order, once they are loaded and warm; or why they are not. */
  public CompletableFuture<Map<String, ServedModel>> loaded() {
    return loaded;
  }

  /** Lets work wait for its turn. */
  public void submit(Work work) {
    queue.add(work);
    wake();
  }

  private void wake() {
    errands.add(() -> {});
  }

  /** Takes work back; false when it no longer waits: the engine then ends it at its next step. */
  public boolean withdraw(Work work) {
    return queue.remove(work);
  }

  /** 1 for the next one; 0 when it no longer waits. */
  public int position(Work work) {
    return queue.position(work);
  }

  /** How much work waits. */
  public int depth() {
    return queue.depth();
  }

  /** Does something small and native between two steps. */
  public <T> CompletableFuture<T> errand(Callable<T> task) {
    CompletableFuture<T> done = new CompletableFuture<>();
    errands.add(
        () -> {
          try {
            done.complete(task.call());
          } catch (Exception e) {
            done.completeExceptionally(e);
          }
        });
    return done;
  }

  private void run() {
    try {
      load();
      while (!stopping || !idle()) {
        admit();
        boolean worked = false;
        for (ModelRunner runner : runners.values()) {
          worked |= runner.step();
        }
        measures.slotsTaken(runners.values().stream().mapToInt(ModelRunner::slotsTaken).sum());
        Runnable errand = worked || stopping ? errands.poll() : errands.take();
        for (; errand != null; errand = errands.poll()) {
          errand.run();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      LOG.error("the engine thread ended", e);
      loaded.completeExceptionally(e);
    } finally {
      runners.values().forEach(ModelRunner::close);
    }
  }

  private void load() {
    try {
      Map<String, ServedModel> models = new LinkedHashMap<>();
      for (ModelSource source : sources) {
        Pipeline pipeline = Pipeline.load(source.directory(), source.dtype());
        warmUp(pipeline);
        runners.put(source.name(), new ModelRunner(pipeline, slots, measures));
        models.put(source.name(), ServedModel.of(source, pipeline));
      }
      loaded.complete(Collections.unmodifiableMap(models));
    } catch (RuntimeException e) {
      loaded.completeExceptionally(e);
      stopping = true;
    }
  }

  /**
   * The first steps compile: those of a clip alone, then those that two clips share. Models that
   * need frames to go on from are left cold.
   */
  private static void warmUp(Pipeline pipeline) {
    GenerationRequest request =
        new GenerationRequest(
            List.of(0), 1, pipeline.defaults(), GenerationRequest.Mode.NBP, List.of());
    try (GenerationBatch batch = pipeline.batch(4)) {
      for (int together = 1; together <= 2; together++) {
        for (int i = 0; i < together; i++) {
          CompletableFuture<?> unused = batch.submit(request, GenerationListener.NONE);
        }
        boolean more = true;
        while (more) {
          more = batch.step();
        }
      }
    } catch (EngineFailure e) {
      LOG.info("no warm-up: {}", e.getMessage());
    }
  }

  private boolean idle() {
    return runners.values().stream().allMatch(runner -> runner.running().isEmpty());
  }

  private void admit() {
    if (stopping) {
      return;
    }
    Map<String, Integer> running = new HashMap<>();
    runners
        .values()
        .forEach(
            runner ->
                runner.running().forEach(work -> running.merge(work.owner(), 1, Integer::sum)));
    while (true) {
      Work work =
          queue.take(
              waiting ->
                  runners.containsKey(waiting.model())
                      && runners.get(waiting.model()).hasRoom(waiting),
              running);
      if (work == null) {
        return;
      }
      running.merge(work.owner(), 1, Integer::sum);
      runners.get(work.model()).join(work);
    }
  }

  /** Takes on nothing more; what runs goes on until it is over or cancelled. */
  public void drain() {
    stopping = true;
    wake();
  }

  /**
   * Drains and waits until the thread has ended and everything native is freed. To be called on no
   * event loop.
   */
  @Override
  public void close() {
    drain();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
