package dev.blockreel.server.engine;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.sampler.GenerationBatch;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.server.operations.Measures;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs the work of one model: all of it shares steps. For its thread. */
final class ModelRunner implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ModelRunner.class);

  private final GenerationBatch batch;
  private final Pipeline pipeline;
  private final Measures measures;
  private final Consumer<Work> left;
  private final Set<Work> running = new HashSet<>();
  private final Set<Work> stepped = new HashSet<>();
  private int blocks;

  /**
   * @param left is told of work that no longer takes room, before its end is
   */
  ModelRunner(GenerationBatch batch, Pipeline pipeline, Measures measures, Consumer<Work> left) {
    this.batch = batch;
    this.pipeline = pipeline;
    this.measures = measures;
    this.left = left;
  }

  /** Takes work on; it begins with the next step. */
  void join(Work work) {
    running.add(work);
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
        stepped.add(work);
        blocks++;
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
    left.accept(work);
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
      fail(work, cause);
      return;
    }
    try {
      work.finished();
    } catch (RuntimeException e) {
      fail(work, e);
    }
  }

  private static void fail(Work work, Throwable cause) {
    if (!(cause instanceof EngineFailure)) {
      LOG.error("a generation failed", cause);
    }
    work.failed(cause);
  }

  /** Slots of the batch that are not free. */
  int slotsTaken() {
    return batch.slots() - batch.freeSlots();
  }

  /** Takes all that runs a step further; false where nothing does. */
  boolean step() {
    if (running.isEmpty()) {
      return false;
    }
    stepped.clear();
    blocks = 0;
    batch.step();
    if (blocks > 0) {
      measures.step(stepped.size(), blocks);
    }
    return true;
  }

  @Override
  public void close() {
    batch.close();
  }
}
