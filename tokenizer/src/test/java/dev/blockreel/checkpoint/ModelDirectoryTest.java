package dev.blockreel.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelDirectoryTest {
  @TempDir Path folder;
  private ObjectNode description;
  private Path weights;

  @BeforeEach
  void describe() {
    description = new JsonMapper().createObjectNode().put("kind", "nbp");
    weights = folder.resolve("weights.safetensors");
    SafetensorsWriter.to(weights).addFloats("w", new long[] {2}, new float[] {1, 2}).write();
  }

  @Test
  void aWrittenModelIsWholeAndVerified() throws IOException {
    Path path = folder.resolve("models/tiny");
    ModelDirectory.write(path, description, Map.of("generator.safetensors", weights));
    ModelDirectory model = ModelDirectory.open(path);
    model.verify();
    assertThat(model.description().path("kind").asText()).isEqualTo("nbp");
    assertThat(model.description().at("/files/generator.safetensors/bytes").asLong())
        .isEqualTo(Files.size(weights));
    try (TensorFile file = model.tensors("generator.safetensors")) {
      assertThat(file.floats("w")).containsExactly(1, 2);
    }
    assertThat(names(folder.resolve("models"))).containsExactly("tiny");
    assertThatThrownBy(() -> model.tensors("tokenizer.safetensors"))
        .hasMessageEndingWith(
            "lists no file \"tokenizer.safetensors\"; it lists \"generator.safetensors\"");
  }

  @Test
  void aFailedWriteLeavesNothing() throws IOException {
    Path path = folder.resolve("half");
    assertThatThrownBy(
            () ->
                ModelDirectory.write(
                    path,
                    description,
                    draft -> {
                      SafetensorsWriter.to(draft.resolve("a.safetensors")).write();
                      throw new IllegalStateException("stopped");
                    }))
        .hasMessage("stopped");
    assertThat(names(folder)).containsExactly("weights.safetensors");
  }

  @Test
  void anExistingModelIsNotOverwritten() {
    Path path = folder.resolve("tiny");
    ModelDirectory.write(path, description, Map.of("w.safetensors", weights));
    assertThatThrownBy(() -> ModelDirectory.write(path, description, Map.of()))
        .hasMessage("%s already exists: name a new directory", path)
        .extracting("code")
        .isEqualTo(FailureCode.BAD_REQUEST);
    ModelDirectory.open(path).verify();
  }

  @Test
  void changedFilesAreFound() throws IOException {
    Path path = folder.resolve("tiny");
    ModelDirectory.write(path, description, Map.of("w.safetensors", weights));
    Path file = path.resolve("w.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
    ModelDirectory sameSize = ModelDirectory.open(path);
    assertMismatch(sameSize::verify, file + " has sha256 ");
    Files.write(file, new byte[3]);
    assertMismatch(() -> ModelDirectory.open(path), file + " has 3 bytes, model.json says ");
    Files.delete(file);
    assertMismatch(() -> ModelDirectory.open(path), file + " is missing, model.json lists it");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "not json",
        "[]",
        "{\"kind\": \"nbp\"}",
        "{\"files\": {\"../weights.safetensors\": {\"bytes\": 1}}}",
        "{\"files\": {\"..\": {\"bytes\": 1}}}",
        "{\"files\": {\"model.json\": {}}}"
      })
  void aBrokenDescriptionIsOneLine(String json) throws IOException {
    Files.writeString(folder.resolve("model.json"), json);
    assertMismatch(() -> ModelDirectory.open(folder), "model.json ");
  }

  @Test
  void aFolderWithoutDescriptionIsNoModel() {
    assertThatThrownBy(() -> ModelDirectory.open(folder))
        .hasMessage("%s is no model directory: it has no model.json", folder)
        .extracting("code")
        .isEqualTo(FailureCode.BAD_REQUEST);
  }

  @Test
  void namesAreLookedUpOnTheShelvesInOrder() {
    Path first = folder.resolve("first");
    Path second = folder.resolve("second");
    ModelDirectory.write(first.resolve("sprites-nbp"), description, Map.of());
    ModelDirectory.write(second.resolve("sprites-nbp"), description, Map.of());
    ModelDirectory.write(second.resolve("other"), description, Map.of());
    List<Path> shelves = List.of(first, second, folder.resolve("absent"));
    assertThat(ModelDirectory.resolve("sprites-nbp", shelves))
        .isEqualTo(first.resolve("sprites-nbp"));
    assertThat(ModelDirectory.resolve("other", shelves)).isEqualTo(second.resolve("other"));
    String asPath = second.resolve("sprites-nbp").toString();
    assertThat(ModelDirectory.resolve(asPath, shelves)).isEqualTo(Path.of(asPath));
    assertThatThrownBy(() -> ModelDirectory.resolve("sprite-nbp", shelves))
        .isInstanceOf(EngineFailure.class)
        .hasMessageStartingWith("no model \"sprite-nbp\": no model.json in sprite-nbp, ")
        .hasMessageContaining(first.resolve("sprite-nbp").toString())
        .hasMessageEndingWith("models found: \"sprites-nbp\", \"other\"")
        .extracting("code")
        .isEqualTo(FailureCode.BAD_REQUEST);
    assertThatThrownBy(() -> ModelDirectory.resolve("", shelves)).hasMessageContaining("no model");
    assertThatThrownBy(() -> ModelDirectory.resolve("a\0b", shelves))
        .hasMessageContaining("is no name of a model");
  }

  @Test
  void theRootPropertySaysWhereTheSampleModelsAre() {
    ModelDirectory.write(folder.resolve("samples/models/tiny"), description, Map.of());
    String before = System.setProperty("blockreel.root", folder.toString());
    try {
      assertThat(ModelDirectory.resolve("tiny")).isEqualTo(folder.resolve("samples/models/tiny"));
    } finally {
      if (before == null) {
        System.clearProperty("blockreel.root");
      } else {
        System.setProperty("blockreel.root", before);
      }
    }
  }

  private static List<String> names(Path folder) throws IOException {
    try (var entries = Files.list(folder)) {
      return entries.map(entry -> entry.getFileName().toString()).toList();
    }
  }

  private static void assertMismatch(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String part) {
    assertThatThrownBy(call)
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining(part)
        .hasMessageNotContaining("\n")
        .extracting("code")
        .isEqualTo(FailureCode.CHECKPOINT_MISMATCH);
  }

  /** Stands for what a model says of a part. */
  public record Part(String kind, List<Integer> sizes, int width) {}

  @Test
  void partsOfAnotherKindOrWithoutSenseAreOneLine() {
    description.putObject("tokenizer").put("kind", "kl").put("width", 4).putNull("sizes");
    description.putNull("generator");
    Path path = folder.resolve("parts");
    ModelDirectory.write(path, description, Map.of("w.safetensors", weights));
    ModelDirectory model = ModelDirectory.open(path);
    assertThatThrownBy(() -> model.part("tokenizer", "vq", Part.class))
        .hasMessage(
            "model %s has a tokenizer of the kind kl: one of the kind vq is needed here", path)
        .extracting("code")
        .isEqualTo(FailureCode.BAD_REQUEST);
    assertThatThrownBy(() -> model.part("tokenizer", "kl", Part.class))
        .hasMessageStartingWith(path + "/model.json describes no usable tokenizer: sizes: ")
        .hasMessageNotContaining("dev.blockreel")
        .extracting("code")
        .isEqualTo(FailureCode.CHECKPOINT_MISMATCH);
    assertThatThrownBy(() -> model.part("generator", "nbp", Part.class))
        .hasMessageContaining("has no generator");
  }
}
