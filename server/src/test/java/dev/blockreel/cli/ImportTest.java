package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.golden.GoldenCase;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportTest {
  @TempDir private Path folder;

  @Test
  void aTokenizerComesInAndCanBeUsed() {
    Path model = folder.resolve("model");
    try (GoldenCase golden = new GoldenCase("nbp-tokenizer")) {
      Path file = golden.file("magvit2_public.pt");
      CommandLineRun imported =
          CommandLineRun.of("import", "--tokenizer", file, "--grid", "1x4x4", "--out", model);
      assertThat(imported.worked().out()).contains("imported as bf16");
      CommandLineRun.of("import", "--tokenizer", file, "--out", model)
          .failedWith(2, "already exists");
    }
    CommandLineRun.of("generate", "--model", model, "--out", folder.resolve("x.mp4"))
        .failedWith(2, "has no generator");
  }

  @Test
  void wrongUsesAreRefused() {
    CommandLineRun.of("import", "--out", folder.resolve("m")).failedWith(2, "nothing to import");
    CommandLineRun.of("import", "--tokenizer", "x.pt", "--grid", "5x16", "--out", "m")
        .failedWith(2, "TxHxW");
    CommandLineRun.of("encode", "x.mp4", "--random-weights", "nbp-huge", "--out", "t.safetensors")
        .failedWith(2, "nbp-ucf-base");
  }
}
