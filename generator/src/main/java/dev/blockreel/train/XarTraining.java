package dev.blockreel.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.xar.EntityOrder;
import dev.blockreel.generator.xar.OrderTensors;
import dev.blockreel.generator.xar.Xar;
import dev.blockreel.generator.xar.XarConfig;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Trains an {@link Xar} generator on the latents of frames or clips by Noisy Context Learning:
 * every entity of an example gets noise of its own strength, so that the model learns to go on from
 * imperfect context, as it will have to.
 */
public final class XarTraining extends GeneratorTraining<XarTraining.Batch> {
  private final XarRecipe recipe;
  private final KlTokenizer.Description tokenizer;
  private final Examples<float[]> latents;
  private final XarGenerator.Description description;
  private final EntityOrder order;
  private final Xar network;
  private final float scale;

  /** Tokens (B,N,C), noise of the same shape, labels (B) and a time for each entity (B,E). */
  record Batch(float[] latents, float[] noise, int[] labels, float[] times) {}

  private XarTraining(
      XarRecipe recipe,
      ModelDirectory model,
      Examples<float[]> latents,
      List<String> classes,
      XarGenerator.Description description,
      Preview preview) {
    super(recipe, model, classes, latents.count(), preview);
    this.recipe = recipe;
    this.tokenizer = KlTokenizer.describe(model);
    this.latents = latents;
    this.description = description;
    this.order = description.order();
    this.network = new Xar(description.network(), order.tokens());
    this.scale = (float) (1 / deviation(latents.values()));
  }

  /**
   * Trains until the last step and leaves a complete model directory at {@code out/model}. Latents
   * are computed once and kept at {@code out/latents.safetensors}.
   *
   * @param data folder of clips, {@code CLASS/CLIP}
   * @param out folder for the state, the log, pictures and the model
   * @param resume whether to go on where an earlier run in {@code out} stopped
   * @param preview draws sample pictures
   * @param console where progress is shown
   */
  public static void run(
      XarRecipe recipe, Path data, Path out, boolean resume, Preview preview, PrintStream console) {
    ClipFolder folder = ClipFolder.list(data, console);
    TrainingFolder.require(out, resume, TrainingFacts.of(recipe, folder.classes()));
    ModelDirectory model = ModelDirectory.open(ModelDirectory.resolve(recipe.tokenizer()));
    KlTokenizer.Description shape = KlTokenizer.describe(model);
    XarGenerator.Description description = describe(recipe, shape, folder.classes().size());
    Xar network = new Xar(description.network(), description.order().tokens());
    if (!resume) {
      requireInitial(
          recipe,
          model,
          folder.classes(),
          network.weights(),
          initial -> XarGenerator.describe(initial).network(),
          description.network(),
          console);
    }
    Range.requireBatch(
        recipe.training().batch(),
        "examples",
        (long) description.order().tokens() * description.network().channels());
    try (TrainingFolder opened = TrainingFolder.open(out)) {
      Examples<float[]> latents = latents(recipe, folder, model, description, out, console);
      XarTraining training =
          new XarTraining(recipe, model, latents, folder.classes(), description, preview);
      new TrainingLoop<>(training, recipe.training(), opened, console).run(resume);
    }
  }

  private static Examples<float[]> latents(
      XarRecipe recipe,
      ClipFolder folder,
      ModelDirectory model,
      XarGenerator.Description description,
      Path out,
      PrintStream console) {
    try (KlTokenizer tokenizer = KlTokenizer.load(model, Numerics.inference(Torch.fastDtype()))) {
      return Examples.of(
          Examples.LATENTS,
          folder,
          "%d of %d frames by %s"
              .formatted(
                  recipe.examples(),
                  recipe.generator().frames(),
                  model.description().path("files").path(ModelDirectory.TOKENIZER_FILE)),
          description.order().tokens() * description.network().channels(),
          new Draws(tokenizer, recipe),
          out,
          console);
    }
  }

  private static XarGenerator.Description describe(
      XarRecipe recipe, KlTokenizer.Description shape, int classes) {
    XarRecipe.Sizes sizes = recipe.generator();
    int factor = shape.network().factor();
    return new XarGenerator.Description(
        XarGenerator.KIND,
        new XarConfig(
            sizes.encoderLayers(),
            sizes.decoderLayers(),
            sizes.heads(),
            sizes.width(),
            sizes.width() * 8 / 3,
            shape.network().channels(),
            classes),
        sizes.entity(),
        sizes.frames(),
        shape.height() / factor,
        shape.width() / factor);
  }

