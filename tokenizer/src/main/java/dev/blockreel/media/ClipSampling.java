package dev.blockreel.media;

import static dev.blockreel.failure.EngineFailure.badRequest;
import static java.util.Objects.requireNonNull;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.util.SplittableRandom;

/**
 * Which frames of a file become a clip, and at which size.
 *
 * @param frames how many contiguous frames, counted after resampling; 0 takes all
 * @param fps target frames per second; only lowers the rate of a file, never raises it; 0 keeps it
 * @param height H of the clip in pixels; 0 (then width too) keeps the size of the file
 * @param width W of the clip in pixels
 * @param fit what happens where the file has another shape than H x W
 * @param window which {@code frames} of the file's frames
 * @param padShort true fills a clip that has too few frames with black ones at its end; false makes
 *     it a failure
 * @param seed draws the start of {@link Window#RANDOM}; the same seed, the same start
 */
public record ClipSampling(
    int frames,
    double fps,
    int height,
    int width,
    Fit fit,
    Window window,
    boolean padShort,
    long seed) {

  /** All frames of a file as they are. */
  public static final ClipSampling ALL = new ClipSampling(0, 0, 0, 0, Fit.SQUASH, Window.START);

  /** How a frame is brought to the wanted shape. */
  public enum Fit {
    /** Both sides scaled on their own; the shape of things changes, nothing is lost. */
    SQUASH,
    /** Scaled until it just covers the wanted size, then its middle is cut out. */
    CROP
  }

  /** Where the contiguous frames are taken from. */
  public enum Window {
    /** From {@code len / 2 - frames / 2}: around the middle frame. */
    CENTER,
    /** From the first frame. */
    START,
    /** From a start drawn evenly with the seed. */
    RANDOM
  }

  /** Checks the numbers. */
  public ClipSampling {
    requireNonNull(fit, "fit is null");
    requireNonNull(window, "window is null");
    if (frames < 0 || !(fps >= 0) || Double.isInfinite(fps)) {
      throw badRequest("frames and fps must be 0 or more: got %d and %s", frames, fps);
    }
    if (height < 0 || width < 0 || (height == 0) != (width == 0)) {
      throw badRequest(
          "height and width must both be above 0, or both 0: got %d and %d", height, width);
    }
  }

  /** A sampling that fails on short clips and draws with seed 0. */
  public ClipSampling(int frames, double fps, int height, int width, Fit fit, Window window) {
    this(frames, fps, height, width, fit, window, false, 0);
  }

  /** The same, but short clips are filled with black frames at their end. */
  public ClipSampling paddingShort() {
    return new ClipSampling(frames, fps, height, width, fit, window, true, seed);
  }

  /** The same with another seed for {@link Window#RANDOM}. */
  public ClipSampling withSeed(long newSeed) {
    return new ClipSampling(frames, fps, height, width, fit, window, padShort, newSeed);
  }

  /**
   * Which source frames to keep.
   *
   * @param length frames the source has
   * @param sourceFps its frames per second, or 0 where it has none
   * @param where names the source in a failure
   * @return rising source indices, at least one; fewer than {@code frames} only where padShort
   * @throws EngineFailure MEDIA when the source is too short
   */
  int[] select(int length, double sourceFps, String where) {
    int[] resampled = resample(length, sourceFps);
    if (frames == 0) {
      return resampled;
    }
    int available = resampled.length;
    if (available < frames && !padShort) {
      String rate =
          resamples(sourceFps) ? " at %s fps (%d in the file)".formatted(fps, length) : "";
      throw new EngineFailure(
          FailureCode.MEDIA,
          "%s is too short: it has %d frames%s, %d are needed"
              .formatted(where, available, rate, frames));
    }
    int count = Math.min(frames, available);
    int start =
        switch (window) {
          case START -> 0;
          case CENTER -> available / 2 - count / 2;
          case RANDOM -> new SplittableRandom(seed).nextInt(available - count + 1);
        };
    return java.util.Arrays.copyOfRange(resampled, start, start + count);
  }

  /** The rate of the clip that {@link #select} makes of a source with {@code sourceFps}. */
  double resultFps(double sourceFps) {
    return resamples(sourceFps) ? fps : sourceFps;
  }

  private boolean resamples(double sourceFps) {
    return fps > 0 && sourceFps > fps;
  }

  /** {@code int(linspace(0, length - 1, n))}, as the published evaluations do it. */
  private int[] resample(int length, double sourceFps) {
    int n = resamples(sourceFps) ? Math.max(1, (int) (length / sourceFps * fps)) : length;
    int[] indices = new int[n];
    double step = n > 1 ? (length - 1) / (double) (n - 1) : 0;
    for (int i = 0; i < n; i++) {
      // The last one is set, not computed: rounding must not lose the last frame.
      indices[i] = i == n - 1 && n > 1 ? length - 1 : (int) (i * step);
    }
    return indices;
  }
}
