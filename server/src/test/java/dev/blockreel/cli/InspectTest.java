package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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

  /** Sizes as their papers have them, in millions. */
  @ParameterizedTest
  @CsvSource({"xar-b, 172", "xar-l, 608", "var-d16, 310", "var-d30, 2010"})
  void publishedImageModelsNeedNoFilesEither(String preset, String millions) {
    assertThat(CommandLineRun.of("inspect", "--random-weights", preset).worked().out())
        .containsPattern("weights of generator +" + millions + "\\.");
  }

  @Test
  void publishedModelsNeedNoFiles() {
    assertThat(CommandLineRun.of("inspect", "--random-weights", "nbp-3b").worked().out())
        .contains("nbp-ucf-3b", "layers=32", "370.37 million", "42");
    CommandLineRun.of("inspect").failedWith(2, "MODEL", "--random-weights");
    CommandLineRun.of("inspect", "--random-weights", "nbp-huge").failedWith(2, "nbp-ucf-base");
    CommandLineRun.of("inspect", "--random-weights", "other")
        .failedWith(2, "\"other\"", "nbp-ucf-base", "xar-b", "var-d16");
  }
}
