package dev.blockreel.server.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskSpaceTest {
  private static final Path FULL = Path.of("/dev/full");

  @TempDir private Path folder;

  @Test
  void whatCannotBeWrittenLeavesNoFile() throws IOException {
    assumeTrue(Files.exists(FULL));
    Path file = Files.createSymbolicLink(folder.resolve("file"), FULL);
    assertThatThrownBy(() -> DiskSpace.write(file, new byte[100])).isInstanceOf(IOException.class);
    assertThat(folder).isEmptyDirectory();
  }
}
