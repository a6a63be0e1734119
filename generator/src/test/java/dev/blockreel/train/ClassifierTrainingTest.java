package dev.blockreel.train;

import static dev.blockreel.train.SmallTraining.SILENT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.classifier.ClassifierConfig;
import dev.blockreel.classifier.ClipClassifier;
import dev.blockreel.classifier.ClipClassifier.Judgement;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.nn.Numerics;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassifierTrainingTest {
  private static final int SIDE = 8;
  private static final int FRAMES = 3;

  @TempDir static Path folder;
  private static Path data;

  /** A square that goes forth or back: the same frames, only in another order. */
  @BeforeAll
  static void makeClips() throws IOException {
    data =
        SmallTraining.clips(
            folder.resolve("clips"), "back", "forth", ClassifierTrainingTest::square);
  }

  private static Clip square(boolean forth, int row) {
    float[] pixels = new float[3 * FRAMES * SIDE * SIDE];
    for (int t = 0; t < FRAMES; t++) {
      int left = 1 + 2 * (forth ? t : FRAMES - 1 - t);
      for (int c = 0; c < 3; c++) {
        for (int i = 0; i < 4; i++) {
          int y = 2 * row + i / 2;
          pixels[((c * FRAMES + t) * SIDE + y) * SIDE + left + i % 2] = 1 - 0.2f * c;
        }
      }
    }
    return new Clip(pixels, FRAMES, SIDE, SIDE, 8);
  }

  private static ClassifierRecipe recipe(int frames, int steps) {
    return new ClassifierRecipe(
        new ClassifierRecipe.Sizes(2, List.of(8, 8), 2, 8),
        new TokenizerRecipe.ClipShape(frames, SIDE, SIDE, 8),
        new ClassifierRecipe.Augmentation(1, 0.2),
        new TrainingSchedule(
            steps,
            8,
            0.02,
            5,
            0.0001,
            0.9,
            0.95,
            1,
            0.8,
            "fp32",
            1,
            100,
            Math.min(steps, 60),
            "adamw"),
        "CC0",
        "nobody");
  }

  private static ClipClassifier trained(ClassifierRecipe recipe, Path out) {
    ClassifierTraining.run(recipe, data, out, false, SILENT);
    return ClipClassifier.load(ModelDirectory.open(out.resolve("model")), Numerics.plain());
  }

  @Test
  void tellsMotionsThatHaveTheSameFrames() {
    Path out = folder.resolve("motion");
    try (ClipClassifier classifier = trained(recipe(FRAMES, 120), out)) {
      assertThat(classifier.classes()).containsExactly("back", "forth");
      List<Judgement> judged = classifier.judge(List.of(square(false, 1), square(true, 1)));
      assertThat(judged).extracting(Judgement::label).containsExactly(0, 1);
      for (Judgement judgement : judged) {
        assertThat(judgement.features()).hasSize(8);
        assertThat(judgement.probabilities()[0] + judgement.probabilities()[1])
            .isCloseTo(1, within(1e-5f));
        assertThat(judgement.probabilities()[judgement.label()]).isGreaterThan(0.9f);
      }
      assertThat(classifier.judge(List.of(square(true, 1))).get(0).features())
          .containsExactly(judged.get(1).features(), within(1e-5f));
      assertThat(out.resolve("previews/step_0000060.png")).exists();
    }
    JsonNode record =
        ModelDirectory.open(out.resolve("model")).description().at("/training/classifier");
    assertThat(record.path("command").asText()).isEqualTo("train classifier");
    assertThat(record.path("data").asText()).isEqualTo("6 clips of 2 classes");
    assertThat(record.path("steps").asInt()).isEqualTo(120);
    assertThat(record.path("minutes").isNumber()).isTrue();
    assertThat(record.at("/recipe/training/batch").asInt()).isEqualTo(8);
    try (TensorFile state = Safetensors.open(out.resolve("state.safetensors"))) {
      assertThat(Double.parseDouble(state.metadata().get("seconds"))).isPositive();
    }
  }

  @Test
  void learnsFromSingleFramesOfClips() {
    try (ClipClassifier classifier = trained(recipe(1, 2), folder.resolve("frames"))) {
      Clip frame = square(true, 0).slice(0, 1);
      assertThat(classifier.judge(List.of(frame)).get(0).probabilities()).hasSize(2);
      assertThatThrownBy(() -> classifier.judge(List.of(square(true, 0))))
          .isInstanceOf(EngineFailure.class)
          .hasMessageContaining("judges 1 frames of 8x8: got 3 of 8x8");
    }
  }

  @Test
  void refusesSizesThatDoNotFit() {
    assertThatThrownBy(() -> new ClassifierRecipe.Augmentation(-1, 0))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("shift");
    assertThatThrownBy(() -> new ClassifierConfig(3, 8, 8, 2, List.of(8, 9), 2, 8, 3))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("widths must be divisible by its 2 groups: got 9");
    ClassifierRecipe odd =
        new ClassifierRecipe(
            new ClassifierRecipe.Sizes(3, List.of(8), 2, 8),
            recipe(1, 1).clips(),
            recipe(1, 1).augmentation(),
            recipe(1, 1).training(),
            "CC0",
            "nobody");
    assertThatThrownBy(
            () -> ClassifierTraining.run(odd, data, folder.resolve("odd"), false, SILENT))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("8x8 pixels do not divide into cells of 3");
  }
}
