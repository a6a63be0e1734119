package dev.blockreel.server.jobs;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.media.ClipInfo;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import java.nio.file.Path;
import java.util.List;

/** What a clip begins with. For the engine thread: it decodes media and encodes tokens. */
final class GivenFrames {
  /** As in the frame prediction of NBP's paper. */
  private static final int MOST_FRAMES = 5;

  /** Larger pictures are refused before they are decoded: they are shrunk anyway. */
  private static final long MOST_PIXELS = 1L << 24;

  private GivenFrames() {}

  /** A clip from nothing but its class or text. */
  static GenerationRequest none(VideoRequest request) {
    return request(request, List.of());
  }

  /**
   * A clip that goes on from an image or the first frames of a video.
   *
   * @throws EngineFailure MEDIA, with a message for who sent the file, when it is no such thing or
   *     too large
   */
  static GenerationRequest continuing(VideoRequest request, Path reference, Pipeline pipeline) {
    Clip clip;
    try {
      ClipInfo info = ClipReader.probe(reference);
      long pixels = (long) info.width() * info.height();
      clip = pixels > MOST_PIXELS ? null : ClipReader.read(reference, sampling(info, pipeline));
    } catch (EngineFailure e) {
      if (e.code() == FailureCode.OUT_OF_MEMORY || e.code() == FailureCode.CANCELLED) {
        throw e;
      }
      // The reason names files of this machine.
      String message = "input_reference cannot be read as an image or a clip";
      throw new EngineFailure(FailureCode.MEDIA, message, e);
    }
    if (clip == null) {
      throw new EngineFailure(
          FailureCode.MEDIA, "input_reference has more than %d pixels".formatted(MOST_PIXELS));
    }
    return request(request, List.of(pipeline.beginning(clip)));
  }

  private static ClipSampling sampling(ClipInfo info, Pipeline pipeline) {
    List<Integer> possible = pipeline.beginnings();
    int frames =
        possible.stream()
            .filter(count -> count <= Math.min(MOST_FRAMES, info.frames()))
            .reduce((shorter, longer) -> longer)
            .orElse(possible.get(0));
    return new ClipSampling(
        frames,
        pipeline.fps(),
        pipeline.height(),
        pipeline.width(),
        ClipSampling.Fit.CROP,
        ClipSampling.Window.START);
  }

  private static GenerationRequest request(VideoRequest request, List<TokenGrid> condition) {
    boolean text = request.classLabel() == null && !request.prompt().isEmpty();
    return new GenerationRequest(
        List.of(request.classNumber()),
        request.seed(),
        request.options(),
        request.mode(),
        condition,
        text ? List.of(request.prompt()) : List.of());
  }
}
