package dev.blockreel.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpLayout;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.PrefixAttention.Prefix;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/**
 * Trains an {@link Nbp} generator on the tokens of a folder of clips, or on what another one thinks
 * of them.
 */
public final class NbpTraining extends GeneratorTraining<NbpTraining.Batch> {
  /** Few enough to spare what the mask hides, enough to keep products large. */
  private static final int ATTENTION_ROWS = 128;

  private final NbpRecipe recipe;
  private final Examples<int[]> tokens;
  private final NbpGenerator.Description description;
  private final Nbp network;
  private final NbpLayout layout;
  private final List<Part> parts;

  /**
   * What is read in one pass of a step.
   *
   * @param name what it is called in the script
   * @param clips number of clips
   * @param tokens learned of each, its first ones
   * @param teacher who is imitated, or null
   */
  private record Part(String name, int clips, int tokens, NbpTeacher teacher) {
    List<String> inputs() {
      return List.of("ids" + name, "targets" + name, "mask" + name);
    }

    long tokensOfAll() {
      return (long) clips * tokens;
    }

    Sym writeLoss(Method m, Sym w) {
      return m.call("loss" + name, Stream.concat(inputs().stream(), Stream.of(w)).toArray());
    }
  }

  /** Of each part, ids (B,T), and the tokens that they are to predict (B,L). */
  record Batch(List<long[]> ids, List<long[]> targets) {}

  private NbpTraining(
      NbpRecipe recipe,
      ModelDirectory tokenizer,
      NbpGenerator.Description description,
      Examples<int[]> tokens,
      List<String> classes,
      int learned,
      NbpTeacher teacher,
      NbpTeacher teacherOfFirsts,
      Preview preview) {
    super(recipe, tokenizer, classes, tokens.count(), preview);
    this.recipe = recipe;
    this.tokens = tokens;
    this.description = description;
    this.network = new Nbp(description.network());
    this.layout = new NbpLayout(description.network());
    Part clips = new Part("Clips", recipe.training().batch(), learned, teacher);
    Part firsts =
        new Part(
            "FirstBlocks",
            recipe.firstBlocks(),
            description.network().singleTokens(),
            teacherOfFirsts);
    this.parts = firsts.clips() == 0 ? List.of(clips) : List.of(clips, firsts);
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
      NbpRecipe recipe, Path data, Path out, boolean resume, Preview preview, PrintStream console) {
    ClipFolder folder = ClipFolder.list(data, console);
    TrainingFolder.require(out, resume, TrainingFacts.of(recipe, folder.classes()));
    ModelDirectory tokenizer = ModelDirectory.open(ModelDirectory.resolve(recipe.tokenizer()));
    NbpGenerator.Description description = description(recipe, tokenizer, folder.classes().size());
    if (!resume) {
      requireInitial(
          recipe,
          tokenizer,
          folder.classes(),
          new Nbp(description.network()).weights(),
          model -> NbpGenerator.describe(model).network(),
          description.network(),
          console);
    }
    // First, since these may not fit, and tokens cost time.
    int learned = learned(recipe, Magvit2Tokenizer.describe(tokenizer), description);
    requireBatch(recipe, description, learned);
    Predecessor imitated = imitated(recipe, tokenizer, folder.classes(), console);
    int singles = description.network().singleTokens();
    boolean firstsToo =
        imitated != null && recipe.firstBlocks() > 0 && recipe.teacher().singleGuidance() > 0;
    try (NbpTeacher teacher = teacher(recipe, imitated, description, learned);
        NbpTeacher ofFirsts = teacher(recipe, firstsToo ? imitated : null, description, singles);
        TrainingFolder opened = TrainingFolder.open(out)) {
      Examples<int[]> tokens = tokens(folder, tokenizer, description.tokens(), out, console);
      NbpTraining training =
          new NbpTraining(
              recipe,
              tokenizer,
              description,
              tokens,
              folder.classes(),
              learned,
              teacher,
              ofFirsts,
              preview);
      new TrainingLoop<>(training, recipe.training(), opened, console).run(resume);
    }
  }

