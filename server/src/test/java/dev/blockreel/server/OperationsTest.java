package dev.blockreel.server;

import static dev.blockreel.server.TestServer.error;
import static dev.blockreel.server.TestServer.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.server.jobs.Job;
import dev.blockreel.server.jobs.JobStatus;
import dev.blockreel.server.jobs.Limits;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.WebSocketHandshakeException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OperationsTest {
  @TempDir private Path folder;

  private static Limits limits(int queue, int perOwner, Duration keep) {
    return limits(queue, perOwner, Limits.DEFAULT.queueTime(), keep);
  }

  private static Limits limits(int queue, int perOwner, Duration queueTime, Duration keep) {
    Limits usual = Limits.DEFAULT;
    return new Limits(
        usual.batch(),
        queue,
        perOwner,
        queueTime,
        usual.jobTime(),
        keep,
        usual.storedJobs(),
        usual.storedBytes(),
        usual.bodyBytes(),
        Duration.ZERO);
  }

  private static HttpResponse<byte[]> tryToCreate(TestServer server) {
    return server.post("/v1/videos", new JsonObject().put("prompt", "walk-left"));
  }

  @Test
  void aFullQueueRefusesAtOnceAndSaysWhenToComeBack() {
    try (TestServer server = TestServer.start(folder, limits(2, 10, Duration.ofHours(1)))) {
      CountDownLatch release = server.holdEngine();
      server.create();
      String last = server.create();
      HttpResponse<byte[]> refused = tryToCreate(server);
      JsonObject error = error(refused, 429, "queue_full", null);
      assertThat(error.getInteger("queue_depth")).isEqualTo(2);
      assertThat(error.getString("type")).isEqualTo("rate_limit_error");
      assertThat(refused.headers().firstValueAsLong("retry-after").orElseThrow())
          .isBetween(1L, 120L);
      error(
          server.post("/v1/images/generations", new JsonObject().put("prompt", "walk-left")),
          429,
          "queue_full",
          null);
      release.countDown();
      assertThat(server.over(last).getString("status")).isEqualTo("completed");
      assertThat(tryToCreate(server).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void oneOwnerMayHaveSoManyJobs() {
    try (TestServer server = TestServer.start(folder, limits(10, 2, Duration.ofHours(1)))) {
      CountDownLatch release = server.holdEngine();
      server.create();
      server.create();
      error(tryToCreate(server), 429, "too_many_in_flight", null);
      error(
          server.post("/v1/images/generations", new JsonObject().put("prompt", "walk-left")),
          429,
          "too_many_in_flight",
          null);
      release.countDown();
    }
  }

  @Test
  void imagesCountLikeClipsUntilTheyAreMade() {
    try (TestServer server = TestServer.start(folder, limits(10, 2, Duration.ofHours(1)))) {
      JsonObject two = new JsonObject().put("prompt", "walk-left").put("n", 2);
      // More than there will ever be room for: no matter of trying again.
      error(
          server.post("/v1/images/generations", two.copy().put("n", 3)), 400, "invalid_value", "n");
      CountDownLatch release = server.holdEngine();
      server.create();
      error(server.post("/v1/images/generations", two), 429, "too_many_in_flight", null);
      release.countDown();
      server.over(server.create());
      for (int round = 0; round < 3; round++) {
        assertThat(server.post("/v1/images/generations", two).statusCode()).isEqualTo(200);
      }
    }
  }

  @Test
  void whatTheDiskCannotHoldIsRefusedAndLeavesNoFile() throws Exception {
    Limits usual = Limits.DEFAULT;
    Limits small =
        new Limits(
            usual.batch(),
            usual.queue(),
            usual.perOwner(),
            usual.queueTime(),
            usual.jobTime(),
            usual.keep(),
            usual.storedJobs(),
            10,
            usual.bodyBytes(),
            Duration.ZERO);
    try (TestServer server = TestServer.start(folder, small)) {
      String address = "data:image/png;base64,iVBORw0KGgoAAAAAAAAAAAAA";
      JsonObject body =
          new JsonObject()
              .put("prompt", "walk-left")
              .put("input_reference", new JsonObject().put("image_url", address));
      HttpResponse<byte[]> refused = server.post("/v1/videos", body);
      error(refused, 507, "disk_full", null);
      assertThat(refused.headers().firstValue("x-should-retry")).hasValue("false");
      assertThat(json(server.get("/v1/videos")).getJsonArray("data")).isEmpty();
      // What comes later on the thread of the disk finds it gone.
      assertThat(server.create()).isNotEmpty();
      assertThat(folder.resolve("data/uploads")).isEmptyDirectory();
    }
  }

  @Test
  void headAnswersLikeGetWithoutABody() {
    try (TestServer server = TestServer.start(folder)) {
      String id = server.create();
      server.over(id);
      String content = "/v1/videos/" + id + "/content";
      for (String path :
          List.of(
              "/health",
              "/readyz",
              "/metrics",
              "/openapi.yaml",
              "/v1/models",
              "/v1/videos",
              "/v1/videos/" + id,
              content,
              content + "?stream=true",
              "/v1/videos/" + id + "/preview.mjpeg")) {
        HttpResponse<byte[]> head =
            server.send(server.request(path).method("HEAD", BodyPublishers.noBody()));
        assertThat(head.statusCode()).as(path).isEqualTo(200);
        assertThat(head.body()).as(path).isEmpty();
        assertThat(head.headers().firstValue("content-type"))
            .as(path)
            .isEqualTo(server.get(path).headers().firstValue("content-type"));
      }
      assertThat(
              server.send(server.request("/").method("HEAD", BodyPublishers.noBody())).statusCode())
          .isEqualTo(200);
      HttpResponse<byte[]> file =
          server.send(server.request(content).method("HEAD", BodyPublishers.noBody()));
      assertThat(file.headers().firstValueAsLong("content-length"))
          .hasValue(server.get(content).body().length);
      assertThat(
              server
                  .send(server.request("/v1/videos/x").method("HEAD", BodyPublishers.noBody()))
                  .statusCode())
          .isEqualTo(404);
    }
  }

  @Test
  void whatExpiresTakesItsFilesAlong() {
    try (TestServer server = TestServer.start(folder, limits(10, 10, Duration.ZERO))) {
      String id = server.create();
      Path files = folder.resolve("data/videos").resolve(id);
      // Nobody finds it from then on, and its files go right afterwards.
      while (server.get("/v1/videos/" + id).statusCode() != 404 || Files.exists(files)) {
        Thread.onSpinWait();
      }
    }
  }

  @Test
  void onlyHoldersOfAKeyAreLetInAndEachSeesItsOwn() {
    List<String> keys = List.of(TestServer.KEY, "another-key-of-tests");
    try (TestServer server =
        TestServer.start(TestServer.options(folder, Limits.DEFAULT, keys, Set.of()))) {
      error(server.get("/v1/models"), 401, "invalid_api_key", null);
      error(server.get("/metrics"), 401, "invalid_api_key", null);
      error(tryToCreate(server), 401, "invalid_api_key", null);
      assertThat(server.get("/health").statusCode()).isEqualTo(200);
      assertThatThrownBy(() -> Viewer.open(server))
          .hasCauseInstanceOf(WebSocketHandshakeException.class);
      error(server.withKey(TestServer.KEY + "x").get("/v1/models"), 401, "invalid_api_key", null);
      String id = server.withKey(TestServer.KEY).create();
      assertThat(server.over(id).getString("status")).isEqualTo("completed");
      assertThat(
              Viewer.open(
                      server,
                      socket ->
                          socket.subprotocols(
                              "realtime", "openai-insecure-api-key." + TestServer.KEY))
                  .start()
                  .closeCode())
          .isEqualTo(1000);
      server.withKey("another-key-of-tests");
      error(server.get("/v1/videos/" + id), 404, "video_not_found", null);
      error(server.delete("/v1/videos/" + id), 404, "video_not_found", null);
      assertThat(json(server.get("/v1/videos")).getJsonArray("data")).isEmpty();
      assertThat(folder.resolve("data/videos").resolve(id).resolve("job.json"))
          .content()
          .doesNotContain(TestServer.KEY);
    }
  }

  @Test
  void foreignPagesAreKeptOut() {
    try (TestServer server =
        TestServer.start(
            TestServer.options(folder, Limits.DEFAULT, List.of(), Set.of("https://example.org")))) {
      error(
          server.send(server.request("/v1/models").header("origin", "https://evil.example")),
          403,
          "origin_not_allowed",
          null);
      assertThatThrownBy(() -> Viewer.open(server, s -> s.header("origin", "https://evil.example")))
          .hasCauseInstanceOf(WebSocketHandshakeException.class);
      String own = server.uri("").toString();
      assertThat(server.get("/v1/models").statusCode()).isEqualTo(200);
      assertThat(server.send(server.request("/v1/models").header("origin", own)).statusCode())
          .isEqualTo(200);
      HttpResponse<byte[]> allowed =
          server.send(server.request("/v1/models").header("origin", "https://example.org"));
      assertThat(allowed.headers().firstValue("access-control-allow-origin"))
          .hasValue("https://example.org");
      HttpResponse<byte[]> asked =
          server.send(
              server
                  .request("/v1/models")
                  .header("origin", "https://example.org")
                  .header("access-control-request-method", "POST")
                  .header("access-control-request-headers", "authorization,x-stainless-os")
                  .method("OPTIONS", BodyPublishers.noBody()));
      assertThat(asked.statusCode()).isEqualTo(204);
      assertThat(asked.headers().firstValue("access-control-allow-headers").orElse(""))
          .contains("authorization", "x-stainless-os");
    }
  }

  @Test
  void whatWaitsIsMadeByTheNextServerAndWhatIsMadeStays() {
    String done;
    String waiting;
    String session;
    JsonObject single;
    byte[] file;
    try (TestServer server = TestServer.start(folder, limits(10, 10, Duration.ofHours(1)))) {
      JsonObject tokens = new JsonObject().put("block_size", 1);
      single = server.over(server.create(new JsonObject().put("extra_params", tokens)));
      done = server.create();
      server.over(done);
      file = server.get("/v1/videos/" + done + "/content").body();
      CountDownLatch release = server.holdEngine();
      waiting = server.create();
      session = Viewer.open(server).start().next("queue_status").getString("video_id");
      new Thread(
              () -> {
                while (server.get("/readyz").statusCode() == 200) {
                  Thread.onSpinWait();
                }
                release.countDown();
              })
          .start();
    }
    try (TestServer server = TestServer.start(folder)) {
      assertThat(server.get("/v1/videos/" + done + "/content").body()).isEqualTo(file);
      assertThat(server.video(single.getString("id"))).isEqualTo(single);
      assertThat(server.over(waiting).getString("status")).isEqualTo("completed");
      assertThat(server.get("/v1/videos/" + waiting + "/content").body()).isEqualTo(file);
      assertThat(server.video(session).getJsonObject("error").getString("code"))
          .isIn("server_restarted", "shutting_down", "cancelled");
    }
  }

  @Test
  void theTimeWhenNoServerRanDoesNotCountAsWaiting() throws Exception {
    String id;
    Job ended;
    try (TestServer server = TestServer.start(folder, limits(10, 10, Duration.ofHours(1)))) {
      CountDownLatch release = server.holdEngine();
      id = server.create();
      ended = server.job(id);
      new Thread(
              () -> {
                while (server.get("/readyz").statusCode() == 200) {
                  Thread.onSpinWait();
                }
                release.countDown();
              })
          .start();
    }
    assertThat(ended.over().join().error().code()).isEqualTo("shutting_down");
    assertThat(ended.record().status()).as("it will be made").isEqualTo(JobStatus.QUEUED);
    Path record = folder.resolve("data/videos").resolve(id).resolve("job.json");
    Files.writeString(
        record,
        Files.readString(record).replaceFirst("\"createdAt\":\\d+", "\"createdAt\":1700000000000"));
    try (TestServer server =
        TestServer.start(folder, limits(10, 10, Duration.ofHours(1), Duration.ofHours(1)))) {
      server.server().jobs().sweep();
      assertThat(server.over(id).getString("status")).isEqualTo("completed");
      assertThat(server.video(id).getLong("created_at")).isEqualTo(1700000000);
    }
  }

  @Test
  void recordsOfANewerServerAreReadAndDamagedOnesLeftAlone() throws Exception {
    String newer;
    String damaged;
    try (TestServer server = TestServer.start(folder)) {
      newer = server.create();
      damaged = server.create();
      server.over(newer);
      server.over(damaged);
    }
    Path videos = folder.resolve("data/videos");
    Path record = videos.resolve(newer).resolve("job.json");
    Files.writeString(record, Files.readString(record).replaceFirst("\\{", "{\"later\":1,"));
    Files.writeString(videos.resolve(damaged).resolve("job.json"), "{\"id\":");
    try (TestServer server = TestServer.start(folder)) {
      assertThat(server.video(newer).getString("status")).isEqualTo("completed");
      assertThat(server.get("/v1/videos/" + damaged).statusCode()).isEqualTo(404);
    }
    assertThat(videos.resolve(damaged).resolve("video.mp4")).exists();
  }

  @Test
  void whatACrashLeftHalfMadeIsSweptAway() throws Exception {
    String id;
    try (TestServer server = TestServer.start(folder)) {
      id = server.create();
      server.over(id);
    }
    Path videos = folder.resolve("data/videos");
    Path job = videos.resolve(id);
    Files.writeString(job.resolve(".video.mp4.1.part"), "half");
    Files.writeString(
        job.resolve("job.json"),
        Files.readString(job.resolve("job.json")).replace("\"completed\"", "\"in_progress\""));
    Path half = Files.createDirectory(videos.resolve("video_test_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    Files.writeString(half.resolve("job.json.part"), "{");
    Files.writeString(half.resolve("video.mp4"), "half");
    try (TestServer server = TestServer.start(folder)) {
      assertThat(half).doesNotExist();
      assertThat(server.over(id).getString("status")).isEqualTo("completed");
      assertThat(job.resolve(".video.mp4.1.part")).doesNotExist();
    }
  }

  @Test
  void anOldClipThatCannotBeRemovedDoesNotHarmTheNewOne() throws Exception {
    Limits usual = Limits.DEFAULT;
    Limits one =
        new Limits(
            usual.batch(),
            usual.queue(),
            usual.perOwner(),
            usual.queueTime(),
            usual.jobTime(),
            usual.keep(),
            1,
            usual.storedBytes(),
            usual.bodyBytes(),
            Duration.ZERO);
    try (TestServer server = TestServer.start(folder, one)) {
      String old = server.create();
      server.over(old);
      Path record = folder.resolve("data/videos").resolve(old).resolve("job.json");
      Files.delete(record);
      Files.createDirectory(record);
      Files.writeString(record.resolve("stuck"), "a folder with something in it stays");
      String next = server.create();
      assertThat(server.over(next).getString("status")).isEqualTo("completed");
      String last = server.create();
      assertThat(server.over(last).getString("status")).isEqualTo("completed");
      assertThat(server.get("/v1/videos/" + last + "/content").statusCode()).isEqualTo(200);
      assertThat(server.get("/v1/videos/" + old).statusCode()).isEqualTo(404);
    }
  }

  @Test
  void whoWaitsForImagesIsToldThatTheServerStops() {
    try (TestServer server = TestServer.start(folder, limits(10, 10, Duration.ofHours(1)))) {
      CountDownLatch release = server.holdEngine();
      JsonObject images = new JsonObject().put("prompt", "walk-left").put("n", 2);
      CompletableFuture<HttpResponse<byte[]>> answer =
          CompletableFuture.supplyAsync(() -> server.post("/v1/images/generations", images));
      while (server.server().jobs().queueDepth() < 2) {
        Thread.onSpinWait();
      }
      CompletableFuture<Void> closed = CompletableFuture.runAsync(server.server()::close);
      error(answer.join(), 503, "shutting_down", null);
      release.countDown();
      closed.join();
    }
  }

  @Test
  void operatorsSeeWhatHappens() {
    try (TestServer server = TestServer.start(folder)) {
      server.over(server.create());
      assertThat(json(server.get("/readyz")).getString("status")).isEqualTo("ready");
      assertThat(new String(server.get("/metrics").body(), UTF_8))
          .contains(
              "blockreel_queue_depth 0.0",
              "blockreel_frames_total 5.0",
              "blockreel_time_to_first_frame_seconds_count 1",
              "blockreel_batch_size_count",
              "blockreel_native_memory_bytes",
              "vertx_http_server_requests_total");
      HttpResponse<byte[]> contract = server.get("/openapi.yaml");
      assertThat(new String(contract.body(), UTF_8)).startsWith("openapi: 3.1");
    }
  }

  @Test
  void wordsThatClientsInventMakeNoMeasures() {
    try (TestServer server = TestServer.start(folder)) {
      for (String invented : List.of("FOO1", "FOO2")) {
        server.send(server.request("/health").method(invented, BodyPublishers.noBody()));
      }
      assertThat(new String(server.get("/metrics").body(), UTF_8))
          .contains("method=\"other\"", "method=\"GET\"")
          .doesNotContain("FOO");
    }
  }

  @Test
  void aFailureIsCountedOnceThoughAClientWaitsForIt() {
    try (TestServer server = TestServer.start(folder)) {
      server.holdEngine();
      JsonObject body = new JsonObject().put("prompt", "walk-left");
      CompletableFuture<HttpResponse<byte[]>> waiting =
          CompletableFuture.supplyAsync(() -> server.post("/v1/videos/sync", body));
      JsonArray jobs = new JsonArray();
      while (jobs.isEmpty()) {
        jobs = json(server.get("/v1/videos")).getJsonArray("data");
      }
      server.delete("/v1/videos/" + jobs.getJsonObject(0).getString("id"));
      error(waiting.join(), 500, "cancelled", null);
      assertThat(new String(server.get("/metrics").body(), UTF_8))
          .contains("blockreel_failures_total{code=\"cancelled\"} 1.0");
    }
  }

  @Test
  void everyFileOfThePageIsServedAsItIs() throws Exception {
    Path page = Path.of(Server.class.getResource("page/index.html").toURI()).getParent();
    try (TestServer server = TestServer.start(folder);
        Stream<Path> files = Files.list(page)) {
      for (Path file : files.toList()) {
        HttpResponse<byte[]> response = server.get("/" + file.getFileName());
        assertThat(response.statusCode()).as(file.toString()).isEqualTo(200);
        assertThat(response.body()).isEqualTo(Files.readAllBytes(file));
        assertThat(response.headers().firstValue("content-security-policy")).isPresent();
      }
      assertThat(server.get("/").body()).isEqualTo(server.get("/index.html").body());
      assertThat(server.get("/nothing.js").statusCode()).isEqualTo(404);
      assertThat(server.get("/app.js/").statusCode()).isEqualTo(404);
      assertThat(server.post("/app.js", new JsonObject()).statusCode()).isEqualTo(405);
    }
  }

  @Test
  void twoServersCannotShareAFolder() {
    try (TestServer server = TestServer.start(folder)) {
      assertThat(server.get("/health").statusCode()).isEqualTo(200);
      assertThatThrownBy(() -> TestServer.start(folder))
          .isInstanceOf(EngineFailure.class)
          .hasMessageContaining("in use by another server");
    }
  }
}
