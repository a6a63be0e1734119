package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpLayout;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorList;
import dev.blockreel.script.TensorScope;
import dev.blockreel.script.Torch;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The fast ways to compute a step against the plain one. */
class NbpNumericsTest {
  private static final NbpConfig CONFIG = TinyModel.GENERATOR.network();
  private static final int BLOCK = CONFIG.blockSize();

  @TempDir static Path folder;

  /** Ids of two sequences, with the layout that the model is trained with. */
  private static long[] sequence(int label) {
    int[] codes = new int[TinyModel.GENERATOR.tokens()];
    Arrays.setAll(codes, i -> (7 * i + label) % CONFIG.codes());
    return new NbpLayout(CONFIG).input(new int[] {label}, codes);
  }

  /** Logits of all positions by one pass without a cache, (L,V). */
  private static float[] whole(NbpGenerator generator, long[] ids) {
    try (TensorScope scope = TensorScope.open()) {
      boolean[] mask = new NbpLayout(CONFIG).mask(ids.length);
      return generator
          .call(
              scope,
              "logits",
              scope.longs(ids, 1, ids.length),
              scope.booleans(mask, ids.length, ids.length),
              ids.length)
          .toFloats();
    }
  }

  /**
   * Logits of the last block of the sequence of label 1, with a cache: first everything before it,
   * with a mask, then the block; in a slot of its own, beside a shorter sequence in another one.
   */
  private static float[] stepped(NbpGenerator generator) {
    long[] ids = sequence(1);
    long[] other = Arrays.copyOf(sequence(2), 1 + BLOCK);
    int past = ids.length - BLOCK;
    try (TensorScope scope = TensorScope.open()) {
      var cache = generator.cache(scope, 3);
      var masks =
          List.of(
              scope.booleans(new NbpLayout(CONFIG).mask(other.length), other.length, other.length),
              scope.booleans(new NbpLayout(CONFIG).mask(past), past, past));
      long[] first = LongStream.concat(Arrays.stream(other), Arrays.stream(ids, 0, past)).toArray();
      long[] positions =
          LongStream.concat(LongStream.range(0, other.length), LongStream.range(0, past)).toArray();
      try (TensorList both = new TensorList(masks);
          TensorList none = new TensorList(List.of())) {
        generator.call(
            scope,
            "step",
            scope.longs(first, first.length),
            scope.longs(positions, first.length),
            new long[] {0, other.length, 0, 1, 0, 0, other.length, past, 2, 1, 0, 1},
            both,
            cache,
            scope.longs(new long[] {0}, 1));
        return generator
            .call(
                scope,
                "step",
                scope.longs(Arrays.copyOfRange(ids, past, ids.length), BLOCK),
                scope.longs(LongStream.range(past, ids.length).toArray(), BLOCK),
                new long[] {0, BLOCK, 2, 1, past, -1},
                none,
                cache,
                scope.longs(LongStream.range(0, BLOCK).toArray(), BLOCK))
            .toFloats();
      }
    }
  }

  /**
   * Logits of the token after the first {@code past[i]} of sequence i, (2,V): both read it in one
   * run.
   */
  private static float[] apart(
      NbpGenerator generator, BiFunction<NbpGenerator, TensorScope, Tensor> fresh, int... past) {
    long[] one = sequence(1);
    long[] two = sequence(2);
    try (TensorScope scope = TensorScope.open()) {
      Tensor cache = fresh.apply(generator, scope);
      var masks =
          Arrays.stream(past)
              .mapToObj(n -> scope.booleans(new NbpLayout(CONFIG).mask(n), n, n))
              .toList();
      int all = past[0] + past[1];
      try (TensorList both = new TensorList(masks);
          TensorList none = new TensorList(List.of())) {
        generator.call(
            scope,
            "step",
            scope.longs(
                LongStream.concat(Arrays.stream(one, 0, past[0]), Arrays.stream(two, 0, past[1]))
                    .toArray(),
                all),
            scope.longs(
                LongStream.concat(LongStream.range(0, past[0]), LongStream.range(0, past[1]))
                    .toArray(),
                all),
            new long[] {0, past[0], 1, 1, 0, 0, past[0], past[1], 2, 1, 0, 1},
            both,
            cache,
            scope.longs(new long[] {0}, 1));
        return generator
            .call(
                scope,
                "step",
                scope.longs(new long[] {one[past[0]], two[past[1]]}, 2),
                scope.longs(new long[] {past[0], past[1]}, 2),
                new long[] {0, 1, 1, 2, Math.max(past[0], past[1]), -1},
                none,
                cache,
                scope.longs(new long[] {0, 1}, 2))
            .toFloats();
      }
    }
  }

  private static Tensor asMade(NbpGenerator generator, TensorScope scope) {
    return generator.cache(scope, 3);
  }

  /** A cache of floats in memory that held no numbers before. */
  private static Tensor ofNoNumbers(NbpGenerator generator, TensorScope scope) {
    int positions = CONFIG.positions(generator.description().tokens());
    int width = CONFIG.width() / CONFIG.heads();
    long[] shape = {CONFIG.layers(), 2, 3, CONFIG.heads(), (long) positions * width};
    float[] nothing = new float[(int) Arrays.stream(shape).reduce(1, Math::multiplyExact)];
    Arrays.fill(nothing, Float.NaN);
    return scope.floats(nothing, shape);
  }

  /** Logits of the last of these ids. */
  private static float[] last(NbpGenerator generator, long[] ids) {
    float[] all = whole(generator, ids);
    return Arrays.copyOfRange(all, all.length - CONFIG.vocabulary(), all.length);
  }

