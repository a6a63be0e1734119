package dev.blockreel.train;

import static dev.blockreel.train.SmallTraining.SIDE;
import static dev.blockreel.train.SmallTraining.SILENT;
import static dev.blockreel.train.SmallTraining.assertSameEnd;
import static dev.blockreel.train.SmallTraining.killer;
import static dev.blockreel.train.SmallTraining.log;
import static dev.blockreel.train.SmallTraining.square;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.nn.Numerics;
import dev.blockreel.tokenizer.image.ImageNetwork;
import dev.blockreel.tokenizer.vq.VqConfig;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Multi-scale VQ autoencoders and VAR generators learn. */
class VarTrainingTest {
  @TempDir static Path folder;
  private static Path data;

  @BeforeAll
  static void makeClips() throws IOException {
    data = SmallTraining.clips(folder.resolve("clips"), "left", "right", SmallTraining::square);
  }

  private static TrainingSchedule schedule(int steps, double saveMinutes) {
    return SmallTraining.schedule(steps, 4, saveMinutes);
  }

  private static VqRecipe tokenizerRecipe(TrainingSchedule schedule, Path initial) {
    return new VqRecipe(
        "vq",
        new VqConfig(
            new ImageNetwork.Sizes(2, 8, List.of(1, 2), 1, List.of(), List.of(), true, 4),
            4,
            16,
            List.of(1, 2, 4),
            2),
        new TokenizerRecipe.ClipShape(2, SIDE, SIDE, 8),
        1,
        initial == null ? null : initial.toString(),
        initial != null,
        new TokenizerRecipe.Losses(0.5, 4, 0.1),
        1,
        schedule);
  }

  private static VarRecipe generatorRecipe(
      Path tokenizer, double dropout, TrainingSchedule schedule) {
    return new VarRecipe(
        "var",
        tokenizer.toString(),
        new VarRecipe.Sizes(2, 2, 32),
        2,
        null,
        dropout,
        new VarRecipe.Sampling(1, 0, 1, 1.5),
        schedule,
        "CC0",
        "nobody");
  }

  private static void trainGenerator(
      VarRecipe recipe, Path out, boolean resume, PrintStream console) {
    VarTraining.run(recipe, data, out, resume, (model, picture) -> "", console);
  }

  @Test
  void anAutoencoderLearnsAndAGeneratorLearnsItsTokens() throws IOException {
    Path codes = folder.resolve("codes");
    TokenizerTraining.run(tokenizerRecipe(schedule(160, 100), null), data, codes, false, SILENT);
    List<double[]> rows = log(codes);
    assertThat(rows.get(rows.size() - 1)[2]).isLessThan(0.5 * rows.get(0)[2]);
    // The last column but one is the share of the codebook in use; one that collapsed has 1/16.
    assertThat(rows.get(rows.size() - 1)[rows.get(0).length - 2]).isGreaterThan(0.2);
    Path tokenizer = codes.resolve("model");
    try (VqTokenizer loaded = VqTokenizer.load(ModelDirectory.open(tokenizer), Numerics.plain())) {
      Clip image = square(true, 1).slice(0, 1);
      assertThat(error(image, loaded.decode(List.of(loaded.encode(image))).get(0)))
          .isLessThan(0.03);
    }

    Path out = folder.resolve("generator");
    trainGenerator(generatorRecipe(tokenizer, 0.2, schedule(120, 100)), out, false, SILENT);
    rows = log(out);
    assertThat(rows.get(rows.size() - 1)[2]).isLessThan(0.5 * rows.get(0)[2]);
    ModelDirectory model = ModelDirectory.open(out.resolve("model"));
    model.verify();
    assertThat(model.description().get("classes").toString()).isEqualTo("[\"left\",\"right\"]");
    assertThat(VarGenerator.describe(model).network().scales()).containsExactly(1, 2, 4);
    VarGenerator.load(model, Numerics.plain(), script -> {}).close();
  }

  /** Mean squared error. */
  private static double error(Clip one, Clip other) {
    double sum = 0;
    for (int i = 0; i < one.pixels().length; i++) {
      sum += Math.pow(one.pixels()[i] - other.pixels()[i], 2) / one.pixels().length;
    }
    return sum;
  }

