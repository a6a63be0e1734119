package dev.blockreel.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A server starts whatever an earlier one, a crash or somebody else left in its folder. */
class StartTest {
  @TempDir private Path folder;

  @Test
  void aCrashDuringAStartDoesNotHinderTheNextOne() throws Exception {
    Path left = Files.createDirectories(folder.resolve("data/warm-up"));
    Files.writeString(left.resolve(".video.mp4.1.part"), "half");
    try (TestServer server = TestServer.start(folder)) {
      assertThat(server.get("/readyz").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void aClipWhoseFilesCannotBeRemovedDoesNotHinderTheOthers() throws Exception {
    String stuck;
    String done;
    try (TestServer server = TestServer.start(folder)) {
      stuck = server.create();
      server.over(stuck);
      done = server.create();
      server.over(done);
    }
    Path job = folder.resolve("data/videos").resolve(stuck);
    Path record = job.resolve("job.json");
    Files.writeString(record, Files.readString(record).replace("\"completed\"", "\"in_progress\""));
    Path inTheWay = Files.createDirectory(job.resolve("folder"));
    Files.writeString(inTheWay.resolve("file"), "a folder with something in it stays");
    try (TestServer server = TestServer.start(folder)) {
      assertThat(server.video(done).getString("status")).isEqualTo("completed");
      assertThat(server.over(stuck).getString("status")).isEqualTo("completed");
    }
  }
}
