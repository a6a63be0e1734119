package dev.blockreel.evaluate;

import java.util.List;

/**
 * What a tokenizer loses.
 *
 * @param clips how many were sent through it
 * @param skipped what lies in the folder and is no clip
 * @param psnr mean over the clips, in dB
 * @param ssim mean over the clips
 * @param classes the same for each class; empty where classes are not known
 * @param worst the clips with the lowest PSNR
 * @param madeScores what a classifier makes of the clips that came back, or null without one
 * @param distances Fréchet distances of what came back to the originals
 */
public record ReconstructionReport(
    int clips,
    List<String> skipped,
    double psnr,
    double ssim,
    List<Row> classes,
    List<Row> worst,
    ClassScores madeScores,
    List<FrechetDistance> distances) {
  /**
   * A class or a clip.
   *
   * @param name of it
   * @param psnr in dB
   * @param ssim structural similarity
   */
  public record Row(String name, double psnr, double ssim) {}
}
