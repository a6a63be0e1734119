package dev.blockreel.cli;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.ModelImport;
import dev.blockreel.script.Dtype;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Official files become a model directory. */
@Command(
    name = "import",
    description = "Makes a model directory out of the files that a model's authors published.")
final class Import extends EngineCommand {
  @Option(
      names = "--tokenizer",
      paramLabel = "FILE",
      description =
          "The tokenizer: .pt with 'model_state_dict' (NBP), .pth (VAR), .ckpt (xAR), or"
              + " .safetensors.")
  private Path tokenizer;

  @Option(
      names = "--generator",
      paramLabel = "FILE",
      description = "The generator: a Lightning .ckpt (NBP), .pth (VAR, xAR), or .safetensors.")
  private Path generator;

  @Option(
      names = "--text-tokenizer",
      paramLabel = "tokenizer.json",
      description = "Cuts the texts of generate --prompt into pieces; it is copied.")
  private Path texts;

  @Option(
      names = "--grid",
      paramLabel = "TxHxW",
      description = "Latent frames, rows and columns of a clip. Default: as stored, else 5x16x16.")
  private String grid;

  @Option(
      names = "--dtype",
      defaultValue = "bf16",
      paramLabel = "bf16|fp16|fp32",
      description = "How weights are stored. Default: ${DEFAULT-VALUE}.")
  private String dtype;

  @Option(
      names = "--codes",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Size of the codebook, where no --tokenizer is given and the file does not tell.")
  private int codes;

  @Option(
      names = "--levels",
      split = ",",
      paramLabel = "L",
      description = "FSQ levels of the tokenizer. Default: the published 8,8,8,5,5,5.")
  private List<Integer> levels = List.of();

  @Option(
      names = "--hyper",
      paramLabel = "NAME=VALUE",
      description =
          "A hyper-parameter that the generator's file lacks, by its published name, such as"
              + " n_head, or patch_nums of VAR.")
  private Map<String, String> hyperParameters = Map.of();

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "The model directory to make.")
  private Path out;

  @Override
  void run() {
    ElementType type =
        switch (Dtype.parse(dtype)) {
          case BFLOAT16 -> ElementType.BF16;
          case FLOAT16 -> ElementType.F16;
          case FLOAT32 -> ElementType.F32;
          case INT64, INT32, BOOL -> throw EngineFailure.badRequest("weights are no %s", dtype);
        };
    new ModelImport(
            tokenizer,
            generator,
            texts,
            grid == null ? null : ModelImport.Grid.parse(grid),
            codes,
            levels,
            hyperParameters,
            type)
        .to(out);
    out().printf("%s: imported as %s%n", out, Dtype.parse(dtype).shortName());
  }
}
