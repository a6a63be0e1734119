package dev.blockreel.server;

import static dev.blockreel.server.TestServer.error;
import static dev.blockreel.server.TestServer.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.cli.TinyModel;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipWriter;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VideosTest {
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
  void modelsAreListed() {
    JsonObject model = json(server.get("/v1/models")).getJsonArray("data").getJsonObject(0);
    assertThat(model.getString("id")).isEqualTo("tiny");
    assertThat(model.getJsonArray("classes"))
        .containsExactly("walk-left", "walk-right", "slash-up");
    assertThat(json(server.get("/v1/models/tiny"))).isEqualTo(model);
    error(server.get("/v1/models/other"), 404, "model_not_found", "model");
  }

  @Test
  void aClipIsMadeAndItsFilesArePlayable() throws IOException {
    String id = server.create();
    JsonObject video = server.over(id);
    assertThat(video.getString("status")).as(video.encode()).isEqualTo("completed");
    assertThat(video.getInteger("progress")).isEqualTo(100);
    assertThat(video.getInteger("frames_done")).isEqualTo(TinyModel.FRAMES);
    assertThat(video.getString("seconds")).isEqualTo("0.625");
    assertThat(video.getLong("expires_at")).isGreaterThan(video.getLong("completed_at"));
    Clip clip = clip(server.get("/v1/videos/" + id + "/content"), "video/mp4");
    assertThat(clip.frames()).isEqualTo(TinyModel.FRAMES);
    assertThat(clip.width()).isEqualTo(TinyModel.SIDE);
    String content = "/v1/videos/" + id + "/content?variant=";
    assertThat(clip(server.get(content + "thumbnail"), "image/png").width())
        .isEqualTo(TinyModel.SIDE);
    assertThat(clip(server.get(content + "spritesheet"), "image/png").width())
        .isEqualTo(3 * TinyModel.SIDE + 2);
    error(server.get(content + "poster"), 400, "invalid_value", "variant");
    assertThat(clip(server.get("/v1/videos/" + id + "/content?stream=true"), "video/mp4").frames())
        .isEqualTo(TinyModel.FRAMES);
  }

  private Clip clip(HttpResponse<byte[]> response, String type) throws IOException {
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type")).hasValue(type);
    Path file = own.resolve("content");
    Files.write(file, response.body());
    return ClipReader.read(file, ClipSampling.ALL);
  }

  @Test
  void theSameSeedGivesTheSameFile() {
    byte[] first = content(server.create());
    assertThat(content(server.create())).isEqualTo(first);
    assertThat(content(server.create(new JsonObject().put("seed", 8)))).isNotEqualTo(first);
  }

  private static byte[] content(String id) {
    server.over(id);
    return server.get("/v1/videos/" + id + "/content").body();
  }

  @Test
  void fewerFramesEndTheClipEarly() {
    JsonObject video = server.over(server.create(new JsonObject().put("num_frames", 3)));
    assertThat(video.getString("status")).isEqualTo("completed");
    assertThat(video.getInteger("frames_done")).isEqualTo(3);
    assertThat(
            server
                .over(server.create(new JsonObject().put("seconds", "0.25")))
                .getInteger("num_frames"))
        .isEqualTo(2);
  }

  @Test
  void aPartOfTheFileIsServed() {
    String id = server.create();
    byte[] whole = content(id);
    String path = "/v1/videos/" + id + "/content";
    HttpResponse<byte[]> part = server.send(server.request(path).header("range", "bytes=4-7"));
    assertThat(part.statusCode()).isEqualTo(206);
    assertThat(part.body())
        .isEqualTo(Arrays.copyOfRange(whole, 4, 8))
        .isEqualTo("ftyp".getBytes(UTF_8));
    assertThat(part.headers().firstValue("content-range")).hasValue("bytes 4-7/" + whole.length);
    HttpResponse<byte[]> end = server.send(server.request(path).header("range", "bytes=-5"));
    assertThat(end.body()).isEqualTo(Arrays.copyOfRange(whole, whole.length - 5, whole.length));
    error(
        server.send(server.request(path).header("range", "bytes=99999999-")),
        416,
        "range_not_satisfiable",
        "Range");
  }

  @Test
  void formsAreTakenAsWellAsJson() throws IOException {
    String boundary = "--------x";
    String body =
        String.join(
            "\r\n",
            part(boundary, "prompt", "a hero walking right"),
            part(boundary, "seed", "3"),
            part(boundary, "extra_params[top_k]", "4"),
            "--" + boundary + "--",
            "");
    JsonObject video =
        json(server.post("/v1/videos", "multipart/form-data; boundary=" + boundary, body));
    assertThat(video.getString("class_label")).as(video.encode()).isEqualTo("walk-right");
    assertThat(video.getLong("seed")).isEqualTo(3);
    assertThat(video.getJsonObject("extra_params").getInteger("top_k")).isEqualTo(4);
    server.over(video.getString("id"));
  }

  @Test
  void aFileInputThatWasLeftEmptyIsNoFile() {
    String empty =
        """
        --x\r
        Content-Disposition: form-data; name="input_reference"; filename=""\r
        Content-Type: application/octet-stream\r
        \r
        \r
        --x--\r
        """;
    JsonObject video =
        json(
            server.post(
                "/v1/videos",
                "multipart/form-data; boundary=x",
                part("x", "prompt", "walk-left") + "\r\n" + empty));
    assertThat(server.over(video.getString("id")).getString("status")).isEqualTo("completed");
  }

  private static String part(String boundary, String name, String value) {
    return "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s"
        .formatted(boundary, name, value);
  }

  @Test
  void aClipGoesOnFromAnImage() throws IOException {
    String address =
        "data:image/png;base64,"
            + Base64.getEncoder().encodeToString(Files.readAllBytes(image("red.png", 1)));
    JsonObject video =
        server.over(
            server.create(
                new JsonObject()
                    .put("input_reference", new JsonObject().put("image_url", address))));
    assertThat(video.getString("status")).as(video.encode()).isEqualTo("completed");
    assertThat(content(video.getString("id"))).isNotEqualTo(content(server.create()));
  }

  private Path image(String name, float red) {
    float[] pixels = new float[3 * TinyModel.SIDE * TinyModel.SIDE];
    Arrays.fill(pixels, 0, TinyModel.SIDE * TinyModel.SIDE, red);
    Path image = own.resolve(name);
    ClipWriter.write(image, new Clip(pixels, 1, TinyModel.SIDE, TinyModel.SIDE, 8));
    return image;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"seed\":1}|400|missing_parameter|prompt",
        "{\"prompt\":7}|400|invalid_type|prompt",
        "{\"prompt\":\"fly-up\"}|400|unknown_class|prompt",
        "{\"prompt\":\"walk-left\",\"sede\":1}|400|unknown_parameter|sede",
        "{\"prompt\":\"walk-left\",\"seed\":1.5}|400|invalid_type|seed",
        "{\"prompt\":\"walk-left\",\"seed\":-1}|400|invalid_value|seed",
        "{\"prompt\":\"walk-left\",\"size\":\"1920x1080\"}|400|invalid_value|size",
        "{\"prompt\":\"walk-left\",\"seconds\":4}|400|invalid_type|seconds",
        "{\"prompt\":\"walk-left\",\"seconds\":\"4\"}|400|invalid_value|seconds",
        "{\"prompt\":\"walk-left\",\"num_frames\":6}|400|invalid_value|num_frames",
        "{\"prompt\":\"walk-left\",\"model\":\"gpt\"}|404|model_not_found|model",
        "{\"prompt\":\"walk-left\",\"extra_params\":{\"top_p\":0}}|400|invalid_value|extra_params.top_p",
        "{\"prompt\":\"walk-left\",\"extra_params\":{\"tok\":0}}|400|unknown_parameter|extra_params.tok",
        "{\"prompt\":\"walk-left\",\"extra_params\":7}|400|invalid_type|extra_params",
        "{\"prompt\":\"walk-left\",\"extra_params\":{\"block_size\":1,\"prediction_unit\":\"row\"}}"
            + "|400|invalid_value|extra_params.prediction_unit",
        "{\"prompt\":\"walk-left\",\"extra_params\":{\"block_size\":4,\"prediction_unit\":\"token\"}}"
            + "|400|invalid_value|extra_params.prediction_unit",
        "{\"prompt\":\"walk-left\",\"negative_prompt\":\"x\"}|400|unsupported_parameter|negative_prompt",
        "{\"prompt\":\"walk-left\",\"input_reference\":{\"image_url\":\"http://169.254.169.254/\"}}"
            + "|400|remote_url_refused|input_reference.image_url",
        "{\"prompt\":\"walk-left\",\"input_reference\":{\"image_url\":\"data:image/png;base64,aGVsbG8gd29ybGQgaGVsbG8gd29ybGQ=\"}}"
            + "|400|invalid_media|input_reference.image_url",
        "{\"prompt\"|400|invalid_json|",
        "[1]|400|invalid_json|",
      })
  void whatIsWrongIsNamed(String body, int status, String code, String param) {
    error(server.post("/v1/videos", "application/json", body), status, code, param);
  }

  @Test
  void stepsAreCountedAsTheClipIsMade() {
    JsonObject single = new JsonObject().put("extra_params", new JsonObject().put("block_size", 1));
    JsonObject asked = json(server.post("/v1/videos", single.put("prompt", "walk-left")));
    JsonObject made = server.over(asked.getString("id"));
    assertThat(asked.getInteger("blocks_total")).isEqualTo(made.getInteger("blocks_total"));
    assertThat(server.over(server.create()).getInteger("blocks_total"))
        .isLessThan(made.getInteger("blocks_total"));
  }

  @Test
  void otherBodiesAreRefused() {
    error(server.post("/v1/videos", "text/plain", "x"), 415, "unsupported_media_type", null);
    error(
        server.post("/v1/videos", "application/json", " ".repeat((16 << 20) + 1)),
        413,
        "body_too_large",
        null);
  }

  @Test
  void pagesFollowEachOther() {
    List<String> made = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      made.add(server.create());
    }
    made.forEach(server::over);
    JsonObject first = json(server.get("/v1/videos?limit=2"));
    assertThat(ids(first)).containsExactly(made.get(4), made.get(3));
    assertThat(first.getBoolean("has_more")).isTrue();
    JsonObject second = json(server.get("/v1/videos?limit=3&after=" + first.getString("last_id")));
    assertThat(ids(second)).containsExactly(made.get(2), made.get(1), made.get(0));
    assertThat(ids(json(server.get("/v1/videos?order=asc&limit=2&after=" + made.get(2)))))
        .containsExactly(made.get(3), made.get(4));
    error(server.get("/v1/videos?limit=0"), 400, "invalid_value", "limit");
    error(server.get("/v1/videos?page=2"), 400, "unknown_parameter", "page");
  }

  private static List<String> ids(JsonObject page) {
    return page.getJsonArray("data").stream().map(v -> ((JsonObject) v).getString("id")).toList();
  }

  @Test
  void aWaitingClipIsCancelledAndForgotten() {
    CountDownLatch release = server.holdEngine();
    try {
      String first = server.create();
      String second = server.create();
      assertThat(server.video(first).getInteger("queue_position")).isEqualTo(1);
      assertThat(server.video(second).getInteger("queue_position")).isEqualTo(2);
      assertThat(server.video(second).getString("status")).isEqualTo("queued");
      error(server.get("/v1/videos/" + first + "/content"), 404, "video_not_ready", null);
      JsonObject gone = json(server.delete("/v1/videos/" + first));
      assertThat(gone.getBoolean("deleted")).isTrue();
      assertThat(gone.getString("object")).isEqualTo("video.deleted");
      error(server.get("/v1/videos/" + first), 404, "video_not_found", null);
      assertThat(folder.resolve("data/videos").resolve(first)).doesNotExist();
      assertThat(server.video(second).getInteger("queue_position")).isEqualTo(1);
      release.countDown();
      assertThat(server.over(second).getString("status")).isEqualTo("completed");
    } finally {
      release.countDown();
    }
  }

  @Test
  void sendingARequestTwiceMakesOneJob() {
    JsonObject body = new JsonObject().put("prompt", "walk-left");
    String first = create(body, "once");
    assertThat(create(body, "once")).isEqualTo(first);
    assertThat(create(body, "twice")).isNotEqualTo(first);
    error(
        server.send(
            server
                .request("/v1/videos")
                .header("content-type", "application/json")
                .header("idempotency-key", "once")
                .POST(
                    java.net.http.HttpRequest.BodyPublishers.ofString(
                        body.copy().put("seed", 2).encode()))),
        422,
        "idempotency_mismatch",
        null);
  }

  @Test
  void theOrderOfFieldsMakesNoOtherRequest() {
    JsonObject one = new JsonObject().put("top_k", 3).put("temperature", 0.5);
    JsonObject two = new JsonObject().put("temperature", 0.5).put("top_k", 3);
    JsonObject body = new JsonObject().put("prompt", "walk-left");
    assertThat(create(body.copy().put("extra_params", two), "ordered"))
        .isNotNull()
        .isEqualTo(create(body.copy().put("extra_params", one), "ordered"));
  }

  @Test
  void anotherFileMakesAnotherRequest() throws IOException {
    HttpResponse<byte[]> red = upload(image("red.png", 1), "file");
    assertThat(red.statusCode()).isEqualTo(200);
    assertThat(json(upload(image("red.png", 1), "file")).getString("id"))
        .isEqualTo(json(red).getString("id"));
    error(upload(image("dark.png", 0.5f), "file"), 422, "idempotency_mismatch", null);
  }

  private HttpResponse<byte[]> upload(Path image, String key) throws IOException {
    Buffer body =
        Buffer.buffer(part("x", "prompt", "walk-left"))
            .appendString("\r\n--x\r\nContent-Disposition: form-data; ")
            .appendString("name=\"input_reference\"; filename=\"a.png\"\r\n")
            .appendString("Content-Type: image/png\r\n\r\n")
            .appendBytes(Files.readAllBytes(image))
            .appendString("\r\n--x--\r\n");
    return server.send(
        server
            .request("/v1/videos")
            .header("content-type", "multipart/form-data; boundary=x")
            .header("idempotency-key", key)
            .POST(java.net.http.HttpRequest.BodyPublishers.ofByteArray(body.getBytes())));
  }

  @Test
  void whoAsksAgainAndLeavesDoesNotEndTheClipOfAnother() throws IOException {
    CountDownLatch release = server.holdEngine();
    JsonObject body = new JsonObject().put("prompt", "walk-left").put("seed", 11);
    String id = create(body, "shared");
    waiting(body, "shared").close();
    for (int i = 0; i < 50; i++) { // the same event loop reads the request and sees its end first
      assertThat(server.get("/health").statusCode()).isEqualTo(200);
    }
    release.countDown();
    assertThat(server.over(id).getString("status")).isEqualTo("completed");
  }

  /** Somebody who waits for a clip at a socket. */
  private static Socket waiting(JsonObject body, String key) throws IOException {
    int port = server.uri("/").getPort();
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket
        .getOutputStream()
        .write(
            """
            POST /v1/videos/sync HTTP/1.1\r
            Host: 127.0.0.1:%d\r
            Content-Type: application/json\r
            Idempotency-Key: %s\r
            Content-Length: %d\r
            \r
            %s"""
                .formatted(port, key, body.encode().length(), body.encode())
                .getBytes(UTF_8));
    socket.getOutputStream().flush();
    return socket;
  }

  @Test
  void whoLeftAndComesBackGetsAClip() throws IOException {
    CountDownLatch release = server.holdEngine();
    JsonObject body = new JsonObject().put("prompt", "walk-left").put("seed", 12);
    String last = newest();
    try (Socket socket = waiting(body, "again")) {
      assertThat(socket.isConnected()).isTrue();
      while (newest().equals(last)) {
        Thread.onSpinWait();
      }
    }
    assertThat(server.over(newest()).getString("status")).isEqualTo("failed");
    release.countDown();
    HttpResponse<byte[]> response =
        server.send(
            server
                .request("/v1/videos/sync")
                .header("content-type", "application/json")
                .header("idempotency-key", "again")
                .POST(java.net.http.HttpRequest.BodyPublishers.ofString(body.encode())));
    assertThat(clip(response, "video/mp4").frames()).isEqualTo(TinyModel.FRAMES);
  }

  private static String newest() {
    return String.valueOf(json(server.get("/v1/videos?limit=1")).getString("first_id"));
  }

  private static String create(JsonObject body, String key) {
    return json(server.send(
            server
                .request("/v1/videos")
                .header("content-type", "application/json")
                .header("idempotency-key", key)
                .POST(java.net.http.HttpRequest.BodyPublishers.ofString(body.encode()))))
        .getString("id");
  }

  @Test
  void theFileIsTheAnswerWhereTheClientWaits() throws IOException {
    HttpResponse<byte[]> response =
        server.post("/v1/videos/sync", new JsonObject().put("prompt", "slash up"));
    assertThat(clip(response, "video/mp4").frames()).isEqualTo(TinyModel.FRAMES);
    String id = response.headers().firstValue("x-video-id").orElseThrow();
    assertThat(server.video(id).getString("status")).isEqualTo("completed");
  }

  @Test
  void previewsAreImagesOneAfterTheOther() {
    String id = server.create();
    server.over(id);
    HttpResponse<byte[]> response = server.get("/v1/videos/" + id + "/preview.mjpeg");
    assertThat(response.headers().firstValue("content-type").orElseThrow())
        .startsWith("multipart/x-mixed-replace; boundary=");
    String[] parts =
        new String(response.body(), java.nio.charset.StandardCharsets.ISO_8859_1)
            .split("(\r\n)?--frame", -1);
    assertThat(parts).hasSize(TinyModel.FRAMES + 2);
    assertThat(parts[0]).isEmpty();
    assertThat(parts[TinyModel.FRAMES + 1]).isEqualTo("--\r\n");
    for (int frame = 1; frame <= TinyModel.FRAMES; frame++) {
      assertThat(parts[frame])
          .startsWith("\r\nContent-Type: image/jpeg\r\nContent-Length: ")
          .endsWith("\u00ff\u00d9");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "/|GET, HEAD",
        "/app.js|GET, HEAD",
        "/health|GET, HEAD",
        "/metrics|GET, HEAD",
        "/v1/images/x/content|GET, HEAD",
        "/v1/images/generations|POST",
        "/v1/videos|POST, GET, HEAD",
        "/v1/videos/x|GET, HEAD, DELETE",
        "/v1/realtime/video|GET",
      })
  void whoTakesAWrongMethodIsToldTheRightOnes(String path, String allowed) {
    HttpResponse<byte[]> answer =
        server.send(
            server
                .request(path)
                .method("PATCH", java.net.http.HttpRequest.BodyPublishers.noBody()));
    error(answer, 405, "method_not_allowed", null);
    assertThat(answer.headers().firstValue("allow")).hasValue(allowed);
  }

  @Test
  void whatIsNotThereIsSaidInTheSameShape() {
    error(server.get("/v1/nothing"), 404, "not_found", null);
    error(server.post("/v1/nothing", new JsonObject()), 404, "not_found", null);
    error(server.post("/nothing.js", new JsonObject()), 404, "not_found", null);
    error(server.get("/v1/videos/../../etc/passwd"), 404, "not_found", null);
    error(server.get("/v1/videos/video_x"), 404, "video_not_found", null);
    error(server.get("/v1/realtime/video"), 426, "upgrade_required", null);
  }
}
