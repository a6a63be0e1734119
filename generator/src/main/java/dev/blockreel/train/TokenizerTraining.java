package dev.blockreel.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** Trains a tokenizer, whichever it is, to reconstruct the clips of a folder. */
public final class TokenizerTraining implements TrainingTask<TokenizerTraining.Batch> {
  private static final int PREVIEW_CLIPS = 6;

  private final ReconstructionRecipe recipe;
  private final TrainedTokenizer tokenizer;
  private final ClipFolder folder;

  /** Pixels (B,3,T,H,W) and, for tokenizers that draw, normal noise (B,C,t,h,w). */
  record Batch(float[] pixels, float[] noise) {}

  private TokenizerTraining(
      ReconstructionRecipe recipe, TrainedTokenizer tokenizer, ClipFolder folder) {
    this.recipe = recipe;
    this.tokenizer = tokenizer;
    this.folder = folder;
  }

  /**
   * Trains until the last step and leaves a tokenizer-only model directory at {@code out/model}.
   *
   * @param data folder of clips, {@code CLASS/CLIP}
   * @param out folder for the state, the log, pictures and the model
   * @param resume whether to go on where an earlier run in {@code out} stopped
   * @param console where progress is shown
   */
  public static void run(
      TokenizerRecipe recipe, Path data, Path out, boolean resume, PrintStream console) {
    run(recipe, new Magvit2Training(recipe), data, out, resume, console);
  }

  /** The same for a KL autoencoder. */
  public static void run(
      KlRecipe recipe, Path data, Path out, boolean resume, PrintStream console) {
    run(recipe, new KlTraining(recipe), data, out, resume, console);
  }

  /** The same for a multi-scale VQ autoencoder. */
  public static void run(
      VqRecipe recipe, Path data, Path out, boolean resume, PrintStream console) {
    run(recipe, new VqTraining(recipe), data, out, resume, console);
  }

  private static void run(
      ReconstructionRecipe recipe,
      TrainedTokenizer tokenizer,
      Path data,
      Path out,
      boolean resume,
      PrintStream console) {
    TrainingFolder.require(out, resume, TrainingFacts.of(recipe, List.of()));
    ClipFolder folder = ClipFolder.list(data, console);
    if (!resume && recipe.initial() != null) {
      Predecessor.toStartFrom(recipe.initial())
          .requireFit(
              ModelDirectory.TOKENIZER_FILE,
              tokenizer.weights(),
              tokenizer::sizes,
              tokenizer.sizes());
    }
    TokenizerTraining training = new TokenizerTraining(recipe, tokenizer, folder);
    try (TrainingFolder opened = TrainingFolder.open(out)) {
      folder.requireReadable(console);
      new TrainingLoop<>(training, recipe.training(), opened, console).run(resume);
    }
  }

  @Override
  public Object recipe() {
    return recipe;
  }

  @Override
  public List<Weight> weights() {
    return tokenizer.weights();
  }

  @Override
  public TrainingState start(long seed, Numerics numerics) {
    return TrainingState.start(
        recipe.initial(), ModelDirectory.TOKENIZER_FILE, weights(), seed, numerics);
  }

  @Override
  public List<String> inputs() {
    return List.of("pixels", "noise");
  }

  @Override
  public List<String> measures() {
    List<String> measures = new ArrayList<>(List.of("loss", "absolute", "squared", "gradient"));
    tokenizer.penalties().forEach(penalty -> measures.add(penalty.name()));
    return measures;
  }

  @Override
  public void write(ScriptWriter script) {
    tokenizer.write(script, recipe.training().numerics());
    script.method(
        "loss",
        m -> {
          Sym pixels = m.tensor("pixels");
          Sym made = m.call("reconstruct", pixels, m.tensor("noise"), m.tensors("w"));
          Sym error = made.item(0).sub(pixels);
          Sym absolute = error.abs().mean();
          Sym squared = error.square().mean();
          Sym gradient = differences(error, 3).add(differences(error, 4));
          Sym loss =
              absolute
                  .mul(recipe.losses().absolute())
                  .add(squared.mul(recipe.losses().squared()))
                  .add(gradient.mul(recipe.losses().gradient()));
          List<Sym> parts = new ArrayList<>(List.of(absolute, squared, gradient));
          List<TrainedTokenizer.Penalty> penalties = tokenizer.penalties();
          for (int i = 0; i < penalties.size(); i++) {
            Sym penalty = made.item(i + 1);
            loss = loss.add(penalty.mul(penalties.get(i).weight()));
            parts.add(penalty);
          }
          parts.add(0, loss);
          m.returns(m.stack(0, parts.toArray(new Sym[0])));
        });
  }

