package dev.blockreel.train;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.classifier.ClassifierConfig;
import dev.blockreel.classifier.ClipClassifier;
import dev.blockreel.classifier.ResidualNetwork;
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
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;

/** Trains a classifier to name the class of the clips, or of the frames, of a folder. */
public final class ClassifierTraining implements TrainingTask<ClassifierTraining.Batch> {
  private static final int PREVIEW_CLIPS = 64;
  private static final int PREVIEW_ROWS = 8;

  private final ClassifierRecipe recipe;
  private final ClipFolder folder;
  private final ClipClassifier.Description description;
  private final ResidualNetwork network;

  /** Pixels (B,3,T,H,W) and classes (B). */
  record Batch(float[] pixels, long[] labels) {}

  private ClassifierTraining(ClassifierRecipe recipe, ClipFolder folder) {
    this.recipe = recipe;
    this.folder = folder;
    TokenizerRecipe.ClipShape clips = recipe.clips();
    ClassifierRecipe.Sizes sizes = recipe.classifier();
    ClassifierConfig config =
        new ClassifierConfig(
            clips.frames(),
            clips.height(),
            clips.width(),
            sizes.patch(),
            sizes.widths(),
            sizes.groups(),
            sizes.features(),
            folder.classes().size());
    this.description = new ClipClassifier.Description(config, clips.fps());
    this.network = new ResidualNetwork(config);
  }

  /**
   * Trains until the last step and leaves a model directory that holds only a classifier at {@code
   * out/model}.
   *
   * @param data folder of clips, {@code CLASS/CLIP}
   * @param out folder for the state, the log, pictures and the model
   * @param resume whether to go on where an earlier run in {@code out} stopped
   * @param console where progress is shown
   */
  public static void run(
      ClassifierRecipe recipe, Path data, Path out, boolean resume, PrintStream console) {
    ClipFolder folder = ClipFolder.list(data, console);
    TrainingFolder.require(out, resume, TrainingFacts.of(recipe, folder.classes()));
    ClassifierTraining training = new ClassifierTraining(recipe, folder);
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
  public List<String> classes() {
    return folder.classes();
  }

  @Override
  public List<Weight> weights() {
    return network.weights();
  }

  @Override
  public List<String> inputs() {
    return List.of("pixels", "labels");
  }

  @Override
  public List<String> measures() {
    return List.of("loss", "hits");
  }

  @Override
  public void write(ScriptWriter script) {
    Numerics numerics = recipe.training().numerics();
    script.method(
        "logits",
        m -> {
          Sym pixels = m.tensor("pixels");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          m.returns(network.logits(forward, network.features(forward, pixels)));
        });
    script.method(
        "loss",
        m -> {
          Sym pixels = m.tensor("pixels");
          Sym labels = m.tensor("labels");
          Sym logits = m.call("logits", pixels, m.tensors("w"));
          Sym hits = m.let("torch.eq(%s, %s)".formatted(logits.argmax(1), labels));
          m.returns(m.stack(0, logits.crossEntropy(labels), hits.to(Dtype.FLOAT32).mean()));
        });
  }

  @Override
  public Batch batch(SplittableRandom random) {
    int count = recipe.training().batch();
    int values = clipValues();
    float[] pixels = new float[count * values];
    long[] labels = new long[count];
    for (int i = 0; i < count; i++) {
      ClipFolder.Item item = folder.clips().get(random.nextInt(folder.clips().size()));
      float[] changed = changed(read(item, random.nextLong()), random);
      System.arraycopy(changed, 0, pixels, i * values, values);
      labels[i] = item.label();
    }
    return new Batch(pixels, labels);
  }

  private int clipValues() {
    return 3 * recipe.clips().frames() * recipe.clips().height() * recipe.clips().width();
  }

  private Clip read(ClipFolder.Item item, long seed) {
    return ClipReader.read(
        item.file(),
        new ClipSampling(
            recipe.clips().frames(),
            recipe.clips().fps(),
            recipe.clips().height(),
            recipe.clips().width(),
            ClipSampling.Fit.SQUASH,
            ClipSampling.Window.RANDOM,
            true,
            seed));
  }

  /** Shifted, its border repeated where it leaves a gap, and with other colours. */
  private float[] changed(Clip clip, SplittableRandom random) {
    int shift = recipe.augmentation().shift();
    double colour = recipe.augmentation().colour();
    int down = random.nextInt(-shift, shift + 1);
    int right = random.nextInt(-shift, shift + 1);
    int height = clip.height();
    int width = clip.width();
    float[] changed = new float[clip.pixels().length];
    int to = 0;
    for (int c = 0; c < 3; c++) {
      float strength = (float) (1 + colour * (2 * random.nextDouble() - 1));
      float level = (float) (colour / 2 * (2 * random.nextDouble() - 1));
      for (int t = 0; t < clip.frames(); t++) {
        int plane = (c * clip.frames() + t) * height * width;
        for (int y = 0; y < height; y++) {
          int row = plane + Math.min(height - 1, Math.max(0, y - down)) * width;
          for (int x = 0; x < width; x++) {
            float value = clip.pixels()[row + Math.min(width - 1, Math.max(0, x - right))];
            changed[to++] = Math.min(1, Math.max(0, (value - 0.5f) * strength + 0.5f + level));
          }
        }
      }
    }
    return changed;
  }

  @Override
  public List<Tensor> upload(TensorScope scope, Batch batch) {
    return List.of(
        pixels(scope, batch.pixels(), batch.labels().length),
        scope.longs(batch.labels(), batch.labels().length));
  }

  private Tensor pixels(TensorScope scope, float[] pixels, int count) {
    return scope.floats(
        pixels, count, 3, recipe.clips().frames(), recipe.clips().height(), recipe.clips().width());
  }

  /** What the network is shown, and how often the averaged weights name its class. */
  @Override
  public String preview(Script script, TrainingState state, Path picture) {
    SplittableRandom random = new SplittableRandom(recipe.training().seed());
    List<Clip> shown = new ArrayList<>();
    int hits = 0;
    List<ClipFolder.Item> judged = folder.spread(PREVIEW_CLIPS);
    int every = (judged.size() - 1) / PREVIEW_ROWS + 1;
    for (int i = 0; i < judged.size(); i++) {
      ClipFolder.Item item = judged.get(i);
      Clip clip = read(item, random.nextLong());
      float[] changed = changed(clip, random);
      try (TensorScope scope = TensorScope.open()) {
        float[] logits =
            script.call(scope, "logits", pixels(scope, changed, 1), state.averages()).toFloats();
        hits += ClipClassifier.likeliest(logits) == item.label() ? 1 : 0;
      }
      if (i % every == 0) {
        shown.add(new Clip(changed, clip.frames(), clip.height(), clip.width(), clip.fps()));
      }
    }
    ClipWriter.writeSheet(picture, shown);
    return String.format(Locale.ROOT, "%d of %d classes named, %s", hits, judged.size(), picture);
  }

  @Override
  public void export(TrainingState state, Path out) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ClipClassifier.describe(json, description, folder.classes());
    ModelExport.record(json, "classifier", recipe, state, folder.describe());
    json.put("licence", recipe.licence());
    json.put("attribution", recipe.attribution());
    ModelExport.replace(
        out, json, draft -> state.saveModel(draft.resolve(ClipClassifier.FILE), ElementType.F16));
  }
}
