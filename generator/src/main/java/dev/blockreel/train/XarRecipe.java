package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;
import java.util.List;
import java.util.Locale;

/**
 * All that {@code train generator} is told for an xAR model.
 *
 * @param kind {@code xar}
 * @param tokenizer model directory (a name or a path) whose KL autoencoder turns frames into
 *     latents
 * @param generator sizes of the network, and what it predicts together
 * @param examples examples taken of each clip, which begin evenly spaced
 * @param initial model (a name or a path) whose generator training starts from, or null for random
 *     weights; its sizes and number of classes must be the same
 * @param conditionDropout fraction of the examples that are learned without their class, in [0, 1);
 *     guidance works only for models that learned some
 * @param sampling defaults that the model will carry
 * @param training length and speed; {@code batch} counts examples
 * @param licence licence of the model, which follows from that of its data
 * @param attribution who is to be named
 */
public record XarRecipe(
    String kind,
    String tokenizer,
    Sizes generator,
    int examples,
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
   * @param encoderLayers blocks of the encoder
   * @param decoderLayers blocks of the decoder
   * @param heads attention heads
   * @param width channels
   * @param entity what is predicted together, such as {@code cell:4}
   * @param frames frames of an example; 1 for images
   */
  public record Sizes(
      int encoderLayers, int decoderLayers, int heads, int width, String entity, int frames) {
    /** Checks the ranges. */
    public Sizes {
      Range.require("encoderLayers", encoderLayers, 1, Range.COUNT);
      Range.require("decoderLayers", decoderLayers, 1, Range.COUNT);
      Range.require("heads", heads, 1, Range.COUNT);
      Range.require("width", width, 1, Range.WIDTH);
      Range.require("frames", frames, 1, Range.COUNT);
    }
  }

  /**
   * Sampling defaults.
   *
   * @param temperature spread of all noise
   * @param cfg strength of guidance, 1 for none
   * @param steps of the solver for each entity
   * @param solver such as {@code euler-maruyama}
   * @param times such as {@code published}
   * @param guidance {@code linear} or {@code constant}
   */
  public record Sampling(
      double temperature, double cfg, int steps, String solver, String times, String guidance) {
    /** Checks the ranges and names, which are those of the sampler. */
    public Sampling {
      GeneratorRecipe.checkNotNegative("temperature", temperature);
      GeneratorRecipe.checkNotNegative("cfg", cfg);
      Range.require("steps", steps, 1, 1000);
      checkName("solver", solver, List.of("euler-maruyama", "euler", "heun"));
      checkName("times", times, List.of("published", "even", "cosine"));
      checkName("guidance", guidance, List.of("constant", "linear"));
    }

    private static void checkName(String what, String name, List<String> known) {
      if (name == null || !known.contains(name.toLowerCase(Locale.ROOT))) {
        throw EngineFailure.badRequest(
            "unknown %s \"%s\": expected one of %s", what, name, String.join(", ", known));
      }
    }
  }

  /** Checks that nothing is missing or out of range. */
  public XarRecipe {
    GeneratorRecipe.check(tokenizer, generator, conditionDropout, sampling, training);
    Range.require("examples", examples, 1, Range.COUNT);
  }
}
