package dev.blockreel.tokenizer.kl;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.image.ImageNetwork;
import java.util.List;

/**
 * Sizes of a KL autoencoder.
 *
 * @param network encoder and decoder
 * @param channels C of the latents
 * @param scale what latents are multiplied with so that they spread by about 1
 */
public record KlConfig(ImageNetwork.Sizes network, int channels, double scale) {
  /** KL-16 of MAR (arXiv 2406.11838), which xAR uses too: 256x256 pixels become 16x16x16. */
  public static final KlConfig OFFICIAL =
      new KlConfig(
          new ImageNetwork.Sizes(
              1, 128, List.of(1, 1, 2, 2, 4), 2, List.of(4), List.of(), false, 32),
          16,
          0.2325);

  /** Checks the ranges. */
  public KlConfig {
    if (channels < 1 || !(scale > 0) || Double.isInfinite(scale)) {
      throw EngineFailure.badRequest(
          "a KL autoencoder needs channels of at least 1 and a scale above 0: got %d, %s",
          channels, scale);
    }
  }

  /** The same sizes with another scale. */
  public KlConfig withScale(double other) {
    return new KlConfig(network, channels, other);
  }

  /** Pixels per latent, per side. */
  public int factor() {
    return network.factor();
  }
}
