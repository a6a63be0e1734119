package dev.blockreel.server.jobs;

import static dev.blockreel.failure.EngineFailure.badRequest;
import static java.util.Objects.requireNonNull;

import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.SamplingOptions;

/**
 * A checked request for one clip: all that is needed to make it again.
 *
 * @param model name of the model
 * @param prompt what the user wrote
 * @param classLabel the class that it was read as, or null where the prompt is free text
 * @param classNumber number of that class; 0 where there are none
 * @param seed of all randomness
 * @param width in pixels
 * @param height in pixels
 * @param frames how many frames are wanted, at most those of the model
 * @param fps pace of the file
 * @param options how tokens are drawn
 * @param mode block by block or token by token
 * @param hasReference whether a reference that begins the clip lies beside the record
 */
public record VideoRequest(
    String model,
    String prompt,
    String classLabel,
    int classNumber,
    long seed,
    int width,
    int height,
    int frames,
    double fps,
    SamplingOptions options,
    GenerationRequest.Mode mode,
    boolean hasReference) {
  /** The same with another seed. */
  public VideoRequest withSeed(long newSeed) {
    return new VideoRequest(
        model,
        prompt,
        classLabel,
        classNumber,
        newSeed,
        width,
        height,
        frames,
        fps,
        options,
        mode,
        hasReference);
  }

  public VideoRequest {
    requireNonNull(model, "model is null");
    requireNonNull(prompt, "prompt is null");
    requireNonNull(options, "options is null");
    requireNonNull(mode, "mode is null");
    if (!(fps > 0 && fps <= Double.MAX_VALUE)) {
      throw badRequest("fps must be a positive number: got %s", fps);
    }
  }
}
