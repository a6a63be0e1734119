package dev.blockreel.evaluate;

import dev.blockreel.grid.Clip;
import java.util.Arrays;

/**
 * The colours of the figure in a frame: a histogram over RGB, {@value #LEVELS} levels a channel,
 * each pixel shared out among its eight nearest bins, so that a little noise changes little. Pixels
 * of the background, which are those near the middle colour of the frame's border, do not count.
 */
final class Palette {
  private static final int LEVELS = 6;
  private static final float NEAR = 0.08f;

  private Palette() {}

  /** The histogram of one frame, values that sum to 1. */
  static float[] of(Clip clip, int frame) {
    int plane = clip.height() * clip.width();
    float[] border = border(clip, frame);
    float[] figure = new float[LEVELS * LEVELS * LEVELS];
    float[] everything = new float[figure.length];
    int counted = 0;
    for (int i = 0; i < plane; i++) {
      float[] rgb = {value(clip, 0, frame, i), value(clip, 1, frame, i), value(clip, 2, frame, i)};
      share(rgb, everything);
      if (Math.max(
              Math.abs(rgb[0] - border[0]),
              Math.max(Math.abs(rgb[1] - border[1]), Math.abs(rgb[2] - border[2])))
          > NEAR) {
        share(rgb, figure);
        counted++;
      }
    }
    // A frame of one colour has no figure.
    float[] histogram = counted == 0 ? everything : figure;
    int pixels = counted == 0 ? plane : counted;
    for (int i = 0; i < histogram.length; i++) {
      histogram[i] /= pixels;
    }
    return histogram;
  }

  private static float value(Clip clip, int channel, int frame, int pixel) {
    return clip.pixels()[(channel * clip.frames() + frame) * clip.height() * clip.width() + pixel];
  }

  /** Median of each channel over the outermost pixels. */
  private static float[] border(Clip clip, int frame) {
    int height = clip.height();
    int width = clip.width();
    float[] middle = new float[3];
    for (int c = 0; c < 3; c++) {
      float[] values = new float[2 * (height + width)];
      for (int x = 0; x < width; x++) {
        values[x] = value(clip, c, frame, x);
        values[width + x] = value(clip, c, frame, (height - 1) * width + x);
      }
      for (int y = 0; y < height; y++) {
        values[2 * width + y] = value(clip, c, frame, y * width);
        values[2 * width + height + y] = value(clip, c, frame, y * width + width - 1);
      }
      Arrays.sort(values);
      middle[c] = values[values.length / 2];
    }
    return middle;
  }

  private static void share(float[] rgb, float[] histogram) {
    int[] low = new int[3];
    float[] above = new float[3];
    for (int c = 0; c < 3; c++) {
      float place = Math.min(1, Math.max(0, rgb[c])) * (LEVELS - 1);
      low[c] = Math.min(LEVELS - 2, (int) place);
      above[c] = place - low[c];
    }
    for (int corner = 0; corner < 8; corner++) {
      int bin = 0;
      float weight = 1;
      for (int c = 0; c < 3; c++) {
        int up = corner >> c & 1;
        bin = bin * LEVELS + low[c] + up;
        weight *= up == 1 ? above[c] : 1 - above[c];
      }
      histogram[bin] += weight;
    }
  }

  /** Share of the colours that differ, in [0, 1]. */
  static double distance(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs(a[i] - b[i]);
    }
    return sum / 2;
  }
}
