package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.image.ImageNetwork;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;

/** What every recipe of a tokenizer says, whatever the tokenizer. */
interface ReconstructionRecipe {
  /** The clips that the model is for. */
  TokenizerRecipe.ClipShape clips();

  /** Frames of a clip seen in one step, taken from anywhere in it. */
  int trainFrames();

  /** Model whose tokenizer training starts from, a name or a path, or null for random weights. */
  String initial();

  /** Whether the encoder stays as it is. */
  boolean decoderOnly();

  /** Weights of the parts of the loss that compare pixels. */
  TokenizerRecipe.Losses losses();

  /** Length and speed. */
  TrainingSchedule training();

  /**
   * Checks what the parts cannot check alone.
   *
   * @param factor pixels per cell of the grid, per side
   * @throws EngineFailure BAD_REQUEST with what does not fit
   */
  static void check(
      TokenizerRecipe.ClipShape clips,
      int trainFrames,
      String initial,
      boolean decoderOnly,
      int factor,
      TrainingSchedule training) {
    if (clips.height() % factor != 0 || clips.width() % factor != 0) {
      throw EngineFailure.badRequest(
          "clips of %dx%d pixels do not divide into cells of %dx%d",
          clips.width(), clips.height(), factor, factor);
    }
    if (decoderOnly && initial == null) {
      throw EngineFailure.badRequest("decoderOnly needs an initial model whose encoder is kept");
    }
    if (trainFrames < 1 || trainFrames > clips.frames()) {
      throw EngineFailure.badRequest(
          "trainFrames must lie between 1 and the %d frames of a clip: got %d",
          clips.frames(), trainFrames);
    }
    clips.requireBatch(1, clips.frames());
    clips.requireBatch(training.batch(), trainFrames);
  }

  /**
   * Checks the sizes of a network of images.
   *
   * @throws EngineFailure BAD_REQUEST with what is too large
   */
  static void checkNetwork(ImageNetwork.Sizes sizes) {
    for (int multiplier : sizes.multipliers()) {
      Range.require("width of a stage", (long) sizes.width() * multiplier, 1, Range.WIDTH);
    }
  }

  /**
   * Checks that a tokenizer gives back as many frames as it takes.
   *
   * @param field which says how many
   * @throws EngineFailure BAD_REQUEST with the nearest numbers of which that is true
   */
  static void requireWhole(String field, int frames, Magvit2Config tokenizer) {
    int latent = tokenizer.latentFrames(frames);
    int below = tokenizer.frames(latent);
    if (below != frames) {
      throw EngineFailure.badRequest(
          "%s must be 1 more than a multiple of %d, the tokenizer's strides in time: got %d, near"
              + " are %d and %d",
          field, tokenizer.timeFactor(), frames, below, tokenizer.frames(latent + 1));
    }
  }
}
