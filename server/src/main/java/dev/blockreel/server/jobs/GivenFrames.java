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
   * @throws EngineFailure MEDIA when the file is no such thing or too large
   */
  static GenerationRequest continuing(VideoRequest request, Path reference, Pipeline pipeline) {
    ClipInfo info = ClipReader.probe(reference);
    if ((long) info.width() * info.height() > MOST_PIXELS) {
      throw new EngineFailure(
          FailureCode.MEDIA,
          "the reference has %dx%d pixels: %d are the most"
              .formatted(info.width(), info.height(), MOST_PIXELS));
    }
    List<Integer> possible = pipeline.beginnings();
    int frames =
        possible.stream()
            .filter(count -> count <= Math.min(MOST_FRAMES, info.frames()))
            .reduce((shorter, longer) -> longer)
            .orElse(possible.get(0));
    ClipSampling sampling =
        new ClipSampling(
            frames,
            pipeline.fps(),
            pipeline.height(),
            pipeline.width(),
            ClipSampling.Fit.CROP,
            ClipSampling.Window.START);
    Clip clip = ClipReader.read(reference, sampling);
    return request(request, List.of(pipeline.beginning(clip)));
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
