package dev.blockreel.server.engine;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.sampler.SamplingOptions;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * What is known about a loaded model without touching it: safe on any thread.
 *
 * @param name by which requests call it
 * @param created when it was loaded, Unix seconds
 * @param kind its family, such as {@code nbp}
 * @param classes names of the classes in the order of their numbers; empty for models without
 * @param classNumbers turns a name or number into the number of a class
 * @param width of a clip in pixels
 * @param height of a clip in pixels
 * @param frames of a whole clip
 * @param fps frames per second that it was trained at
 * @param blocks steps of a whole clip
 * @param steps turns a request into the steps that it takes
 * @param blockSize tokens a block
 * @param unit what a block is: as {@link Pipeline#unit} says
 * @param tokensPerFrame of a latent frame
 * @param needsReference whether it only continues given frames
 * @param takesReference whether given frames can begin a clip
 * @param defaults how it likes to be sampled
 * @param licence of its weights, or null
 * @param attribution who made what it was trained on, or null
 */
public record ServedModel(
    String name,
    long created,
    String kind,
    List<String> classes,
    ToIntFunction<String> classNumbers,
    int width,
    int height,
    int frames,
    double fps,
    int blocks,
    ToIntFunction<GenerationRequest> steps,
    int blockSize,
    String unit,
    int tokensPerFrame,
    boolean needsReference,
    boolean takesReference,
    SamplingOptions defaults,
    String licence,
    String attribution) {

  static ServedModel of(ModelSource source, Pipeline pipeline) {
    JsonNode json = ModelDirectory.open(source.directory()).description();
    return new ServedModel(
        source.name(),
        System.currentTimeMillis() / 1000,
        pipeline.kind(),
        List.copyOf(pipeline.classes()),
        pipeline::classNumber,
        pipeline.width(),
        pipeline.height(),
        pipeline.frames(),
        pipeline.fps(),
        pipeline.steps(usual(pipeline)),
        pipeline::steps,
        pipeline.blockSize(),
        pipeline.unit(),
        pipeline.tokensPerFrame(),
        pipeline.needsBeginning(),
        !pipeline.beginnings().isEmpty(),
        pipeline.defaults(),
        json.path("licence").asText(null),
        json.path("attribution").asText(null));
  }

  private static GenerationRequest usual(Pipeline pipeline) {
    return new GenerationRequest(
        List.of(0), 0, pipeline.defaults(), GenerationRequest.Mode.NBP, List.of());
  }

  /** The fields of {@code extra_params} that mean something to it, beside the class. */
  public List<String> options() {
    return switch (kind) {
      case NbpGenerator.KIND ->
          List.of("block_size", "temperature", "top_k", "top_p", "cfg_scale", "prediction_unit");
      case XarGenerator.KIND ->
          List.of("temperature", "num_inference_steps", "cfg_scale", "prediction_unit");
      default -> List.of("temperature", "top_k", "top_p", "cfg_scale", "prediction_unit");
    };
  }

  /**
   * Steps until the first frame is whole: of a hybrid model single tokens, then blocks; 0 where it
   * takes all steps.
   */
  public int firstFrameBlocks(GenerationRequest.Mode mode) {
    if (!kind.equals(NbpGenerator.KIND)) {
      return 0;
    }
    int block = mode == GenerationRequest.Mode.NTP ? 1 : blockSize;
    return Math.min(block, tokensPerFrame) + Math.max(0, tokensPerFrame / block - 1);
  }
}
