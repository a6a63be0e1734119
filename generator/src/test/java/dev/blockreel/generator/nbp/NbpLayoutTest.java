package dev.blockreel.generator.nbp;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NbpLayoutTest {
  private static final NbpConfig CONFIG = new NbpConfig(2, 2, 16, 80, 3, 20, 1, 5, true, 0);
  private static final long CONDITION = 4 + CONFIG.specialTokens();
  private static final long CODE = CONFIG.videoOffset();

  private static long[] input(int codes) {
    return new NbpLayout(CONFIG).input(new int[] {4}, IntStream.range(0, codes).toArray());
  }

  @Test
  void clipsOfOneTwoAndMoreBlocksEndBeforeTheBlockThatIsOnlyATarget() {
    assertThat(input(3)).containsExactly(CONDITION, 0, CODE, CODE + 1);
    assertThat(input(6)).containsExactly(CONDITION, 0, CODE, CODE + 1, CODE + 2, 1, 2);
    assertThat(input(9))
        .containsExactly(
            CONDITION, 0, CODE, CODE + 1, CODE + 2, 1, 2, CODE + 3, CODE + 4, CODE + 5);
  }
}
