package dev.blockreel.grid;

import static java.util.Objects.requireNonNull;

/**
 * Continuous latents of one image or clip, scaled as generators see them.
 *
 * @param values C·t·h·w values, channel-major; not copied
 * @param channels C
 * @param time t, latent frames; 1 for an image
 * @param height h, rows
 * @param width w, columns
 */
public record LatentGrid(float[] values, int channels, int time, int height, int width)
    implements ClipCodes {
  /** Checks that the array holds exactly C·t·h·w values. */
  public LatentGrid {
    requireNonNull(values, "values is null");
    if (Math.min(Math.min(channels, time), Math.min(height, width)) < 1
        || values.length != (long) channels * time * height * width) {
      throw new IllegalArgumentException(
          "a latent grid of %dx%dx%dx%d does not hold %d values"
              .formatted(channels, time, height, width, values.length));
    }
  }

  /** Latent frames {@code from} (inclusive) to {@code to} (exclusive) as a grid; copies. */
  public LatentGrid slice(int from, int to) {
    int plane = height * width;
    float[] part = new float[channels * (to - from) * plane];
    for (int c = 0; c < channels; c++) {
      System.arraycopy(
          values, (c * time + from) * plane, part, c * (to - from) * plane, (to - from) * plane);
    }
    return new LatentGrid(part, channels, to - from, height, width);
  }

  @Override
  public String describe() {
    return "%dx%dx%d latents of %d channels".formatted(time, height, width, channels);
  }
}
