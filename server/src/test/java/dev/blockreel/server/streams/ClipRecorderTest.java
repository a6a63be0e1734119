package dev.blockreel.server.streams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClipRecorderTest {
  @TempDir private Path folder;

  @Test
  void whatCannotBeginLeavesNoEncoderOpen() {
    LiveClip over = new LiveClip();
    over.end();
    assertThatThrownBy(() -> new ClipRecorder(over, folder, 16, 16, 8))
        .isInstanceOf(IllegalStateException.class);
    // An encoder that is closed without an end takes its unfinished file along.
    assertThat(folder).isEmptyDirectory();
  }
}
