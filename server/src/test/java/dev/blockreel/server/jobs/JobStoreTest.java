package dev.blockreel.server.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobStoreTest {
  private final JobIds ids = new JobIds("test");
  @TempDir private Path folder;

  @Test
  void foldersThatAreNoJobsStay() throws IOException {
    Path half = Files.createDirectory(folder.resolve(ids.next(1)));
    Files.writeString(half.resolve("video.mp4"), "half");
    Path holidays = Files.createDirectory(folder.resolve("holidays"));
    Files.writeString(holidays.resolve("beach.mp4"), "not ours");
    Path similar = Files.createDirectory(folder.resolve("video_test_of_mine"));
    Files.writeString(similar.resolve("video.mp4"), "not ours");
    Path file = Files.writeString(folder.resolve(ids.next(2)), "no folder at all");
    assertThat(new JobStore(folder).load()).isEmpty();
    assertThat(half).doesNotExist();
    assertThat(holidays.resolve("beach.mp4")).exists();
    assertThat(similar.resolve("video.mp4")).exists();
    assertThat(file).exists();
  }
}
