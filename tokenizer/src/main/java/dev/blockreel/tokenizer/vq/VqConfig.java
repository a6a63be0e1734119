package dev.blockreel.tokenizer.vq;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.image.ImageNetwork;
import java.util.List;

/**
 * Sizes of a multi-scale VQ autoencoder.
 *
 * @param network encoder and decoder
 * @param channels C of the feature map and of a code's vector
 * @param codes V, vectors in the codebook
 * @param scales sides of the token maps, growing; the last one is the side of the feature map
 * @param refinements K, convolutions that refine what a scale adds; neighbouring scales share one
 */
public record VqConfig(
    ImageNetwork.Sizes network, int channels, int codes, List<Integer> scales, int refinements) {
  /** The published one: 256x256 pixels become 680 codes at 10 scales. */
  public static final VqConfig OFFICIAL =
      new VqConfig(
          new ImageNetwork.Sizes(
              1, 160, List.of(1, 1, 2, 2, 4), 2, List.of(4), List.of(4), true, 32),
          32,
          4096,
          List.of(1, 2, 3, 4, 5, 6, 8, 10, 13, 16),
          4);

  /** Checks that every size makes sense. */
  public VqConfig {
    scales = List.copyOf(scales);
    if (network == null || channels < 1 || codes < 2 || refinements < 1) {
      throw EngineFailure.badRequest(
          "a VQ autoencoder needs a network, channels and refinements of at least 1 and 2 codes:"
              + " got %d channels, %d refinements, %d codes",
          channels, refinements, codes);
    }
    requireGrowing(scales);
  }

  /**
   * Checks sides of token maps.
   *
   * @throws EngineFailure BAD_REQUEST when there are none or they do not grow from 1 on
   */
  public static void requireGrowing(List<Integer> scales) {
    int before = 0;
    for (int side : scales) {
      if (side <= before || side > 1024) {
        throw EngineFailure.badRequest(
            "scales are sides of ever larger token maps, 1 to 1024: got %s", scales);
      }
      before = side;
    }
    if (scales.isEmpty()) {
      throw EngineFailure.badRequest("at least one scale is needed");
    }
  }

  /** Side of the feature map. */
  public int side() {
    return scales.get(scales.size() - 1);
  }

  /** Side of an image in pixels. */
  public int imageSide() {
    return side() * network.factor();
  }

  /** L, codes of an image. */
  public int tokens() {
    return firstToken(scales.size());
  }

  /** Codes of all scales before this one. */
  public int firstToken(int scale) {
    return scales.subList(0, scale).stream().mapToInt(side -> side * side).sum();
  }

  /**
   * Which convolution refines a scale: the one whose place among all is the nearest, the earlier
   * one of two. Of four, which the published model has, the first is a third of its share from the
   * beginning, else half of it. Some places are equally near but for the rounding of doubles, which
   * then decides as it does in the published code.
   */
  public int refinement(int scale) {
    double place = scales.size() == 1 ? 0 : scale / (scales.size() - 1.0);
    double first = (refinements == 4 ? 1.0 / 3 : 1.0 / 2) / refinements;
    double last = 1 - first;
    int nearest = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int k = 0; k < refinements; k++) {
      double tick = k == refinements - 1 ? last : first + k * ((last - first) / (refinements - 1));
      double distance = Math.abs(tick - place);
      if (distance < least) {
        nearest = k;
        least = distance;
      }
    }
    return nearest;
  }
}
