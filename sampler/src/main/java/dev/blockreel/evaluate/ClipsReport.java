package dev.blockreel.evaluate;

import java.util.List;

/**
 * How made clips compare with real ones.
 *
 * @param made the clips that are judged
 * @param real the clips that they are compared with
 * @param distances one for each network that gives features
 */
public record ClipsReport(Side made, Side real, List<FrechetDistance> distances) {
  /**
   * What was found on one side alone.
   *
   * @param folder where its clips lie
   * @param clips how many
   * @param skipped what lies in the folder and is no clip
   * @param scores what the classifier makes of them, or null without one
   * @param identity first against last frames, or null for images; of the real clips only as many
   *     are taken as there are made ones, where there are as many
   */
  public record Side(
      String folder, int clips, List<String> skipped, ClassScores scores, Identity identity) {}
}
