package dev.blockreel.server.engine;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.server.operations.Measures;
import java.util.ArrayList;
import java.util.List;

/** Runs the work of one model. For the engine thread. */
final class ModelRunner implements AutoCloseable {
  private final Pipeline pipeline;
  private final Measures measures;
  private final List<Work> running = new ArrayList<>();

  ModelRunner(Pipeline pipeline, Measures measures) {
    this.pipeline = pipeline;
    this.measures = measures;
  }

  /** Whether one more work may join. */
  boolean hasRoom() {
    return running.isEmpty();
  }

  /** Takes work on. */
  void join(Work work) {
    running.add(work);
  }

  List<Work> running() {
    return running;
  }

  /** Goes on with what is running; false where there is nothing. */
  boolean step() {
    if (running.isEmpty()) {
      return false;
    }
    Work work = running.get(0);
    try {
      generate(work);
      work.finished();
    } catch (EngineFailure e) {
      if (e.code() == FailureCode.CANCELLED && work.enough() && !work.cancelled()) {
        work.finished();
      } else {
        work.failed(e);
      }
    } finally {
      running.remove(work);
    }
    return true;
  }

  private void generate(Work work) {
    GenerationRequest request = work.begin(pipeline);
    pipeline.generate(
        request,
        new GenerationListener() {
          @Override
          public void step(int done, int total) {
            measures.step(1);
            work.step(done, total);
          }

          @Override
          public void frames(List<Clip> next) {
            work.frames(next.get(0));
          }

          @Override
          public boolean cancelled() {
            return work.cancelled() || work.enough();
          }
        });
  }

  @Override
  public void close() {
    pipeline.close();
  }
}
