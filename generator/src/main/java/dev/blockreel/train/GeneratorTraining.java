package dev.blockreel.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpLayout;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/** Trains an {@link Nbp} generator on the tokens of a folder of clips. */
public final class GeneratorTraining implements TrainingTask<GeneratorTraining.Batch> {
  /** Few enough to spare what the mask hides, enough to keep products large. */
  private static final int ATTENTION_ROWS = 128;

  private final GeneratorRecipe recipe;
  private final ModelDirectory tokenizer;
  private final TokenCache tokens;
  private final List<String> classes;
  private final NbpGenerator.Description description;
  private final Nbp network;
  private final NbpLayout layout;
  private final Preview preview;

  /**
   * Generates sample pictures from a model; the sampler, which this room may not use, plugs in
   * here.
   */
  @FunctionalInterface
  public interface Preview {
    /**
     * @param model a complete model directory
     * @param picture where to write the picture
     * @return one line about it for the log
     */
    String draw(Path model, Path picture);
  }

  /** Ids (B,T), targets (B,L), and which clips are learned without their class (B). */
  record Batch(long[] ids, long[] targets, boolean[] dropped) {}

  private GeneratorTraining(
      GeneratorRecipe recipe,
      ModelDirectory tokenizer,
      TokenCache tokens,
      List<String> classes,
      Preview preview) {
    this.recipe = recipe;
    this.tokenizer = tokenizer;
    this.tokens = tokens;
    this.classes = classes;
    this.preview = preview;
    GeneratorRecipe.Sizes sizes = recipe.generator();
    NbpConfig config =
        new NbpConfig(
            sizes.layers(),
            sizes.heads(),
            sizes.width(),
            tokens.clipTokens() + sizes.blockSize() + 1,
            sizes.blockSize(),
            tokens.codebook(),
            1,
            classes.size(),
            true);
    this.description =
        new NbpGenerator.Description("nbp", config, tokens.time(), tokens.height(), tokens.width());
    this.network = new Nbp(config);
    this.layout = new NbpLayout(config);
  }

  /**
   * Trains until the last step and leaves a complete model directory at {@code out/model}. The
   * clips' tokens are computed once and kept at {@code out/tokens.safetensors}.
   *
   * @param data folder of clips, {@code CLASS/CLIP}
   * @param out folder for the state, the log, pictures and the model
   * @param resume whether to go on where an earlier run in {@code out} stopped
   * @param preview draws sample pictures
   * @param console where progress is shown
   */
  public static void run(
      GeneratorRecipe recipe,
      Path data,
      Path out,
      boolean resume,
      Preview preview,
      PrintStream console) {
    ClipFolder folder = ClipFolder.list(data);
    ModelDirectory tokenizer = ModelDirectory.open(ModelDirectory.resolve(recipe.tokenizer()));
    TrainingLoop.create(out);
    TokenCache tokens =
        TokenCache.of(folder, tokenizer, out.resolve("tokens.safetensors"), console);
    new TrainingLoop<>(
            new GeneratorTraining(recipe, tokenizer, tokens, folder.classes(), preview),
            recipe.training(),
            out,
            console)
        .run(resume);
  }

  @Override
  public List<Weight> weights() {
    return network.weights();
  }

  @Override
  public TrainingState start(long seed, Numerics numerics) {
    if (recipe.initial() == null) {
      return TrainingState.fresh(weights(), seed, numerics);
    }
    ModelDirectory model = ModelDirectory.open(ModelDirectory.resolve(recipe.initial()));
    NbpGenerator.describe(model); // fails where there is no generator
    try (TensorFile file = model.tensors(NbpGenerator.FILE)) {
      return TrainingState.from(file, weights(), numerics);
    }
  }

  @Override
  public List<String> inputs() {
    return List.of("ids", "targets", "dropped", "mask");
  }

  @Override
  public List<String> measures() {
    return List.of("loss", "hits");
  }

  @Override
  public void write(ScriptWriter script) {
    Numerics numerics = Numerics.training(Dtype.parse(recipe.training().dtype()));
    int length = layout.inputLength(tokens.clipTokens());
    network.writeFull(script, numerics, layout.closedPrefixes(length, ATTENTION_ROWS));
    network.writeLoss(script, numerics);
  }

  @Override
  public Batch batch(SplittableRandom random) {
    int count = recipe.training().batch();
    int length = layout.inputLength(tokens.clipTokens());
    long[] ids = new long[count * length];
    long[] targets = new long[count * tokens.clipTokens()];
    boolean[] dropped = new boolean[count];
    for (int i = 0; i < count; i++) {
      int clip = random.nextInt(tokens.clips());
      int[] codes = tokens.codes(clip);
      System.arraycopy(
          layout.input(new int[] {tokens.label(clip)}, codes), 0, ids, i * length, length);
      System.arraycopy(layout.target(codes), 0, targets, i * codes.length, codes.length);
      dropped[i] = recipe.conditionDropout() > 0 && random.nextDouble() < recipe.conditionDropout();
    }
    return new Batch(ids, targets, dropped);
  }

  @Override
  public List<Tensor> upload(TensorScope scope, Batch batch) {
    int count = recipe.training().batch();
    int length = layout.inputLength(tokens.clipTokens());
    return List.of(
        scope.longs(batch.ids(), count, length),
        scope.longs(batch.targets(), count, tokens.clipTokens()),
        scope.booleans(batch.dropped(), count),
        scope.booleans(layout.mask(length), length, length));
  }

  @Override
  public String preview(Script script, TrainingState state, Path picture) {
    Path model = picture.getParent().getParent().resolve("model");
    export(state, model);
    return preview.draw(model, picture);
  }

  @Override
  public void export(TrainingState state, Path model) {
    ObjectNode json = tokenizer.description().deepCopy();
    json.remove("files");
    NbpGenerator.describe(json, description);
    ObjectMapper mapper = new ObjectMapper();
    json.set("classes", mapper.valueToTree(classes));
    json.set("sampling", mapper.valueToTree(recipe.sampling()));
    json.withObject("/training").set("generator", mapper.valueToTree(recipe));
    json.put("licence", recipe.licence());
    json.put("attribution", recipe.attribution());
    ModelExport.replace(
        model,
        json,
        folder -> {
          state.saveModel(folder.resolve(NbpGenerator.FILE), ElementType.F16);
          copy(
              tokenizer.path().resolve(Magvit2Tokenizer.FILE),
              folder.resolve(Magvit2Tokenizer.FILE));
        });
  }

  private static void copy(Path from, Path to) {
    try {
      Files.copy(from, to);
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA, "cannot copy " + from + " to " + to + ": " + e.getMessage(), e);
    }
  }
}
