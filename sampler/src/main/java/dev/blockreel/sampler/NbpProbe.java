package dev.blockreel.sampler;

import static java.util.Objects.requireNonNull;

import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorList;
import dev.blockreel.script.TensorScope;
import dev.blockreel.script.Torch;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Makes an NBP generator do single steps at any place of a clip, so that they can be measured. The
 * calls are those of decoding, cache and drawing included; only the tokens mean nothing. Closed
 * before the generator; for one thread.
 */
public final class NbpProbe implements AutoCloseable {
  private final NbpGenerator generator;
  private final NbpConfig config;
  private final SamplingOptions options;
  private final TensorScope scope = TensorScope.open();
  private final Tensor cache;
  private final TensorList noMasks = new TensorList(List.of());
  private final Tensor none = scope.longs(new long[0], 0);
  private final Tensor noStrengths = scope.floats(new float[0], 1, 0, 1);
  private final SplittableRandom random = new SplittableRandom(1);
  private Tensor logits;

  /**
   * @param options how tokens are drawn
   */
  public NbpProbe(NbpGenerator generator, SamplingOptions options) {
    this.generator = generator;
    this.config = generator.description().network();
    this.options = requireNonNull(options, "options is null");
    this.cache = generator.cache(scope, 1);
    fill();
  }

  /** Memory that was never written costs nothing to read, which would flatter every step. */
  private void fill() {
    for (int past = 0; past < positions(); past += 256) {
      read(Math.min(256, positions() - past), past, 1);
    }
  }

  /** Positions of the cache. */
  public int positions() {
    return config.positions(generator.description().tokens());
  }

  /**
   * One step of decoding.
   *
   * @param tokens T, how many tokens it reads; each sees all others
   * @param past how many tokens are cached before them
   * @param drawn how many tokens it draws, from the last positions
   */
  public void step(int tokens, int past, int drawn) {
    TokenDraws draws = draws(drawn);
    try (TensorScope step = TensorScope.open()) {
      List<Tensor> made =
          generator.reading(
              tokens,
              () ->
                  generator.callForList(
                      step,
                      "next",
                      ids(step, tokens),
                      places(step, past, tokens),
                      run(tokens, past),
                      noMasks,
                      cache,
                      places(step, tokens - drawn, drawn),
                      none,
                      noStrengths,
                      step.floats(draws.values(), 1, 4, drawn),
                      draws.few(),
                      none));
      made.get(0).toLongs();
    }
  }

  /** The same without drawing: what the network alone costs. */
  public void read(int tokens, int past, int rows) {
    try (TensorScope step = TensorScope.open()) {
      Tensor made =
          generator.reading(
              tokens,
              () ->
                  generator.call(
                      step,
                      "step",
                      ids(step, tokens),
                      places(step, past, tokens),
                      run(tokens, past),
                      noMasks,
                      cache,
                      places(step, tokens - rows, rows)));
      if (Torch.onGpu()) {
        made.toFloats(); // waits for it
      }
    }
  }

  /** Drawing alone, from logits of as many rows as tokens. */
  public void draw(int tokens) {
    if (logits == null || logits.shape()[0] != tokens) {
      float[] values = new float[tokens * config.vocabulary()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (2 * random.nextGaussian());
      }
      logits = scope.floats(values, tokens, config.vocabulary());
    }
    try (TensorScope step = TensorScope.open()) {
      TokenDraws draws = draws(tokens);
      generator
          .call(step, "choose", logits, step.floats(draws.values(), 4, tokens), draws.few())
          .toLongs();
    }
  }

  /**
   * All steps of one clip.
   *
   * @param block tokens of a block; 1 is next-token decoding
   * @return how many steps there were
   */
  public int clip(int block) {
    int tokens = generator.description().tokens();
    int steps = 1;
    int past;
    int done;
    if (config.hybrid()) {
      // Condition and begin-of-video, then the first tokens one by one.
      past = config.prefixTokens();
      step(past, 0, 1);
      for (done = 1; done < config.singles(block); done++, steps++) {
        step(1, past++, 1);
      }
    } else {
      past = tokens * 2 / 5; // 5 frames out of 17 are given
      step(past, 0, block);
      done = past + block;
    }
    for (; done < tokens; done += block, steps++) {
      step(block, past, block);
      past += block;
    }
    return steps;
  }

  private Tensor ids(TensorScope step, int count) {
    return step.longs(
        random.ints(count, config.videoOffset(), config.vocabulary()).asLongStream().toArray(),
        count);
  }

  private static Tensor places(TensorScope step, int from, int count) {
    long[] places = new long[count];
    Arrays.setAll(places, i -> (long) from + i);
    return step.longs(places, count);
  }

  private static long[] run(int tokens, int past) {
    return new long[] {0, tokens, 0, 1, past, -1};
  }

  private TokenDraws draws(int count) {
    TokenDraws draws = new TokenDraws(1, count);
    for (int i = 0; i < count; i++) {
      draws.set(0, i, random.nextInt(), options);
    }
    return draws;
  }

  @Override
  public void close() {
    noMasks.close();
    scope.close();
  }
}
