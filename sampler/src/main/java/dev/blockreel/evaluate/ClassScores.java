package dev.blockreel.evaluate;

import dev.blockreel.classifier.ClipClassifier;
import dev.blockreel.failure.EngineFailure;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * How well a classifier recognises what clips were meant to show.
 *
 * @param clips number of clips with a known class
 * @param accuracy share of them whose likeliest class is the right one, in [0, 1]; null without any
 * @param inceptionScore exp of the mean of KL(p(class | clip) ‖ p(class)) over all clips at once
 *     (arXiv 1606.03498), between 1 and the number of classes
 * @param classes one row for each class that has clips
 * @param confusions which classes were taken for which, the most frequent first
 */
public record ClassScores(
    int clips,
    Double accuracy,
    double inceptionScore,
    List<PerClass> classes,
    List<Confusion> confusions) {
  /**
   * One class.
   *
   * @param name of the class
   * @param clips of it
   * @param accuracy share of them that were recognised, in [0, 1]
   */
  public record PerClass(String name, int clips, double accuracy) {}

  /**
   * Clips of one class that were taken for another.
   *
   * @param meant class that they should show
   * @param taken class that the classifier saw
   * @param clips how many
   */
  public record Confusion(String meant, String taken, int clips) {}

  /**
   * Counts.
   *
   * @param classes names of the classifier's classes
   * @param labels class number of each clip, negative where it is not known
   * @param probabilities of each clip, one value a class
   * @throws EngineFailure BAD_REQUEST when the classifier has more or fewer classes than named, or
   *     gives no probabilities
   */
  public static ClassScores of(List<String> classes, int[] labels, List<float[]> probabilities) {
    if (probabilities.get(0).length != classes.size()) {
      throw EngineFailure.badRequest(
          "the classifier knows %d classes, but %d are named",
          probabilities.get(0).length, classes.size());
    }
    for (float[] one : probabilities) {
      for (float probability : one) {
        if (!(probability >= 0 && probability <= 1.001)) {
          throw EngineFailure.badRequest(
              "the classifier gives %s, which is no probability; if it gives class scores, say"
                  + " gives=logits",
              probability);
        }
      }
    }
    int[][] counts = new int[classes.size()][classes.size()];
    int known = 0;
    int hits = 0;
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0) {
        continue;
      }
      int seen = ClipClassifier.likeliest(probabilities.get(i));
      counts[labels[i]][seen]++;
      known++;
      hits += seen == labels[i] ? 1 : 0;
    }
    List<PerClass> rows = new ArrayList<>();
    List<Confusion> confusions = new ArrayList<>();
    for (int meant = 0; meant < classes.size(); meant++) {
      int clips = 0;
      for (int seen = 0; seen < classes.size(); seen++) {
        clips += counts[meant][seen];
        if (seen != meant && counts[meant][seen] > 0) {
          confusions.add(new Confusion(classes.get(meant), classes.get(seen), counts[meant][seen]));
        }
      }
      if (clips > 0) {
        rows.add(new PerClass(classes.get(meant), clips, counts[meant][meant] / (double) clips));
      }
    }
    confusions.sort(Comparator.comparingInt(Confusion::clips).reversed());
    return new ClassScores(
        known,
        known == 0 ? null : hits / (double) known,
        inceptionScore(probabilities),
        rows,
        confusions);
  }

  static double inceptionScore(List<float[]> probabilities) {
    int classes = probabilities.get(0).length;
    double[] marginal = new double[classes];
    for (float[] one : probabilities) {
      for (int c = 0; c < classes; c++) {
        marginal[c] += one[c] / (double) probabilities.size();
      }
    }
    double divergence = 0;
    for (float[] one : probabilities) {
      for (int c = 0; c < classes; c++) {
        if (one[c] > 0) {
          divergence += one[c] * Math.log(one[c] / marginal[c]) / probabilities.size();
        }
      }
    }
    return Math.exp(divergence);
  }

  /** The class with the lowest accuracy, or null without any. */
  public PerClass weakest() {
    return classes.stream().min(Comparator.comparingDouble(PerClass::accuracy)).orElse(null);
  }
}
