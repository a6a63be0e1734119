package dev.blockreel.evaluate;

import dev.blockreel.grid.Clip;

/**
 * How close a clip is to the one that it was made from.
 *
 * @param psnr peak signal-to-noise ratio in dB over all pixels of the clip; infinite when nothing
 *     differs
 * @param ssim structural similarity in [-1, 1], the mean over frames and colour channels; 1 when
 *     nothing differs
 */
public record Fidelity(double psnr, double ssim) {
  /**
   * Compares two clips.
   *
   * @param original what was asked for
   * @param made what came out, of the same size and length
   */
  public static Fidelity of(Clip original, Clip made) {
    if (original.frames() != made.frames()
        || original.height() != made.height()
        || original.width() != made.width()) {
      throw new IllegalArgumentException(
          "clips to compare must have one size: got %dx%dx%d and %dx%dx%d"
              .formatted(
                  original.frames(),
                  original.height(),
                  original.width(),
                  made.frames(),
                  made.height(),
                  made.width()));
    }
    return new Fidelity(psnr(original.pixels(), made.pixels()), ssim(original, made));
  }

  private static double psnr(float[] original, float[] made) {
    double squares = 0;
    for (int i = 0; i < original.length; i++) {
      double error = (double) original[i] - made[i];
      squares += error * error;
    }
    return -10 * Math.log10(squares / original.length);
  }

  private static double ssim(Clip original, Clip made) {
    StructuralSimilarity similarity = new StructuralSimilarity(original.height(), original.width());
    int plane = original.height() * original.width();
    int planes = 3 * original.frames();
    double sum = 0;
    for (int i = 0; i < planes; i++) {
      sum += similarity.of(original.pixels(), made.pixels(), i * plane);
    }
    return sum / planes;
  }
}
