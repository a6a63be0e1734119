package dev.blockreel.generator.nbp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.PrefixAttention.Prefix;
import dev.blockreel.nn.WeightList;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention by closed prefixes is attention with the whole mask. */
class ClosedPrefixesTest {
  private static NbpConfig config(boolean hybrid, int block) {
    return new NbpConfig(2, 2, 16, 80, block, 20, hybrid ? 1 : 0, hybrid ? 5 : 0, hybrid, 0);
  }

  @Test
  void blocksOfAHybridLayoutAreWhatCloses() {
    NbpLayout layout = new NbpLayout(config(true, 8));
    // 1 condition, 8 that see backwards only, then blocks of 8.
    assertThat(layout.closedPrefixes(33, 8))
        .containsExactly(
            new Prefix(0, 8, false),
            new Prefix(8, 17, false),
            new Prefix(17, 25, true),
            new Prefix(25, 33, true));
    assertThat(layout.closedPrefixes(41, 9))
        .containsExactly(
            new Prefix(0, 9, false), new Prefix(9, 25, false), new Prefix(25, 41, false));
    assertThat(layout.closedPrefixes(33, 100)).containsExactly(new Prefix(0, 33, false));
  }

  @ParameterizedTest
  @CsvSource({"true,8,33", "true,4,41", "true,1,33", "false,8,32"})
  void theLogitsAreTheSame(boolean hybrid, int block, int length) {
    NbpConfig config = config(hybrid, block);
    List<Prefix> prefixes = new NbpLayout(config).closedPrefixes(length, 8);
    assertThat(prefixes).hasSizeGreaterThan(2);
    float[] expected = logits(config, length, Numerics.plain(), List.of());
    float[] got = logits(config, length, Numerics.plain(), prefixes);
    for (int i = 0; i < expected.length; i++) {
      assertThat(got[i]).isCloseTo(expected[i], within(1e-5f));
    }
  }

  @ParameterizedTest
  @CsvSource({"true,8,33", "false,8,32"})
  void productsInBfloat16AreAsNearToFp32AsFusedAttentionIs(boolean hybrid, int block, int length) {
    NbpConfig config = config(hybrid, block);
    List<Prefix> prefixes = new NbpLayout(config).closedPrefixes(length, 8);
    Numerics numerics = Numerics.training(Dtype.BFLOAT16);
    float[] plain = logits(config, length, Numerics.plain(), List.of());
    float[] fused = logits(config, length, numerics, List.of());
    float[] products = logits(config, length, numerics, prefixes);
    assertThat(distance(plain, products)).isLessThan(1.5 * distance(plain, fused)).isNotZero();
  }

  private static double distance(float[] one, float[] other) {
    double squares = 0;
    for (int i = 0; i < one.length; i++) {
      squares += Math.pow(one[i] - other[i], 2);
    }
    return Math.sqrt(squares);
  }

  private static float[] logits(
      NbpConfig config, int length, Numerics numerics, List<Prefix> prefixes) {
    Nbp network = new Nbp(config);
    boolean[] sees = new NbpLayout(config).mask(length);
    ScriptWriter writer = new ScriptWriter("Logits");
    network.writeFull(writer, "", numerics, prefixes);
    long[] ids = new SplittableRandom(4).longs(2L * length, 0, 20).toArray();
    try (WeightList weights = WeightList.random(network.weights(), 3, numerics);
        Script script = writer.compile();
        TensorScope scope = TensorScope.open()) {
      Tensor input = scope.longs(ids, 2, length);
      Tensor mask = scope.booleans(sees, length, length);
      return script.call(scope, "logits", input, mask, length, weights.list()).toFloats();
    }
  }
}
