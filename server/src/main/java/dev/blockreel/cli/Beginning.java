package dev.blockreel.cli;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TokenTensors;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.sampler.Pipeline;
import java.nio.file.Path;
import java.util.List;

/**
 * How clips begin that are to be continued.
 *
 * @param source a clip, or tensors with {@code tokens} or {@code video}
 * @param frames how many frames of it to take; null for 5 of a clip, and all of tensors
 */
record Beginning(Path source, Integer frames) {
  /** As in the frame prediction of NBP's paper. */
  private static final int PUBLISHED_FRAMES = 5;

  /**
   * Reads it.
   *
   * @return the leading latent frames, a grid for each clip of the source
   */
  List<TokenGrid> read(Pipeline pipeline, ClipInput input) {
    if (pipeline.beginnings().isEmpty()) {
      throw EngineFailure.badRequest("this model does not go on from given frames");
    }
    List<TokenGrid> grids = tokens();
    if (grids.isEmpty()) {
      int count = frames == null ? PUBLISHED_FRAMES : frames;
      latentFrames(count, pipeline);
      return input.read(source, pipeline.shape(), count, ClipSampling.Window.START).stream()
          .map(clip -> pipeline.beginning(leading(clip, count)))
          .toList();
    }
    if (frames == null) {
      return grids;
    }
    int latents = latentFrames(frames, pipeline);
    if (latents > grids.get(0).time()) {
      throw EngineFailure.badRequest(
          "--condition-frames %d are %d latent frames: %s has %d",
          frames, latents, source, grids.get(0).time());
    }
    return grids.stream().map(grid -> grid.leading(latents)).toList();
  }

  private Clip leading(Clip clip, int count) {
    if (clip.frames() < count) {
      throw EngineFailure.badRequest(
          "%s has %d frames, but the first %d are to be given", source, clip.frames(), count);
    }
    return clip.slice(0, count);
  }

  /** The token grids of the source; none where it has none. */
  private List<TokenGrid> tokens() {
    if (!OutputFiles.isTensors(source)) {
      return List.of();
    }
    try (TensorFile file = Safetensors.open(source)) {
      return file.names().contains(TokenTensors.TOKENS) ? TokenTensors.read(file) : List.of();
    }
  }

  /** How many latent frames so many frames are. */
  private static int latentFrames(int frames, Pipeline pipeline) {
    List<Integer> possible = pipeline.beginnings();
    if (!possible.contains(frames)) {
      throw EngineFailure.badRequest(
          "%d frames are no whole number of latent frames to begin with: expected one of %s",
          frames, possible);
    }
    return possible.indexOf(frames) + 1;
  }
}