  private static NbpGenerator load(Numerics numerics) {
    Path model = folder.resolve("tiny");
    if (!model.toFile().exists()) {
      TinyModel.write(model);
    }
    return NbpGenerator.load(ModelDirectory.open(model), numerics, TokenSampling::write);
  }

  @Test
  void theFastWaysAgreeWithThePlainOne() {
    float[] wanted;
    try (NbpGenerator plain = load(Numerics.plain())) {
      float[] all = whole(plain, sequence(1));
      wanted = Arrays.copyOfRange(all, all.length - BLOCK * CONFIG.vocabulary(), all.length);
      assertClose(stepped(plain), wanted, 1e-5f);
    }
    try (NbpGenerator fast = load(Numerics.inference(Dtype.FLOAT32))) {
      assertClose(stepped(fast), wanted, 1e-5f);
    }
    try (NbpGenerator fast = load(Numerics.inference(Dtype.BFLOAT16))) {
      assertClose(stepped(fast), wanted, 0.03f);
    }
  }

  @Test
  void singleTokensOfStreamsThatAreNotEquallyFarAreReadTogether() {
    float[] wanted = new float[2 * CONFIG.vocabulary()];
    try (NbpGenerator plain = load(Numerics.plain())) {
      for (int[] past : new int[][] {{2, 5}, {4, 3}}) {
        System.arraycopy(
            last(plain, Arrays.copyOf(sequence(1), past[0] + 1)), 0, wanted, 0, wanted.length / 2);
        System.arraycopy(
            last(plain, Arrays.copyOf(sequence(2), past[1] + 1)),
            0,
            wanted,
            wanted.length / 2,
            wanted.length / 2);
        assertClose(apart(plain, NbpNumericsTest::ofNoNumbers, past), wanted, 1e-5f);
        try (NbpGenerator fast = load(Numerics.inference(Dtype.FLOAT32))) {
          assertClose(apart(fast, NbpNumericsTest::ofNoNumbers, past), wanted, 1e-5f);
        }
        try (NbpGenerator fast = load(Numerics.inference(Dtype.BFLOAT16))) {
          assertClose(apart(fast, NbpNumericsTest::asMade, past), wanted, 0.03f);
        }
      }
    }
  }

  /** Logits of the token after {@code ids}, which are read one by one. */
  private static float[] oneByOne(NbpGenerator generator, long[] ids) {
    float[] last = {};
    try (TensorScope scope = TensorScope.open();
        TensorList none = new TensorList(List.of())) {
      Tensor cache = ofNoNumbers(generator, scope);
      for (int past = 0; past < ids.length; past++) {
        Tensor id = scope.longs(new long[] {ids[past]}, 1);
        Tensor position = scope.longs(new long[] {past}, 1);
        long[] run = {0, 1, 1, 1, past, -1};
        Tensor row = scope.longs(new long[] {0}, 1);
        last = generator.call(scope, "step", id, position, run, none, cache, row).toFloats();
      }
    }
    return last;
  }

  /** Blocks are read in bf16 then. */
  @Test
  void narrowNetworksReadSingleTokensInFp32() {
    assumeTrue(Torch.packsBfloat16(), "needs a processor for which oneDNN packs bf16");
    long[] ids = Arrays.copyOf(sequence(1), 5);
    try (NbpGenerator plain = load(Numerics.plain());
        NbpGenerator fast = load(Numerics.inference(Dtype.BFLOAT16))) {
      assertClose(oneByOne(fast, ids), last(plain, ids), 1e-3f);
    }
  }

  /** Where weights come from memory, few rows are read as if they were a few more. */
  @Test
  void wideNetworksReadFewTokensAsWellAsNarrowOnes() {
    NbpConfig wide =
        new NbpConfig(
            1,
            8,
            1024,
            CONFIG.contextLength(),
            BLOCK,
            CONFIG.codes(),
            CONFIG.conditionTokens(),
            CONFIG.conditionVocabulary(),
            CONFIG.hybrid(),
            0);
    NbpGenerator.Description description =
        new NbpGenerator.Description(
            NbpGenerator.KIND,
            wide,
            TinyModel.GENERATOR.time(),
            TinyModel.GENERATOR.height(),
            TinyModel.GENERATOR.width());
    Path file = folder.resolve("wide.safetensors");
    TinyModel.random(file, new Nbp(wide).weights(), 3);
    float[] wanted;
    try (TensorFile weights = Safetensors.open(file);
        NbpGenerator plain =
            NbpGenerator.load(description, weights, Numerics.plain(), TokenSampling::write)) {
      wanted = apart(plain, NbpNumericsTest::asMade, 2, 5);
      assertClose(
          Arrays.copyOf(wanted, wanted.length / 2),
          last(plain, Arrays.copyOf(sequence(1), 3)),
          1e-4f);
    }
    Numerics packed = Numerics.inference(Dtype.BFLOAT16);
    try (TensorFile weights = Safetensors.open(file);
        NbpGenerator fast = NbpGenerator.load(description, weights, packed, TokenSampling::write)) {
      assertClose(apart(fast, NbpNumericsTest::asMade, 2, 5), wanted, 0.03f);
    }
  }

  private static void assertClose(float[] made, float[] wanted, float tolerance) {
    assertThat(made).hasSameSizeAs(wanted);
    float largest = 0;
    for (float logit : wanted) {
      largest = Math.max(largest, Math.abs(logit));
    }
    assertThat(largest).isGreaterThan(1);
    for (int i = 0; i < made.length; i++) {
      assertThat(made[i]).as("logit %d", i).isCloseTo(wanted[i], within(tolerance * largest));
    }
  }
}
