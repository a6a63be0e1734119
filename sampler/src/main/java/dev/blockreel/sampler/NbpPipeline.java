package dev.blockreel.sampler;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpPreset;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipShape;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.util.List;
import java.util.stream.IntStream;

/** A model of the NBP kind, which makes clips of tokens block by block. */
public final class NbpPipeline implements Pipeline {
  private final Magvit2Tokenizer tokenizer;
  private final NbpGenerator generator;
  private final NbpConditions conditions;
  private final SamplingOptions defaults;

  private NbpPipeline(
      Magvit2Tokenizer tokenizer,
      NbpGenerator generator,
      NbpConditions conditions,
      SamplingOptions defaults) {
    this.tokenizer = tokenizer;
    this.generator = generator;
    this.conditions = conditions;
    this.defaults = defaults;
  }

  /** As {@link Pipeline#load}. */
  static NbpPipeline load(ModelDirectory model, Dtype dtype) {
    NbpConfig config = NbpGenerator.describe(model).network();
    requireOneModel(model, config, Magvit2Tokenizer.describe(model).network());
    NbpConditions conditions = NbpConditions.of(model, config);
    SamplingOptions defaults = SamplingOptions.of(model);
    Numerics numerics = Numerics.inference(dtype);
    Magvit2Tokenizer tokenizer = Magvit2Tokenizer.load(model, numerics);
    try {
      NbpGenerator generator = NbpGenerator.load(model, numerics, TokenSampling::write);
      return new NbpPipeline(tokenizer, generator, conditions, defaults);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  private static void requireOneModel(
      ModelDirectory model, NbpConfig generator, Magvit2Config tokenizer) {
    if (generator.codes() != tokenizer.codebookSize()) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "%s: the generator is for %d codes, the tokenizer has %d: levels %s"
              .formatted(
                  model.path(), generator.codes(), tokenizer.codebookSize(), tokenizer.levels()));
    }
  }

  /** As {@link Pipeline#standIn}. */
  static NbpPipeline standIn(String preset, Dtype dtype, long seed) {
    NbpPreset published = NbpPreset.named(preset);
    Numerics numerics = Numerics.inference(dtype);
    Magvit2Tokenizer tokenizer = Magvit2Tokenizer.standIn(published.tokenizer(), seed, numerics);
    try {
      NbpGenerator generator =
          NbpGenerator.standIn(published.generator(), seed, numerics, TokenSampling::write);
      return new NbpPipeline(
          tokenizer,
          generator,
          NbpConditions.of(published),
          new SamplingOptions(1, 16_000, 0.9, 0, true));
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  @Override
  public String kind() {
    return NbpGenerator.KIND;
  }

  @Override
  public List<String> classes() {
    return conditions.classes().all();
  }

  @Override
  public boolean takesClass() {
    return generator.description().network().hybrid();
  }

  @Override
  public boolean takesPrompt() {
    NbpConfig network = generator.description().network();
    return network.hybrid() && network.conditionTokens() > 1;
  }

  @Override
  public List<Integer> beginnings() {
    Magvit2Config network = tokenizer.description().network();
    return IntStream.range(1, generator.description().time()).map(network::frames).boxed().toList();
  }

  @Override
  public boolean needsBeginning() {
    return !generator.description().network().hybrid();
  }

  @Override
  public TokenGrid beginning(Clip frames) {
    return tokenizer.encode(frames);
  }

  @Override
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

  @Override
  public ClipShape shape() {
    Magvit2Config network = tokenizer.description().network();
    NbpGenerator.Description grid = generator.description();
    return new ClipShape(
        network.frames(grid.time()),
        grid.height() * network.spaceFactor(),
        grid.width() * network.spaceFactor(),
        tokenizer.description().fps());
  }

  @Override
  public int steps(GenerationRequest request) {
    int given = request.condition().isEmpty() ? 0 : request.condition().get(0).codes().length;
    return NbpStream.steps(generator.description(), request.mode(), given);
  }

  @Override
  public int blockSize() {
    return generator.description().network().blockSize();
  }

  @Override
  public int tokensPerFrame() {
    return generator.description().height() * generator.description().width();
  }

  @Override
  public String unit() {
    NbpGenerator.Description shape = generator.description();
    if (blockSize() == 1) {
      return "token";
    }
    if (blockSize() == shape.width()) {
      return "row";
    }
    return blockSize() == shape.height() * shape.width() ? "frame" : "block";
  }

  @Override
  public void check(GenerationRequest request) {
    conditions.check(request, generator.description());
  }

  @Override
  public NbpBatch batch(int slots) {
    return new NbpBatch(tokenizer, generator, conditions, slots);
  }

  @Override
  public void close() {
    generator.close();
    tokenizer.close();
  }
}
