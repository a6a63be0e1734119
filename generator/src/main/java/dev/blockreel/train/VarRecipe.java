package dev.blockreel.train;

/**
 * All that {@code train generator} is told for a VAR model.
 *
 * @param kind {@code var}
 * @param tokenizer model directory (a name or a path) whose VQ tokenizer turns images into tokens
 * @param generator sizes of the network
 * @param images images taken of each clip, evenly spaced frames
 * @param initial model (a name or a path) whose generator training starts from, or null for random
 *     weights; its sizes and number of classes must be the same
 * @param conditionDropout fraction of the images that are learned without their class, in [0, 1);
 *     guidance works only for models that learned some
 * @param sampling defaults that the model will carry
 * @param training length and speed; {@code batch} counts images
 * @param licence licence of the model, which follows from that of its data
 * @param attribution who is to be named
 */
public record VarRecipe(
    String kind,
    String tokenizer,
    Sizes generator,
    int images,
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
   */
  public record Sizes(int layers, int heads, int width) {
    /** Checks the ranges. */
    public Sizes {
      Range.require("layers", layers, 1, Range.COUNT);
      Range.require("heads", heads, 1, Range.COUNT);
      Range.require("width", width, 1, Range.WIDTH);
    }
  }

  /**
   * Sampling defaults.
   *
   * @param temperature 0 for greedy
   * @param topK 0 for all
   * @param topP 1 for all
   * @param cfg strength of guidance at the last scale, 0 for none
   */
  public record Sampling(double temperature, int topK, double topP, double cfg) {
    /** Checks the ranges. */
    public Sampling {
      GeneratorRecipe.checkSampling(temperature, topK, topP);
      GeneratorRecipe.checkNotNegative("cfg", cfg);
    }
  }

  /** Checks that nothing is missing or out of range. */
  public VarRecipe {
    GeneratorRecipe.check(tokenizer, generator, conditionDropout, sampling, training);
    Range.require("images", images, 1, Range.COUNT);
  }
}
