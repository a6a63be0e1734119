package dev.blockreel.generator.nbp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.WeightList;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention by closed prefixes is attention with the whole mask. */
class ClosedPrefixesTest {
  private static NbpConfig config(boolean hybrid, int block) {
    return new NbpConfig(2, 2, 16, 80, block, 20, hybrid ? 1 : 0, hybrid ? 5 : 0, hybrid);
  }

  @Test
  void blocksOfAHybridLayoutAreWhatCloses() {
    NbpLayout layout = new NbpLayout(config(true, 8));
    // 1 condition, 8 that see backwards only, then blocks of 8.
    assertThat(layout.closedPrefixes(33, 8)).containsExactly(8, 17, 25, 33);
    assertThat(layout.closedPrefixes(41, 9)).containsExactly(9, 25, 41);
    assertThat(layout.closedPrefixes(33, 100)).containsExactly(33);
  }

  @ParameterizedTest
  @CsvSource({"true,8,33", "true,4,41", "true,1,33", "false,8,32"})
  void theLogitsAreTheSame(boolean hybrid, int block, int length) {
    NbpConfig config = config(hybrid, block);
    NbpLayout layout = new NbpLayout(config);
    Nbp network = new Nbp(config);
    ScriptWriter whole = new ScriptWriter("Whole");
    network.writeFull(whole, Numerics.plain());
    ScriptWriter parts = new ScriptWriter("Parts");
    int[] prefixes = layout.closedPrefixes(length, 8);
    assertThat(prefixes.length).isGreaterThan(2);
    network.writeFull(parts, "", Numerics.plain(), prefixes);
    SplittableRandom random = new SplittableRandom(4);
    long[] ids = random.longs(2L * length, 0, 20).toArray();
    try (WeightList weights = WeightList.random(network.weights(), 3, Numerics.plain());
        Script one = whole.compile();
        Script many = parts.compile();
        TensorScope scope = TensorScope.open()) {
      Tensor input = scope.longs(ids, 2, length);
      Tensor mask = scope.booleans(layout.mask(length), length, length);
      float[] expected = one.call(scope, "logits", input, mask, length, weights.list()).toFloats();
      float[] got = many.call(scope, "logits", input, mask, length, weights.list()).toFloats();
      for (int i = 0; i < expected.length; i++) {
        assertThat(got[i]).isCloseTo(expected[i], within(1e-5f));
      }
    }
  }
}
