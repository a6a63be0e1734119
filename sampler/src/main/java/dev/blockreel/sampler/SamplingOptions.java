package dev.blockreel.sampler;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;

/**
 * How a token is drawn from its logits: divide by the temperature, keep the top k, keep the top p,
 * draw. For models with continuous latents, which have no logits, {@code temperature} is the spread
 * of all noise and {@code flow} says the rest.
 *
 * @param temperature 0 takes the likeliest token; 1 leaves the model's own probabilities
 * @param topK how many of the likeliest tokens stay; 0 keeps all
 * @param topP the likeliest tokens stay until their probabilities sum to more than this; 1 keeps
 *     all
 * @param cfg guidance strength; 0 for none. For tokens s in (1+s)·conditional - s·unconditional,
 *     for latents s in unconditional + s·(conditional - unconditional), as published: there 1 is
 *     none, too
 * @param scaleCfg whether guidance grows with the step, as NBP's evaluation does
 * @param flow how continuous latents are drawn
 */
public record SamplingOptions(
    double temperature, int topK, double topP, double cfg, boolean scaleCfg, FlowOptions flow) {
  /** The likeliest token everywhere. */
  public static final SamplingOptions GREEDY = new SamplingOptions(0, 0, 1, 0, false);

  /** For tokens. */
  public SamplingOptions(double temperature, int topK, double topP, double cfg, boolean scaleCfg) {
    this(temperature, topK, topP, cfg, scaleCfg, FlowOptions.PUBLISHED);
  }

  /**
   * Reads {@code sampling} of a model: how it likes to be sampled.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH when a value is out of range
   */
  static SamplingOptions of(ModelDirectory model) {
    JsonNode json = model.description().path("sampling");
    try {
      return new SamplingOptions(
          json.path("temperature").asDouble(1),
          json.path("topK").asInt(0),
          json.path("topP").asDouble(1),
          json.path("cfg").asDouble(0),
          json.path("scaleCfg").asBoolean(true),
          FlowOptions.of(json));
    } catch (EngineFailure e) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "%s/model.json: %s".formatted(model.path(), e.getMessage()),
          e);
    }
  }

  /** Checks the ranges. */
  public SamplingOptions {
    requireNonNull(flow, "flow is null");
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw EngineFailure.badRequest("temperature must be 0 or more: got %s", temperature);
    }
    if (topK < 0) {
      throw EngineFailure.badRequest("top-k must be 0 (off) or more: got %d", topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw EngineFailure.badRequest("top-p must lie in (0, 1]: got %s", topP);
    }
    if (!(cfg >= 0) || Double.isInfinite(cfg)) {
      throw EngineFailure.badRequest("cfg must be 0 or more: got %s", cfg);
    }
  }
}
