package dev.blockreel.classifier;

import dev.blockreel.failure.EngineFailure;
import java.util.List;

/**
 * Sizes of a {@link ResidualNetwork}.
 *
 * @param frames frames of the clips that it judges; 1 for images
 * @param height their height in pixels
 * @param width their width in pixels
 * @param patch side of the square of pixels that is folded into channels before the first
 *     convolution
 * @param widths channels of each stage; every stage but the first halves both sides
 * @param groups groups of every GroupNorm
 * @param features length of the feature vector
 * @param classes number of classes
 */
public record ClassifierConfig(
    int frames,
    int height,
    int width,
    int patch,
    List<Integer> widths,
    int groups,
    int features,
    int classes) {
  /** Checks that every size makes sense. */
  public ClassifierConfig {
    widths = List.copyOf(widths);
    if (frames < 1 || patch < 1 || widths.isEmpty() || groups < 1 || features < 1) {
      throw EngineFailure.badRequest(
          "a classifier needs frames, patch, widths, groups and features of at least 1: got %d frames, patch %d, %d widths, %d groups, %d features",
          frames, patch, widths.size(), groups, features);
    }
    if (classes < 2) {
      throw EngineFailure.badRequest(
          "a classifier tells two classes or more apart: got %d", classes);
    }
    for (int channels : widths) {
      if (channels < 1 || channels % groups != 0) {
        throw EngineFailure.badRequest(
            "a classifier's widths must be divisible by its %d groups: got %d", groups, channels);
      }
    }
    int cell = patch << (widths.size() - 1);
    if (height < 1 || width < 1 || height % cell != 0 || width % cell != 0) {
      throw EngineFailure.badRequest(
          "clips of %dx%d pixels do not divide into cells of %d, which a patch of %d and %d widths need",
          width, height, cell, patch, widths.size());
    }
  }

  /** Rows of the last stage. */
  int lastHeight() {
    return height / (patch << (widths.size() - 1));
  }

  /** Columns of the last stage. */
  int lastWidth() {
    return width / (patch << (widths.size() - 1));
  }
}
