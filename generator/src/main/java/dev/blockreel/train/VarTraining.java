package dev.blockreel.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.generator.var.Var;
import dev.blockreel.generator.var.VarConfig;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.vq.VqConfig;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Trains a {@link Var} generator on the tokens of frames of a folder of clips. */
public final class VarTraining extends GeneratorTraining<VarTraining.Batch> {
  private final VarRecipe recipe;
  private final VqTokenizer tokenizer;
  private final Examples<int[]> tokens;
  private final VarConfig config;
  private final Var network;

  /** Labels (B), where the number of no class may stand, and codes (B,L). */
  record Batch(long[] labels, long[] codes) {}

  private VarTraining(
      VarRecipe recipe,
      ModelDirectory model,
      VqTokenizer tokenizer,
      Examples<int[]> tokens,
      List<String> classes,
      VarConfig config,
      Preview preview) {
    super(recipe, model, classes, tokens.count(), preview);
    this.recipe = recipe;
    this.tokenizer = tokenizer;
    this.tokens = tokens;
    this.config = config;
    this.network = new Var(config);
  }

  /**
   * Trains until the last step and leaves a complete model directory at {@code out/model}. The
   * images' tokens are computed once and kept at {@code out/tokens.safetensors}.
   *
   * @param data folder of clips, {@code CLASS/CLIP}
   * @param out folder for the state, the log, pictures and the model
   * @param resume whether to go on where an earlier run in {@code out} stopped
   * @param preview draws sample pictures
   * @param console where progress is shown
   */
  public static void run(
      VarRecipe recipe, Path data, Path out, boolean resume, Preview preview, PrintStream console) {
    ClipFolder folder = ClipFolder.list(data, console);
    TrainingFolder.require(out, resume, TrainingFacts.of(recipe, folder.classes()));
    ModelDirectory model = ModelDirectory.open(ModelDirectory.resolve(recipe.tokenizer()));
    VqConfig codes = VqTokenizer.describe(model).network();
    VarConfig config =
        new VarConfig(
            recipe.generator().layers(),
            recipe.generator().heads(),
            recipe.generator().width(),
            folder.classes().size(),
            codes.channels(),
            codes.codes(),
            codes.scales(),
            false);
    if (!resume) {
      requireInitial(
          recipe,
          model,
          folder.classes(),
          new Var(config).weights(),
          initial -> VarGenerator.describe(initial).network(),
          config,
          console);
    }
    Range.requireBatch(recipe.training().batch(), "examples", config.tokens());
    try (TrainingFolder opened = TrainingFolder.open(out);
        VqTokenizer tokenizer = VqTokenizer.load(model, Numerics.inference(Torch.fastDtype()))) {
      Examples<int[]> tokens =
          Examples.of(
              Examples.TOKENS,
              folder,
              "%d images by %s"
                  .formatted(
                      recipe.images(),
                      model.description().path("files").path(ModelDirectory.TOKENIZER_FILE)),
              codes.tokens(),
              (file, number) -> encode(tokenizer, file, recipe.images()),
              out,
              console);
      VarTraining training =
          new VarTraining(recipe, model, tokenizer, tokens, folder.classes(), config, preview);
      new TrainingLoop<>(training, recipe.training(), opened, console).run(resume);
    }
  }

  /** Codes of frames from all over a clip. */
  private static List<int[]> encode(VqTokenizer tokenizer, Path file, int images) {
    int side = tokenizer.description().side();
    ClipSampling sampling =
        new ClipSampling(
            /* frames: all */ 0,
            0,
            side,
            side,
            ClipSampling.Fit.SQUASH,
            ClipSampling.Window.START,
            true,
            0);
    Clip clip = ClipReader.read(file, sampling);
    List<int[]> codes = new ArrayList<>();
    for (int i = 0; i < images; i++) {
      int frame = (int) ((long) i * clip.frames() / images);
      codes.add(tokenizer.encode(clip.slice(frame, frame + 1)).codes());
    }
    return codes;
  }

  @Override
  public List<Weight> weights() {
    return network.weights();
  }

  @Override
  public List<String> inputs() {
    return List.of("labels", "hints", "ids");
  }

  @Override
  public List<String> measures() {
    return List.of("loss", "hits");
  }

  @Override
  public void write(ScriptWriter script) {
    network.writeFull(script, recipe.training().numerics());
    network.writeLoss(script);
  }

  @Override
  public Batch batch(SplittableRandom random) {
    int count = recipe.training().batch();
    long[] labels = new long[count];
    long[] codes = new long[count * config.tokens()];
    for (int i = 0; i < count; i++) {
      int image = random.nextInt(tokens.count());
      boolean dropped = random.nextDouble() < recipe.conditionDropout();
      labels[i] = dropped ? config.noClass() : tokens.label(image);
      int[] own = tokens.get(image);
      for (int j = 0; j < own.length; j++) {
        codes[i * own.length + j] = own[j];
      }
    }
    return new Batch(labels, codes);
  }

  @Override
  public List<Tensor> upload(TensorScope scope, Batch batch) {
    int count = batch.labels().length;
    Tensor ids = scope.longs(batch.codes(), count, config.tokens());
    return List.of(scope.longs(batch.labels(), count), tokenizer.hints(scope, ids), ids);
  }

  @Override
  void describe(ObjectNode json) {
    VarGenerator.describe(json, config);
  }
}
