package dev.blockreel.sampler;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.xar.EntityOrder;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.generator.xar.XarPreset;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipShape;
import dev.blockreel.grid.LatentGrid;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A model of the xAR kind, which makes images or clips of latents entity by entity. */
public final class XarPipeline implements Pipeline {
  private final KlTokenizer tokenizer;
  private final XarGenerator generator;
  private final ClassNames classes;
  private final SamplingOptions defaults;
  private final XarDecoding decoding;

  private XarPipeline(
      KlTokenizer tokenizer, XarGenerator generator, ClassNames classes, SamplingOptions defaults) {
    this.tokenizer = tokenizer;
    this.generator = generator;
    this.classes = classes;
    this.defaults = defaults;
    this.decoding = new XarDecoding(generator);
  }

  /** As {@link Pipeline#load}. */
  static XarPipeline load(ModelDirectory model, Dtype dtype) {
    XarGenerator.Description description = XarGenerator.describe(model);
    SamplingOptions defaults = SamplingOptions.of(model);
    Numerics numerics = Numerics.inference(dtype);
    KlTokenizer tokenizer = KlTokenizer.load(model, numerics);
    try {
      if (tokenizer.description().network().channels() != description.network().channels()) {
        throw new EngineFailure(
            FailureCode.CHECKPOINT_MISMATCH,
            "%s/model.json: the generator makes latents of %d channels, the tokenizer has %d"
                .formatted(
                    model.path(),
                    description.network().channels(),
                    tokenizer.description().network().channels()));
      }
      return new XarPipeline(
          tokenizer, XarGenerator.load(model, numerics), ClassNames.of(model), defaults);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  /** As {@link Pipeline#standIn}. */
  static XarPipeline standIn(String preset, Dtype dtype, long seed) {
    XarPreset published = XarPreset.named(preset);
    Numerics numerics = Numerics.inference(dtype);
    KlTokenizer tokenizer = KlTokenizer.standIn(published.tokenizer(), seed, numerics);
    try {
      return new XarPipeline(
          tokenizer,
          XarGenerator.standIn(published.generator(), seed, numerics),
          new ClassNames(List.of()),
          new SamplingOptions(
              1, 0, 1, published.cfg(), true, FlowOptions.PUBLISHED.withSteps(published.steps())));
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  private static int largest(EntityOrder order) {
    return order.entities().stream().mapToInt(entity -> entity.length).max().orElseThrow();
  }

  @Override
  public String kind() {
    return XarGenerator.KIND;
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
  public KlTokenizer tokenizer() {
    return tokenizer;
  }

  /** The generator; closed with this. */
  public XarGenerator generator() {
    return generator;
  }

  @Override
  public ClipShape shape() {
    XarGenerator.Description grid = generator.description();
    int factor = tokenizer.description().network().factor();
    return new ClipShape(
        grid.time(), grid.height() * factor, grid.width() * factor, tokenizer.description().fps());
  }

  @Override
  public int steps(GenerationRequest request) {
    return decoding.steps(request.options().flow());
  }

  @Override
  public int blockSize() {
    return largest(generator.order());
  }

  @Override
  public int tokensPerFrame() {
    return generator.description().height() * generator.description().width();
  }

  @Override
  public String unit() {
    return generator.description().entity().replaceAll(":.*", "");
  }

  @Override
  public RecordedNoise recordedNoise(TensorFile file, int clips, SamplingOptions options) {
    FlowOptions flow = options.flow();
    return RecordedNoise.read(
        file,
        clips,
        generator.order().entities().stream().map(entity -> entity.length).toList(),
        generator.description().network().channels(),
        flow.solver().draws(flow.steps()));
  }

  @Override
  public void check(GenerationRequest request) {
    request.requireOnlyClasses(generator.description().network().classes());
  }

  @Override
  public GenerationBatch batch(int slots) {
    return new TurnBatch(slots, XarDecoding::guided, this::check, this::make);
  }

  private List<GeneratedClip> make(GenerationRequest request, GenerationListener listener) {
    Frames frames = new Frames(listener, request.classes().size());
    NoiseSource noise =
        request.noise() == null
            ? new SeededNoise(request.seed(), request.classes().size())
            : request.noise();
    int[] labels = request.classes().stream().mapToInt(Integer::intValue).toArray();
    float[][] tokens = decoding.decode(labels, noise, request.options(), listener, frames);
    List<GeneratedClip> made = new ArrayList<>();
    for (int i = 0; i < tokens.length; i++) {
      made.add(new GeneratedClip(latents(tokens[i]), frames.clip(i)));
    }
    return made;
  }

  private LatentGrid latents(float[] tokens) {
    XarGenerator.Description shape = generator.description();
    int channels = shape.network().channels();
    return new LatentGrid(
        generator.order().latents(tokens, channels),
        channels,
        shape.time(),
        shape.height(),
        shape.width());
  }

  /** Decodes frames as soon as all their entities are finished, each once. */
  private final class Frames implements XarDecoding.EntityWatcher {
    private final GenerationListener listener;
    private final List<List<Clip>> parts = new ArrayList<>();
    private int decoded;

    Frames(GenerationListener listener, int clips) {
      this.listener = listener;
      for (int i = 0; i < clips; i++) {
        parts.add(new ArrayList<>());
      }
    }

    @Override
    public void finished(int entity, float[][] tokens) {
      int complete = completeFrames(entity);
      boolean preview = listener.wantsPreviews() && complete < frames();
      if (complete == decoded && !preview) {
        return;
      }
      List<LatentGrid> grids = Arrays.stream(tokens).map(XarPipeline.this::latents).toList();
      if (complete > decoded) {
        int from = decoded;
        List<Clip> next =
            tokenizer.decode(grids.stream().map(grid -> grid.slice(from, complete)).toList());
        decoded = complete;
        for (int i = 0; i < next.size(); i++) {
          parts.get(i).add(next.get(i));
        }
        listener.frames(next);
      }
      if (preview) {
        listener.preview(tokenizer.decode(grids));
      }
    }

    /** Leading frames of which nothing is missing after {@code entity}. */
    private int completeFrames(int entity) {
      EntityOrder order = generator.order();
      int plane = order.height() * order.width();
      int earliest = order.tokens();
      for (int[] later : order.entities().subList(entity + 1, order.entities().size())) {
        for (int position : later) {
          earliest = Math.min(earliest, position);
        }
      }
      return earliest / plane;
    }

    Clip clip(int index) {
      return Clip.join(parts.get(index));
    }
  }

  @Override
  public void close() {
    generator.close();
    tokenizer.close();
  }
}
