package dev.blockreel.cli;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.nn.Numerics;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which model a command uses, and in which numbers it computes. */
final class ModelOptions {
  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description =
          "A model directory, or the name of one in samples/models or $BLOCKREEL_HOME/models.")
  private String model;

  @Option(
      names = "--dtype",
      paramLabel = "fp32|bf16|fp16",
      description =
          "Numbers to compute in. Default: bf16 where the device is fast at it, else fp32.")
  private String dtype;

  Path directory() {
    return ModelDirectory.resolve(model);
  }

  /** What was asked for, or null. */
  Dtype dtype() {
    return dtype == null ? null : Dtype.parse(dtype);
  }

  /** Loads the tokenizer alone; to be closed. */
  Magvit2Tokenizer loadTokenizer() {
    Dtype asked = dtype();
    return Magvit2Tokenizer.load(
        ModelDirectory.open(directory()),
        Numerics.inference(asked == null ? Torch.fastDtype() : asked, 0));
  }

  /** Loads tokenizer and generator; to be closed. */
  Pipeline loadPipeline() {
    Dtype asked = dtype();
    return Pipeline.load(directory(), asked);
  }
}
