package dev.blockreel.samples.sprites;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AverageGeneratorsTest {
  private static final ModelDirectory SAMPLE = ModelDirectory.open(Path.of("models/sprites-nbp"));

  @TempDir private Path folder;

  /** The sample model with a generator that holds a single weight. */
  private String model(String name, int width, float... values) {
    Path generator = folder.resolve(name + ".safetensors");
    SafetensorsWriter.to(generator).addFloats("weight", new long[] {2}, values).write();
    ObjectNode json = SAMPLE.description().deepCopy();
    json.withObject("/generator").put("width", width);
    Path tokenizer = SAMPLE.path().resolve(ModelDirectory.TOKENIZER_FILE);
    ModelDirectory.write(
        folder.resolve(name),
        json,
        Map.of(ModelDirectory.GENERATOR_FILE, generator, ModelDirectory.TOKENIZER_FILE, tokenizer));
    return folder.resolve(name).toString();
  }

  private int average(String models) {
    return AverageGenerators.run("--models", models, "--out", folder.resolve("mean").toString());
  }

  @Test
  void weightsAreTheMeanOfAllAndTheRestIsTheFirsts() {
    String models = model("a", 8, 1, 2) + "," + model("b", 8, 3, -2) + "," + model("c", 8, 5, 3);
    assertThat(average(models)).isZero();
    ModelDirectory mean = ModelDirectory.open(folder.resolve("mean"));
    mean.verify();
    try (TensorFile tensors = mean.tensors(ModelDirectory.GENERATOR_FILE)) {
      assertThat(tensors.floats("weight")).containsExactly(3, 1);
    }
    assertThat(mean.description().at("/training/averageOf")).hasSize(3);
    assertThat(mean.description().get("sampling")).isEqualTo(SAMPLE.description().get("sampling"));
  }

  @Test
  void modelsOfOtherSizesAndModelsAloneAreRefused() {
    assertThat(average(model("a", 8, 1, 2))).isEqualTo(2);
    assertThat(average(model("b", 8, 1, 2) + "," + model("c", 9, 1, 2))).isEqualTo(2);
    assertThat(folder.resolve("mean")).doesNotExist();
  }
}
