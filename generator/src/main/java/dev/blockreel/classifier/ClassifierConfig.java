package dev.blockreel.classifier;

import dev.blockreel.failure.EngineFailure;
import java.util.List;

/**
 * Sizes of a {@link ResidualNetwork}.
 *
 * @param patch side of the square of pixels that is folded into channels before the first
 *     convolution
 * @param widths channels of each stage; every stage but the first halves both sides
 * @param groups groups of every GroupNorm
 * @param temporal whether neighbouring frames are looked at together; false for images
 * @param classes number of classes
 */
public record ClassifierConfig(
    int patch, List<Integer> widths, int groups, boolean temporal, int classes) {
  /** Checks that every size makes sense. */
  public ClassifierConfig {
    widths = List.copyOf(widths);
    if (patch < 1 || widths.isEmpty() || groups < 1 || classes < 2) {
      throw EngineFailure.badRequest(
          "a classifier needs a patch, widths and groups of at least 1 and two classes: got patch %d, %d widths, %d groups, %d classes",
          patch, widths.size(), groups, classes);
    }
    for (int width : widths) {
      if (width < 1 || width % groups != 0) {
        throw EngineFailure.badRequest(
            "a classifier's widths must be divisible by its %d groups: got %d", groups, width);
      }
    }
  }

  /** Length of the feature vector. */
  public int features() {
    return widths.get(widths.size() - 1);
  }
}
