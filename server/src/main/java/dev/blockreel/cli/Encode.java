package dev.blockreel.cli;

import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TokenTensors;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
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
      description = "Where to write 'tokens', int32 (B, t, h, w).")
  private Path out;

  @Override
  void run() {
    OutputFiles.requireTensors(out);
    try (Magvit2Tokenizer tokenizer = model.loadTokenizer()) {
      List<Clip> clips = input.read(clip, tokenizer.description().shape());
      List<TokenGrid> grids = clips.stream().map(tokenizer::encode).toList();
      SafetensorsWriter writer = TokenTensors.add(SafetensorsWriter.to(out), grids);
      OutputFiles.createParent(out);
      writer.write();
      TokenGrid grid = grids.get(0);
      out()
          .printf(
              "%s: %d grid%s of %dx%dx%d tokens from %s%n",
              out,
              grids.size(),
              grids.size() == 1 ? "" : "s",
              grid.time(),
              grid.height(),
              grid.width(),
              ClipInput.describe(clips.get(0)));
    }
  }
}
