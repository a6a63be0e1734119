package dev.blockreel.sampler;

/**
 * The numbers by which tokens are drawn in some steps: of each step and row a uniform number in [0,
 * 1), a temperature above 0, top-k (0 keeps all) and top-p (0 keeps the likeliest alone).
 */
final class TokenDraws {
  /** The largest top-k for which {@link TokenSampling} thins a row out before it ranks it. */
  static final int FEW = 128;

  private final int rows;
  private final float[] values;
  private int most;

  /**
   * @param rows of each step, R
   */
  TokenDraws(int steps, int rows) {
    this.rows = rows;
    this.values = new float[steps * 4 * rows];
  }

  /**
   * Fills in one of them.
   *
   * @param bits of which the upper 24 become the uniform number, so that no float rounds up to 1
   */
  void set(int step, int row, int bits, SamplingOptions options) {
    boolean greedy = options.temperature() == 0;
    set(
        step,
        row,
        (bits >>> 8) * 0x1p-24f,
        greedy ? 1 : Math.max(Float.MIN_NORMAL, (float) options.temperature()),
        greedy ? 1 : options.topK(),
        greedy ? 0 : (float) options.topP());
  }

  /** Fills in one of them, number by number. */
  void set(int step, int row, float uniform, float temperature, int topK, float topP) {
    int at = 4 * rows * step + row;
    values[at] = uniform;
    values[at + rows] = temperature;
    values[at + 2 * rows] = topK;
    values[at + 3 * rows] = topP;
    most = Math.max(most, topK == 0 ? Integer.MAX_VALUE : topK);
  }

  /** (steps,4,R). */
  float[] values() {
    return values;
  }

  /** The largest top-k of all rows where none is above {@link #FEW}; else 0. */
  int few() {
    return most <= FEW ? most : 0;
  }
}