  /** The spread of all values around 0. */
  private static double deviation(float[] values) {
    double squares = 0;
    for (float value : values) {
      squares += (double) value * value;
    }
    return Math.sqrt(squares / values.length);
  }

  /** Draws of the latents of a clip's examples, unscaled; the same for the same clip. */
  private record Draws(KlTokenizer tokenizer, XarRecipe recipe)
      implements Examples.Encoder<float[]> {
    @Override
    public void requireUsable(Path file) {
      ClipReader.requireLength(file, sampling(recipe.generator().frames()));
    }

    private ClipSampling sampling(int frames) {
      KlTokenizer.Description shape = tokenizer.description();
      return new ClipSampling(
          frames,
          shape.fps(),
          shape.height(),
          shape.width(),
          ClipSampling.Fit.SQUASH,
          ClipSampling.Window.START);
    }

    @Override
    public List<float[]> examples(Path file, int number) {
      int frames = recipe.generator().frames();
      Clip clip = ClipReader.read(file, sampling(/* all */ 0));
      int starts = clip.frames() - frames + 1;
      if (starts < 1) {
        throw EngineFailure.badRequest(
            "%s has %d frames: an example has %d", file, clip.frames(), frames);
      }
      SplittableRandom random = new SplittableRandom(number);
      List<Clip> parts = new ArrayList<>();
      for (int i = 0; i < recipe.examples(); i++) {
        int from = (int) ((long) i * starts / recipe.examples());
        parts.add(clip.slice(from, from + frames));
      }
      // All in one call: small frames are cheaper together.
      KlTokenizer.Moments moments = tokenizer.moments(Clip.join(parts));
      int plane = moments.height() * moments.width();
      List<float[]> examples = new ArrayList<>();
      for (int i = 0; i < parts.size(); i++) {
        float[] latents = new float[moments.channels() * frames * plane];
        for (int c = 0; c < moments.channels(); c++) {
          for (int j = 0; j < frames * plane; j++) {
            int at = (c * moments.time() + i * frames) * plane + j;
            latents[c * frames * plane + j] =
                (float)
                    (moments.means()[at]
                        + Math.exp(0.5 * moments.logVariances()[at]) * random.nextGaussian());
          }
        }
        examples.add(latents);
      }
      return examples;
    }
  }

  @Override
  public List<Weight> weights() {
    return network.weights();
  }

  @Override
  public List<String> inputs() {
    return List.of("latents", "noise", "labels", "times", "groups", "mask", "places");
  }

  @Override
  public List<String> measures() {
    return List.of("loss");
  }

  @Override
  public void write(ScriptWriter script) {
    network.writeFull(script, recipe.training().numerics());
    network.writeLoss(script);
  }

  @Override
  public Batch batch(SplittableRandom random) {
    int count = recipe.training().batch();
    int channels = description.network().channels();
    float[] tokens = new float[count * latents.length()];
    float[] noise = new float[tokens.length];
    int[] labels = new int[count];
    float[] times = new float[count * order.entities().size()];
    for (int i = 0; i < count; i++) {
      int example = random.nextInt(latents.count());
      boolean dropped = random.nextDouble() < recipe.conditionDropout();
      labels[i] = dropped ? description.network().classes() : latents.label(example);
      float[] own = order.tokens(latents.get(example), channels);
      for (int j = 0; j < own.length; j++) {
        tokens[i * own.length + j] = own[j] * scale;
      }
    }
    for (int i = 0; i < noise.length; i++) {
      noise[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < times.length; i++) {
      times[i] = (float) (1 / (1 + Math.exp(-random.nextGaussian())));
    }
    return new Batch(tokens, noise, labels, times);
  }

  @Override
  public List<Tensor> upload(TensorScope scope, Batch batch) {
    int count = batch.labels.length;
    int channels = description.network().channels();
    List<Tensor> inputs =
        new ArrayList<>(
            List.of(
                scope.floats(batch.latents, count, order.tokens(), channels),
                scope.floats(batch.noise, count, order.tokens(), channels),
                scope.longs(batch.labels, count),
                scope.floats(batch.times, count, order.entities().size())));
    inputs.addAll(OrderTensors.of(scope, order, description.network().headWidth()));
    return inputs;
  }

  @Override
  void describe(ObjectNode json) {
    json.setAll(
        KlTokenizer.describe(
            tokenizer.network().withScale(scale),
            description.time(),
            tokenizer.height(),
            tokenizer.width(),
            tokenizer.fps()));
    XarGenerator.describe(json, description);
  }
}
