package dev.blockreel.server;

import static dev.blockreel.server.TestServer.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clips that end early, in all ways that there are, give back all that they held. */
class AbortsTest {
  private static final int CLIPS = 60;
  private static final Path OPEN_FILES = Path.of("/proc/self/fd");

  @TempDir private Path folder;

  @Test
  void afterManyAbortsSlotsEncodersAndStreamsAreFree() throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    try (TestServer server = TestServer.start(folder)) {
      for (int done = 0; done < CLIPS; done += 6) {
        CountDownLatch release = server.holdEngine();
        List<Viewer> running = new ArrayList<>();
        List<String> ids = new ArrayList<>();
        for (int way = 0; way < 3; way++) {
          Viewer waiting = Viewer.open(server).start();
          abort(server, waiting, waiting.next("queue_status").getString("video_id"), way);
          running.add(Viewer.open(server).start());
          ids.add(running.get(way).next("queue_status").getString("video_id"));
        }
        release.countDown();
        for (int way = 0; way < 3; way++) {
          for (int step = random.nextInt(5); step > 0; step--) {
            running.get(way).next("video.chunk_metadata");
          }
          abort(server, running.get(way), ids.get(way), way);
        }
      }
      for (String gauge :
          List.of(
              "blockreel_jobs_running",
              "blockreel_queue_depth",
              "blockreel_slots_taken",
              "blockreel_viewers")) {
        awaitZero(server, gauge);
      }
      assertThat(filesOf(folder.resolve("data/videos"), ".part")).isEmpty();
      if (Files.isDirectory(OPEN_FILES)) {
        // Each encoder of a file keeps it open.
        assertThat(openFiles()).noneMatch(file -> file.startsWith(folder.resolve("data/videos")));
      }
      JsonObject jobs = json(server.get("/v1/videos?limit=100"));
      assertThat(jobs.getJsonArray("data").stream().map(job -> (JsonObject) job))
          .isNotEmpty()
          .allMatch(job -> List.of("completed", "failed").contains(job.getString("status")));
      // All eight slots serve again.
      List<String> next = Stream.generate(server::create).limit(8).toList();
      assertThat(next).allMatch(id -> server.over(id).getString("status").equals("completed"));
    }
  }

  @Test
  void whoIsIdleIsToldThatTheServerGoesAway() {
    Viewer idle;
    try (TestServer server = TestServer.start(folder)) {
      idle = Viewer.open(server);
    }
    assertThat(idle.closeCode()).isEqualTo(1001);
  }

  private static void abort(TestServer server, Viewer viewer, String id, int way) {
    switch (way) {
      case 0 -> viewer.socket().abort();
      // A clip may be done, and its socket closed, before its turn comes.
      case 1 ->
          viewer
              .socket()
              .sendText("{\"type\":\"session.stop\"}", true)
              .exceptionally(closed -> null)
              .join();
      default -> server.delete("/v1/videos/" + id);
    }
  }

  private static void awaitZero(TestServer server, String gauge) {
    while (!new String(server.get("/metrics").body(), UTF_8).contains(gauge + " 0.0")) {
      Thread.onSpinWait();
    }
  }

  private static List<Path> filesOf(Path root, String ending) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      return files.filter(file -> file.toString().endsWith(ending)).toList();
    }
  }

  private static List<Path> openFiles() throws IOException {
    List<Path> open = new ArrayList<>();
    try (Stream<Path> numbers = Files.list(OPEN_FILES)) {
      for (Path number : numbers.toList()) {
        if (Files.isSymbolicLink(number)) {
          open.add(Files.readSymbolicLink(number));
        }
      }
    }
    return open;
  }
}
