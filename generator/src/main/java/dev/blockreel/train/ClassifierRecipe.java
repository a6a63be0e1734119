package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;
import java.util.List;

/**
 * All that {@code train classifier} is told.
 *
 * @param classifier sizes of the network
 * @param clips the clips that it judges; with 1 frame it judges images, and learns from frames
 *     drawn from anywhere in the clips
 * @param augmentation how clips are changed while training
 * @param training length and speed
 * @param licence licence of the model, which follows from that of its data
 * @param attribution who is to be named
 */
public record ClassifierRecipe(
    Sizes classifier,
    TokenizerRecipe.ClipShape clips,
    Augmentation augmentation,
    TrainingSchedule training,
    String licence,
    String attribution) {
  /**
   * Sizes that do not follow from the clips and the classes.
   *
   * @param patch side of the square of pixels folded into channels
   * @param widths channels of each stage
   * @param groups groups of every GroupNorm
   * @param features length of the feature vector
   */
  public record Sizes(int patch, List<Integer> widths, int groups, int features) {
    /** Checks the ranges. */
    public Sizes {
      Range.require("patch", patch, 1, 64);
      widths.forEach(width -> Range.require("width", width, 1, Range.WIDTH));
      Range.require("groups", groups, 1, Range.WIDTH);
      Range.require("features", features, 1, Range.WIDTH);
    }
  }

  /**
   * Random changes that leave the class as it is, the same for all frames of a clip.
   *
   * @param shift largest shift in pixels, up, down, left and right
   * @param colour largest change of the strength and of the level of each colour, 0 for none
   */
  public record Augmentation(int shift, double colour) {
    /** Checks the ranges. */
    public Augmentation {
      Range.require("shift", shift, 0, Range.COUNT);
      if (!(colour >= 0 && colour < 1)) {
        throw EngineFailure.badRequest("augmentation needs a colour in [0, 1): got %s", colour);
      }
    }
  }

  /** Checks that nothing is missing. */
  public ClassifierRecipe {
    if (classifier == null || clips == null || augmentation == null || training == null) {
      throw EngineFailure.badRequest(
          "a classifier recipe names a classifier, its clips, their augmentation and its training");
    }
    clips.requireBatch(training.batch(), clips.frames());
  }
}
