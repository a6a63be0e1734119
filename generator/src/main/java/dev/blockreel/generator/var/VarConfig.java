package dev.blockreel.generator.var;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.vq.VqConfig;
import java.util.List;

/**
 * Sizes of a VAR transformer.
 *
 * @param layers transformer blocks
 * @param heads attention heads
 * @param width D, divisible by {@code heads}
 * @param classes number of classes; one more stands for none
 * @param channels C of the tokenizer's feature map
 * @param codes V, size of its codebook
 * @param scales sides of the token maps, growing
 * @param sharedModulation whether all blocks modulate by one projection of the class and an offset
 *     each, as the published 512-pixel model does, instead of a projection each
 */
public record VarConfig(
    int layers,
    int heads,
    int width,
    int classes,
    int channels,
    int codes,
    List<Integer> scales,
    boolean sharedModulation) {
  /** Checks that the sizes fit together. */
  public VarConfig {
    scales = List.copyOf(scales);
    if (layers < 1 || heads < 1 || width < 1 || width % heads != 0) {
      throw EngineFailure.badRequest(
          "a VAR model needs layers and heads that divide the width: got %d layers, %d heads, width"
              + " %d",
          layers, heads, width);
    }
    if (classes < 1 || channels < 1 || codes < 2) {
      throw EngineFailure.badRequest(
          "a VAR model needs classes, channels and codes: got %d classes, %d channels, %d codes",
          classes, channels, codes);
    }
    VqConfig.requireGrowing(scales);
  }

  /** L, tokens of an image. */
  public int tokens() {
    return firstToken(scales.size());
  }

  /** Tokens of all scales before this one. */
  public int firstToken(int scale) {
    return scales.subList(0, scale).stream().mapToInt(side -> side * side).sum();
  }

  /** The number that stands for no class. */
  public int noClass() {
    return classes;
  }
}
