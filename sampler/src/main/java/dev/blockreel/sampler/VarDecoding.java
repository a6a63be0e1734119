package dev.blockreel.sampler;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.var.VarConfig;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.grid.TokenScales;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.tokenizer.vq.ScaleStream;
import dev.blockreel.tokenizer.vq.VqConfig;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Decodes a VAR model scale by scale with a cache of keys and values: the class alone predicts the
 * first token map; each map adds to the feature map, whose shrunk copy is the hint for the next
 * one.
 */
final class VarDecoding {
  private final VarGenerator generator;
  private final VqTokenizer tokenizer;
  private final VarConfig config;

  /**
   * @throws EngineFailure CHECKPOINT_MISMATCH when the two halves are not of one model
   */
  VarDecoding(VarGenerator generator, VqTokenizer tokenizer) {
    this.generator = generator;
    this.tokenizer = tokenizer;
    this.config = generator.description().network();
    VqConfig codes = tokenizer.description().network();
    if (config.channels() != codes.channels()
        || config.codes() != codes.codes()
        || !config.scales().equals(codes.scales())) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "the generator is for %d codes of %d channels at scales %s, the tokenizer has %d of %d at %s"
              .formatted(
                  config.codes(),
                  config.channels(),
                  config.scales(),
                  codes.codes(),
                  codes.channels(),
                  codes.scales()));
    }
  }

  /** What watches single scales; tests look at the logits. */
  interface ScaleWatcher {
    /**
     * @param logits what the tokens of the next scale are chosen from, fp32, (B·n,V)
     */
    default void logits(Tensor logits) {}

    /**
     * Called when the token maps of another scale exist.
     *
     * @param tokens of every image, the scales so far
     * @param images the same as feature maps, which decode to whole images
     */
    default void scale(List<TokenScales> tokens, ScaleStream images) {}
  }

  /** Whether generating with these options needs the logits without a class too. */
  static boolean guided(SamplingOptions options) {
    return options.cfg() > 0;
  }

  /** Scales, each of which is a step. */
  int steps() {
    return config.scales().size();
  }

  /**
   * Generates a batch of images.
   *
   * @param labels class number of each image
   * @param request options and seed; nothing else of it is looked at
   */
  List<TokenScales> decode(
      List<Integer> labels,
      GenerationRequest request,
      GenerationListener listener,
      ScaleWatcher watcher) {
    SamplingOptions options = request.options();
    boolean guided = guided(options);
    int batch = labels.size();
    SplittableRandom[] random = new SplittableRandom[batch];
    for (int b = 0; b < batch; b++) {
      random[b] = new SplittableRandom(request.seed() + b);
    }
    int[][] codes = new int[batch][config.tokens()];
    List<TokenScales> tokens = new ArrayList<>();
    try (TensorScope scope = TensorScope.open();
        ScaleStream images = tokenizer.stream(batch)) {
      Tensor vectors = generator.call(scope, "classVectors", labels(scope, labels, guided));
      Tensor modulations = generator.call(scope, "modulations", vectors);
      Tensor cache = generator.cache(scope, guided ? 2 * batch : batch);
      for (int scale = 0; scale < steps(); scale++) {
        if (listener.cancelled()) {
          throw new EngineFailure(
              FailureCode.CANCELLED,
              "the generation was cancelled at scale %d of %d".formatted(scale, steps()));
        }
        int past = config.firstToken(scale);
        try (TensorScope step = TensorScope.open()) {
          Tensor raw =
              scale == 0
                  ? generator.call(step, "first", vectors, modulations, cache)
                  : generator.call(
                      step, "next", images.hint(step), scale, past, vectors, modulations, cache);
          int side = config.scales().get(scale);
          Tensor logits = guide(step, raw, guided ? strength(options, scale) : 0, batch);
          watcher.logits(logits);
          Tensor ids = choose(step, logits, random, options);
          images.push(ids);
          int[] chosen = ids.toInts();
          for (int b = 0; b < batch; b++) {
            System.arraycopy(chosen, b * side * side, codes[b], past, side * side);
          }
        }
        listener.step(scale + 1, steps());
        tokens.clear();
        for (int[] image : codes) {
          tokens.add(TokenScales.of(image, config.scales().subList(0, scale + 1)));
        }
        watcher.scale(List.copyOf(tokens), images);
      }
    }
    return List.copyOf(tokens);
  }

  /** With guidance the same images again, of no class. */
  private Tensor labels(TensorScope scope, List<Integer> labels, boolean guided) {
    List<Integer> all = new ArrayList<>(labels);
    if (guided) {
      labels.forEach(label -> all.add(config.noClass()));
    }
    return scope.longs(all.stream().mapToLong(label -> label).toArray(), all.size());
  }

  /** As published: nothing at the first scale, all at the last. */
  private double strength(SamplingOptions options, int scale) {
    return options.scaleCfg() && steps() > 1
        ? options.cfg() * scale / (steps() - 1)
        : options.cfg();
  }

  /**
   * Logits (R,V) of all places of the images, a row each, out of those of the network, (B,n,V), or
   * (2B,n,V) with guidance.
   */
  private Tensor guide(TensorScope scope, Tensor raw, double strength, int batch) {
    int copies = (int) raw.shape()[0];
    int rows = batch * (int) raw.shape()[1];
    int guided = copies > batch ? rows : 0;
    float[] strengths = new float[guided];
    Arrays.fill(strengths, (float) strength);
    return generator.call(
        scope,
        "guide",
        generator.call(scope, "rows", raw),
        scope.longs(IntStream.range(0, guided).toArray(), guided),
        scope.floats(strengths, guided, 1));
  }

  /** Ids (B,n): one uniform number a token, from the random source of its image. */
  private Tensor choose(
      TensorScope scope, Tensor logits, SplittableRandom[] random, SamplingOptions options) {
    int rows = (int) logits.shape()[0];
    int places = rows / random.length;
    TokenDraws draws = new TokenDraws(1, rows);
    for (int i = 0; i < rows; i++) {
      draws.set(0, i, random[i / places].nextInt(), options);
    }
    Tensor ids =
        generator.call(scope, "choose", logits, scope.floats(draws.values(), 4, rows), draws.few());
    return generator.call(scope, "maps", ids, random.length);
  }

  /** What the script of the generator needs beside the network. */
  static void write(ScriptWriter script) {
    TokenSampling.writeChoice(script);
    script.method(
        "rows",
        m -> {
          Sym logits = m.tensor("logits");
          m.tensors("w");
          m.returns(logits.reshape(-1, logits.size(2)));
        });
    script.method(
        "maps",
        m -> {
          Sym ids = m.tensor("ids");
          Sym images = m.integer("images");
          m.tensors("w");
          m.returns(ids.view(images, -1));
        });
  }
}
