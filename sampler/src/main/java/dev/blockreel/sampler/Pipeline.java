package dev.blockreel.sampler;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.Preset;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipShape;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A loaded model, ready to generate: tokenizer, generator and sampler together, whatever its kind.
 * An image is a clip of one frame. Holds native memory until closed. One thread at a time, but for
 * {@link #batch batches}: each may have a thread of its own, and all share the weights.
 */
public interface Pipeline extends AutoCloseable {
  /**
   * Loads a model of any kind.
   *
   * @param directory a model directory with a tokenizer and a generator
   * @param dtype in which numbers to compute, or null for {@link Torch#fastDtype}
   * @throws EngineFailure BAD_REQUEST when a half is missing; CHECKPOINT_MISMATCH when weights do
   *     not fit; UNSUPPORTED for a kind that is not known here
   */
  static Pipeline load(Path directory, Dtype dtype) {
    ModelDirectory model = ModelDirectory.open(directory);
    String kind = model.description().path("generator").path("kind").asText(NbpGenerator.KIND);
    Dtype compute = known(dtype);
    return switch (kind) {
      case NbpGenerator.KIND -> NbpPipeline.load(model, compute);
      case XarGenerator.KIND -> XarPipeline.load(model, compute);
      case VarGenerator.KIND -> VarPipeline.load(model, compute);
      default ->
          throw new EngineFailure(
              FailureCode.UNSUPPORTED,
              "%s/model.json: a generator of the kind \"%s\" is not known here"
                  .formatted(model.path(), kind));
    };
  }

  /**
   * A published model with random weights, to measure it without its files: it makes noise at the
   * speed and in the memory of the real one.
   *
   * @param preset such as {@code nbp-ucf-base}, {@code xar-b} or {@code var-d16}
   * @param dtype as in {@link #load}
   * @param seed of the weights
   * @throws EngineFailure BAD_REQUEST when there is no such model
   */
  static Pipeline standIn(String preset, Dtype dtype, long seed) {
    Dtype compute = known(dtype);
    Record generator = Preset.named(preset).generator();
    if (generator instanceof XarGenerator.Description) {
      return XarPipeline.standIn(preset, compute, seed);
    }
    return generator instanceof VarGenerator.Description
        ? VarPipeline.standIn(preset, compute, seed)
        : NbpPipeline.standIn(preset, compute, seed);
  }

  private static Dtype known(Dtype dtype) {
    return dtype == null ? Torch.fastDtype() : dtype;
  }

  /** The family of the generator, as {@code model.json} writes it. */
  String kind();

  /** Names of the classes, in the order of their numbers; empty for models without. */
  List<String> classes();

  /**
   * The number of a class.
   *
   * @param nameOrNumber a number, or a name; case, blanks, dashes and underscores do not count
   * @throws EngineFailure BAD_REQUEST when the model has no such name
   */
  default int classNumber(String nameOrNumber) {
    return new ClassNames(classes()).number(nameOrNumber);
  }

  /** Whether the model is asked for a class (or a text in its place), rather than for nothing. */
  default boolean takesClass() {
    return true;
  }

  /** Whether a text may stand in the place of a class. */
  default boolean takesPrompt() {
    return false;
  }

  /** With how many given frames a clip may begin, rising; empty where none can be given. */
  default List<Integer> beginnings() {
    return List.of();
  }

  /** Whether frames to begin with must be given. */
  default boolean needsBeginning() {
    return false;
  }

  /**
   * Frames to begin with, as a request takes them.
   *
   * @param frames as many as one of {@link #beginnings}
   */
  default TokenGrid beginning(Clip frames) {
    throw EngineFailure.badRequest("this model does not go on from given frames");
  }

  /**
   * Reads the noise that another run drew for {@code clips} clips.
   *
   * @throws EngineFailure BAD_REQUEST when the file does not hold what {@code options} will ask
   *     for, or the model takes no noise
   */
  default RecordedNoise recordedNoise(TensorFile file, int clips, SamplingOptions options) {
    throw EngineFailure.badRequest("this model draws tokens: it takes no noise");
  }

  /** How this model likes to be sampled. */
  SamplingOptions defaults();

  /** Length, size and rate of a clip; an image has one frame. */
  ClipShape shape();

  /** Frames of a clip. */
  default int frames() {
    return shape().frames();
  }

  /** Height of a clip in pixels. */
  default int height() {
    return shape().height();
  }

  /** Width of a clip in pixels. */
  default int width() {
    return shape().width();
  }

  /** Frames per second. */
  default double fps() {
    return shape().fps();
  }

  /** Steps until all clips of a request are whole. */
  int steps(GenerationRequest request);

  /** Positions of the grid that are predicted together, at most. */
  int blockSize();

  /** Positions of one latent frame. */
  int tokensPerFrame();

  /**
   * What is predicted together: a token, a row, another block, a frame, a cell, a subsample, a
   * scale, a whole.
   */
  String unit();

  /**
   * Checks a request without doing anything; any thread may ask.
   *
   * @throws EngineFailure BAD_REQUEST when it does not fit the model
   */
  void check(GenerationRequest request);

  /**
   * Generations of one model on one thread, which may share steps. Batches of one pipeline may run
   * on different threads at the same time.
   *
   * @param slots how many clips may be generated at the same time; one with guidance counts twice
   * @return to be closed before this pipeline
   */
  GenerationBatch batch(int slots);

  /**
   * Generates clips together. Frames are decoded as soon as they are known.
   *
   * @param listener called on this thread between steps
   * @return one clip for each class of the request, in order
   * @throws EngineFailure BAD_REQUEST when the request does not fit the model; CANCELLED when the
   *     listener says so
   */
  default List<GeneratedClip> generate(GenerationRequest request, GenerationListener listener) {
    check(request);
    try (GenerationBatch batch = batch(2 * request.classes().size())) {
      CompletableFuture<List<GeneratedClip>> clips = batch.submit(request, listener);
      while (batch.step()) {}
      return clips.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException failure ? failure : e;
    }
  }

  @Override
  void close();
}
