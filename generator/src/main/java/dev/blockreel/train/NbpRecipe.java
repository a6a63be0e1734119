package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;

/**
 * All that {@code train generator} is told for an NBP model.
 *
 * @param tokenizer model directory (a name or a path) whose tokenizer turns clips into tokens
 * @param generator sizes of the network
 * @param trainFrames frames of a clip that are learned in a step, its first ones, or null for all:
 *     a clip's beginning is the hardest part, and attention makes long ones dear
 * @param firstBlocks clips more in each step of which the tokens that come one by one are learned
 *     alone: they are a small part of a clip, but decide what the rest shows
 * @param initial model (a name or a path) whose generator training starts from, or null for random
 *     weights; its sizes and number of classes must be the same
 * @param teacher who is imitated, or null to learn from the clips' own tokens
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
    int firstBlocks,
    String initial,
    Teacher teacher,
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
   * @param singleTokens tokens in front of the first block that are predicted one by one, whole
   *     blocks; 0 for as many as a block has
   */
  public record Sizes(int layers, int heads, int width, int blockSize, int singleTokens) {
    /** Checks the ranges. */
    public Sizes {
      Range.require("layers", layers, 1, Range.COUNT);
      Range.require("heads", heads, 1, Range.COUNT);
      Range.require("width", width, 1, Range.WIDTH);
      Range.require("blockSize", blockSize, 1, Range.COUNT);
      Range.require("singleTokens", singleTokens, 0, Range.COUNT);
    }
  }

  /**
   * A trained model whose guided probabilities are learned in place of the clips' tokens: logits c
   * + s·(c - u) with the class (c) and without it (u), of a strength s.
   *
   * @param model a name or a path; a model of the same tokenizer and number of classes
   * @param guidance strength in blocks; 0 for none
   * @param singleGuidance strength in tokens that come one by one; 0 for none: {@code firstBlocks}
   *     are then learned from the clips. Needs a model that has seen many first frames without
   *     their class
   */
  public record Teacher(String model, double guidance, double singleGuidance) {
    /** Checks the ranges. */
    public Teacher {
      if (model == null || !(guidance >= 0) || !(singleGuidance >= 0)) {
        throw EngineFailure.badRequest(
            "a teacher has a model, and guidance of 0 or more: got %s, %s, %s",
            model, guidance, singleGuidance);
      }
    }
  }

  /**
   * Sampling defaults.
   *
   * @param temperature 0 for greedy
   * @param topK 0 for all
   * @param topP 1 for all
   */
  public record Sampling(double temperature, int topK, double topP) {
    /** Checks the ranges. */
    public Sampling {
      GeneratorRecipe.checkSampling(temperature, topK, topP);
    }
  }

  /** Checks that nothing is missing or out of range. */
  public NbpRecipe {
    GeneratorRecipe.check(tokenizer, generator, conditionDropout, sampling, training);
    Range.require("firstBlocks", firstBlocks, 0, Range.COUNT);
  }
}