  @Test
  void trainingOnlyTheDecoderKeepsTheTokens() {
    Path first = folder.resolve("first");
    TokenizerTraining.run(tokenizerRecipe(schedule(10, 100), null), data, first, false, SILENT);
    Path second = folder.resolve("second");
    TokenizerTraining.run(
        tokenizerRecipe(schedule(10, 100), first.resolve("model")), data, second, false, SILENT);
    Clip image = square(true, 2).slice(0, 1);
    try (VqTokenizer before =
            VqTokenizer.load(ModelDirectory.open(first.resolve("model")), Numerics.plain());
        VqTokenizer after =
            VqTokenizer.load(ModelDirectory.open(second.resolve("model")), Numerics.plain())) {
      assertThat(after.encode(image).codes()).isEqualTo(before.encode(image).codes());
      assertThat(after.decode(List.of(after.encode(image))).get(0).pixels())
          .isNotEqualTo(before.decode(List.of(before.encode(image))).get(0).pixels());
    }
  }

  @Test
  void aKilledTrainingGoesOnAsIfNothingHadHappened() throws IOException {
    Path codes = folder.resolve("quick");
    TokenizerTraining.run(tokenizerRecipe(schedule(5, 100), null), data, codes, false, SILENT);
    VarRecipe recipe = generatorRecipe(codes.resolve("model"), 0.1, schedule(40, 1e-9));
    Path straight = folder.resolve("straight");
    trainGenerator(recipe, straight, false, SILENT);
    Path broken = folder.resolve("broken");
    assertThatThrownBy(() -> trainGenerator(recipe, broken, false, killer())).hasMessage("killed");
    VarRecipe changed = generatorRecipe(codes.resolve("model"), 0.3, schedule(40, 1e-9));
    assertThatThrownBy(() -> trainGenerator(changed, broken, true, SILENT))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("another recipe: conditionDropout was 0.1 and is 0.3;");
    trainGenerator(recipe, broken, true, SILENT);
    assertSameEnd(straight, broken);
  }

  @Test
  void tokensAreMadeAnewWhenAClipChanges() throws IOException {
    Path codes = folder.resolve("cached");
    TokenizerTraining.run(tokenizerRecipe(schedule(2, 100), null), data, codes, false, SILENT);
    VarRecipe recipe = generatorRecipe(codes.resolve("model"), 0, schedule(1, 100));
    Path clips = Files.createDirectories(folder.resolve("few/left")).getParent();
    Path clip = clips.resolve("left/clip.mkv");
    ClipWriter.write(clip, square(false, 0));
    assertThat(encodes(recipe, clips, folder.resolve("run1"))).isTrue();
    Files.createDirectories(folder.resolve("run2"));
    Files.copy(
        folder.resolve("run1/tokens.safetensors"), folder.resolve("run2/tokens.safetensors"));
    assertThat(encodes(recipe, clips, folder.resolve("run2"))).isFalse();
    ClipWriter.write(clip, square(true, 2));
    Files.createDirectories(folder.resolve("run3"));
    Files.copy(
        folder.resolve("run1/tokens.safetensors"), folder.resolve("run3/tokens.safetensors"));
    assertThat(encodes(recipe, clips, folder.resolve("run3"))).isTrue();
  }

  private static boolean encodes(VarRecipe recipe, Path clips, Path out) {
    ByteArrayOutputStream shown = new ByteArrayOutputStream();
    PrintStream console = new PrintStream(shown, true, StandardCharsets.UTF_8);
    VarTraining.run(recipe, clips, out, false, (model, picture) -> "", console);
    return shown.toString(StandardCharsets.UTF_8).contains("tokens of 1/1 clips");
  }

  @Test
  void whatCannotBeTrainedIsRefusedBeforeAnyWork() {
    assertThatThrownBy(() -> tokenizerRecipe(schedule(0, 1), null)).hasMessageContaining("steps");
    VqConfig config = tokenizerRecipe(schedule(1, 1), null).tokenizer();
    assertThatThrownBy(
            () ->
                new VqRecipe(
                    "vq",
                    config,
                    new TokenizerRecipe.ClipShape(2, 32, 32, 8),
                    1,
                    null,
                    false,
                    new TokenizerRecipe.Losses(1, 0, 0),
                    1,
                    schedule(1, 1)))
        .hasMessage("scales of sides [1, 2, 4] make images of 16x16 pixels: got clips of 32x32");
    Path out = folder.resolve("nothing");
    assertThatThrownBy(
            () -> trainGenerator(generatorRecipe(out, 0, schedule(1, 1)), out, true, SILENT))
        .hasMessageContaining("nothing to resume");
    assertThat(out).doesNotExist();
    assertThatThrownBy(() -> generatorRecipe(out, 1, schedule(1, 1)))
        .hasMessageContaining("conditionDropout lies in [0, 1)");
  }
}
