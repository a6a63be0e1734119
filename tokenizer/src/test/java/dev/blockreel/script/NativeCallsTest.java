package dev.blockreel.script;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeCallsTest {
  @TempDir Path folder;

  /** Computes until it is told to end. */
  static final class Busy {
    private Busy() {}

    public static void main(String[] arguments) {
      Runtime.getRuntime().addShutdownHook(new Thread(NativeCalls::end));
      ScriptWriter writer = new ScriptWriter("Busy");
      writer.method(
          "compute",
          m -> {
            Sym x = m.tensor("x");
            m.loop(200, i -> m.assign(x, m.let("torch.mm(" + x + ", " + x + ")")));
            m.returns(x);
          });
      try (Script script = writer.compile();
          TensorScope scope = TensorScope.open()) {
        Tensor zeros = scope.floats(new float[256 * 256], 256, 256);
        while (true) {
          script.call(scope, "compute", zeros).close();
          System.out.println("computed");
        }
      }
    }
  }

  @Test
  void aProcessThatIsToldToEndLetsTheRunningCallFinish() throws IOException, InterruptedException {
    Process busy =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Busy.class.getName())
            .directory(folder.toFile())
            .redirectError(folder.resolve("err.txt").toFile())
            .start();
    BufferedReader lines = busy.inputReader(StandardCharsets.UTF_8);
    assertThat(lines.readLine()).isEqualTo("computed");
    busy.destroy();
    // 128 + SIGTERM; a crash is 128 + SIGABRT and leaves a report behind.
    assertThat(busy.waitFor()).isEqualTo(143);
    assertThat(folder.toFile().list()).containsExactly("err.txt");
  }
}
