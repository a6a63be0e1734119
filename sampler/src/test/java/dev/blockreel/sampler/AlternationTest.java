package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Turns of streams that make blocks and streams that make single tokens. */
class AlternationTest {
  private static final double BLOCK = 0.03;
  private static final double TOKENS = 0.01;

  private final Alternation alternation = new Alternation();

  /** A step of those whose turn it is; returns whether they were blocks. */
  private boolean step(int blocks, int tokens) {
    boolean turn = alternation.isForBlocks(blocks, tokens);
    alternation.spent(turn ? BLOCK * blocks : TOKENS, turn ? blocks : tokens);
    return turn;
  }

  @Test
  void whoIsAloneHasEveryTurn() {
    for (int i = 0; i < 200; i++) {
      assertThat(step(2, 0)).isTrue();
    }
    for (int i = 0; i < 200; i++) {
      assertThat(step(0, 2)).isFalse();
    }
  }

  @Test
  void newcomersWaitUntilAClipsBlocksAreMade() {
    assertThat(step(3, 0)).isTrue();
    for (int block = 0; block < 8; block++) {
      assertThat(step(3, 1)).isTrue();
    }
    assertThat(step(0, 4)).isFalse();
  }

  @Test
  void theFirstToReachItsBlockWaitsForThoseBehindIt() {
    assertThat(step(0, 4)).isFalse();
    for (int call = 0; call < 20; call++) {
      assertThat(step(1, 3)).isFalse();
    }
    assertThat(step(4, 0)).isTrue();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,1", "1,3", "7,1", "15,1", "1,15", "8,8"})
  void aNewcomerWaitsNoLongerThanASecond(int blocks, int tokens) {
    for (int i = 0; i < 1000; i++) {
      step(blocks, 0);
    }
    double waited = 0;
    while (step(blocks, tokens)) {
      waited += BLOCK * blocks;
    }
    assertThat(waited).isPositive().isLessThan(1 + BLOCK * blocks);
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,1", "1,3", "7,1", "8,8"})
  void timeIsSharedInProportionToStreams(int blocks, int tokens) {
    double ofBlocks = 0;
    double all = 0;
    while (all < 400) {
      boolean turn = step(blocks, tokens);
      double seconds = turn ? BLOCK * blocks : TOKENS;
      ofBlocks += turn ? seconds : 0;
      all += seconds;
    }
    assertThat(ofBlocks / all).isCloseTo((double) blocks / (blocks + tokens), within(0.02));
  }
}
