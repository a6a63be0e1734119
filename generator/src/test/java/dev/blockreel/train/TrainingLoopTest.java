package dev.blockreel.train;

import static dev.blockreel.train.SmallTraining.SIDE;
import static dev.blockreel.train.SmallTraining.schedule;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How trainings begin, go on and end, shown on the smallest of them. */
class TrainingLoopTest {
  @TempDir private Path folder;
  private Path data;
  private Path out;

  @BeforeEach
  void makeClips() throws IOException {
    data = SmallTraining.clips(folder.resolve("clips"), "ball", "bars", SmallTraining::square);
    out = folder.resolve("out");
  }

  private List<String> train(int steps, boolean resume) {
    ByteArrayOutputStream told = new ByteArrayOutputStream();
    ClassifierRecipe recipe =
        new ClassifierRecipe(
            new ClassifierRecipe.Sizes(4, List.of(4), 2, 4),
            new TokenizerRecipe.ClipShape(1, SIDE, SIDE, 8),
            new ClassifierRecipe.Augmentation(1, 0.1),
            schedule(steps, 2, 100),
            "CC0",
            "nobody");
    PrintStream console = new PrintStream(told, true, StandardCharsets.UTF_8);
    ClassifierTraining.run(recipe, data, out, resume, console);
    return told.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void theLastStepIsShownAndTheModelNamed() throws IOException {
    List<String> told = train(3, false);
    assertThat(told).last().isEqualTo("model: " + out.resolve("model"));
    assertThat(told).anyMatch(line -> line.matches("step 3: . of 6 classes named, .*"));
    Files.delete(out.resolve("previews/step_0000003.png"));
    assertThat(train(5, true)).anyMatch(line -> line.startsWith("step 5: "));
    assertThat(out.resolve("previews")).isDirectoryContaining("glob:**0000005.png");

    Files.delete(out.resolve("model/model.json"));
    assertThat(train(4, true))
        .endsWith("nothing left to train: step 5 of 4 is done", "model: " + out.resolve("model"));
    assertThat(out.resolve("model/model.json")).exists();
  }

  @Test
  void otherClassesAreNoReasonToGoOn() throws IOException {
    train(1, false);
    Files.move(data.resolve("ball"), data.resolve("apple"));
    Files.move(data.resolve("bars"), data.resolve("zebra"));
    assertThatThrownBy(() -> train(2, true))
        .hasMessageEndingWith("classes were ball, bars and are apple, zebra");
    Files.move(data.resolve("apple"), data.resolve("ball"));
    assertThatThrownBy(() -> train(2, true)).hasMessageEndingWith("and are ball, zebra");
    Files.move(data.resolve("zebra"), data.resolve("bars"));
    train(2, true);
  }

  @Test
  void statesWithoutClassesGoOn() {
    TrainingFacts facts = TrainingFacts.of("recipe", List.of("ball"));
    assertThatCode(() -> facts.refuseChange(out, Map.of())).doesNotThrowAnyException();
  }

  @Test
  void onlyOneTrainingAtATimeHasAFolder() {
    try (TrainingFolder other = TrainingFolder.open(out)) {
      assertThatThrownBy(() -> train(1, false))
          .hasMessage("%s is in use by another training".formatted(other.path()));
    }
    assertThat(out).as("a folder that nothing was written to").doesNotExist();
    train(1, false);
  }

  @Test
  void aPreviewThatFailsCostsNoStep() throws IOException {
    Files.createDirectories(out.resolve("previews/step_0000002.png/in the way"));
    assertThatThrownBy(() -> train(4, false)).hasMessageContaining("step_0000002.png");
    try (TensorFile state = Safetensors.open(out.resolve("state.safetensors"))) {
      assertThat(state.metadata()).containsEntry("step", "2");
    }
  }
}
