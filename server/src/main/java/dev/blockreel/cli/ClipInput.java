package dev.blockreel.cli;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipShape;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipTensors;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** How clips are brought to the length, rate and size that a tokenizer was made for. */
final class ClipInput {
  @Option(
      names = "--fit",
      paramLabel = "squash|crop",
      defaultValue = "squash",
      description =
          "Where a clip has another shape than the model's: scale both sides on their own, or cut"
              + " out the middle. Default: ${DEFAULT-VALUE}.")
  private ClipSampling.Fit fit;

  /**
   * Reads clips for a tokenizer. Videos and images give the frames around their middle, at the
   * model's rate and size; raw tensors are taken as they are.
   */
  List<Clip> read(Path path, ClipShape shape) {
    return read(path, shape, shape.frames(), ClipSampling.Window.CENTER);
  }

  /** The same with another number of frames, from another place. */
  List<Clip> read(Path path, ClipShape shape, int frames, ClipSampling.Window window) {
    if (OutputFiles.isTensors(path)) {
      try (TensorFile file = Safetensors.open(path)) {
        return ClipTensors.read(file);
      }
    }
    return List.of(
        ClipReader.read(
            path,
            new ClipSampling(frames, shape.fps(), shape.height(), shape.width(), fit, window)));
  }

  /** A clip's length and size in words. */
  static String describe(Clip clip) {
    return clip.frames() == 1
        ? "1 frame of %dx%d".formatted(clip.width(), clip.height())
        : String.format(
            Locale.ROOT,
            "%d frames of %dx%d at %s fps",
            clip.frames(),
            clip.width(),
            clip.height(),
            decimal(clip.fps()));
  }

  private static String decimal(double value) {
    return value == Math.rint(value)
        ? String.valueOf((long) value)
        : String.format(Locale.ROOT, "%.2f", value);
  }
}
