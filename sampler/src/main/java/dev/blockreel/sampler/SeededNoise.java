package dev.blockreel.sampler;

import java.util.SplittableRandom;

/** Noise of a generator for each image, so that an image does not depend on its neighbours. */
final class SeededNoise implements NoiseSource {
  private final SplittableRandom[] random;

  /**
   * @param seed of the first image; each further one has the next
   */
  SeededNoise(long seed, int images) {
    random = new SplittableRandom[images];
    for (int i = 0; i < images; i++) {
      random[i] = new SplittableRandom(seed + i);
    }
  }

  @Override
  public float[] start(int entity, int values) {
    return next(values);
  }

  @Override
  public float[] step(int entity, int step, int values) {
    return next(values);
  }

  private float[] next(int values) {
    float[] noise = new float[values];
    int each = values / random.length;
    for (int i = 0; i < values; i++) {
      noise[i] = (float) random[i / each].nextGaussian();
    }
    return noise;
  }
}
