package dev.blockreel.cli;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.Numerics;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.sampler.Tokenizers;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.ClipTokenizer;
import java.nio.file.Path;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Which model a command uses, and in which numbers it computes. */
final class ModelOptions {
  /** Of random weights. */
  private static final long SEED = 1;

  @ArgGroup(multiplicity = "1")
  private Which which;

  private static final class Which {
    @Option(
        names = "--model",
        paramLabel = "MODEL",
        description =
            "A model directory, or the name of one in samples/models or $BLOCKREEL_HOME/models.")
    private String model;

    @Option(
        names = "--random-weights",
        paramLabel = "PRESET",
        description =
            "A published model without its weights, to measure it: nbp-ucf-base, nbp-k600-base,"
                + " nbp-ucf-xl, nbp-k600-xl, nbp-ucf-3b, nbp-k600-3b, xar-b, xar-l, xar-h, var-d16,"
                + " var-d20, var-d24, var-d30 or var-d36.")
    private String preset;
  }

  @Option(
      names = "--dtype",
      paramLabel = "fp32|bf16|fp16",
      description =
          "Numbers to compute in. Default: bf16 where the device is fast at it, else fp32.")
  private String dtype;

  Path directory() {
    if (which.model == null) {
      throw EngineFailure.badRequest("this needs --model: random weights have no files");
    }
    return ModelDirectory.resolve(which.model);
  }

  /** Tells models apart: another value, other weights or numbers. */
  String identity() {
    String weights =
        which.preset == null
            ? ModelDirectory.open(directory()).description().path("files").toString()
            : which.preset;
    return weights + " " + dtype;
  }

  /** What was asked for, or null. */
  Dtype dtype() {
    return dtype == null ? null : Dtype.parse(dtype);
  }

  /** Loads the tokenizer alone; to be closed. */
  ClipTokenizer loadTokenizer() {
    Dtype asked = dtype();
    Numerics numerics = Numerics.inference(asked == null ? Torch.fastDtype() : asked);
    return which.preset == null
        ? Tokenizers.load(ModelDirectory.open(directory()), numerics)
        : Tokenizers.standIn(which.preset, SEED, numerics);
  }

  /** Loads tokenizer and generator; to be closed. */
  Pipeline loadPipeline() {
    Dtype asked = dtype();
    return which.preset == null
        ? Pipeline.load(directory(), asked)
        : Pipeline.standIn(which.preset, asked, SEED);
  }
}
