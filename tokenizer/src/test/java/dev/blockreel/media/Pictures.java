package dev.blockreel.media;

import dev.blockreel.grid.Clip;

/** Small clips to write and read: a bright square that moves over a slope of colour. */
final class Pictures {
  private Pictures() {}

  /** Values are whole 255ths, so that lossless formats give them back exactly. */
  static Clip moving(int frames, int height, int width, double fps) {
    float[] pixels = new float[3 * frames * height * width];
    int at = 0;
    for (int c = 0; c < 3; c++) {
      for (int t = 0; t < frames; t++) {
        for (int y = 0; y < height; y++) {
          for (int x = 0; x < width; x++) {
            boolean square = Math.abs(x - 4 - t) < 5 && Math.abs(y - height / 2) < 5;
            int slope = (c == 0 ? x : c == 1 ? y : x + y) * 100 / (height + width) + 60;
            pixels[at++] = (square ? 250 - 60 * c : slope) / 255f;
          }
        }
      }
    }
    return new Clip(pixels, frames, height, width, fps);
  }

  /** Frame t is all of brightness t / 255. */
  static Clip counting(int frames, double fps) {
    float[] pixels = new float[3 * frames * 16 * 16];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i / 256 % frames / 255f;
    }
    return new Clip(pixels, frames, 16, 16, fps);
  }

  /** The brightness of each frame's first pixel, in 255ths: which frames of a counting clip. */
  static int[] numbers(Clip clip) {
    int[] numbers = new int[clip.frames()];
    for (int t = 0; t < numbers.length; t++) {
      numbers[t] = Math.round(clip.pixels()[t * clip.height() * clip.width()] * 255);
    }
    return numbers;
  }

  /** Peak signal to noise ratio in dB. */
  static double psnr(Clip a, Clip b) {
    double sum = 0;
    for (int i = 0; i < a.pixels().length; i++) {
      double difference = a.pixels()[i] - b.pixels()[i];
      sum += difference * difference;
    }
    return -10 * Math.log10(sum / a.pixels().length);
  }
}
