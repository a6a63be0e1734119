package dev.blockreel.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.tokenizer.magvit2.Magvit2;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** Trains a {@link Magvit2} tokenizer to reconstruct the clips of a folder. */
public final class TokenizerTraining implements TrainingTask<float[]> {
  private static final int PREVIEW_CLIPS = 6;

  private final TokenizerRecipe recipe;
  private final ClipFolder folder;
  private final Magvit2 network;

  private TokenizerTraining(TokenizerRecipe recipe, ClipFolder folder) {
    this.recipe = recipe;
    this.folder = folder;
    this.network = new Magvit2(recipe.tokenizer());
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
    ClipFolder folder = ClipFolder.list(data);
    console.printf(
        "%d clips of %d classes in %s%n", folder.clips().size(), folder.classes().size(), data);
    new TrainingLoop<>(new TokenizerTraining(recipe, folder), recipe.training(), out, console)
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
    try (TensorFile file = model.tensors(Magvit2Tokenizer.FILE)) {
      return TrainingState.from(file, weights(), numerics);
    }
  }

  @Override
  public List<String> inputs() {
    return List.of("pixels");
  }

  @Override
  public List<String> measures() {
    return List.of("loss", "absolute", "squared", "gradient");
  }

  @Override
  public void write(ScriptWriter script) {
    Numerics numerics = Numerics.training(Dtype.parse(recipe.training().dtype()));
    script.method(
        "reconstruct",
        m -> {
          Sym pixels = m.tensor("pixels");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym latents = network.encode(forward, pixels);
          // Codes have no gradient, so looking them up keeps the encoder as it is.
          Sym values =
              recipe.decoderOnly()
                  ? network.lookup(forward, network.quantize(forward, latents).detach())
                  : network.straightThrough(forward, latents);
          m.returns(network.decode(forward, values));
        });
    script.method(
        "loss",
        m -> {
          Sym pixels = m.tensor("pixels");
          Sym error = m.call("reconstruct", pixels, m.tensors("w")).sub(pixels);
          Sym absolute = error.abs().mean();
          Sym squared = error.square().mean();
          Sym gradient = differences(error, 3).add(differences(error, 4));
          Sym loss =
              absolute
                  .mul(recipe.losses().absolute())
                  .add(squared.mul(recipe.losses().squared()))
                  .add(gradient.mul(recipe.losses().gradient()));
          m.returns(m.stack(0, loss, absolute, squared, gradient));
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
  public float[] batch(SplittableRandom random) {
    int count = recipe.training().batch();
    float[] pixels = new float[count * clipValues(recipe.trainFrames())];
    for (int i = 0; i < count; i++) {
      Path file = folder.clips().get(random.nextInt(folder.clips().size())).file();
      Clip clip =
          ClipReader.read(
              file, sampling(recipe.trainFrames(), ClipSampling.Window.RANDOM, random.nextLong()));
      System.arraycopy(clip.pixels(), 0, pixels, i * clip.pixels().length, clip.pixels().length);
    }
    return pixels;
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

  @Override
  public List<Tensor> upload(TensorScope scope, float[] pixels) {
    int frames = recipe.trainFrames();
    return List.of(
        scope.floats(
            pixels,
            pixels.length / clipValues(frames),
            3,
            frames,
            recipe.clips().height(),
            recipe.clips().width()));
  }

  @Override
  public String preview(Script script, TrainingState state, Path picture) {
    List<Clip> rows = new ArrayList<>();
    double squared = 0;
    for (int i = 0; i < PREVIEW_CLIPS; i++) {
      Path file =
          folder.clips().get((int) ((long) i * folder.clips().size() / PREVIEW_CLIPS)).file();
      Clip clip =
          ClipReader.read(file, sampling(recipe.clips().frames(), ClipSampling.Window.START, 0));
      try (TensorScope scope = TensorScope.open()) {
        Tensor pixels =
            scope.floats(clip.pixels(), 1, 3, clip.frames(), clip.height(), clip.width());
        float[] made = script.call(scope, "reconstruct", pixels, state.averages()).toFloats();
        for (int p = 0; p < made.length; p++) {
          made[p] = Math.min(1, Math.max(0, made[p]));
          squared +=
              (made[p] - clip.pixels()[p])
                  * (made[p] - clip.pixels()[p])
                  / made.length
                  / PREVIEW_CLIPS;
        }
        rows.add(clip);
        rows.add(new Clip(made, clip.frames(), clip.height(), clip.width(), clip.fps()));
      }
    }
    ClipWriter.writeSheet(picture, rows);
    return String.format(
        Locale.ROOT,
        "PSNR of %d clips %.2f dB, %s",
        PREVIEW_CLIPS,
        -10 * Math.log10(squared),
        picture);
  }

  @Override
  public void export(TrainingState state, Path out) {
    TokenizerRecipe.ClipShape clips = recipe.clips();
    ObjectNode json =
        Magvit2Tokenizer.describe(
            recipe.tokenizer(), clips.frames(), clips.height(), clips.width(), clips.fps());
    json.withObject("/training").set("tokenizer", new ObjectMapper().valueToTree(recipe));
    ModelExport.replace(
        out,
        json,
        folder -> state.saveModel(folder.resolve(Magvit2Tokenizer.FILE), ElementType.F16));
  }
}
