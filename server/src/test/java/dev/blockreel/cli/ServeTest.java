package dev.blockreel.cli;

import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServeTest {
  @TempDir private Path folder;

  /** Clips would go at once: what ends beyond the last day that a stamp can say is long over. */
  @ParameterizedTest
  @ValueSource(strings = {"1e13", "NaN", "Infinity", "-1", "876601"})
  void whoWantsToKeepClipsForEverIsToldHowLongThatIs(String hours) {
    CommandLineRun.of(
            "serve",
            "--model",
            TinyModel.write(folder.resolve("tiny")),
            "--data",
            folder.resolve("data"),
            "--keep-hours=" + hours)
        .failedWith(2, "--keep-hours must lie between 0 and 876600 (100 years)");
  }
}