  /**
   * Mean absolute difference of neighbours: differences are linear, so those of the error are the
   * error of those.
   */
  private static Sym differences(Sym error, int dimension) {
    return error.from(dimension, 1).sub(error.slice(dimension, 0, -1)).abs().mean();
  }

  @Override
  public Batch batch(SplittableRandom random) {
    int count = recipe.training().batch();
    int frames = recipe.trainFrames();
    float[] pixels = new float[count * clipValues(frames)];
    for (int i = 0; i < count; i++) {
      Path file = folder.clips().get(random.nextInt(folder.clips().size())).file();
      Clip clip =
          ClipReader.read(file, sampling(frames, ClipSampling.Window.RANDOM, random.nextLong()));
      System.arraycopy(clip.pixels(), 0, pixels, i * clip.pixels().length, clip.pixels().length);
    }
    float[] noise = new float[count * noiseValues(frames)];
    for (int i = 0; i < noise.length; i++) {
      noise[i] = (float) random.nextGaussian();
    }
    return new Batch(pixels, noise);
  }

  private ClipSampling sampling(int frames, ClipSampling.Window window, long seed) {
    TokenizerRecipe.ClipShape shape = recipe.clips();
    return new ClipSampling(
        frames,
        shape.fps(),
        shape.height(),
        shape.width(),
        ClipSampling.Fit.SQUASH,
        window,
        true,
        seed);
  }

  private int clipValues(int frames) {
    return 3 * frames * recipe.clips().height() * recipe.clips().width();
  }

  private int noiseValues(int frames) {
    int values = 1;
    for (int size : tokenizer.noise(frames, recipe.clips().height(), recipe.clips().width())) {
      values *= size;
    }
    return values;
  }

  @Override
  public List<Tensor> upload(TensorScope scope, Batch batch) {
    return upload(scope, batch, recipe.trainFrames());
  }

  private List<Tensor> upload(TensorScope scope, Batch batch, int frames) {
    int height = recipe.clips().height();
    int width = recipe.clips().width();
    int count = batch.pixels.length / clipValues(frames);
    int[] noise = tokenizer.noise(frames, height, width);
    return List.of(
        scope.floats(batch.pixels, count, 3, frames, height, width),
        scope.floats(batch.noise, count, noise[0], noise[1], noise[2], noise[3]));
  }

  @Override
  public String preview(Script script, TrainingState state, Path picture) {
    List<Clip> rows = new ArrayList<>();
    double squared = 0;
    int frames = recipe.clips().frames();
    List<ClipFolder.Item> shown = folder.spread(PREVIEW_CLIPS);
    for (ClipFolder.Item item : shown) {
      Clip clip = ClipReader.read(item.file(), sampling(frames, ClipSampling.Window.START, 0));
      try (TensorScope scope = TensorScope.open()) {
        Batch batch = new Batch(clip.pixels(), new float[noiseValues(frames)]);
        List<Tensor> inputs = upload(scope, batch, frames);
        float[] made =
            script
                .callForList(scope, "reconstruct", inputs.get(0), inputs.get(1), state.averages())
                .get(0)
                .toFloats();
        for (int p = 0; p < made.length; p++) {
          made[p] = Math.min(1, Math.max(0, made[p]));
          squared +=
              (made[p] - clip.pixels()[p])
                  * (made[p] - clip.pixels()[p])
                  / made.length
                  / shown.size();
        }
        rows.add(clip);
        rows.add(new Clip(made, clip.frames(), clip.height(), clip.width(), clip.fps()));
      }
    }
    ClipWriter.writeSheet(picture, rows);
    return String.format(
        Locale.ROOT,
        "PSNR of %d clips %.2f dB, %s",
        shown.size(),
        -10 * Math.log10(squared),
        picture);
  }

  @Override
  public void export(TrainingState state, Path out) {
    ObjectNode json = tokenizer.describe();
    ModelExport.record(json, "tokenizer", recipe, state, folder.describe());
    ModelExport.replace(
        out,
        json,
        folder -> state.saveModel(folder.resolve(ModelDirectory.TOKENIZER_FILE), ElementType.F16));
  }
}
