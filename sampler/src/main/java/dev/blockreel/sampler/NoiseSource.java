package dev.blockreel.sampler;

/**
 * The normal noise that latents are made from. One for each generation; asked entity by entity, and
 * for an entity first for its start, then step by step.
 */
public interface NoiseSource {
  /**
   * What an entity starts from.
   *
   * @param values how many numbers
   * @return (B,n,C), B·n·C values
   */
  float[] start(int entity, int values);

  /** What a step of the solver adds, as {@link #start}. */
  float[] step(int entity, int step, int values);
}
