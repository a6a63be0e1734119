package dev.blockreel.server;

import static dev.blockreel.server.TestServer.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
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
        awaitMetric(server, gauge + " 0.0");
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
  @Timeout(60)
  void aClipThatSeveralWaitForEndsWithTheLastOfThem() throws IOException {
    try (TestServer server = TestServer.start(folder)) {
      CountDownLatch release = server.holdEngine();
      String kept;
      try (Socket first = waitForAClip(server)) {
        assertThat(first.isConnected()).isTrue();
        kept = onlyClip(server);
        server.job(kept).join();
      }
      awaitMetric(server, "vertx_http_server_request_resets_total{method=\"POST\"} 1.0");
      release.countDown();
      assertThat(server.over(kept).getString("status")).isEqualTo("completed");
      server.delete("/v1/videos/" + kept);

      server.holdEngine();
      String left;
      try (Socket last = waitForAClip(server)) {
        assertThat(last.isConnected()).isTrue();
        left = onlyClip(server);
      }
      assertThat(server.over(left).getJsonObject("error").getString("code")).isEqualTo("cancelled");
    }
  }

  private static Socket waitForAClip(TestServer server) throws IOException {
    String body = "{\"prompt\":\"walk-left\"}";
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server().port());
    socket
        .getOutputStream()
        .write(
            """
            POST /v1/videos/sync HTTP/1.1\r
            Host: 127.0.0.1\r
            Content-Type: application/json\r
            Content-Length: %d\r
            \r
            %s"""
                .formatted(body.length(), body)
                .getBytes(UTF_8));
    return socket;
  }

  private static String onlyClip(TestServer server) {
    JsonArray jobs = new JsonArray();
    while (jobs.isEmpty()) {
      jobs = json(server.get("/v1/videos")).getJsonArray("data");
    }
    return jobs.getJsonObject(0).getString("id");
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

  private static void awaitMetric(TestServer server, String line) {
    while (!new String(server.get("/metrics").body(), UTF_8).contains(line)) {
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
