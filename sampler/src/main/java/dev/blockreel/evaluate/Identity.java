package dev.blockreel.evaluate;

import java.util.List;

/**
 * Whether who is in the last frame of a clip is who was in its first: the palettes of both are
 * compared, and set beside those of strangers, other clips of the same class. Poses differ between
 * frames, so real clips do not reach 0 either: compare with them.
 *
 * @param clips how many were compared
 * @param same mean distance between the palettes of a clip's first and last frame, in [0, 1]
 * @param strangers the same between the first frame of a clip and the last of others of its class;
 *     null where no class has two clips
 * @param found share of clips whose last frame is nearer to its own first frame than to the first
 *     frame of any other clip of its class
 */
public record Identity(int clips, double same, Double strangers, double found) {
  /**
   * Compares.
   *
   * @param labels class number of each clip
   * @param first palettes of the first frames
   * @param last palettes of the last frames
   */
  static Identity of(int[] labels, List<float[]> first, List<float[]> last) {
    double same = 0;
    double strangers = 0;
    int pairs = 0;
    int found = 0;
    for (int i = 0; i < labels.length; i++) {
      double own = Palette.distance(first.get(i), last.get(i));
      same += own;
      boolean nearest = true;
      for (int j = 0; j < labels.length; j++) {
        if (j != i && labels[j] == labels[i]) {
          double other = Palette.distance(first.get(j), last.get(i));
          strangers += other;
          pairs++;
          nearest &= own <= other;
        }
      }
      found += nearest ? 1 : 0;
    }
    return new Identity(
        labels.length,
        same / labels.length,
        pairs == 0 ? null : strangers / pairs,
        found / (double) labels.length);
  }
}
