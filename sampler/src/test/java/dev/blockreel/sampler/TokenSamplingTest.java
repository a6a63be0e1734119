package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorList;
import dev.blockreel.script.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Drawing tokens: without sorting against sorting, and both against what the options mean. */
class TokenSamplingTest {
  private static Script script;
  private static TensorList noWeights;

  @BeforeAll
  static void compile() {
    ScriptWriter writer = new ScriptWriter("Sampling");
    // Stands in for the network, which drawing tokens does not need.
    writer.method(
        "step",
        m -> {
          var ids = m.tensor("ids");
          m.tensor("positions");
          m.integers("runs");
          m.tensors("masks");
          m.tensor("cache");
          m.tensor("rows");
          m.tensors("w");
          m.returns(ids);
        });
    TokenSampling.write(writer);
    script = writer.compile();
    noWeights = new TensorList(List.of());
  }

  @AfterAll
  static void close() {
    noWeights.close();
    script.close();
  }

  /** A row of logits with its options and one uniform number. */
  private record Row(float[] logits, float uniform, float temperature, int topK, float topP) {}

  private static long[] draw(String method, List<Row> rows) {
    int count = rows.size();
    int vocabulary = rows.get(0).logits.length;
    float[] logits = new float[count * vocabulary];
    TokenDraws draws = new TokenDraws(1, count);
    for (int i = 0; i < count; i++) {
      Row row = rows.get(i);
      System.arraycopy(row.logits, 0, logits, i * vocabulary, vocabulary);
      draws.set(0, i, row.uniform, row.temperature, row.topK, row.topP);
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor wanted = scope.floats(logits, count, vocabulary);
      Tensor how = scope.floats(draws.values(), 4, count);
      Tensor made =
          method.equals("choose")
              ? script.call(scope, method, wanted, how, draws.few(), noWeights)
              : script.call(scope, method, wanted, how, noWeights);
      return made.toLongs();
    }
  }

  private static float[] logits(int vocabulary, IntToDoubleFunction value) {
    float[] logits = new float[vocabulary];
    for (int i = 0; i < vocabulary; i++) {
      logits[i] = (float) value.applyAsDouble(i);
    }
    return logits;
  }

  /** Rounds to the 8 significant bits of bf16, as the head of a network does: many ties. */
  private static double bfloat16(double value) {
    return Float.intBitsToFloat(Float.floatToIntBits((float) value) & 0xffff0000);
  }

  private static List<float[]> adversaries(int vocabulary) {
    SplittableRandom random = new SplittableRandom(vocabulary);
    float infinity = Float.NEGATIVE_INFINITY;
    return List.of(
        logits(vocabulary, i -> random.nextGaussian()),
        logits(vocabulary, i -> 8 * random.nextGaussian()),
        logits(vocabulary, i -> bfloat16(3 * random.nextGaussian())),
        logits(vocabulary, i -> bfloat16(0.02 * random.nextGaussian())),
        logits(vocabulary, i -> 1.5), // flat
        logits(vocabulary, i -> i == 7 ? 50 : 0), // one-hot over a flat rest
        logits(vocabulary, i -> i == 7 ? 1e30 : -1e30),
        logits(vocabulary, i -> i == 7 ? 0 : infinity),
        logits(vocabulary, i -> i % 3 == 0 ? random.nextGaussian() : infinity),
        logits(vocabulary, i -> i % 2), // two values
        logits(vocabulary, i -> Math.min(3, i)), // a large tie at the top
        logits(vocabulary, i -> i / 7), // ties of seven, rising
        logits(vocabulary, i -> -0.01 * i * i), // deeper than a float's exponent
        logits(vocabulary, i -> -0.5 * i));
  }

  @ParameterizedTest
  @ValueSource(ints = {10, 333, 1999})
  void drawingWithoutSortingGivesTheSameTokens(int vocabulary) {
    float almostOne = 1 - 0x1p-24f;
    List<Row> rows = new ArrayList<>();
    for (float[] logits : adversaries(vocabulary)) {
      for (float temperature : new float[] {1, 0.8f, 1e-3f, 30, Float.MIN_NORMAL}) {
        for (int topK : new int[] {0, 1, 9, 128, 1250, vocabulary, 16_000}) {
          for (float topP : new float[] {0, 0.1f, 0.9f, 0.999999f, 1}) {
            rows.add(new Row(logits, (rows.size() % 97) / 97f, temperature, topK, topP));
            rows.add(new Row(logits, rows.size() % 4 < 2 ? 0 : almostOne, temperature, topK, topP));
          }
        }
      }
    }
    // In batches as well as alone: rows of one call must not disturb each other.
    compareWithSorting(rows, 16);
    compareWithSorting(rows, 1);
    // Where no row keeps many tokens, none but those that may stay are looked at.
    compareWithSorting(rows.stream().filter(row -> row.topK > 0 && row.topK <= 128).toList(), 64);
  }

  private static void compareWithSorting(List<Row> rows, int together) {
    for (int from = 0; from < rows.size(); from += together) {
      List<Row> some = rows.subList(from, Math.min(rows.size(), from + together));
      long[] plain = draw("chooseBySorting", some);
      assertThat(draw("choose", some)).as("rows from %d", from).isEqualTo(plain);
      assertThat(draw("choose", some.subList(0, 1))[0]).isEqualTo(plain[0]);
    }
  }

  @Test
  void everyTokenComesAsOftenAsItsFilteredProbabilitySays() {
    SplittableRandom random = new SplittableRandom(3);
    float[] logits = logits(40, i -> bfloat16(2 * random.nextGaussian()));
    int draws = 400;
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < draws; i++) {
      rows.add(new Row(logits, (i + 0.5f) / draws, 0.7f, 20, 0.9f));
    }
    double[] share = new double[40];
    for (long id : draw("choose", rows)) {
      share[(int) id] += 1.0 / draws;
    }
    try (TensorScope scope = TensorScope.open()) {
      float[] probabilities =
          script
              .call(
                  scope,
                  "filtered",
                  scope.floats(logits, 1, 40),
                  scope.floats(new float[] {0, 0.7f, 20, 0.9f}, 4, 1),
                  noWeights)
              .toFloats();
      for (int id = 0; id < 40; id++) {
        assertThat(Math.abs(share[id] - probabilities[id])).isLessThan(1.5 / draws);
      }
    }
  }

  @Test
  void topPOfZeroTakesTheFirstOfTheLikeliest() {
    float[] logits = {1, 3, 3, 2};
    assertThat(draw("choose", List.of(new Row(logits, 0.99f, 1, 0, 0)))).containsExactly(1);
  }

  @Test
  void theTokenThatCrossesTopPStaysAndTiesWithTheLastOfTopKToo() {
    float[] logits = {1, 2, 3, 4};
    List<Row> topP = new ArrayList<>();
    List<Row> ties = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      topP.add(new Row(logits, i / 100f, 1, 3, 0.7f));
      ties.add(new Row(new float[] {5, 1, 5, 5, 0}, i / 100f, 1, 2, 1));
    }
    assertThat(draw("choose", topP)).containsOnly(2, 3).contains(2, 3);
    assertThat(draw("choose", ties)).containsOnly(0, 2, 3).contains(0, 2, 3);
  }
}