  private static void requireBatch(
      NbpRecipe recipe, NbpGenerator.Description description, int learned) {
    Range.requireBatch(recipe.training().batch(), "examples", learned);
    if (recipe.firstBlocks() > 0) {
      Range.requireBatch(
          recipe.firstBlocks(), "first blocks", description.network().singleTokens());
    }
  }

  private static Predecessor imitated(
      NbpRecipe recipe, ModelDirectory tokenizer, List<String> classes, PrintStream console) {
    if (recipe.teacher() == null) {
      return null;
    }
    Predecessor model = Predecessor.toImitate(recipe.teacher().model());
    model.requireClasses(classes);
    model.tellOtherTokenizer(tokenizer, console);
    return model;
  }

  private static NbpTeacher teacher(
      NbpRecipe recipe, Predecessor model, NbpGenerator.Description description, int learned) {
    if (model == null) {
      return null;
    }
    List<Prefix> prefixes = prefixes(new NbpLayout(description.network()), learned);
    return NbpTeacher.load(
        model, recipe.teacher(), description.network(), prefixes, numerics(recipe));
  }

  private static NbpGenerator.Description description(
      NbpRecipe recipe, ModelDirectory tokenizer, int classes) {
    Magvit2Tokenizer.Description clips = Magvit2Tokenizer.describe(tokenizer);
    int time = clips.network().latentFrames(clips.frames());
    int height = clips.height() / clips.network().spaceFactor();
    int width = clips.width() / clips.network().spaceFactor();
    NbpRecipe.Sizes sizes = recipe.generator();
    NbpConfig config =
        new NbpConfig(
            sizes.layers(),
            sizes.heads(),
            sizes.width(),
            time * height * width + sizes.blockSize() + 1,
            sizes.blockSize(),
            clips.network().codebookSize(),
            1,
            classes,
            true,
            sizes.singleTokens());
    return new NbpGenerator.Description(NbpGenerator.KIND, config, time, height, width);
  }

  private static int learned(
      NbpRecipe recipe, Magvit2Tokenizer.Description clips, NbpGenerator.Description description) {
    if (recipe.trainFrames() == null) {
      return description.tokens();
    }
    int frames = recipe.trainFrames();
    if (frames < 1 || frames > clips.frames()) {
      throw EngineFailure.badRequest(
          "trainFrames must lie between 1 and the %d frames of a clip: got %d",
          clips.frames(), frames);
    }
    ReconstructionRecipe.requireWhole("trainFrames", frames, clips.network());
    int tokens = clips.network().latentFrames(frames) * description.height() * description.width();
    if (tokens % description.network().blockSize() != 0) {
      throw EngineFailure.badRequest(
          "trainFrames must be whole blocks: %d frames are %d tokens, a block has %d",
          frames, tokens, description.network().blockSize());
    }
    return tokens;
  }

  private static Examples<int[]> tokens(
      ClipFolder folder, ModelDirectory model, int length, Path out, PrintStream console) {
    try (Magvit2Tokenizer tokenizer =
        Magvit2Tokenizer.load(model, Numerics.inference(Torch.fastDtype()))) {
      Magvit2Tokenizer.Description shape = tokenizer.description();
      ClipSampling sampling =
          new ClipSampling(
              shape.frames(),
              shape.fps(),
              shape.height(),
              shape.width(),
              ClipSampling.Fit.SQUASH,
              ClipSampling.Window.START,
              true,
              0);
      return Examples.of(
          Examples.TOKENS,
          folder,
          model.description().path("files").path(ModelDirectory.TOKENIZER_FILE).toString(),
          length,
          (file, number) -> List.of(tokenizer.encode(ClipReader.read(file, sampling)).codes()),
          out,
          console);
    }
  }

  @Override
  public List<Weight> weights() {
    return network.weights();
  }

  @Override
  public List<String> inputs() {
    return parts.stream().flatMap(part -> part.inputs().stream()).toList();
  }

