package dev.blockreel.cli;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.sampler.FlowOptions;
import dev.blockreel.sampler.FlowSolver;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.sampler.SamplingOptions;
import picocli.CommandLine.Option;

/** How tokens are drawn; what is not given stays as the model likes it. */
final class SamplingFlags {
  @Option(
      names = "--temperature",
      paramLabel = "F",
      description =
          "0 takes the likeliest token everywhere, 1 follows the model's probabilities. For models"
              + " of latents the spread of all noise.")
  private Double temperature;

  @Option(
      names = "--top-k",
      paramLabel = "N",
      description = "Draw from the N likeliest tokens; 0 from all.")
  private Integer topK;

  @Option(
      names = "--top-p",
      paramLabel = "F",
      description = "Draw from the likeliest tokens that together have probability F; 1 from all.")
  private Double topP;

  @Option(
      names = "--cfg",
      paramLabel = "F",
      description =
          "Strength of classifier-free guidance; 0 for none, for models of latents (xAR) all up to 1.")
  private Double cfg;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "For models of latents (xAR): steps that remove the noise of an entity.")
  private Integer steps;

  @Option(
      names = "--solver",
      paramLabel = "euler-maruyama|euler|heun",
      description = "For models of latents: how noise is removed.")
  private String solver;

  @Option(
      names = "--times",
      paramLabel = "published|even|cosine",
      description = "For models of latents: how the steps are spread.")
  private String times;

  @Option(
      names = "--guidance",
      paramLabel = "linear|constant",
      description = "Whether --cfg grows from step to step, or from entity to entity.")
  private String guidance;

  @Option(
      names = "--mode",
      defaultValue = "nbp",
      paramLabel = "nbp|ntp",
      description = "Block by block, or token by token for comparison. Default: ${DEFAULT-VALUE}.")
  private GenerationRequest.Mode mode;

  /** How many tokens a step predicts. */
  GenerationRequest.Mode mode() {
    return mode;
  }

  /**
   * The model's own options with what was given on the command line.
   *
   * @throws EngineFailure BAD_REQUEST when something was given that such a model has not
   */
  SamplingOptions over(Pipeline pipeline) {
    return over(pipeline.kind(), pipeline.defaults());
  }

  SamplingOptions over(String kind, SamplingOptions defaults) {
    boolean latents = kind.equals(XarGenerator.KIND);
    refuse(latents, "--top-k", topK, "tokens", kind);
    refuse(latents, "--top-p", topP, "tokens", kind);
    refuse(!latents, "--steps", steps, "latents", kind);
    refuse(!latents, "--solver", solver, "latents", kind);
    refuse(!latents, "--times", times, "latents", kind);
    return over(defaults);
  }

  private static void refuse(
      boolean unfit, String option, Object value, String models, String kind) {
    if (unfit && value != null) {
      throw EngineFailure.badRequest(
          "%s is for models of %s: this one is of the kind %s", option, models, kind);
    }
  }

  private SamplingOptions over(SamplingOptions defaults) {
    return new SamplingOptions(
        temperature == null ? defaults.temperature() : temperature,
        topK == null ? defaults.topK() : topK,
        topP == null ? defaults.topP() : topP,
        cfg == null ? defaults.cfg() : cfg,
        guidance == null
            ? defaults.scaleCfg()
            : FlowOptions.Guidance.parse(guidance) == FlowOptions.Guidance.LINEAR,
        over(defaults.flow()));
  }

  private FlowOptions over(FlowOptions defaults) {
    return new FlowOptions(
        steps == null ? defaults.steps() : steps,
        solver == null ? defaults.solver() : FlowSolver.Kind.parse(solver),
        times == null ? defaults.times() : FlowOptions.TimeGrid.parse(times),
        guidance == null ? defaults.guidance() : FlowOptions.Guidance.parse(guidance));
  }
}
