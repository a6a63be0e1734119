package dev.blockreel.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ProgressLineTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream stream = new PrintStream(bytes, true, StandardCharsets.UTF_8);

  @Test
  void aLogGetsTheLastStateOnly() {
    ProgressLine progress = new ProgressLine(stream, false);
    for (int i = 1; i <= 1000; i++) {
      progress.show("step %d", i);
    }
    progress.close();
    assertThat(text()).isEqualTo("step 1000" + System.lineSeparator());
  }

  @Test
  void aTerminalLineIsWrittenOverWhole() throws InterruptedException {
    ProgressLine progress = new ProgressLine(stream, true);
    Thread.sleep(150);
    progress.show("a long line");
    progress.show("short");
    progress.close();
    assertThat(text()).isEqualTo("\ra long line\rshort      " + System.lineSeparator());
  }

  @Test
  void nothingShownIsNothingEnded() {
    new ProgressLine(stream, true).close();
    assertThat(text()).isEmpty();
  }

  private String text() {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
