package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;

/**
 * All that {@code train tokenizer} is told.
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
    TrainingSchedule training) {
  /**
   * Shape of the clips.
   *
   * @param frames T
   * @param height H in pixels
   * @param width W in pixels
   * @param fps frames per second
   */
  public record ClipShape(int frames, int height, int width, double fps) {}

  /**
   * Weights of the parts of the loss, each a mean over all pixels.
   *
   * @param absolute of the absolute error
   * @param squared of the squared error
   * @param gradient of the absolute error of differences between neighbouring pixels, which keeps
   *     outlines crisp
   */
  public record Losses(double absolute, double squared, double gradient) {}

  /** Checks what the parts cannot check alone. */
  public TokenizerRecipe {
    int factor = tokenizer.spaceFactor();
    if (clips.height % factor != 0 || clips.width % factor != 0) {
      throw EngineFailure.badRequest(
          "clips of %dx%d pixels do not divide into cells of %dx%d",
          clips.height, clips.width, factor, factor);
    }
    if (decoderOnly && initial == null) {
      throw EngineFailure.badRequest("decoderOnly needs an initial model whose encoder is kept");
    }
    if (trainFrames < 1 || trainFrames > clips.frames) {
      throw EngineFailure.badRequest(
          "trainFrames must lie between 1 and the %d frames of a clip: got %d",
          clips.frames, trainFrames);
    }
  }
}
