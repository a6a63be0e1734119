package dev.blockreel.sampler;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpPreset;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/**
 * A loaded model, ready to generate: tokenizer, generator and sampler together. Holds native memory
 * until closed. One thread at a time.
 */
public final class Pipeline implements AutoCloseable {
  private final Magvit2Tokenizer tokenizer;
  private final NbpGenerator generator;
  private final NbpConditions conditions;
  private final SamplingOptions defaults;

  private Pipeline(
      Magvit2Tokenizer tokenizer,
      NbpGenerator generator,
      NbpConditions conditions,
      SamplingOptions defaults) {
    this.tokenizer = tokenizer;
    this.generator = generator;
    this.conditions = conditions;
    this.defaults = defaults;
  }

  /**
   * Loads a model.
   *
   * @param directory a model directory with a tokenizer and a generator
   * @param dtype in which numbers to compute, or null for {@link Torch#fastDtype}
   * @throws EngineFailure BAD_REQUEST when a half is missing; CHECKPOINT_MISMATCH when weights do
   *     not fit
   */
  public static Pipeline load(Path directory, Dtype dtype) {
    ModelDirectory model = ModelDirectory.open(directory);
    NbpConfig config = NbpGenerator.describe(model).network();
    NbpConditions conditions = NbpConditions.of(model, config);
    SamplingOptions defaults = defaults(model);
    Dtype compute = dtype == null ? Torch.fastDtype() : dtype;
    Magvit2Tokenizer tokenizer = Magvit2Tokenizer.load(model, Numerics.inference(compute, 1));
    try {
      NbpGenerator generator =
          NbpGenerator.load(
              model, Numerics.inference(compute, config.blockSize()), TokenSampling::write);
      return new Pipeline(tokenizer, generator, conditions, defaults);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  /**
   * A published model with random weights, to measure it without its files: it makes noise at the
   * speed and in the memory of the real one.
   *
   * @param preset such as {@code nbp-ucf-base}
   * @param dtype as in {@link #load}
   * @param seed of the weights
   * @throws EngineFailure BAD_REQUEST when there is no such model
   */
  public static Pipeline standIn(String preset, Dtype dtype, long seed) {
    NbpPreset published = NbpPreset.named(preset);
    int block = published.generator().network().blockSize();
    Dtype compute = dtype == null ? Torch.fastDtype() : dtype;
    Magvit2Tokenizer tokenizer =
        Magvit2Tokenizer.standIn(published.tokenizer(), seed, Numerics.inference(compute, 1));
    try {
      NbpGenerator generator =
          NbpGenerator.standIn(
              published.generator(),
              seed,
              Numerics.inference(compute, block),
              TokenSampling::write);
      return new Pipeline(
          tokenizer,
          generator,
          NbpConditions.of(published),
          new SamplingOptions(1, 16_000, 0.9, 0, true));
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  private static SamplingOptions defaults(ModelDirectory model) {
    JsonNode json = model.description().path("sampling");
    return new SamplingOptions(
        json.path("temperature").asDouble(1),
        json.path("topK").asInt(0),
        json.path("topP").asDouble(1),
        json.path("cfg").asDouble(0),
        json.path("scaleCfg").asBoolean(true));
  }

  /** Names of the classes, in the order of their numbers; empty for models without. */
  public List<String> classes() {
    return conditions.classes();
  }

  /**
   * The number of a class.
   *
   * @param nameOrNumber a number, or a name; case, blanks, dashes and underscores do not count
   * @throws EngineFailure BAD_REQUEST when the model has no such name
   */
  public int classNumber(String nameOrNumber) {
    return conditions.classNumber(nameOrNumber);
  }

  /** How this model likes to be sampled. */
  public SamplingOptions defaults() {
    return defaults;
  }

  /** The tokenizer; closed with this. */
  public Magvit2Tokenizer tokenizer() {
    return tokenizer;
  }

  /** The generator; closed with this. */
  public NbpGenerator generator() {
    return generator;
  }

  /** Frames of a clip. */
  public int frames() {
    return tokenizer.description().network().frames(generator.description().time());
  }

  /** Height of a clip in pixels. */
  public int height() {
    return generator.description().height() * tokenizer.description().network().spaceFactor();
  }

  /** Width of a clip in pixels. */
  public int width() {
    return generator.description().width() * tokenizer.description().network().spaceFactor();
  }

  /** Frames per second. */
  public double fps() {
    return tokenizer.description().fps();
  }

  /** Steps that a generation without given frames takes. */
  public int steps(GenerationRequest.Mode mode) {
    return NbpStream.steps(generator.description(), mode, 0);
  }

  /**
   * Checks a request without doing anything; any thread may ask.
   *
   * @throws EngineFailure BAD_REQUEST when it does not fit the model
   */
  public void check(GenerationRequest request) {
    conditions.check(request, generator.description());
  }

  /**
   * Generations that share steps.
   *
   * @param slots how many clips may be generated at the same time; one with guidance counts twice
   * @return to be closed before this pipeline, by its thread
   */
  public NbpBatch batch(int slots) {
    return new NbpBatch(tokenizer, generator, conditions, slots, null);
  }

  /**
   * Generates clips together. Frames are decoded as soon as their tokens exist.
   *
   * @param listener called on this thread between steps
   * @return one clip for each class of the request, in order
   * @throws EngineFailure BAD_REQUEST when the request does not fit the model; CANCELLED when the
   *     listener says so
   */
  public List<GeneratedClip> generate(GenerationRequest request, GenerationListener listener) {
    check(request);
    try (NbpBatch batch = batch(2 * request.classes().size())) {
      CompletableFuture<List<GeneratedClip>> clips = batch.submit(request, listener);
      while (batch.step()) {}
      return clips.join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof RuntimeException failure ? failure : e;
    }
  }

  @Override
  public void close() {
    generator.close();
    tokenizer.close();
  }
}
