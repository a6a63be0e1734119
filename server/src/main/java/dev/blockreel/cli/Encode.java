package dev.blockreel.cli;

import dev.blockreel.checkpoint.CodeTensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipCodes;
import dev.blockreel.tokenizer.ClipTokenizer;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** A clip becomes tokens. */
@Command(name = "encode", description = "Turns a clip into tokens.")
final class Encode extends EngineCommand {
  @Parameters(
      paramLabel = "CLIP",
      description = "A video, an image, a folder of images, or .safetensors with 'video'.")
  private Path clip;

  @Mixin private ModelOptions model;
  @Mixin private ClipInput input;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "TOKENS.safetensors",
      description =
          "Where to write 'tokens', int32 (B, t, h, w); 'tokens.0', 'tokens.1', … of a model with"
              + " scales; or 'latents'.")
  private Path out;

  @Override
  void run() {
    OutputFiles.requireTensors(out);
    try (ClipTokenizer tokenizer = model.loadTokenizer()) {
      List<Clip> clips = input.read(clip, tokenizer.shape());
      List<ClipCodes> codes = clips.stream().map(tokenizer::toCodes).toList();
      CodeTensors.add(SafetensorsWriter.to(out), codes).write();
      out()
          .printf(
              "%s: %d grid%s of %s from %s%n",
              out,
              codes.size(),
              codes.size() == 1 ? "" : "s",
              codes.get(0).describe(),
              ClipInput.describe(clips.get(0)));
    }
  }
}
