package dev.blockreel.server;

import static dev.blockreel.server.TestServer.error;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of a finished clip, as caches and players ask for them. */
class ContentTest {
  @TempDir private static Path folder;
  private static TestServer server;
  private static String id;
  private static byte[] whole;
  private static String tag;

  @BeforeAll
  static void makeAClip() {
    server = TestServer.start(folder);
    id = server.create();
    server.over(id);
    HttpResponse<byte[]> response = server.get(path());
    whole = response.body();
    tag = response.headers().firstValue("etag").orElseThrow();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static String path() {
    return "/v1/videos/" + id + "/content";
  }

  private static HttpResponse<byte[]> get(String header, String value) {
    return server.send(server.request(path()).header(header, value));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "TAG|304",
        "W/TAG|304",
        "\"other\", W/\"another, one\", TAG|304",
        "*|304",
        "\"other\"|200",
        "W/\"other\"|200",
      })
  void whatTheClientHasIsNotSentAgain(String condition, int status) {
    HttpResponse<byte[]> response = get("if-none-match", condition.replace("TAG", tag));
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(response.body()).isEqualTo(status == 304 ? new byte[0] : whole);
    assertThat(response.headers().firstValue("etag")).hasValue(tag);
  }

  @Test
  void aPartIsOfUseOnlyToWhoHasTheRestOfTheSameFile() {
    HttpResponse<byte[]> foreign =
        server.send(
            server.request(path()).header("range", "bytes=4-7").header("if-range", "\"other\""));
    assertThat(foreign.statusCode()).isEqualTo(200);
    assertThat(foreign.body()).isEqualTo(whole);
    HttpResponse<byte[]> weak =
        server.send(
            server.request(path()).header("range", "bytes=4-7").header("if-range", "W/" + tag));
    assertThat(weak.statusCode()).isEqualTo(200);
    HttpResponse<byte[]> own =
        server.send(server.request(path()).header("range", "bytes=4-7").header("if-range", tag));
    assertThat(own.statusCode()).isEqualTo(206);
  }

  @Test
  void headKnowsNoRanges() {
    for (String range : new String[] {"bytes=4-7", "bytes=99999999-"}) {
      HttpResponse<byte[]> head =
          server.send(
              server
                  .request(path())
                  .header("range", range)
                  .method("HEAD", BodyPublishers.noBody()));
      assertThat(head.statusCode()).as(range).isEqualTo(200);
      assertThat(head.headers().firstValueAsLong("content-length")).hasValue(whole.length);
    }
  }

  @Test
  void aFileThatGoesBeforeItIsSentIsNotFound() throws IOException {
    String going = server.create();
    server.over(going);
    Files.delete(server.job(going).file("video.mp4"));
    HttpResponse<byte[]> response = server.get("/v1/videos/" + going + "/content");
    error(response, 404, "video_not_found", null);
    assertThat(response.headers().map()).doesNotContainKeys("etag", "accept-ranges");
    error(server.get("/v1/videos/" + going + "/preview.mjpeg"), 404, "video_not_found", null);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/content?stream=true", "/preview.mjpeg"})
  void aStreamThatIsNotTheWholeClipDoesNotEndInOrder(String stream) {
    CountDownLatch release = server.holdEngine();
    try {
      String path = "/v1/videos/" + server.create();
      HttpResponse<InputStream> answer =
          server.send(server.request(path + stream), BodyHandlers.ofInputStream());
      assertThat(answer.statusCode()).isEqualTo(200);
      server.delete(path);
      assertThatThrownBy(() -> answer.body().readAllBytes()).isInstanceOf(IOException.class);
    } finally {
      release.countDown();
    }
  }

  @Test
  void proxiesAreToldNotToHoldFramesBack() throws IOException {
    CountDownLatch release = server.holdEngine();
    String waiting = server.create();
    for (String stream : List.of("/content?stream=true", "/preview.mjpeg")) {
      HttpResponse<InputStream> answer =
          server.send(
              server.request("/v1/videos/" + waiting + stream), BodyHandlers.ofInputStream());
      assertThat(answer.headers().firstValue("x-accel-buffering")).as(stream).hasValue("no");
      answer.body().close();
    }
    release.countDown();
    server.over(waiting);
  }
}
