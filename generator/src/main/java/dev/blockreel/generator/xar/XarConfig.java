package dev.blockreel.generator.xar;

import dev.blockreel.failure.EngineFailure;

/**
 * Sizes of an xAR transformer.
 *
 * @param encoderLayers blocks of the encoder
 * @param decoderLayers blocks of the decoder
 * @param heads attention heads
 * @param width D, channels
 * @param hidden channels inside an MLP; int(D·8/3) as published
 * @param channels C of the latents
 * @param classes number of classes; one more row of the table stands for none
 */
public record XarConfig(
    int encoderLayers,
    int decoderLayers,
    int heads,
    int width,
    int hidden,
    int channels,
    int classes) {
  /** Checks the ranges. */
  public XarConfig {
    if (encoderLayers < 1
        || decoderLayers < 1
        || heads < 1
        || hidden < 1
        || channels < 1
        || classes < 1) {
      throw EngineFailure.badRequest(
          "an xAR network needs layers, heads, hidden, channels and classes of at least 1: got %d"
              + " and %d, %d, %d, %d, %d",
          encoderLayers, decoderLayers, heads, hidden, channels, classes);
    }
    if (width < 1 || width % (4 * heads) != 0) {
      throw EngineFailure.badRequest(
          "an xAR network needs heads of a width that 4 divides: got a width of %d for %d heads",
          width, heads);
    }
  }

  /** d, channels of one head. */
  public int headWidth() {
    return width / heads;
  }

  /** Blocks in all. */
  public int layers() {
    return encoderLayers + decoderLayers;
  }
}
