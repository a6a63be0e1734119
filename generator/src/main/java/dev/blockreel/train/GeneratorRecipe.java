package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;

/** What every recipe of a generator says, whatever the generator. */
interface GeneratorRecipe {
  /** Model directory, a name or a path, whose tokenizer makes the examples. */
  String tokenizer();

  /** Model whose generator training starts from, a name or a path, or null for random weights. */
  String initial();

  /** Fraction of the examples that are learned without their class, in [0, 1). */
  double conditionDropout();

  /** Defaults that the model will carry, as {@code model.json} writes them. */
  Record sampling();

  /** Length and speed. */
  TrainingSchedule training();

  /** Licence of the model. */
  String licence();

  /** Who is to be named. */
  String attribution();

  /**
   * Checks what all have.
   *
   * @throws EngineFailure BAD_REQUEST with what is missing or out of range
   */
  static void check(
      String tokenizer,
      Record generator,
      double conditionDropout,
      Record sampling,
      TrainingSchedule training) {
    if (tokenizer == null || generator == null || sampling == null || training == null) {
      throw EngineFailure.badRequest(
          "a recipe of a generator names a tokenizer, a generator, its sampling and its training");
    }
    if (!(conditionDropout >= 0 && conditionDropout < 1)) {
      throw EngineFailure.badRequest("conditionDropout lies in [0, 1): got %s", conditionDropout);
    }
  }

  /**
   * Checks how the model will draw tokens. The sampler, which this room may not use, does so too,
   * but not before the first preview.
   *
   * @throws EngineFailure BAD_REQUEST with what is out of range
   */
  static void checkSampling(double temperature, int topK, double topP) {
    checkNotNegative("temperature", temperature);
    if (topK < 0) {
      throw EngineFailure.badRequest("topK must be 0 (all) or more: got %d", topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw EngineFailure.badRequest("topP must lie in (0, 1]: got %s", topP);
    }
  }

  /**
   * Checks a strength.
   *
   * @throws EngineFailure BAD_REQUEST when it is below 0 or no number
   */
  static void checkNotNegative(String name, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw EngineFailure.badRequest("%s must be 0 or more: got %s", name, value);
    }
  }
}
