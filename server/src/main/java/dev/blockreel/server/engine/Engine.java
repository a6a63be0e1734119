package dev.blockreel.server.engine;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.sampler.GenerationBatch;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.script.Torch;
import dev.blockreel.server.operations.Measures;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The loaded models, the threads that generate with them, and what waits for these. Work is taken
 * oldest first, owners in turn, and goes to the thread that has most room; it stays there until it
 * is over. All threads share the weights; each has batches of its own, whose tensors live and die
 * on it.
 */
public final class Engine implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  private final List<ModelSource> sources;
  private final WorkQueue queue = new WorkQueue();
  private final List<EngineThread> threads;
  private final Map<String, Pipeline> pipelines = new LinkedHashMap<>(); // the loader's, then ours
  private final CompletableFuture<Map<String, ServedModel>> loaded = new CompletableFuture<>();
  private final Thread loader = new Thread(this::load, "engine-loader");
  private boolean stopping; // guarded by this

  private Engine(List<ModelSource> sources, int slots, int threads, Measures measures) {
    this.sources = List.copyOf(sources);
    int each = Math.max(1, (slots + threads - 1) / threads);
    this.threads =
        IntStream.range(0, threads)
            .mapToObj(i -> new EngineThread(this, "engine-" + i, each, measures))
            .toList();
    measures.watchQueue(queue::depth);
    measures.watchSlots(() -> this.threads.stream().mapToInt(EngineThread::slotsTaken).sum());
  }

  /**
   * Begins to load the models, on a thread of its own.
   *
   * @param slots how many clips of a model may be generated at the same time; one with guidance
   *     counts twice
   * @param threads how many generate side by side, each with its share of the slots and of the
   *     processor; 0 for what suits models of this size
   */
  public static Engine start(List<ModelSource> sources, int slots, int threads, Measures measures) {
    int some = threads > 0 ? threads : EngineThread.suitable(sources);
    Engine engine = new Engine(sources, slots, Math.max(1, Math.min(some, slots / 2)), measures);
    engine.loader.start();
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
    threads.forEach(thread -> thread.run(() -> {}));
  }

  /** The next work that this thread shall begin, or null; nobody else has more room for it. */
  synchronized Work next(EngineThread thread) {
    if (stopping) {
      return null;
    }
    Map<String, Integer> running = new HashMap<>();
    for (EngineThread each : threads) {
      each.works().forEach(work -> running.merge(work.owner(), 1, Integer::sum));
    }
    Work work = queue.take(waiting -> isRoomiest(thread, waiting), running);
    if (work != null) {
      thread.works().add(work);
      if (queue.depth() > 0) {
        wake(); // the next one may be for a thread that sleeps
      }
    }
    return work;
  }

  private boolean isRoomiest(EngineThread thread, Work work) {
    return thread.hasRoom(work)
        && threads.stream().allMatch(o -> thread.load() <= o.load() || !o.hasRoom(work));
  }

  /** Work no longer takes any room. */
  synchronized void left(EngineThread thread, Work work) {
    thread.works().remove(work);
  }

  /** Whether a thread shall go on. */
  synchronized boolean goesOn(EngineThread thread) {
    return !stopping || !thread.works().isEmpty();
  }

  /** Takes work back; false when it no longer waits: the engine then ends it at its next step. */
  public boolean withdraw(Work work) {
    return queue.remove(work);
  }

  /** 1 for the next one; 0 when it no longer waits. */
  public int position(Work work) {
    return queue.position(work);
  }

  /** Whether a fault has ended one of its threads; what it was doing has failed then. */
  public boolean impaired() {
    return threads.stream().anyMatch(EngineThread::ended);
  }

  /** Whether any work is begun and not over, or waits. */
  public synchronized boolean busy() {
    return queue.depth() > 0 || threads.stream().anyMatch(thread -> thread.load() > 0);
  }

  /** How much work waits. */
  public int depth() {
    return queue.depth();
  }

  /** Does something small and native between two steps of the thread that has least to do. */
  public <T> CompletableFuture<T> errand(Callable<T> task) {
    CompletableFuture<T> done = new CompletableFuture<>();
    Runnable errand =
        () -> {
          try {
            done.complete(task.call());
          } catch (Exception | Error e) { // of a library that cannot be loaded, say
            done.completeExceptionally(e);
          }
        };
    synchronized (this) {
      threads.stream()
          .min(Comparator.comparing(EngineThread::ended).thenComparing(EngineThread::load))
          .orElseThrow()
          .run(errand);
    }
    return done;
  }

  private void load() {
    try {
      Torch.share(threads.size());
      Map<String, ServedModel> models = new LinkedHashMap<>();
      for (ModelSource source : sources) {
        Pipeline pipeline = Pipeline.load(source.directory(), source.dtype());
        pipelines.put(source.name(), pipeline);
        warmUp(pipeline);
        models.put(source.name(), ServedModel.of(source, pipeline));
      }
      threads.forEach(thread -> thread.prepare(pipelines));
      threads.forEach(EngineThread::begin);
      loaded.complete(Collections.unmodifiableMap(models));
    } catch (RuntimeException | Error e) {
      loaded.completeExceptionally(e);
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

  /** Takes on nothing more; what runs goes on until it is over or cancelled. */
  public void drain() {
    synchronized (this) {
      stopping = true;
    }
    wake();
  }

  /**
   * Drains and waits until the threads have ended and everything native is freed. To be called on
   * no event loop.
   */
  @Override
  public void close() {
    drain();
    join(loader);
    threads.forEach(thread -> join(thread.thread()));
    pipelines.values().forEach(Pipeline::close);
    pipelines.clear();
  }

  private static void join(Thread thread) {
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
