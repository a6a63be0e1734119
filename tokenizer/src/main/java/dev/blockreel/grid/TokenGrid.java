package dev.blockreel.grid;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;

/**
 * Codebook indices of one clip, without any vocabulary offset.
 *
 * @param codes t·h·w indices, time-major, then row, then column; not copied
 * @param time t, latent frames
 * @param height h, rows
 * @param width w, columns
 */
public record TokenGrid(int[] codes, int time, int height, int width) implements ClipCodes {
  /** Checks that the array holds exactly t·h·w values. */
  public TokenGrid {
    requireNonNull(codes, "codes is null");
    if (time < 1 || height < 1 || width < 1 || codes.length != (long) time * height * width) {
      throw new IllegalArgumentException(
          "a token grid of %dx%dx%d does not hold %d codes"
              .formatted(time, height, width, codes.length));
    }
  }

  /** The first {@code count} latent frames as a grid of its own; copies. */
  public TokenGrid leading(int count) {
    return slice(0, count);
  }

  /** Latent frames {@code from} (inclusive) to {@code to} (exclusive) as a grid; copies. */
  public TokenGrid slice(int from, int to) {
    int plane = height * width;
    return new TokenGrid(
        Arrays.copyOfRange(codes, from * plane, to * plane), to - from, height, width);
  }

  @Override
  public String describe() {
    return "%dx%dx%d tokens".formatted(time, height, width);
  }
}
