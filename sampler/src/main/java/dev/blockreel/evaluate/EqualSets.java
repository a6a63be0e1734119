package dev.blockreel.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * One set of made clips and two disjoint ones of real clips, all with equally many clips of each
 * class: as many as there are made ones, or half the real ones where these are fewer.
 *
 * @param clips in each set
 * @param made which of the made clips
 * @param firstReal which of the real clips
 * @param secondReal which others of the real clips
 */
record EqualSets(int clips, boolean[] made, boolean[] firstReal, boolean[] secondReal) {
  /**
   * Draws the sets; the same labels give the same sets.
   *
   * @param madeLabels class of each made clip, or -1
   * @param realLabels class of each real clip, or -1
   */
  static EqualSets draw(int[] madeLabels, int[] realLabels) {
    SplittableRandom random = new SplittableRandom(1);
    boolean[] made = new boolean[madeLabels.length];
    boolean[] first = new boolean[realLabels.length];
    boolean[] second = new boolean[realLabels.length];
    int clips = 0;
    for (int label : Arrays.stream(madeLabels).distinct().sorted().toArray()) {
      List<Integer> ofMade = shuffled(madeLabels, label, random);
      List<Integer> ofReal = shuffled(realLabels, label, random);
      int count = Math.min(ofMade.size(), ofReal.size() / 2);
      for (int i = 0; i < count; i++) {
        made[ofMade.get(i)] = true;
        first[ofReal.get(2 * i)] = true;
        second[ofReal.get(2 * i + 1)] = true;
      }
      clips += count;
    }
    return new EqualSets(clips, made, first, second);
  }

  private static List<Integer> shuffled(int[] labels, int label, SplittableRandom random) {
    List<Integer> found = new ArrayList<>();
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] == label) {
        found.add(random.nextInt(found.size() + 1), i);
      }
    }
    return found;
  }
}
