package dev.blockreel.nn;

import java.util.random.RandomGenerator;

/** How a weight starts: one value from a random source, or a constant. */
@FunctionalInterface
public interface Init {
  /** The next value. */
  double next(RandomGenerator random);

  /** Normal values around 0. */
  static Init normal(double deviation) {
    return random -> random.nextGaussian() * deviation;
  }

  /** Uniform values in ±1/sqrt(fanIn), the habit of convolutions. */
  static Init fanIn(long fanIn) {
    double bound = 1 / Math.sqrt((double) fanIn);
    return random -> random.nextDouble(-bound, bound);
  }

  /** The same value everywhere. */
  static Init constant(double value) {
    return random -> value;
  }
}
