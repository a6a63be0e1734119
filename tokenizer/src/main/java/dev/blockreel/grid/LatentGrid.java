package dev.blockreel.grid;

import static java.util.Objects.requireNonNull;

/**
 * Continuous latents of one image.
 *
 * @param values C·h·w values, channel-major; not copied
 * @param channels C
 * @param height h, rows
 * @param width w, columns
 */
public record LatentGrid(float[] values, int channels, int height, int width) {
  /** Checks that the array holds exactly C·h·w values. */
  public LatentGrid {
    requireNonNull(values, "values is null");
    if (channels < 1
        || height < 1
        || width < 1
        || values.length != (long) channels * height * width) {
      throw new IllegalArgumentException(
          "a latent grid of %dx%dx%d does not hold %d values"
              .formatted(channels, height, width, values.length));
    }
  }
}
