package dev.blockreel.sampler;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpLayout;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Decodes an NBP model with a cache of keys and values. Unconditional models: all tokens of the
 * prefix at once, then block by block. Hybrid models: the first block token by token, then block by
 * block; the step between the two feeds the last single token and P-1 middle tokens as one block.
 * With a block size of 1 that is next-token decoding.
 */
final class NbpDecoding {
  private final NbpGenerator generator;
  private final NbpConfig config;

  NbpDecoding(NbpGenerator generator) {
    this.generator = generator;
    this.config = generator.description().network();
  }

  /** What watches single steps; tests look at the logits. */
  interface StepWatcher {
    /**
     * @param raw what the network gave for the next n tokens, fp32 (B,n,V), or (2B,n,V) with
     *     guidance
     * @param guided what the tokens are chosen from, (B,n,V)
     */
    default void logits(Tensor raw, Tensor guided) {}

    /**
     * Called when the first {@code count} video tokens of every clip exist, the given ones before
     * the first step; {@code codes} holds them, one array a clip.
     */
    default void codes(int[][] codes, int count) {}
  }

  /**
   * Steps of a generation.
   *
   * @param given video tokens that are given, a multiple of the block size
   */
  int steps(GenerationRequest.Mode mode, int given) {
    int tokens = generator.description().tokens();
    int block = block(mode);
    if (!config.hybrid()) {
      return (tokens - given) / block;
    }
    return given > 0 ? (tokens - given) / block : tokens / block + block - 1;
  }

  private int block(GenerationRequest.Mode mode) {
    return mode == GenerationRequest.Mode.NTP ? 1 : config.blockSize();
  }

  /**
   * Generates the video codes of a batch.
   *
   * @param conditions condition ids of each clip without offset; empty arrays for unconditional
   *     models
   * @param given leading codes of each clip, all of one length, a multiple of the block size
   * @param request options, seed, mode; its classes and grids are not looked at
   * @return codes of each clip, the given ones included
   */
  int[][] decode(
      List<int[]> conditions,
      List<int[]> given,
      GenerationRequest request,
      GenerationListener listener,
      StepWatcher watcher) {
    int batch = conditions.size();
    int tokens = generator.description().tokens();
    int block = block(request.mode());
    SamplingOptions options = request.options();
    boolean guided = options.cfg() > 0 && config.hybrid();
    int[][] codes = new int[batch][tokens];
    SplittableRandom[] random = new SplittableRandom[batch];
    for (int b = 0; b < batch; b++) {
      System.arraycopy(given.get(b), 0, codes[b], 0, given.get(b).length);
      random[b] = new SplittableRandom(request.seed() + b);
    }
    int done = given.get(0).length;
    if (done > 0) {
      watcher.codes(codes, done);
    }
    int total = steps(request.mode(), done);
    try (TensorScope scope = TensorScope.open()) {
      Tensor cache = generator.cache(scope, guided ? 2 * batch : batch, config.positions(tokens));
      long[][] input = prefix(conditions, codes, done, block);
      int past = 0;
      for (int step = 0; step < total; step++) {
        if (listener.cancelled()) {
          throw new EngineFailure(
              FailureCode.CANCELLED,
              "the generation was cancelled at step %d of %d".formatted(step, total));
        }
        // A hybrid model's first block comes one by one; all else in blocks.
        int wanted = config.hybrid() && done < block ? 1 : block;
        int[][] chosen;
        try (TensorScope stepScope = TensorScope.open()) {
          Tensor raw = logits(stepScope, input, past, guided, cache, wanted, block);
          Tensor logits = raw;
          if (guided) {
            double strength = options.scaleCfg() ? options.cfg() * step : options.cfg();
            logits = generator.call(stepScope, "guide", raw, strength);
          }
          watcher.logits(raw, logits);
          chosen = choose(stepScope, logits, random, wanted, options);
        }
        past += input[0].length;
        for (int b = 0; b < batch; b++) {
          for (int i = 0; i < wanted; i++) {
            // Ids outside the video codes are not forbidden; as published they become the nearest
            // code.
            codes[b][done + i] =
                Math.max(0, Math.min(config.codes() - 1, chosen[b][i] - config.videoOffset()));
          }
        }
        done += wanted;
        input = next(chosen, done, block);
        listener.step(step + 1, total);
        watcher.codes(codes, done);
      }
    }
    return codes;
  }

  /** What the first step reads. */
  private long[][] prefix(List<int[]> conditions, int[][] codes, int given, int block) {
    long[][] input = new long[codes.length][];
    for (int b = 0; b < codes.length; b++) {
      List<Long> ids = new ArrayList<>();
      for (int c : conditions.get(b)) {
        ids.add((long) c + config.specialTokens());
      }
      if (config.hybrid()) {
        ids.add(0L);
      }
      for (int i = 0; i < given; i++) {
        if (config.hybrid() && i == block) {
          addMiddle(ids, block);
        }
        ids.add((long) codes[b][i] + config.videoOffset());
      }
      if (config.hybrid() && given == block) {
        addMiddle(ids, block);
      }
      input[b] = ids.stream().mapToLong(Long::longValue).toArray();
    }
    return input;
  }

  private static void addMiddle(List<Long> ids, int block) {
    for (long middle = 1; middle < block; middle++) {
      ids.add(middle);
    }
  }

  /**
   * What the step after {@code chosen} reads: those tokens, and after the first block the middle
   * tokens.
   */
  private long[][] next(int[][] chosen, int done, int block) {
    long[][] input = new long[chosen.length][];
    for (int b = 0; b < chosen.length; b++) {
      int middle = config.hybrid() && done == block ? block - 1 : 0;
      long[] ids = new long[chosen[b].length + middle];
      for (int i = 0; i < chosen[b].length; i++) {
        ids[i] = chosen[b][i];
      }
      for (int i = 0; i < middle; i++) {
        ids[chosen[b].length + i] = i + 1;
      }
      input[b] = ids;
    }
    return input;
  }

  private Tensor logits(
      TensorScope scope,
      long[][] input,
      int past,
      boolean guided,
      Tensor cache,
      int wanted,
      int block) {
    int length = input[0].length;
    long[] flat = Arrays.stream(input).flatMapToLong(Arrays::stream).toArray();
    Tensor ids = scope.longs(flat, input.length, length);
    if (past == 0) {
      Tensor mask = scope.booleans(new NbpLayout(config, block).mask(length), length, length);
      return generator.call(scope, "start", ids, guided, mask, cache, wanted);
    }
    return generator.call(scope, "step", ids, guided, past, cache, wanted);
  }

  private int[][] choose(
      TensorScope scope,
      Tensor logits,
      SplittableRandom[] random,
      int wanted,
      SamplingOptions options) {
    float[] uniforms = new float[random.length * wanted];
    for (int i = 0; i < uniforms.length; i++) {
      // 24 bits, so that no float rounds up to 1.
      uniforms[i] = (random[i / wanted].nextInt() >>> 8) * 0x1p-24f;
    }
    Tensor draws = scope.floats(uniforms, random.length, wanted);
    long[] ids =
        generator
            .call(
                scope,
                "choose",
                logits,
                draws,
                options.temperature(),
                options.topK(),
                options.topP())
            .toLongs();
    int[][] chosen = new int[random.length][wanted];
    for (int i = 0; i < ids.length; i++) {
      chosen[i / wanted][i % wanted] = Math.toIntExact(ids[i]);
    }
    return chosen;
  }
}
