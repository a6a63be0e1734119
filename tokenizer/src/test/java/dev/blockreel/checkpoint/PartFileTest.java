package dev.blockreel.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.failure.AtExit;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartFileTest {
  @TempDir private Path folder;

  /** Writes one file, begins another and a folder, and waits. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] arguments) throws Exception {
      AtExit.guard(
          PartFile::end,
          () -> {
            PartFile.write(Path.of("whole.txt"), "whole");
            try (PartFolder frames = new PartFolder(Path.of("frames"));
                PartFile half = new PartFile(Path.of("half.txt"))) {
              PartFile.write(frames.path().resolve("frame_0000.txt"), "a frame");
              System.out.println("begun");
              new CountDownLatch(1).await();
              half.commit();
            }
          });
    }
  }

  @Test
  void aProcessThatIsToldToEndLeavesNothingHalfMade() throws IOException, InterruptedException {
    Process writer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Writer.class.getName())
            .directory(folder.toFile())
            .redirectError(folder.resolve("err.txt").toFile())
            .start();
    BufferedReader lines = writer.inputReader(StandardCharsets.UTF_8);
    assertThat(lines.readLine()).isEqualTo("begun");
    assertThat(folder.toFile().list()).hasSize(4);
    writer.destroy();
    assertThat(writer.waitFor()).isEqualTo(143); // 128 + SIGTERM
    assertThat(folder.toFile().list()).containsExactlyInAnyOrder("whole.txt", "err.txt");
  }
}
