package dev.blockreel.evaluate;

/**
 * A Fréchet distance between made and real clips in the features of one network.
 *
 * @param network which one
 * @param features length of its feature vectors
 * @param made how many vectors of made clips
 * @param real how many vectors of real clips
 * @param distance between all of both
 * @param yardstick the same between sets of one size, beside real clips among themselves; null
 *     where there are too few real clips for that
 */
public record FrechetDistance(
    String network, int features, int made, int real, double distance, Yardstick yardstick) {
  /**
   * Distances between sets of equally many clips of each class: two disjoint ones of real clips,
   * and one of made clips.
   *
   * @param clips in each set
   * @param madeToReal mean distance of the made set to both real ones
   * @param realToReal distance of the two real ones
   * @param ratio the first by the second: 1 is indistinguishable
   */
  public record Yardstick(int clips, double madeToReal, double realToReal, double ratio) {}

  /** Measures with one network. */
  static FrechetDistance of(
      Network network, Observations made, Observations real, EqualSets equal) {
    FeatureStatistics allMade = statistics(network, made, null);
    FeatureStatistics allReal = statistics(network, real, null);
    Yardstick yardstick = null;
    if (equal.clips() >= 2) {
      FeatureStatistics someMade = statistics(network, made, equal.made());
      FeatureStatistics first = statistics(network, real, equal.firstReal());
      FeatureStatistics second = statistics(network, real, equal.secondReal());
      double across = (someMade.distance(first) + someMade.distance(second)) / 2;
      double within = first.distance(second);
      yardstick = new Yardstick(equal.clips(), across, within, across / within);
    }
    return new FrechetDistance(
        network.name(),
        allMade.length(),
        made.features(network, null).size(),
        real.features(network, null).size(),
        allMade.distance(allReal),
        yardstick);
  }

  private static FeatureStatistics statistics(
      Network network, Observations observations, boolean[] wanted) {
    return FeatureStatistics.of(observations.features(network, wanted));
  }
}
