package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.sampler.GenerationRequest.Mode;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class TurnBatchTest {
  private final List<Long> made = new ArrayList<>();
  private final TurnBatch batch =
      new TurnBatch(2, options -> options.cfg() > 1, request -> {}, this::make);

  /** Two steps. */
  private List<GeneratedClip> make(GenerationRequest request, GenerationListener listener) {
    for (int step = 1; step <= 2; step++) {
      if (listener.cancelled()) {
        throw new IllegalStateException("cancelled at step " + step);
      }
      listener.step(step, 2);
    }
    made.add(request.seed());
    return List.of();
  }

  private static GenerationRequest request(long seed, double cfg) {
    SamplingOptions options = new SamplingOptions(1, 0, 1, cfg, true);
    return new GenerationRequest(List.of(0), seed, options, Mode.NBP, List.of());
  }

  @Test
  void eachStepMakesOneGeneration() {
    CompletableFuture<List<GeneratedClip>> first =
        batch.submit(request(1, 0), GenerationListener.NONE);
    CompletableFuture<List<GeneratedClip>> second =
        batch.submit(request(2, 0), GenerationListener.NONE);
    assertThat(batch.step()).isTrue();
    assertThat(first).isCompleted();
    assertThat(second).isNotDone();
    assertThat(batch.step()).isFalse();
    assertThat(made).containsExactly(1L, 2L);
  }

  @Test
  void aListenerThatFailsFailsItsOwnGenerationAlone() {
    CompletableFuture<List<GeneratedClip>> broken =
        batch.submit(
            request(1, 0),
            new GenerationListener() {
              @Override
              public boolean cancelled() {
                throw new IllegalStateException("broken listener");
              }
            });
    CompletableFuture<List<GeneratedClip>> other =
        batch.submit(request(2, 0), GenerationListener.NONE);
    batch.step();
    assertThat(broken).isCompletedExceptionally();
    assertThat(other).isCompleted();
  }

  @Test
  void whoeverCancelsTheResultCancelsTheGenerationWhileItIsMade() {
    List<CompletableFuture<List<GeneratedClip>>> results = new ArrayList<>();
    results.add(
        batch.submit(
            request(1, 0),
            new GenerationListener() {
              @Override
              public void step(int done, int total) {
                results.get(0).cancel(false);
              }
            }));
    batch.step();
    assertThat(results.get(0)).isCancelled();
    assertThat(made).isEmpty();
    assertThat(batch.running()).isZero();
  }

  @Test
  void onlyGuidanceTakesAnotherSlot() {
    GenerationRequest two =
        new GenerationRequest(
            List.of(0, 1), 1, new SamplingOptions(1, 0, 1, 1, true), Mode.NBP, List.of());
    assertThat(batch.slots(two)).isEqualTo(2);
    assertThat(batch.submit(two, GenerationListener.NONE)).isNotDone();
    GenerationRequest guided =
        new GenerationRequest(
            List.of(0, 1), 1, new SamplingOptions(1, 0, 1, 2, true), Mode.NBP, List.of());
    assertThatThrownBy(() -> batch.submit(guided, GenerationListener.NONE))
        .isInstanceOf(EngineFailure.class)
        .hasMessage("the request takes 4 slots: this batch has 2");
  }
}
