package dev.blockreel.server.engine;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.sampler.GenerationBatch;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.server.operations.Measures;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the work of one model: all of it shares steps. For the engine thread. */
final class ModelRunner implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ModelRunner.class);

  private final Pipeline pipeline;
  private final Measures measures;
  private final GenerationBatch batch;
  private final Map<Work, Integer> running = new LinkedHashMap<>(); // and the slots each takes
  private int stepped;

  ModelRunner(Pipeline pipeline, int slots, Measures measures) {
    this.pipeline = pipeline;
    this.measures = measures;
    this.batch = pipeline.batch(slots);
  }

  /** Whether this work may join now. */
  boolean hasRoom(Work work) {
    int taken = running.values().stream().mapToInt(Integer::intValue).sum();
    // What needs more than there is joins an empty batch, which then says so.
    return taken + work.slots() <= batch.slots() || running.isEmpty();
  }

  /** Takes work on; it begins with the next step. */
  void join(Work work) {
    running.put(work, work.slots());
    try {
      CompletableFuture<?> unused =
          batch
              .submit(work.begin(pipeline), listener(work))
              .whenComplete((clips, failure) -> end(work, failure));
    } catch (RuntimeException e) {
      end(work, e);
    }
  }

  private GenerationListener listener(Work work) {
    return new GenerationListener() {
      @Override
      public void step(int done, int total) {
        stepped++;
        work.step(done, total);
      }

      @Override
      public boolean wantsPreviews() {
        return work.wantsPreview();
      }

      @Override
      public void preview(List<Clip> unfinished) {
        work.preview(unfinished.get(0));
      }

      @Override
      public void frames(List<Clip> next) {
        work.frames(next.get(0));
      }

      @Override
      public boolean cancelled() {
        return work.cancelled() || work.enough();
      }
    };
  }

  private void end(Work work, Throwable failure) {
    running.remove(work);
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    boolean enough =
        cause instanceof EngineFailure early
            && early.code() == FailureCode.CANCELLED
            && work.enough()
            && !work.cancelled();
    if (cause != null && !enough) {
      work.failed(coded(cause));
      return;
    }
    try {
      work.finished();
    } catch (RuntimeException e) {
      work.failed(coded(e));
    }
  }

  private static EngineFailure coded(Throwable cause) {
    if (cause instanceof EngineFailure failure) {
      return failure;
    }
    LOG.error("a generation failed", cause);
    return new EngineFailure(
        FailureCode.UNSUPPORTED, "a fault of the server itself: its log says more", cause);
  }

  /** Slots of the batch that are not free. */
  int slotsTaken() {
    return batch.slots() - batch.freeSlots();
  }

  Set<Work> running() {
    return running.keySet();
  }

  /** Takes all that runs a step further; false where nothing does. */
  boolean step() {
    if (running.isEmpty()) {
      return false;
    }
    stepped = 0;
    batch.step();
    if (stepped > 0) {
      measures.step(stepped);
    }
    return true;
  }

  @Override
  public void close() {
    batch.close();
    pipeline.close();
  }
}
