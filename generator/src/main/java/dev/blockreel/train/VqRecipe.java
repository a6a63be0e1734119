package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.vq.VqConfig;

/**
 * All that {@code train tokenizer} is told for a multi-scale VQ autoencoder.
 *
 * @param kind {@code vq}
 * @param tokenizer sizes of the network, from which the size of the images follows
 * @param clips the clips whose frames are the images
 * @param trainFrames frames of a clip seen in one step, taken from anywhere in it
 * @param initial model (a name or a path) whose tokenizer training starts from, or null for random
 *     weights
 * @param decoderOnly whether encoder and codebook stay as they are, so that tokens, and generators
 *     trained on them, stay valid; needs {@code initial}
 * @param losses weights of the parts of the loss that compare pixels
 * @param quantisation weight of the loss that draws codes and features together
 * @param training length and speed; {@code batch} counts clips
 */
public record VqRecipe(
    String kind,
    VqConfig tokenizer,
    TokenizerRecipe.ClipShape clips,
    int trainFrames,
    String initial,
    boolean decoderOnly,
    TokenizerRecipe.Losses losses,
    double quantisation,
    TrainingSchedule training)
    implements ReconstructionRecipe {
  /** Checks what the parts cannot check alone. */
  public VqRecipe {
    if (tokenizer == null || clips == null || losses == null || training == null) {
      throw EngineFailure.badRequest(
          "a recipe of a VQ autoencoder names a tokenizer, clips, losses and its training");
    }
    ReconstructionRecipe.checkNetwork(tokenizer.network());
    Range.require("channels", tokenizer.channels(), 1, Range.WIDTH);
    Range.require("codes", tokenizer.codes(), 2, Range.CODES);
    int side = tokenizer.imageSide();
    if (clips.height() != side || clips.width() != side) {
      throw EngineFailure.badRequest(
          "scales of sides %s make images of %dx%d pixels: got clips of %dx%d",
          tokenizer.scales(), side, side, clips.width(), clips.height());
    }
    ReconstructionRecipe.check(
        clips, trainFrames, initial, decoderOnly, tokenizer.network().factor(), training);
    if (!(quantisation > 0)) {
      throw EngineFailure.badRequest("quantisation must be above 0: got %s", quantisation);
    }
  }
}
