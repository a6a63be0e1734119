package dev.blockreel.server;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.cli.TinyModel;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.server.jobs.Job;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RealtimeTest {
  @TempDir private static Path folder;
  private static TestServer server;

  @TempDir private Path own;

  @BeforeAll
  static void start() {
    server = TestServer.start(folder);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void framesArriveAsFragmentsInOrder() throws IOException {
    Viewer viewer = Viewer.open(server).start();
    List<JsonObject> all = viewer.all();
    assertThat(viewer.closeCode()).isEqualTo(1000);
    all = all.stream().filter(m -> !m.getString("type").equals("queue_status")).toList();
    assertThat(types(all)).startsWith("video.start").endsWith("session.done");
    JsonObject start = find(all, "video.start").get(0);
    assertThat(start.getJsonObject("config").getString("mime_type"))
        .matches("video/mp4; codecs=\"avc1\\.42[0-9A-F]{4}\"");
    List<JsonObject> chunks = find(all, "video.chunk_metadata");
    assertThat(chunks).extracting(c -> c.getString("kind")).startsWith("init", "media");
    assertThat(chunks)
        .extracting(c -> c.getInteger("byte_length"))
        .isEqualTo(viewer.chunks().stream().map(bytes -> bytes.length).toList());
    assertThat(chunks)
        .extracting(c -> c.getInteger("transport_chunk_index"))
        .isEqualTo(IntStream.range(0, chunks.size()).boxed().toList());
    List<JsonObject> media =
        chunks.stream().filter(c -> c.getString("kind").equals("media")).toList();
    assertThat(media).extracting(c -> c.getInteger("num_frames")).containsOnly(1);
    assertThat(media).hasSize(TinyModel.FRAMES);
    assertThat(frames(viewer.bytes())).isEqualTo(TinyModel.FRAMES);
    assertThat(find(all, "session.done").get(0).getJsonObject("video").getString("status"))
        .isEqualTo("completed");
  }

  private static List<String> types(List<JsonObject> messages) {
    return messages.stream().map(m -> m.getString("type")).toList();
  }

  private static List<JsonObject> find(List<JsonObject> messages, String type) {
    return messages.stream().filter(m -> m.getString("type").equals(type)).toList();
  }

  private int frames(byte[] mp4) throws IOException {
    Path file = own.resolve("seen.mp4");
    Files.write(file, mp4);
    return ClipReader.read(file, ClipSampling.ALL).frames();
  }

  @Test
  void theFirstFragmentArrivesBeforeTheSecondFrameIsBegun() {
    CountDownLatch begin = server.holdEngine();
    CountDownLatch goOn = new CountDownLatch(1);
    try {
      Viewer viewer = Viewer.open(server).start();
      Job job = server.job(viewer.next("queue_status").getString("video_id"));
      job.listen(
          () -> {
            if (job.framesDone() == 1) {
              TestServer.await(goOn);
            }
          });
      begin.countDown();
      JsonObject chunk = viewer.next("video.chunk_metadata");
      while (!chunk.getString("kind").equals("media")) {
        chunk = viewer.next("video.chunk_metadata");
      }
      assertThat(job.framesDone()).isLessThanOrEqualTo(1); // the fragment leaves before the count
      assertThat(job.blocksDone()).isLessThan(job.blocksTotal());
      goOn.countDown();
      assertThat(viewer.closeCode()).isEqualTo(1000);
      assertThat(job.framesDone()).isEqualTo(TinyModel.FRAMES);
    } finally {
      begin.countDown();
      goOn.countDown();
    }
  }

  @Test
  void imagesAreSentToThoseWhoPreferThem() throws IOException {
    Viewer viewer = Viewer.open(server).start(new JsonObject().put("format", "jpeg"));
    assertThat(viewer.closeCode()).isEqualTo(1000);
    assertThat(viewer.chunks()).hasSize(TinyModel.FRAMES);
    for (byte[] image : viewer.chunks()) {
      assertThat(ImageIO.read(new ByteArrayInputStream(image)).getWidth())
          .isEqualTo(TinyModel.SIDE);
    }
  }

  @Test
  void anyNumberWatchesAndLateOnesGetAllFromTheFirstFrameOn() {
    CountDownLatch release = server.holdEngine();
    String id = server.create();
    JsonObject watch = new JsonObject().put("type", "session.start").put("video_id", id);
    Viewer early = Viewer.open(server).send(watch);
    Viewer images = Viewer.open(server).send(watch.copy().put("format", "jpeg"));
    assertThat(early.next("queue_status").getInteger("position")).isEqualTo(1);
    release.countDown();
    assertThat(early.closeCode()).isEqualTo(1000);
    server.over(id);
    Viewer late = Viewer.open(server).send(watch);
    Viewer lateImages = Viewer.open(server).send(watch.copy().put("format", "jpeg"));
    assertThat(late.bytes()).isEqualTo(early.bytes());
    assertThat(mimeType(late)).isEqualTo(mimeType(early)).contains("codecs=\"avc1.");
    assertThat(late.chunks()).hasSameSizeAs(early.chunks()).hasSizeGreaterThan(TinyModel.FRAMES);
    assertThat(images.chunks()).hasSize(TinyModel.FRAMES);
    assertThat(lateImages.chunks()).hasSize(TinyModel.FRAMES);
    assertThat(late.next("session.done").getBoolean("stopped")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"m4s,stream.mp4", "jpeg,video.mp4"})
  void filesThatAreDamagedOrGoneAreToldToTheirViewers(String format, String file)
      throws IOException {
    String id = server.create();
    server.over(id);
    JsonObject watch =
        new JsonObject().put("type", "session.start").put("video_id", id).put("format", format);
    Path path = server.job(id).file(file);
    Files.write(path, new byte[0]);
    Viewer damaged = Viewer.open(server).send(watch);
    assertThat(damaged.next("error").getString("code")).isEqualTo("internal");
    assertThat(damaged.closeCode()).isEqualTo(1011);
    Files.delete(path);
    assertError(Viewer.open(server).send(watch), "video_not_found", null);
  }

  private static String mimeType(Viewer viewer) {
    return viewer.next("video.start").getJsonObject("config").getString("mime_type");
  }

  @Test
  void stopEndsTheClip() {
    CountDownLatch release = server.holdEngine();
    try {
      Viewer viewer = Viewer.open(server).start();
      String id = viewer.next("queue_status").getString("video_id");
      viewer.send("{\"type\":\"session.stop\"}");
      JsonObject done = viewer.next("session.done");
      assertThat(done.getBoolean("stopped")).isTrue();
      assertThat(viewer.closeCode()).isEqualTo(1000);
      JsonObject video = server.video(id);
      assertThat(video.getString("status")).isEqualTo("failed");
      assertThat(video.getJsonObject("error").getString("code")).isEqualTo("cancelled");
    } finally {
      release.countDown();
    }
  }

  @Test
  void disconnectEndsTheClipOfTheSessionButNotAWatchedOne() {
    CountDownLatch release = server.holdEngine();
    try {
      Viewer maker = Viewer.open(server).start();
      String made = maker.next("queue_status").getString("video_id");
      String other = server.create();
      Viewer watcher =
          Viewer.open(server)
              .send(new JsonObject().put("type", "session.start").put("video_id", other));
      watcher.next("queue_status");
      watcher.socket().abort();
      maker.socket().abort();
      JsonObject video = server.over(made);
      assertThat(video.getJsonObject("error").getString("code")).isEqualTo("cancelled");
      release.countDown();
      assertThat(server.over(other).getString("status")).isEqualTo("completed");
    } finally {
      release.countDown();
    }
  }

  @Test
  @Timeout(120)
  void whoeverLeavesLeavesNoStreamOpen() {
    for (int i = 0; i < 30; i++) {
      Viewer viewer = Viewer.open(server).start();
      if (i % 2 == 0) {
        viewer.next("video.start");
      }
      viewer.socket().abort();
    }
    server.over(server.create());
    while (!metrics().contains("blockreel_viewers 0.0")) {
      Thread.onSpinWait();
    }
    assertThat(metrics()).contains("blockreel_jobs_running 0.0", "blockreel_queue_depth 0.0");
  }

  private static String metrics() {
    return new String(server.get("/metrics").body(), UTF_8);
  }

  @Test
  void pingsAreAnsweredAndInteractionsRefused() {
    Viewer viewer = Viewer.open(server);
    viewer.send("{\"type\":\"session.ping\",\"event_id\":\"p1\"}");
    assertThat(viewer.next("session.pong").getString("event_id")).isEqualTo("p1");
    String longest = "tab\t" + "x".repeat(196);
    viewer.send(new JsonObject().put("type", "session.ping").put("event_id", longest));
    assertThat(viewer.next("session.pong").getString("event_id")).isEqualTo(longest);
    viewer.send(
        "{\"type\":\"session.interaction\",\"interaction\":{\"event_id\":\"i1\",\"event\":{}}}");
    JsonObject error = viewer.next("error");
    assertThat(error.getString("code")).isEqualTo("unsupported_parameter");
    assertThat(error.getString("event_id")).isEqualTo("i1");
    viewer.start();
    viewer.next("session.done");
  }

  @Test
  void mistakesAreNamedAndCloseTheSocket() {
    assertError(Viewer.open(server).send("{"), "invalid_json", null);
    assertError(Viewer.open(server).send("{\"type\":\"session.begin\"}"), "invalid_value", null);
    assertError(
        Viewer.open(server).start(new JsonObject().put("prompt", "fly")),
        "unknown_class",
        "prompt");
    assertError(
        Viewer.open(server).start(new JsonObject().put("codec", "x")),
        "unknown_parameter",
        "codec");
    assertError(
        Viewer.open(server).send("{\"type\":\"session.start\",\"video_id\":\"video_test_1\"}"),
        "video_not_found",
        null);
    assertError(
        Viewer.open(server)
            .send("{\"type\":\"session.stop\",\"x\":\"" + "\u00e9".repeat(100_000) + "\"}"),
        "message_too_large",
        null);
    Viewer viewer = Viewer.open(server);
    viewer.socket().sendBinary(ByteBuffer.wrap(new byte[4]), true).join();
    assertError(viewer, "invalid_value", null);
    Viewer large = Viewer.open(server).send("\u00e9".repeat(5 << 19));
    assertThat(large.next("error").getString("code")).isEqualTo("message_too_large");
    assertThat(large.closeCode()).isEqualTo(1009);
    assertError(
        Viewer.open(server).send("{\"type\":\"session.ping\",\"event_id\":7}"),
        "invalid_type",
        "event_id");
    String garbage =
        Base64.getEncoder().encodeToString("\u0089PNG\r\n\u001a\n no more".getBytes(ISO_8859_1));
    JsonObject reference = new JsonObject().put("image_url", "data:image/png;base64," + garbage);
    assertError(
        Viewer.open(server).start(new JsonObject().put("input_reference", reference)),
        "media",
        "input_reference");
    Viewer unknown = Viewer.open(server).start(new JsonObject().put("prompt", "wxlk-zeft"));
    assertThat(unknown.next("error").getJsonArray("suggestions")).isNotEmpty();
  }

  private static void assertError(Viewer viewer, String code, String param) {
    JsonObject error = viewer.next("error");
    assertThat(error.getString("code")).as(error.encode()).isEqualTo(code);
    assertThat(error.getString("param")).isEqualTo(param);
    assertThat(error.getString("request_id")).isNotBlank();
    assertThat(viewer.closeCode()).isEqualTo(1008);
  }
}
