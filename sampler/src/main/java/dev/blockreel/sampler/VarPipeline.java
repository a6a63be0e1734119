package dev.blockreel.sampler;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.generator.var.VarConfig;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.generator.var.VarPreset;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipShape;
import dev.blockreel.grid.TokenScales;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.vq.ScaleStream;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.util.ArrayList;
import java.util.List;

/** A model of the VAR kind, which makes images of tokens scale by scale. */
public final class VarPipeline implements Pipeline {
  private final VqTokenizer tokenizer;
  private final VarGenerator generator;
  private final VarDecoding decoding;
  private final ClassNames classes;
  private final SamplingOptions defaults;

  private VarPipeline(
      VqTokenizer tokenizer,
      VarGenerator generator,
      VarDecoding decoding,
      ClassNames classes,
      SamplingOptions defaults) {
    this.tokenizer = tokenizer;
    this.generator = generator;
    this.decoding = decoding;
    this.classes = classes;
    this.defaults = defaults;
  }

  /** As {@link Pipeline#load}. */
  static VarPipeline load(ModelDirectory model, Dtype dtype) {
    SamplingOptions defaults = SamplingOptions.of(model);
    Numerics numerics = Numerics.inference(dtype);
    VqTokenizer tokenizer = VqTokenizer.load(model, numerics);
    try {
      VarGenerator generator = VarGenerator.load(model, numerics, VarDecoding::write);
      return pipeline(tokenizer, generator, ClassNames.of(model), defaults);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  /** As {@link Pipeline#standIn}. */
  static VarPipeline standIn(String preset, Dtype dtype, long seed) {
    VarPreset published = VarPreset.named(preset);
    Numerics numerics = Numerics.inference(dtype);
    VqTokenizer tokenizer =
        VqTokenizer.standIn(
            new VqTokenizer.Description(VqTokenizer.KIND, published.tokenizer()), seed, numerics);
    try {
      VarGenerator generator =
          VarGenerator.standIn(
              new VarGenerator.Description(VarGenerator.KIND, published.generator()),
              seed,
              numerics,
              VarDecoding::write);
      return pipeline(
          tokenizer,
          generator,
          new ClassNames(List.of()),
          new SamplingOptions(1, 900, 0.96, 1.5, true));
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  private static VarPipeline pipeline(
      VqTokenizer tokenizer, VarGenerator generator, ClassNames classes, SamplingOptions defaults) {
    try {
      VarDecoding decoding = new VarDecoding(generator, tokenizer);
      return new VarPipeline(tokenizer, generator, decoding, classes, defaults);
    } catch (RuntimeException e) {
      generator.close();
      throw e;
    }
  }

  @Override
  public String kind() {
    return VarGenerator.KIND;
  }

  @Override
  public List<String> classes() {
    return classes.all();
  }

  @Override
  public SamplingOptions defaults() {
    return defaults;
  }

  /** The tokenizer; closed with this. */
  public VqTokenizer tokenizer() {
    return tokenizer;
  }

  /** The generator; closed with this. */
  public VarGenerator generator() {
    return generator;
  }

  @Override
  public ClipShape shape() {
    return tokenizer.shape();
  }

  @Override
  public int steps(GenerationRequest request) {
    return decoding.steps();
  }

  @Override
  public int blockSize() {
    VarConfig config = generator.description().network();
    int side = config.scales().get(config.scales().size() - 1);
    return side * side;
  }

  @Override
  public int tokensPerFrame() {
    return generator.description().network().tokens();
  }

  @Override
  public String unit() {
    return "scale";
  }

  @Override
  public void check(GenerationRequest request) {
    request.requireOnlyClasses(generator.description().network().classes());
  }

  @Override
  public GenerationBatch batch(int slots) {
    return new TurnBatch(slots, VarDecoding::guided, this::check, this::make);
  }

  private List<GeneratedClip> make(GenerationRequest request, GenerationListener listener) {
    Images images = new Images(listener);
    List<TokenScales> tokens = decoding.decode(request.classes(), request, listener, images);
    List<GeneratedClip> made = new ArrayList<>();
    for (int i = 0; i < tokens.size(); i++) {
      made.add(new GeneratedClip(tokens.get(i), images.last.get(i)));
    }
    return made;
  }

  /** Shows the images after each scale, where wanted, and keeps the last ones. */
  private final class Images implements VarDecoding.ScaleWatcher {
    private final GenerationListener listener;
    private List<Clip> last = List.of();

    Images(GenerationListener listener) {
      this.listener = listener;
    }

    @Override
    public void scale(List<TokenScales> tokens, ScaleStream images) {
      if (tokens.get(0).maps().size() == decoding.steps()) {
        last = images.images();
        listener.frames(last);
      } else if (listener.wantsPreviews()) {
        listener.preview(images.images());
      }
    }
  }

  @Override
  public void close() {
    generator.close();
    tokenizer.close();
  }
}
