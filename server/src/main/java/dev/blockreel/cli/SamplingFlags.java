package dev.blockreel.cli;

import dev.blockreel.sampler.SamplingOptions;
import picocli.CommandLine.Option;

/** How tokens are drawn; what is not given stays as the model likes it. */
final class SamplingFlags {
  @Option(
      names = "--temperature",
      paramLabel = "F",
      description = "0 takes the likeliest token everywhere, 1 follows the model's probabilities.")
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
      description = "Strength of classifier-free guidance; 0 for none.")
  private Double cfg;

  /** The model's own options with what was given on the command line. */
  SamplingOptions over(SamplingOptions defaults) {
    return new SamplingOptions(
        temperature == null ? defaults.temperature() : temperature,
        topK == null ? defaults.topK() : topK,
        topP == null ? defaults.topP() : topP,
        cfg == null ? defaults.cfg() : cfg,
        defaults.scaleCfg());
  }
}
