package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.kl.KlConfig;

/**
 * All that {@code train tokenizer} is told for a KL autoencoder.
 *
 * @param kind {@code kl}
 * @param tokenizer sizes of the network; the training of a generator settles {@code scale}
 * @param clips the clips whose frames are the images
 * @param trainFrames frames of a clip seen in one step, taken from anywhere in it
 * @param initial model (a name or a path) whose tokenizer training starts from, or null for random
 *     weights
 * @param decoderOnly whether the encoder stays as it is, so that latents, and generators trained on
 *     them, stay valid; needs {@code initial}
 * @param losses weights of the parts of the loss that compare pixels
 * @param divergence weight of the mean divergence of a latent's distribution from the standard
 *     normal one: more makes latents noisier and easier to generate, less sharper
 * @param training length and speed; {@code batch} counts clips
 */
public record KlRecipe(
    String kind,
    KlConfig tokenizer,
    TokenizerRecipe.ClipShape clips,
    int trainFrames,
    String initial,
    boolean decoderOnly,
    TokenizerRecipe.Losses losses,
    double divergence,
    TrainingSchedule training)
    implements ReconstructionRecipe {
  /** Checks what the parts cannot check alone. */
  public KlRecipe {
    if (tokenizer == null || clips == null || losses == null || training == null) {
      throw EngineFailure.badRequest(
          "a recipe of a KL autoencoder names a tokenizer, clips, losses and its training");
    }
    ReconstructionRecipe.checkNetwork(tokenizer.network());
    Range.require("channels", tokenizer.channels(), 1, Range.WIDTH);
    ReconstructionRecipe.check(
        clips, trainFrames, initial, decoderOnly, tokenizer.factor(), training);
    if (!(divergence >= 0)) {
      throw EngineFailure.badRequest("divergence must be 0 or more: got %s", divergence);
    }
  }
}
