package dev.blockreel.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.nn.Init;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightScope;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PredecessorTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  /** A model of some classes whose tokenizer has one weight of this value. */
  private Path model(String name, float value, String... classes) {
    ObjectNode description = JSON.createObjectNode();
    description.set("classes", JSON.valueToTree(classes));
    Path path = folder.resolve(name);
    ModelDirectory.write(
        path,
        description,
        draft ->
            SafetensorsWriter.to(draft.resolve(ModelDirectory.TOKENIZER_FILE))
                .addFloats("a", ElementType.F32, new long[] {1}, new float[] {value})
                .write());
    return path;
  }

  private String told(Predecessor predecessor, Path tokenizer, String... classes) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (PrintStream console = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
      predecessor.tellDifferences(List.of(classes), ModelDirectory.open(tokenizer), console);
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void whatAModelToStartFromTakesForSomethingElseIsTold() {
    Path old = model("old", 1, "walk", "run");
    Path other = model("other", 2, "walk", "run");
    Predecessor initial = Predecessor.toStartFrom(old.toString());
    assertThat(told(initial, old, "walk", "run")).isEmpty();
    assertThat(told(initial, old, "run", "walk"))
        .containsOnlyOnce("\n")
        .startsWith(
            "the model to start from, %s, knows other classes: its class 0 is walk, that of the clips is run"
                .formatted(old));
    assertThat(told(initial, other, "walk", "run"))
        .containsOnlyOnce("\n")
        .contains("was trained on the tokens of another tokenizer than that of " + other);
  }

  @Test
  void aTeacherOfOtherClassesIsRefused() {
    Predecessor teacher = Predecessor.toImitate(model("teacher", 1, "walk", "run").toString());
    assertThatCode(() -> teacher.requireClasses(List.of("walk", "run"))).doesNotThrowAnyException();
    assertThatThrownBy(() -> teacher.requireClasses(List.of("walk", "sit")))
        .hasMessageContaining("the teacher,")
        .hasMessageEndingWith("its class 1 is run, that of the clips is sit");
    Predecessor nameless = Predecessor.toImitate(model("nameless", 1).toString());
    assertThatCode(() -> nameless.requireClasses(List.of("walk"))).doesNotThrowAnyException();
  }

  @Test
  void equalShapesOfOtherSizesDoNotFit() {
    Predecessor initial = Predecessor.toStartFrom(model("levels", 1).toString());
    WeightScope scope = WeightScope.root("");
    scope.declare("a", Weight.Role.VECTOR, Init.constant(0), 1);
    assertThatCode(() -> fit(initial, scope, List.of(8, 5))).doesNotThrowAnyException();
    assertThatThrownBy(() -> fit(initial, scope, List.of(5, 8)))
        .hasMessageEndingWith("has other sizes: got [8, 5], expected [5, 8]");
  }

  private static void fit(Predecessor initial, WeightScope scope, List<Integer> wanted) {
    initial.requireFit(
        ModelDirectory.TOKENIZER_FILE, scope.weights(), model -> List.of(8, 5), wanted);
  }
}
