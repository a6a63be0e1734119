package dev.blockreel.sampler;

import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipCodes;
import dev.blockreel.grid.TokenGrid;

/**
 * What a generation leaves.
 *
 * @param codes what the generator made: tokens, tokens of several scales, or latents
 * @param clip the frames they decode to; one for an image
 */
public record GeneratedClip(ClipCodes codes, Clip clip) {
  /**
   * The tokens of a model that makes one grid of them.
   *
   * @throws IllegalStateException for other models
   */
  public TokenGrid tokens() {
    if (codes instanceof TokenGrid grid) {
      return grid;
    }
    throw new IllegalStateException(
        "the generator made no token grid but a " + codes.getClass().getSimpleName());
  }
}
