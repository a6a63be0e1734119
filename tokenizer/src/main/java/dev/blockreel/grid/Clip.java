package dev.blockreel.grid;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * Decoded video (or, with one frame, an image) in plain memory.
 *
 * @param pixels RGB values in [0, 1], laid out (3, T, H, W), row-major; not copied, so leave it
 *     alone afterwards
 * @param frames T, at least 1
 * @param height H in pixels
 * @param width W in pixels
 * @param fps frames per second at which it plays, above 0
 */
public record Clip(float[] pixels, int frames, int height, int width, double fps) {
  /** Checks that the array holds exactly 3·T·H·W values. */
  public Clip {
    requireNonNull(pixels, "pixels is null");
    if (frames < 1 || height < 1 || width < 1 || !(fps > 0)) {
      throw new IllegalArgumentException(
          "a clip needs frames, height, width and fps above 0: got %d, %d, %d, %s"
              .formatted(frames, height, width, fps));
    }
    if (pixels.length != 3L * frames * height * width) {
      throw new IllegalArgumentException(
          "a clip of 3x%dx%dx%d needs %d values: got %d"
              .formatted(frames, height, width, 3L * frames * height * width, pixels.length));
    }
  }

  /** Frames {@code from} (inclusive) to {@code to} (exclusive) as a clip of its own; copies. */
  public Clip slice(int from, int to) {
    int plane = height * width;
    float[] part = new float[3 * (to - from) * plane];
    for (int c = 0; c < 3; c++) {
      System.arraycopy(
          pixels, (c * frames + from) * plane, part, c * (to - from) * plane, (to - from) * plane);
    }
    return new Clip(part, to - from, height, width, fps);
  }

  /**
   * Joins parts of one clip in time; copies.
   *
   * @param parts at least one, all of one height, width and frame rate
   */
  public static Clip join(List<Clip> parts) {
    Clip first = parts.get(0);
    int frames = parts.stream().mapToInt(Clip::frames).sum();
    int plane = first.height * first.width;
    float[] joined = new float[3 * frames * plane];
    int done = 0;
    for (Clip part : parts) {
      if (part.height != first.height || part.width != first.width || part.fps != first.fps) {
        throw new IllegalArgumentException(
            "parts of %dx%d at %s fps and %dx%d at %s fps do not make one clip"
                .formatted(
                    first.width, first.height, first.fps, part.width, part.height, part.fps));
      }
      int size = part.frames * plane;
      for (int c = 0; c < 3; c++) {
        System.arraycopy(part.pixels, c * size, joined, (c * frames + done) * plane, size);
      }
      done += part.frames;
    }
    return new Clip(joined, frames, first.height, first.width, first.fps);
  }
}
