package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;

/**
 * All that {@code train tokenizer} is told for a tokenizer of the MAGVIT-v2 kind.
 *
 * @param tokenizer sizes of the network
 * @param clips the clips that the model is for
 * @param trainFrames frames of a clip seen in one step, taken from anywhere in it; fewer frames
 *     allow more different clips
 * @param initial model (a name or a path) whose tokenizer training starts from, or null for random
 *     weights
 * @param decoderOnly whether the encoder stays as it is, so that the codes of a clip, and
 *     generators trained on them, stay valid; needs {@code initial}
 * @param losses weights of the parts of the loss
 * @param training length and speed
 */
public record TokenizerRecipe(
    Magvit2Config tokenizer,
    ClipShape clips,
    int trainFrames,
    String initial,
    boolean decoderOnly,
    Losses losses,
    TrainingSchedule training)
    implements ReconstructionRecipe {
  /**
   * Shape of the clips.
   *
   * @param frames T
   * @param height H in pixels
   * @param width W in pixels
   * @param fps frames per second
   */
  public record ClipShape(int frames, int height, int width, double fps) {
    /** Checks that there is something to see. */
    public ClipShape {
      Range.require("frames", frames, 1, Range.COUNT);
      Range.require("height", height, 1, Range.COUNT);
      Range.require("width", width, 1, Range.COUNT);
      if (!(fps > 0) || Double.isInfinite(fps)) {
        throw EngineFailure.badRequest("fps must be above 0: got %s", fps);
      }
    }

    /** Checks that so many clips of so many frames are one array. */
    void requireBatch(int clips, int length) {
      Range.requireBatch(
          clips,
          "clips of %dx%dx%d pixels".formatted(length, height, width),
          3L * length * height * width);
    }
  }

  /**
   * Weights of the parts of the loss, each a mean over all pixels.
   *
   * @param absolute of the absolute error
   * @param squared of the squared error
   * @param gradient of the absolute error of differences between neighbouring pixels, which keeps
   *     outlines crisp
   */
  public record Losses(double absolute, double squared, double gradient) {
    /** Checks that there is something to lose. */
    public Losses {
      if (!(Math.min(absolute, Math.min(squared, gradient)) >= 0)
          || !(absolute + squared + gradient > 0)) {
        throw EngineFailure.badRequest(
            "losses are weights of 0 or more, one of them above 0: got %s, %s, %s",
            absolute, squared, gradient);
      }
    }
  }

  /** Checks what the parts cannot check alone. */
  public TokenizerRecipe {
    if (tokenizer == null || clips == null || losses == null || training == null) {
      throw EngineFailure.badRequest(
          "a tokenizer recipe names a tokenizer, clips, losses and its training");
    }
    tokenizer
        .stages()
        .forEach(stage -> Range.require("width of a stage", stage.width(), 1, Range.WIDTH));
    long codes = 1;
    for (int level : tokenizer.levels()) {
      codes *= level;
      Range.require("codes, the product of levels,", codes, 2, Range.CODES);
    }
    ReconstructionRecipe.check(
        clips, trainFrames, initial, decoderOnly, tokenizer.spaceFactor(), training);
    ReconstructionRecipe.requireWhole("clips.frames", clips.frames(), tokenizer);
    ReconstructionRecipe.requireWhole("trainFrames", trainFrames, tokenizer);
  }
}
