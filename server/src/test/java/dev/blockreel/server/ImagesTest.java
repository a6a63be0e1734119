package dev.blockreel.server;

import static dev.blockreel.server.TestServer.error;
import static dev.blockreel.server.TestServer.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.cli.TinyModel;
import dev.blockreel.server.jobs.Limits;
import io.vertx.core.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImagesTest {
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

  private static JsonObject body() {
    return new JsonObject().put("prompt", "walk-left").put("seed", 7);
  }

  private static HttpResponse<byte[]> post(JsonObject body) {
    return server.post("/v1/images/generations", body);
  }

  private static void assertImage(byte[] bytes) {
    try {
      assertThat(ImageIO.read(new ByteArrayInputStream(bytes)).getWidth())
          .isEqualTo(TinyModel.SIDE);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] bytes(JsonObject image) {
    return Base64.getDecoder().decode(image.getString("b64_json"));
  }

  @Test
  void severalImagesComeInOneAnswerEachWithItsOwnSeed() {
    JsonObject answer = json(post(body().put("n", 3)));
    List<JsonObject> images =
        answer.getJsonArray("data").stream().map(JsonObject.class::cast).toList();
    assertThat(images).extracting(image -> image.getInteger("seed")).containsExactly(7, 8, 9);
    images.forEach(image -> assertImage(bytes(image)));
    assertThat(answer.getString("output_format")).isEqualTo("png");
    assertThat(answer.getJsonObject("usage").getInteger("output_tokens")).isEqualTo(3 * 16);
    byte[] alone = bytes(json(post(body().put("seed", 8))).getJsonArray("data").getJsonObject(0));
    assertThat(bytes(images.get(1))).isEqualTo(alone);
  }

  @Test
  void anImageCanBeFetchedByItsAddress() {
    JsonObject answer =
        json(post(body().put("response_format", "url").put("output_format", "jpeg")));
    String url = answer.getJsonArray("data").getJsonObject(0).getString("url");
    HttpResponse<byte[]> image = server.get(URI.create(url).getPath());
    assertThat(image.headers().firstValue("content-type")).hasValue("image/jpeg");
    assertImage(image.body());
    error(server.get("/v1/images/image_0/content"), 404, "image_not_found", null);
    error(
        server.get("/v1/images/image_" + "0".repeat(32) + "/content"),
        404,
        "image_not_found",
        null);
  }

  @Test
  void compressionMakesLossyImagesSmaller() {
    for (String format : List.of("jpeg", "webp")) {
      assertThat(compressed(format, 0)).hasSizeLessThan(compressed(format, 50).length);
      assertThat(compressed(format, 50)).hasSizeLessThan(compressed(format, 100).length);
    }
    assertThat(compressed("png", 0)).isEqualTo(compressed("png", 100));
  }

  private static byte[] compressed(String format, int quality) {
    JsonObject asked = body().put("output_format", format).put("output_compression", quality);
    return bytes(json(post(asked)).getJsonArray("data").getJsonObject(0));
  }

  /** As a proxy that speaks TLS hands requests on. */
  @Test
  void imagesHaveTheAddressUnderWhichTheServerIsKnown() throws IOException {
    Set<String> origins = Set.of("https://example.org", "http://example.org:81");
    try (TestServer server =
            TestServer.start(
                TestServer.options(folder.resolve("known"), Limits.DEFAULT, List.of(), origins));
        Socket proxy = new Socket(InetAddress.getLoopbackAddress(), server.uri("").getPort())) {
      String body = "{\"prompt\":\"walk-left\",\"response_format\":\"url\"}";
      proxy
          .getOutputStream()
          .write(
              """
              POST /v1/images/generations HTTP/1.1\r
              Host: example.org\r
              Connection: close\r
              Content-Type: application/json\r
              Content-Length: %d\r
              \r
              %s"""
                  .formatted(body.length(), body)
                  .getBytes(UTF_8));
      assertThat(new String(proxy.getInputStream().readAllBytes(), UTF_8))
          .startsWith("HTTP/1.1 200")
          .contains("\"https://example.org/v1/images/image_");
    }
  }

  @Test
  void partialImagesComeBeforeTheWholeOne() {
    String events =
        new String(
            post(body().put("stream", true).put("partial_images", 2).put("n", 2)).body(), UTF_8);
    List<JsonObject> data =
        events
            .lines()
            .filter(line -> line.startsWith("data: {"))
            .map(line -> new JsonObject(line.substring(6)))
            .toList();
    assertThat(events).endsWith("data: [DONE]\n\n");
    for (int image = 0; image < 2; image++) {
      int number = image;
      List<JsonObject> own =
          data.stream().filter(event -> event.getInteger("image_index") == number).toList();
      assertThat(own)
          .extracting(event -> event.getString("type"))
          .containsExactly(
              "image_generation.partial_image",
              "image_generation.partial_image",
              "image_generation.completed");
      assertThat(own.get(1).getInteger("partial_image_index")).isEqualTo(1);
      own.forEach(event -> assertImage(bytes(event)));
      assertThat(bytes(own.get(0))).isNotEqualTo(bytes(own.get(1)));
      assertThat(bytes(own.get(2)))
          .isEqualTo(
              bytes(
                  json(post(body().put("seed", 7 + image))).getJsonArray("data").getJsonObject(0)));
    }
  }

  @Test
  void whoWaitsForItsFirstEventSeesThatTheServerLives() throws IOException {
    CountDownLatch release = server.holdEngine();
    HttpResponse<InputStream> answer =
        server.send(
            server
                .request("/v1/images/generations")
                .header("content-type", "application/json")
                .POST(BodyPublishers.ofString(body().put("stream", true).encode())),
            BodyHandlers.ofInputStream());
    assertThat(answer.headers().firstValue("content-type")).hasValue("text/event-stream");
    assertThat(answer.headers().firstValue("x-accel-buffering")).hasValue("no");
    assertThat(answer.body().readNBytes(3)).isEqualTo(":\n\n".getBytes(UTF_8));
    release.countDown();
    assertThat(new String(answer.body().readAllBytes(), UTF_8)).endsWith("data: [DONE]\n\n");
  }

  @Test
  void whatFailsBeforeItsFirstEventIsAPlainFailure() {
    try (TestServer hasty = TestServer.start(own, noTime())) {
      hasty.holdEngine();
      HttpResponse<byte[]> answer =
          hasty.post("/v1/images/generations", body().put("stream", true));
      error(answer, 500, "deadline_exceeded", null);
      assertThat(new String(hasty.get("/metrics").body(), UTF_8))
          .contains("blockreel_failures_total{code=\"deadline_exceeded\"} 1.0");
    }
  }

  private static Limits noTime() {
    Limits usual = Limits.DEFAULT;
    return new Limits(
        usual.batch(),
        usual.queue(),
        usual.perOwner(),
        usual.queueTime(),
        Duration.ZERO,
        usual.keep(),
        usual.storedJobs(),
        usual.storedBytes(),
        usual.bodyBytes(),
        Duration.ZERO);
  }

  @Test
  void whatIsWrongIsNamed() {
    error(post(body().put("n", 11)), 400, "invalid_value", "n");
    error(post(body().put("size", "1024x1024")), 400, "invalid_value", "size");
    error(post(body().put("background", "transparent")), 400, "invalid_value", "background");
    error(post(body().put("style", "vivid")), 400, "unknown_parameter", "style");
    error(post(body().put("output_compression", 101)), 400, "invalid_value", "output_compression");
    error(post(body().put("partial_images", 1)), 400, "unsupported_parameter", "partial_images");
    long last = (1L << 53) - 1;
    assertThat(post(body().put("seed", last)).statusCode()).isEqualTo(200);
    error(post(body().put("seed", last).put("n", 2)), 400, "invalid_value", "seed");
  }
}