  @Override
  public List<String> measures() {
    Stream<String> apart = parts.stream().map(part -> "loss" + part.name());
    return Stream.concat(Stream.of("loss", "hits"), parts.size() > 1 ? apart : Stream.of())
        .toList();
  }

  @Override
  public void write(ScriptWriter script) {
    Numerics numerics = numerics(recipe);
    for (Part part : parts) {
      network.writeFull(script, part.name(), numerics, prefixes(layout, part.tokens()));
      network.writeLoss(script, part.name(), part.teacher() != null);
    }
    script.method(
        "loss",
        m -> {
          for (Part part : parts) {
            part.inputs().forEach(m::tensor);
          }
          Sym w = m.tensors("w");
          List<Sym> losses = parts.stream().map(part -> part.writeLoss(m, w)).toList();
          Sym all = losses.get(0).mul(share(parts.get(0)));
          for (int i = 1; i < parts.size(); i++) {
            all = all.add(losses.get(i).mul(share(parts.get(i))));
          }
          if (parts.size() > 1) {
            Sym apart = m.concat(0, losses.toArray(Sym[]::new)).view(-1, 2).select(1, 0).detach();
            all = m.concat(0, all, apart);
          }
          m.returns(all);
        });
  }

  /** Share of the tokens of a step. */
  private double share(Part part) {
    double all = parts.stream().mapToLong(Part::tokensOfAll).sum();
    return part.tokensOfAll() / all;
  }

  private static Numerics numerics(NbpRecipe recipe) {
    return recipe.training().numerics();
  }

  private static List<Prefix> prefixes(NbpLayout layout, int learned) {
    return layout.closedPrefixes(layout.inputLength(learned), ATTENTION_ROWS);
  }

  @Override
  public Batch batch(SplittableRandom random) {
    List<long[]> ids = new ArrayList<>();
    List<long[]> targets = new ArrayList<>();
    for (Part part : parts) {
      int length = layout.inputLength(part.tokens());
      long[] read = new long[part.clips() * length];
      long[] wanted = new long[part.clips() * part.tokens()];
      for (int i = 0; i < part.clips(); i++) {
        int clip = random.nextInt(tokens.count());
        int[] codes = Arrays.copyOf(tokens.get(clip), part.tokens());
        long[] given = layout.input(new int[] {tokens.label(clip)}, codes);
        boolean dropped =
            recipe.conditionDropout() > 0 && random.nextDouble() < recipe.conditionDropout();
        System.arraycopy(
            dropped ? layout.withoutCondition(given) : given, 0, read, i * length, length);
        System.arraycopy(layout.target(codes), 0, wanted, i * codes.length, codes.length);
      }
      ids.add(read);
      targets.add(wanted);
    }
    return new Batch(ids, targets);
  }

  @Override
  public List<Tensor> upload(TensorScope scope, Batch batch) {
    List<Tensor> inputs = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      Part part = parts.get(i);
      int length = layout.inputLength(part.tokens());
      long[] read = batch.ids().get(i);
      Tensor ids = scope.longs(read, part.clips(), length);
      Tensor mask = scope.booleans(layout.mask(length), length, length);
      Tensor targets =
          part.teacher() == null
              ? scope.longs(batch.targets().get(i), part.clips(), part.tokens())
              : part.teacher()
                  .probabilities(
                      scope,
                      ids,
                      scope.longs(withoutCondition(read, length), part.clips(), length),
                      mask,
                      part.tokens());
      inputs.addAll(List.of(ids, targets, mask));
    }
    return inputs;
  }

  private long[] withoutCondition(long[] ids, int length) {
    long[] all = new long[ids.length];
    for (int from = 0; from < ids.length; from += length) {
      long[] one = layout.withoutCondition(Arrays.copyOfRange(ids, from, from + length));
      System.arraycopy(one, 0, all, from, length);
    }
    return all;
  }

  @Override
  void describe(ObjectNode json) {
    NbpGenerator.describe(json, description);
  }
}
