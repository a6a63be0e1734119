package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectTest {
  @TempDir private Path folder;
  private Path model;

  @BeforeEach
  void writeModel() {
    model = TinyModel.write(folder.resolve("tiny"));
  }

  @Test
  void factsOfAModel() {
    assertThat(CommandLineRun.of("inspect", model).worked().out())
        .contains("kind magvit2", "kind nbp", "blockSize 4")
        .contains("3: [walk-left, walk-right, slash-up]")
        .contains("licence", "CC0")
        .contains("million weights", "(F32)", "sha256 as listed");
  }

  @Test
  void scriptsOfAModel() {
    assertThat(CommandLineRun.of("inspect", model, "--script").worked().out())
        .contains("class Magvit2(Module):", "class Nbp(Module):", "def latents(", "def step(");
  }

  @Test
  void changedFilesAreNoticed() throws IOException {
    Path file = model.resolve("generator.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1]++;
    Files.write(file, bytes);
    CommandLineRun run = CommandLineRun.of("inspect", model);
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).hasLineCount(1).contains("generator.safetensors has sha256 ");
  }

  @Test
  void publishedModelsNeedNoFiles() {
    assertThat(CommandLineRun.of("inspect", "--random-weights", "nbp-3b").worked().out())
        .contains("nbp-ucf-3b", "layers=32", "370.37 million", "42");
    CommandLineRun.of("inspect").failedWith(2, "MODEL", "--random-weights");
    CommandLineRun.of("inspect", "--random-weights", "nbp-huge").failedWith(2, "nbp-ucf-base");
  }
}
