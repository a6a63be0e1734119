package dev.blockreel.train;

import static dev.blockreel.train.SmallTraining.SILENT;
import static dev.blockreel.train.SmallTraining.assertSameEnd;
import static dev.blockreel.train.SmallTraining.killer;
import static dev.blockreel.train.SmallTraining.log;
import static dev.blockreel.train.SmallTraining.losses;
import static dev.blockreel.train.SmallTraining.schedule;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpLayout;
import dev.blockreel.grid.Clip;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import dev.blockreel.tokenizer.magvit2.Magvit2Config.Stage;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingTest {
  @TempDir static Path folder;
  private static Path data;

  /** Two classes: a bright square that moves to the right, and one that moves down. */
  @BeforeAll
  static void makeClips() throws IOException {
    data = SmallTraining.clips(folder.resolve("clips"), "down", "right", TrainingTest::square);
  }

  private static Clip square(boolean right, int offset) {
    float[] pixels = new float[3 * 5 * 16 * 16];
    for (int t = 0; t < 5; t++) {
      for (int y = 0; y < 16; y++) {
        for (int x = 0; x < 16; x++) {
          int along = (right ? x : y) - 2 * t;
          int across = (right ? y : x) - 4 * offset;
          boolean inside = along >= 0 && along < 4 && across >= 0 && across < 4;
          for (int c = 0; c < 3; c++) {
            pixels[((c * 5 + t) * 16 + y) * 16 + x] = inside ? 1 - 0.3f * c : 0.2f;
          }
        }
      }
    }
    return new Clip(pixels, 5, 16, 16, 8);
  }

  private static TokenizerRecipe tokenizerRecipe(TrainingSchedule schedule) {
    return tokenizerRecipe(schedule, null);
  }

  /** Trains all of a new tokenizer, or only the decoder of an initial one. */
  private static TokenizerRecipe tokenizerRecipe(TrainingSchedule schedule, Path initial) {
    return new TokenizerRecipe(
        new Magvit2Config(
            2,
            List.of(new Stage(8, 1, 2, 2), new Stage(16, 1, 2, 1), new Stage(16, 1, 1, 1)),
            List.of(8, 5, 5),
            4),
        new TokenizerRecipe.ClipShape(5, 16, 16, 8),
        5,
        initial == null ? null : initial.toString(),
        initial != null,
        new TokenizerRecipe.Losses(0.5, 4, 0.1),
        schedule);
  }

  private static NbpRecipe generatorRecipe(
      Path tokenizerOut, Path initial, double conditionDropout, TrainingSchedule schedule) {
    return generatorRecipe(tokenizerOut, null, initial, conditionDropout, schedule);
  }

  private static NbpRecipe generatorRecipe(
      Path tokenizerOut,
      Integer trainFrames,
      Path initial,
      double conditionDropout,
      TrainingSchedule schedule) {
    return new NbpRecipe(
        tokenizerOut.resolve("model").toString(),
        new NbpRecipe.Sizes(2, 2, 32, 4, 0),
        trainFrames,
        0,
        initial == null ? null : initial.toString(),
        null,
        conditionDropout,
        new NbpRecipe.Sampling(1, 10, 0.9),
        schedule,
        "CC0",
        "nobody");
  }

  @Test
  void aTokenizerLearnsAndAGeneratorLearnsItsTokens() throws IOException {
    Path tokenizerOut = folder.resolve("tokenizer");
    TokenizerTraining.run(
        tokenizerRecipe(schedule(120, 4, 100)), data, tokenizerOut, false, SILENT);
    double[] losses = losses(tokenizerOut);
    assertThat(losses[losses.length - 1]).isLessThan(0.6 * losses[0]);
    assertThat(tokenizerOut.resolve("loss.png")).exists();
    try (Magvit2Tokenizer tokenizer =
        Magvit2Tokenizer.load(
            ModelDirectory.open(tokenizerOut.resolve("model")), Numerics.plain())) {
      Clip clip = square(true, 1);
      Clip made = tokenizer.decode(tokenizer.encode(clip));
      double squared = 0;
      for (int i = 0; i < clip.pixels().length; i++) {
        squared += Math.pow(clip.pixels()[i] - made.pixels()[i], 2) / clip.pixels().length;
      }
      assertThat(-10 * Math.log10(squared)).isGreaterThan(13);
    }

    Path out = folder.resolve("generator");
    NbpTraining.run(
        generatorRecipe(tokenizerOut, null, 0, schedule(80, 6, 100)),
        data,
        out,
        false,
        (model, picture) -> "",
        SILENT);
    double[] generatorLosses = losses(out);
    assertThat(generatorLosses[generatorLosses.length - 1]).isLessThan(0.5 * generatorLosses[0]);
    ModelDirectory model = ModelDirectory.open(out.resolve("model"));
    model.verify();
    assertThat(model.description().get("classes").toString()).isEqualTo("[\"down\",\"right\"]");
    assertThat(NbpGenerator.describe(model).tokens()).isEqualTo(2 * 4 * 4);
    NbpGenerator.load(model, Numerics.plain(), script -> {}).close();
  }

  @Test
  void aKilledTrainingGoesOnAsIfNothingHadHappened() throws IOException {
    TokenizerRecipe recipe = tokenizerRecipe(schedule(40, 2, 1e-9));
    Path straight = folder.resolve("straight");
    TokenizerTraining.run(recipe, data, straight, false, SILENT);
    Path broken = folder.resolve("broken");
    assertThatThrownBy(() -> TokenizerTraining.run(recipe, data, broken, false, killer()))
        .hasMessage("killed");
    TokenizerTraining.run(recipe, data, broken, true, SILENT);
    assertSameEnd(straight, broken);
    assertThat(losses(broken)).hasSameSizeAs(losses(straight));
  }

  @Test
  void trainingOnlyTheDecoderKeepsTheCodes() {
    Path first = folder.resolve("first");
    TokenizerTraining.run(tokenizerRecipe(schedule(10, 2, 100)), data, first, false, SILENT);
    Path second = folder.resolve("second");
    TokenizerTraining.run(
        tokenizerRecipe(schedule(10, 2, 100), first.resolve("model")), data, second, false, SILENT);
    Clip clip = square(true, 2);
    try (Magvit2Tokenizer before =
            Magvit2Tokenizer.load(ModelDirectory.open(first.resolve("model")), Numerics.plain());
        Magvit2Tokenizer after =
            Magvit2Tokenizer.load(ModelDirectory.open(second.resolve("model")), Numerics.plain())) {
      assertThat(after.encode(clip).codes()).isEqualTo(before.encode(clip).codes());
      assertThat(after.decode(after.encode(clip)).pixels())
          .isNotEqualTo(before.decode(before.encode(clip)).pixels());
    }
  }

  @Test
  void aGeneratorStartsFromAModelAndLearnsTheAbsentClassFromDroppedOnes() {
    Path tokenizer = folder.resolve("tokenizerOfThree");
    TokenizerTraining.run(tokenizerRecipe(schedule(2, 2, 100)), data, tokenizer, false, SILENT);
    Path first = train(tokenizer, "first", null, 0);
    Path kept = train(tokenizer, "kept", first, 0);
    Path dropped = train(tokenizer, "dropped", first, 0.9);
    float[] tokens = weight(first, "transformer.tok_emb.weight");
    // Two steps of AdamW move a weight by no more than twice the learning rate.
    assertThat(weight(kept, "transformer.tok_emb.weight")).containsExactly(tokens, within(0.011f));
    float[] absent = weight(first, "transformer.uncond_embedding");
    assertThat(weight(kept, "transformer.uncond_embedding")).isEqualTo(absent);
    assertThat(weight(dropped, "transformer.uncond_embedding")).isNotEqualTo(absent);
  }

  @Test
  void aGeneratorMayLearnOnlyTheBeginningsOfClips() {
    Path tokenizer = folder.resolve("tokenizerOfFour");
    TokenizerTraining.run(tokenizerRecipe(schedule(2, 2, 100)), data, tokenizer, false, SILENT);
    Path model =
        train(generatorRecipe(tokenizer, 1, null, 0, schedule(3, 4, 100)), "generatorOfOne");
    float[] places = weight(model, "transformer.pos_emb");
    int seen = 32 * (1 + 4 * 4); // width times the class and the 4x4 tokens of the first frame
    assertThat(Arrays.copyOf(places, seen)).doesNotContain(0f);
    assertThat(Arrays.copyOfRange(places, seen, places.length)).containsOnly(0f);

    assertThatThrownBy(
            () ->
                train(
                    generatorRecipe(tokenizer, 6, null, 0, schedule(3, 4, 100)), "generatorOfSix"))
        .hasMessage("trainFrames must lie between 1 and the 5 frames of a clip: got 6");
    assertThatThrownBy(
            () ->
                train(
                    generatorRecipe(tokenizer, 2, null, 0, schedule(3, 4, 100)), "generatorOfTwo"))
        .hasMessageEndingWith("got 2, near are 1 and 5");
    assertThat(folder.resolve("generatorOfTwo")).doesNotExist();
  }

  @Test
  void firstBlocksOfMoreClipsCountAsManyTokensAsTheyHave() throws IOException {
    Path one = SmallTraining.clips(folder.resolve("same"), "a", "b", (b, i) -> square(false, 1));
    Files.move(one.resolve("b"), folder.resolve("gone")); // all clips of the only class are equal
    Path tokenizer = folder.resolve("tokenizerOfSix");
    TokenizerTraining.run(tokenizerRecipe(schedule(20, 2, 100)), one, tokenizer, false, SILENT);
    Path known = train(blocks(tokenizer, null, 0, null, 60), one, "known");

    double clips = loss(blocks(tokenizer, null, 0, known, 1), one, "clipsLearned");
    double first = loss(blocks(tokenizer, 1, 0, known, 1), one, "firstLearned");
    double both = loss(blocks(tokenizer, null, 3, known, 1), one, "bothLearned");

    assertThat(first).isNotCloseTo(clips, within(1e-3));
    assertThat(both).isCloseTo((32 * clips + 3 * 16 * first) / (32 + 3 * 16), within(2e-6));
    double[] apart = log(folder.resolve("bothLearned")).get(0);
    assertThat(apart[4]).isCloseTo(clips, within(2e-6));
    assertThat(apart[5]).isCloseTo(first, within(2e-6));
    assertThatThrownBy(() -> blocks(tokenizer, null, -1, known, 1))
        .hasMessage("firstBlocks must lie between 0 and 65536: got -1");
    for (NbpRecipe.Sizes other :
        List.of(new NbpRecipe.Sizes(2, 4, 32, 16, 0), new NbpRecipe.Sizes(2, 2, 32, 16, 32))) {
      assertThatThrownBy(() -> train(blocks(tokenizer, other, null, 0, known, 1), one, "other"))
          .hasMessageContaining("has other sizes: got NbpConfig[layers=2, heads=2,");
    }
  }

  /** One whose block is a frame. */
  private static NbpRecipe blocks(
      Path tokenizer, Integer trainFrames, int firstBlocks, Path initial, int steps) {
    return blocks(
        tokenizer, new NbpRecipe.Sizes(2, 2, 32, 16, 0), trainFrames, firstBlocks, initial, steps);
  }

  private static NbpRecipe blocks(
      Path tokenizer,
      NbpRecipe.Sizes sizes,
      Integer trainFrames,
      int firstBlocks,
      Path initial,
      int steps) {
    NbpRecipe recipe = generatorRecipe(tokenizer, initial, 0, schedule(steps, 1, 100));
    return new NbpRecipe(
        recipe.tokenizer(),
        sizes,
        trainFrames,
        firstBlocks,
        recipe.initial(),
        null,
        0,
        recipe.sampling(),
        recipe.training(),
        recipe.licence(),
        recipe.attribution());
  }

  private static double loss(NbpRecipe recipe, Path clips, String name) throws IOException {
    train(recipe, clips, name);
    return losses(folder.resolve(name))[0];
  }

  @Test
  void aPupilLearnsWhatItsTeacherSaysUnderGuidance() throws IOException {
    Path tokenizer = folder.resolve("tokenizerOfFive");
    TokenizerTraining.run(tokenizerRecipe(schedule(2, 2, 100)), data, tokenizer, false, SILENT);
    Path teacher =
        train(generatorRecipe(tokenizer, null, 0.3, schedule(120, 6, 100)), "teacherOfFive");
    assertGuides(ModelDirectory.open(teacher), 1.5, 0);
    assertGuides(ModelDirectory.open(teacher), 1.5, 0.7);

    for (double singles : new double[] {0, 0.7}) {
      String name = "pupil" + singles;
      train(pupil(tokenizer, teacher, 4, 1.5, singles), name);
      double[] losses = losses(folder.resolve(name));
      assertThat(losses[losses.length - 1]).isLessThan(0.5 * losses[0]);
    }

    assertThatThrownBy(() -> train(pupil(tokenizer, teacher, 2, 1.5, 0), "stranger"))
        .hasMessageContaining("reads other tokens");
    assertThat(folder.resolve("stranger")).doesNotExist();
    assertThatThrownBy(() -> pupil(tokenizer, teacher, 4, -1, 0))
        .hasMessageContaining("guidance of 0 or more");
  }

  /** One with fewer layers that starts from random weights. */
  private static NbpRecipe pupil(
      Path tokenizer, Path teacher, int block, double guidance, double singleGuidance) {
    NbpRecipe taught = generatorRecipe(tokenizer, null, 0, schedule(120, 6, 100));
    return new NbpRecipe(
        taught.tokenizer(),
        new NbpRecipe.Sizes(1, 2, 32, block, 0),
        null,
        6,
        null,
        new NbpRecipe.Teacher(teacher.toString(), guidance, singleGuidance),
        0,
        taught.sampling(),
        taught.training(),
        taught.licence(),
        taught.attribution());
  }

  /** Of a clip with its class beside the same without. */
  private static void assertGuides(ModelDirectory model, double guidance, double singles) {
    NbpConfig config = NbpGenerator.describe(model).network();
    NbpLayout layout = new NbpLayout(config);
    int[] codes = IntStream.range(0, 32).map(i -> i * 5 % config.codes()).toArray();
    long[] ids = layout.input(new int[] {1}, codes);
    long[] free = layout.withoutCondition(ids);
    int length = ids.length;
    try (TensorScope scope = TensorScope.open();
        NbpGenerator generator = NbpGenerator.load(model, Numerics.plain(), script -> {});
        NbpTeacher teacher =
            NbpTeacher.load(
                Predecessor.toImitate(model.path().toString()),
                new NbpRecipe.Teacher(model.path().toString(), guidance, singles),
                config,
                List.of(),
                Numerics.plain())) {
      Tensor mask = scope.booleans(layout.mask(length), length, length);
      Tensor given = scope.longs(ids, 1, length);
      Tensor unconditional = scope.longs(free, 1, length);
      float[] with = generator.call(scope, "logits", given, mask, 32).toFloats();
      float[] without = generator.call(scope, "logits", unconditional, mask, 32).toFloats();
      float[] taught = teacher.probabilities(scope, given, unconditional, mask, 32).toFloats();
      float[] unmoved =
          teacher.probabilities(scope, unconditional, unconditional, mask, 32).toFloats();
      assertThat(without).isNotEqualTo(with);
      for (int token = 0; token < 32; token++) {
        double strength = token < config.blockSize() ? singles : guidance;
        assertThat(row(taught, token, config))
            .containsExactly(softmax(with, without, token, config, strength), within(1e-5));
        assertThat(row(unmoved, token, config))
            .containsExactly(softmax(without, without, token, config, 0), within(1e-5));
      }
    }
  }

  private static double[] row(float[] values, int token, NbpConfig config) {
    int from = token * config.vocabulary();
    return IntStream.range(from, from + config.vocabulary()).mapToDouble(i -> values[i]).toArray();
  }

  private static double[] softmax(
      float[] with, float[] without, int token, NbpConfig config, double strength) {
    double[] c = row(with, token, config);
    double[] u = row(without, token, config);
    double[] powers =
        IntStream.range(0, c.length)
            .mapToDouble(i -> Math.exp(c[i] + strength * (c[i] - u[i])))
            .toArray();
    double sum = Arrays.stream(powers).sum();
    return Arrays.stream(powers).map(power -> power / sum).toArray();
  }

  private static Path train(Path tokenizer, String name, Path initial, double conditionDropout) {
    return train(
        generatorRecipe(tokenizer, initial, conditionDropout, schedule(2, 4, 100)),
        "dropout-" + name);
  }

  private static Path train(NbpRecipe recipe, String name) {
    return train(recipe, data, name);
  }

  private static Path train(NbpRecipe recipe, Path clips, String name) {
    Path out = folder.resolve(name);
    NbpTraining.run(recipe, clips, out, false, (model, picture) -> "", SILENT);
    return out.resolve("model");
  }

  private static float[] weight(Path model, String name) {
    try (TensorFile file = Safetensors.open(model.resolve(ModelDirectory.GENERATOR_FILE))) {
      return file.floats(name);
    }
  }

  @Test
  void startingAgainOverAnOldRunAndResumingNothingAreRefused() {
    Path out = folder.resolve("once");
    TokenizerRecipe recipe = tokenizerRecipe(schedule(1, 1, 100));
    assertThatThrownBy(() -> TokenizerTraining.run(recipe, data, out, true, SILENT))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("nothing to resume");
    TokenizerTraining.run(recipe, data, out, false, SILENT);
    assertThatThrownBy(() -> TokenizerTraining.run(recipe, data, out, false, SILENT))
        .hasMessageContaining("--resume");
  }

  @Test
  void aMissingInitialModelIsNoticedFirst() {
    Path out = folder.resolve("lost");
    Path missing = folder.resolve("missing");
    TokenizerRecipe recipe = tokenizerRecipe(schedule(1, 1, 100));
    assertThatThrownBy(
            () ->
                TokenizerTraining.run(
                    tokenizerRecipe(schedule(1, 1, 100), missing), data, out, false, SILENT))
        .hasMessageContaining("no model")
        .hasMessageContaining("missing");
    assertThat(out).doesNotExist();
    Path tokenizer = folder.resolve("tokenizerOfSeven");
    TokenizerTraining.run(recipe, data, tokenizer, false, SILENT);
    assertThatThrownBy(
            () -> train(generatorRecipe(tokenizer, missing, 0, schedule(1, 1, 100)), "lost"))
        .hasMessageContaining("no model")
        .hasMessageContaining("missing");
    assertThat(out).doesNotExist();
  }

  @Test
  void aFolderWithoutClipsIsRefused() throws IOException {
    Path empty = Files.createDirectories(folder.resolve("empty"));
    assertThatThrownBy(() -> ClipFolder.list(empty)).hasMessageContaining("holds no clips");
    assertThatThrownBy(() -> ClipFolder.list(empty.resolve("missing")))
        .hasMessageContaining("cannot list");
  }
}
