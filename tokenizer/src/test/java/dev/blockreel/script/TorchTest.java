package dev.blockreel.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;

class TorchTest {
  @Test
  void whatIsDoneAloneHasOneThreadAndLeavesTheOthersAsTheyWere() {
    int threads = Torch.threads();
    assertThat(Torch.alone(Torch::threads)).isEqualTo(1);
    assertThat(Torch.threads()).isEqualTo(threads);
    assertThatThrownBy(
            () ->
                Torch.alone(
                    () -> {
                      throw new IllegalStateException("failed");
                    }))
        .hasMessage("failed");
    assertThat(Torch.threads()).isEqualTo(threads);
  }

  @Test
  void whoKnowsItsThreadsKeepsThemWhileAnotherIsAlone() {
    ExecutorService other = Executors.newSingleThreadExecutor();
    try {
      int threads = CompletableFuture.supplyAsync(Torch::threads, other).join();
      assertThat(
              Torch.<Integer>alone(
                  () -> CompletableFuture.supplyAsync(Torch::threads, other).join()))
          .isEqualTo(threads);
    } finally {
      other.shutdown();
    }
  }
}
