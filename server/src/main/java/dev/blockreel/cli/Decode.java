package dev.blockreel.cli;

import dev.blockreel.checkpoint.CodeTensors;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipCodes;
import dev.blockreel.tokenizer.ClipTokenizer;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Tokens become clips. */
@Command(name = "decode", description = "Turns tokens into clips.")
final class Decode extends EngineCommand {
  @Parameters(
      paramLabel = "TOKENS.safetensors",
      description =
          "A file with 'tokens', 'tokens.0', 'tokens.1', …, or 'latents', as encode and generate"
              + " write it.")
  private Path tokens;

  @Mixin private ModelOptions model;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE|DIR",
      description =
          "A video or image; for several clips a folder, a .png sheet, or .safetensors with all.")
  private Path out;

  @Override
  void run() {
    List<ClipCodes> grids;
    try (TensorFile file = Safetensors.open(tokens)) {
      grids = CodeTensors.read(file);
    }
    ClipOutput output = ClipOutput.open(out, grids.size());
    try (ClipTokenizer tokenizer = model.loadTokenizer()) {
      for (int i = 0; i < grids.size(); i++) {
        Clip clip = tokenizer.toClip(grids.get(i));
        output.add("clip%05d".formatted(i), grids.get(i), clip).ifPresent(file -> tell(file, clip));
      }
    }
    output
        .finish()
        .ifPresent(
            file -> out().printf("%s: %d clips, %s%n", file, grids.size(), OutputFiles.size(file)));
  }

  private void tell(Path file, Clip clip) {
    out().printf("%s: %s, %s%n", file, ClipInput.describe(clip), OutputFiles.size(file));
  }
}
