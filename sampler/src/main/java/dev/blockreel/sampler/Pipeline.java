package dev.blockreel.sampler;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpPreset;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.magvit2.ClipStream;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A loaded model, ready to generate: tokenizer, generator and sampler together. Holds native memory
 * until closed. One thread at a time.
 */
public final class Pipeline implements AutoCloseable {
  private final Magvit2Tokenizer tokenizer;
  private final NbpGenerator generator;
  private final NbpDecoding decoding;
  private final NbpConditions conditions;
  private final SamplingOptions defaults;

  private Pipeline(
      Magvit2Tokenizer tokenizer,
      NbpGenerator generator,
      NbpConditions conditions,
      SamplingOptions defaults) {
    this.tokenizer = tokenizer;
    this.generator = generator;
    this.decoding = new NbpDecoding(generator);
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
    return decoding.steps(mode, 0);
  }

  /**
   * Generates a batch. Frames are decoded as soon as their tokens exist.
   *
   * @param listener called on this thread between steps
   * @return one clip for each class of the request, in order
   * @throws EngineFailure BAD_REQUEST when the request does not fit the model; CANCELLED when the
   *     listener says so
   */
  public List<GeneratedClip> generate(GenerationRequest request, GenerationListener listener) {
    check(request);
    List<int[]> given = new ArrayList<>();
    for (int i = 0; i < request.classes().size(); i++) {
      given.add(request.condition().isEmpty() ? new int[0] : request.condition().get(i).codes());
    }
    // Always through a stream, watched or not: that costs about a tenth more than decoding all at
    // once, but one way is simpler, memory stays bounded, and frames cannot depend on who looks.
    try (ClipStream stream = tokenizer.stream()) {
      FrameDecoding frames = new FrameDecoding(stream, listener);
      int[][] codes = decoding.decode(conditions.idsOf(request), given, request, listener, frames);
      List<TokenGrid> grids = grids(codes, generator.description().time());
      List<GeneratedClip> generated = new ArrayList<>();
      for (int i = 0; i < grids.size(); i++) {
        generated.add(new GeneratedClip(grids.get(i), frames.clip(i)));
      }
      return generated;
    }
  }

  /** Decodes latent frames as soon as all their tokens exist, each once. */
  private final class FrameDecoding implements NbpDecoding.StepWatcher {
    private final ClipStream stream;
    private final GenerationListener listener;
    private final List<List<Clip>> parts = new ArrayList<>();
    private int decoded;

    FrameDecoding(ClipStream stream, GenerationListener listener) {
      this.stream = stream;
      this.listener = listener;
    }

    @Override
    public void codes(int[][] codes, int count) {
      NbpGenerator.Description shape = generator.description();
      int complete = count / (shape.height() * shape.width());
      if (complete == decoded) {
        return;
      }
      List<TokenGrid> grids = grids(codes, complete);
      listener.latentFrames(grids);
      List<Clip> frames =
          stream.push(grids.stream().map(grid -> grid.slice(decoded, complete)).toList());
      decoded = complete;
      parts.add(frames);
      listener.frames(frames);
    }

    /** All frames of one clip of the batch. */
    Clip clip(int index) {
      return Clip.join(parts.stream().map(part -> part.get(index)).toList());
    }
  }

  private List<TokenGrid> grids(int[][] codes, int latentFrames) {
    NbpGenerator.Description shape = generator.description();
    List<TokenGrid> grids = new ArrayList<>();
    for (int[] clip : codes) {
      grids.add(
          new TokenGrid(clip.clone(), shape.time(), shape.height(), shape.width())
              .leading(latentFrames));
    }
    return grids;
  }

  private void check(GenerationRequest request) {
    NbpGenerator.Description shape = generator.description();
    NbpConfig network = shape.network();
    if (request.classes().isEmpty()) {
      throw EngineFailure.badRequest("a generation needs at least one clip");
    }
    conditions.check(request);
    if (!network.hybrid() && request.condition().isEmpty()) {
      throw EngineFailure.badRequest("this model continues clips: it needs --condition");
    }
    if (!request.condition().isEmpty() && request.condition().size() != request.classes().size()) {
      throw EngineFailure.badRequest(
          "%d clips are to be made, but %d are given to continue",
          request.classes().size(), request.condition().size());
    }
    for (TokenGrid grid : request.condition()) {
      if (grid.height() != shape.height()
          || grid.width() != shape.width()
          || grid.time() >= shape.time()) {
        throw EngineFailure.badRequest(
            "the condition is %dx%dx%d tokens: this model takes up to %d latent frames of %dx%d",
            grid.time(),
            grid.height(),
            grid.width(),
            shape.time() - 1,
            shape.height(),
            shape.width());
      }
      if (grid.time() != request.condition().get(0).time()) {
        throw EngineFailure.badRequest(
            "the conditions of a batch must have the same number of frames");
      }
      for (int code : grid.codes()) {
        if (code < 0 || code >= network.codes()) {
          throw EngineFailure.badRequest(
              "condition token %d: this model has codes 0 to %d", code, network.codes() - 1);
        }
      }
      if (grid.codes().length % network.blockSize() != 0) {
        throw EngineFailure.badRequest(
            "a condition of %d tokens is no whole number of blocks of %d",
            grid.codes().length, network.blockSize());
      }
    }
  }

  @Override
  public void close() {
    generator.close();
    tokenizer.close();
  }
}
