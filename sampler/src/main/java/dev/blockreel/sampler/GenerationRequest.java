package dev.blockreel.sampler;

import static java.util.Objects.requireNonNull;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.TokenGrid;
import java.util.List;

/**
 * A batch of clips to generate, one per class.
 *
 * @param classes class number of each clip; for models without classes, and where there are
 *     prompts, any number, only their count matters
 * @param seed of the first clip; clip i has seed + i, so a clip does not depend on its neighbours
 * @param options how tokens are drawn
 * @param mode block by block or, as a baseline, token by token
 * @param condition leading latent frames of each clip to continue, one grid a clip, or an empty
 *     list
 * @param prompts for text-conditioned models the text of each clip in place of its class, or an
 *     empty list
 * @param noise for models of continuous latents the noise to use in place of the seed's, or null
 */
public record GenerationRequest(
    List<Integer> classes,
    long seed,
    SamplingOptions options,
    Mode mode,
    List<TokenGrid> condition,
    List<String> prompts,
    NoiseSource noise) {
  /** How many tokens a step predicts. */
  public enum Mode {
    /** Next-token prediction: the model's own order, one token a step. */
    NTP,
    /** Next-block prediction. */
    NBP
  }

  /** Checks that there is something to generate. */
  public GenerationRequest {
    classes = List.copyOf(classes);
    if (classes.isEmpty()) {
      throw EngineFailure.badRequest("a generation needs at least one clip");
    }
    requireNonNull(options, "options is null");
    requireNonNull(mode, "mode is null");
    condition = List.copyOf(condition);
    prompts = List.copyOf(prompts);
  }

  /** A batch with noise of its seed. */
  public GenerationRequest(
      List<Integer> classes,
      long seed,
      SamplingOptions options,
      Mode mode,
      List<TokenGrid> condition,
      List<String> prompts) {
    this(classes, seed, options, mode, condition, prompts, null);
  }

  /** A batch without prompts. */
  public GenerationRequest(
      List<Integer> classes,
      long seed,
      SamplingOptions options,
      Mode mode,
      List<TokenGrid> condition) {
    this(classes, seed, options, mode, condition, List.of());
  }

  /** Fails with BAD_REQUEST unless all classes are numbers from 0, below {@code known}. */
  void requireClasses(int known) {
    for (int label : classes) {
      if (label < 0 || label >= known) {
        throw EngineFailure.badRequest(
            "class %d does not exist: this model has classes 0 to %d", label, known - 1);
      }
    }
  }

  /** As {@link #requireClasses}, for models that can be asked for nothing else. */
  void requireOnlyClasses(int known) {
    if (!prompts.isEmpty()) {
      throw EngineFailure.badRequest("this model takes a class, not a prompt");
    }
    if (!condition.isEmpty()) {
      throw EngineFailure.badRequest("this model does not go on from given frames");
    }
    if (mode == Mode.NTP) {
      throw EngineFailure.badRequest("this model does not go token by token: it has no mode ntp");
    }
    requireClasses(known);
  }
}
