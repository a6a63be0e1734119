package dev.blockreel.train;

/**
 * All that {@code train generator} is told for an NBP model.
 *
 * @param tokenizer model directory (a name or a path) whose tokenizer turns clips into tokens
 * @param generator sizes of the network
 * @param trainFrames frames of a clip that are learned in a step, its first ones, or null for all:
 *     a clip's beginning is the hardest part, and attention makes long ones dear
 * @param initial model (a name or a path) whose generator training starts from, or null for random
 *     weights; its sizes and number of classes must be the same
 * @param conditionDropout fraction of the clips that are learned without their class, in [0, 1);
 *     guidance works only for models that learned some
 * @param sampling defaults that the model will carry
 * @param training length and speed; {@code batch} counts clips
 * @param licence licence of the model, which follows from that of its data
 * @param attribution who is to be named
 */
public record NbpRecipe(
    String tokenizer,
    Sizes generator,
    Integer trainFrames,
    String initial,
    double conditionDropout,
    Sampling sampling,
    TrainingSchedule training,
    String licence,
    String attribution)
    implements GeneratorRecipe {
  /**
   * Sizes that do not follow from the tokenizer and the classes.
   *
   * @param layers transformer blocks
   * @param heads attention heads
   * @param width channels
   * @param blockSize tokens predicted together
   */
  public record Sizes(int layers, int heads, int width, int blockSize) {}

  /**
   * Sampling defaults.
   *
   * @param temperature 0 for greedy
   * @param topK 0 for all
   * @param topP 1 for all
   */
  public record Sampling(double temperature, int topK, double topP) {}

  /** Checks that nothing is missing or out of range. */
  public NbpRecipe {
    GeneratorRecipe.check(tokenizer, generator, conditionDropout, sampling, training);
  }
}
