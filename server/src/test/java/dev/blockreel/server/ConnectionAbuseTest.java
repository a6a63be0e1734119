package dev.blockreel.server;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections that are broken or mean no good. Each gets a 4xx or is cut off. */
class ConnectionAbuseTest extends AbusedServer {
  // ---- HTTP ----

  @ParameterizedTest
  @MethodSource("badRequests")
  void badHttpIsRefusedOrCutOff(String request) throws IOException {
    try (Socket socket = connect()) {
      write(socket, request);
      socket.shutdownOutput();
      String answer =
          new String(socket.getInputStream().readAllBytes(), ISO_8859_1)
              .replace("HTTP/1.1 100 Continue\r\n\r\n", "");
      if (!answer.isEmpty()) {
        assertThat(answer).startsWith("HTTP/1.");
        assertThat(answer.substring(9, 10)).as(answer).isIn("3", "4");
      }
    }
  }

  static List<String> badRequests() {
    String json = "Content-Type: application/json";
    return List.of(
        "\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
        "nonsense\r\n\r\n",
        "GET\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: https://evil.example\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: null\r\n\r\n",
        "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + "x".repeat(100_000) + "\r\n\r\n",
        "GET /" + "x".repeat(100_000) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        head("GET /../../../../etc/passwd HTTP/1.1"),
        head("GET /%2e%2e/%2e%2e/logback.xml HTTP/1.1"),
        head("GET /..%2f..%2fetc%2fpasswd HTTP/1.1"),
        head("GET /style.css%00.html HTTP/1.1"),
        head("GET /%zz HTTP/1.1"),
        head("GET /v1/videos/%2e%2e HTTP/1.1"),
        head("GET /v1/videos/..%2f..%2flock HTTP/1.1"),
        head("GET /v1/videos/video_test_/content HTTP/1.1"),
        head("GET /v1/videos?limit=0 HTTP/1.1"),
        head("GET /v1/videos?limit=x HTTP/1.1"),
        head("GET /v1/videos?limit=1&limit=2 HTTP/1.1"),
        head("GET /v1/videos?order=sideways HTTP/1.1"),
        head("GET /v1/videos?unknown=1 HTTP/1.1"),
        head("GET /v1/videos?%ff=%ff HTTP/1.1"),
        head("POST /v1/models HTTP/1.1", json, "Content-Length: 0"),
        head("PUT /v1/videos HTTP/1.1", json, "Content-Length: 0"),
        head("FOO /v1/videos HTTP/1.1"),
        head("DELETE /v1/videos HTTP/1.1"),
        head("CONNECT example.org:443 HTTP/1.1"),
        head("POST /v1/videos HTTP/1.1", json, "Content-Length: -1") + "{}",
        head("POST /v1/videos HTTP/1.1", json, "Content-Length: 99999999999999999999") + "{}",
        head("POST /v1/videos HTTP/1.1", json, "Content-Length: 1000000000") + "{}",
        head("POST /v1/videos HTTP/1.1", json, "Content-Length: 2", "Content-Length: 3") + "{}",
        head("POST /v1/videos HTTP/1.1", json, "Transfer-Encoding: chunked")
            + "zz\r\n{}\r\n0\r\n\r\n",
        head("POST /v1/videos HTTP/1.1", json, "Transfer-Encoding: chunked", "Content-Length: 2")
            + "2\r\n{}\r\n0\r\n\r\n",
        head("POST /v1/videos HTTP/1.1", json, "Content-Encoding: gzip", "Content-Length: 2")
            + "{}",
        head("POST /v1/videos HTTP/1.1", json, "Expect: 100-continue", "Content-Length: 2") + "{}");
  }

  @ParameterizedTest
  @MethodSource("unreadable")
  void whatCannotBeReadIsSaidInTheSameShape(int status, String code, String request)
      throws IOException {
    try (Socket socket = connect()) {
      write(socket, request);
      String answer = new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
      assertThat(answer).matches("(?s)HTTP/1\\.[01] " + status + " .*");
      assertThat(answer).contains("x-request-id: ", "content-type: application/json");
      JsonObject body = new JsonObject(answer.substring(answer.indexOf("\r\n\r\n")));
      assertThat(body.getJsonObject("error").getString("code")).isEqualTo(code);
    }
  }

  static List<Arguments> unreadable() {
    return List.of(
        Arguments.of(400, "invalid_request", "nonsense\r\n\r\n"),
        Arguments.of(414, "uri_too_long", head("GET /" + "x".repeat(5000) + " HTTP/1.1")),
        Arguments.of(
            417,
            "invalid_request",
            head(
                "POST /v1/videos HTTP/1.1",
                "Content-Type: application/json",
                "Content-Length: 0",
                "Connection: close",
                "Expect: miracles")),
        Arguments.of(431, "headers_too_large", head("GET / HTTP/1.1", "X: " + "x".repeat(10_000))));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Host: LOCALHOST|200|",
        "Host: LocalHost:8080|200|",
        "Host: Evil.example|403|this server is not known as evil.example",
        "X: no host|403|a request must name this server in its header Host",
      })
  void theServerIsKnownByItsNamesInAnyCase(String line, int status, String message)
      throws IOException {
    try (Socket socket = connect()) {
      write(socket, "GET /v1/models HTTP/1.0\r\n" + line + "\r\n\r\n");
      String answer = new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
      assertThat(answer).startsWith("HTTP/1.0 " + status);
      assertThat(answer).contains(message == null ? "" : "\"" + message + "\"");
    }
  }

  /** A proxy may know the coding, and let a request through that hides in a body. */
  @ParameterizedTest
  @ValueSource(strings = {"xchunked", "gzip", "gzip, chunked"})
  void aBodyOfAnUnknownCodingIsNotTakenForTheNextRequest(String coding) throws IOException {
    String noChunk = coding.endsWith(", chunked") ? "0\r\n\r\n" : "";
    try (Socket socket = connect()) {
      write(
          socket,
          head(
                  "POST /v1/videos HTTP/1.1",
                  "Content-Type: application/json",
                  "Transfer-Encoding: " + coding)
              + noChunk
              + head("GET /health HTTP/1.1"));
      String answer = new String(socket.getInputStream().readAllBytes(), ISO_8859_1);
      assertThat(answer).startsWith("HTTP/1.1 400 ").doesNotContain("HTTP/1.1 200");
    }
  }

  @Test
  void aBodyBeyondTheLimitIsRefusedBeforeItIsRead() throws IOException {
    for (String length : List.of("Content-Length: 1000000000", "Transfer-Encoding: chunked")) {
      try (Socket socket = connect()) {
        write(socket, head("POST /v1/videos HTTP/1.1", "Content-Type: application/json", length));
        try {
          for (int i = 0; i < 40; i++) { // 40 MB where 16 are allowed
            write(socket, "100000\r\n" + "x".repeat(1 << 20) + "\r\n");
          }
        } catch (IOException e) {
          // It hung up: that is what a 413 without reading comes to.
        }
        String answer = readSome(socket);
        assertThat(answer.isEmpty() || answer.startsWith("HTTP/1.1 413")).as(answer).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=x-y",
        "bytes=5-1",
        "bytes=0-0,2-3,5-",
        "bytes=99999999999999999999999-",
        "bytes=-99999999999999999999999",
        "bytes=999999999-",
        "lines=1-2"
      })
  void oddRangesAreNoFailure(String range) {
    String id = server.create();
    server.over(id);
    HttpResponse<byte[]> response =
        server.send(server.request("/v1/videos/" + id + "/content").header("range", range));
    assertThat(response.statusCode()).isIn(200, 206, 400, 416);
  }

  // ---- Slow and many ----

  @Test
  void whoSendsNothingKeepsNobodyFromBeingServed() throws IOException {
    List<Socket> idle = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        Socket socket = connect();
        idle.add(socket);
        write(socket, "POST /v1/videos HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le");
      }
      String id = server.create();
      assertThat(server.over(id).getString("status")).isEqualTo("completed");
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  // ---- WebSockets ----

  @Test
  @Timeout(60)
  void whoNeverReadsIsNotReadEitherAndCutOff() {
    byte[] ping = masked("{\"type\":\"session.ping\",\"event_id\":\"" + "x".repeat(200) + "\"}");
    byte[] protocolPing = new byte[6 + 125];
    protocolPing[0] = (byte) 0x89;
    protocolPing[1] = (byte) (0x80 | 125);
    assertThat(
            Stream.of(ping, protocolPing)
                .map(frame -> CompletableFuture.supplyAsync(() -> flood(frame)))
                .toList()
                .stream()
                .map(CompletableFuture::join))
        .allMatch(bytes -> bytes < 64 << 20, "is what the buffers of the system hold");
  }

  /** Sends a frame until the connection ends, and reads nothing; returns how many bytes went. */
  private static long flood(byte[] frame) {
    long bytes = 0;
    byte[] frames = new byte[100 * frame.length];
    for (int i = 0; i < 100; i++) {
      System.arraycopy(frame, 0, frames, i * frame.length, frame.length);
    }
    try (Socket socket = connect()) {
      write(socket, upgrade("GET /v1/realtime/video HTTP/1.1"));
      assertThat(readSome(socket)).startsWith("HTTP/1.1 101");
      while (true) {
        socket.getOutputStream().write(frames);
        bytes += frames.length;
      }
    } catch (IOException e) {
      return bytes;
    }
  }

  @ParameterizedTest
  @MethodSource("badUpgrades")
  void badUpgradesAreRefused(String request) throws IOException {
    try (Socket socket = connect()) {
      write(socket, request);
      String answer = readSome(socket);
      assertThat(answer).startsWith("HTTP/1.1 4");
    }
  }

  static List<String> badUpgrades() {
    String key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    String upgrade = "Upgrade: websocket";
    String connection = "Connection: Upgrade";
    String version = "Sec-WebSocket-Version: 13";
    String realtime = "GET /v1/realtime/video HTTP/1.1";
    return List.of(
        head(realtime),
        head(realtime, upgrade),
        head(realtime, upgrade, connection),
        head(realtime, upgrade, connection, key),
        head(realtime, upgrade, connection, version),
        head(realtime, upgrade, connection, key, "Sec-WebSocket-Version: 99"),
        head(realtime, upgrade, connection, key, version, "Origin: https://evil.example"),
        head("POST /v1/realtime/video HTTP/1.1", upgrade, connection, key, version),
        head("GET /v1/realtime HTTP/1.1", upgrade, connection, key, version));
  }

  /** As browsers and most libraries send it; that of the JDK sends parts. */
  @Test
  void aFrameThatIsTooLongIsReadAndRefused() throws IOException {
    try (Socket socket = connect()) {
      write(
          socket,
          head(
              "GET /v1/realtime/video HTTP/1.1",
              "Upgrade: websocket",
              "Connection: Upgrade",
              "Sec-WebSocket-Version: 13",
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="));
      int length = 5 << 20;
      ByteBuffer frame = ByteBuffer.allocate(14 + length);
      frame.put((byte) 0x81).put((byte) 0xff).putLong(length).putInt(0); // a text, masked by zeros
      Arrays.fill(frame.array(), 14, 14 + length, (byte) 'x');
      socket.getOutputStream().write(frame.array());
      StringBuilder answer = new StringBuilder();
      while (answer.indexOf("\u0088\u0002\u0003\u00f1") < 0) { // closed with 1009
        int next = socket.getInputStream().read();
        assertThat(next).as(answer.toString()).isNotNegative();
        answer.append((char) next);
      }
      assertThat(answer).contains("message_too_large");
    }
  }

  @Test
  void anUpgradeElsewhereIsNoUpgrade() throws IOException {
    try (Socket socket = connect()) {
      write(socket, upgrade("GET /v1/models HTTP/1.1"));
      assertThat(readSome(socket)).doesNotStartWith("HTTP/1.1 101");
    }
  }

  @Test
  void framesThatAreNoneEndTheConnection() throws IOException {
    List<byte[]> frames =
        List.of(
            new byte[] {(byte) 0x81, 2, '{', '}'}, // not masked
            new byte[] {(byte) 0xff, (byte) 0x80, 0, 0, 0, 0}, // reserved bits and opcode
            new byte[] {(byte) 0x81, (byte) 0xff, 0x7f, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0},
            new byte[] {(byte) 0x89, (byte) 0xfe, 1, 0, 0, 0, 0, 0}, // a ping of 256 bytes
            new byte[] {(byte) 0x82, (byte) 0x81, 0, 0, 0, 0, 1}, // binary
            new byte[] {(byte) 0x81, (byte) 0x82, 0, 0, 0, 0, (byte) 0xc3, 0x28}); // no UTF-8
    for (byte[] frame : frames) {
      try (Socket socket = connect()) {
        write(socket, upgrade("GET /v1/realtime/video HTTP/1.1"));
        assertThat(readSome(socket)).startsWith("HTTP/1.1 101");
        socket.getOutputStream().write(frame);
        messages(socket); // until the server closes
      }
    }
  }

  @ParameterizedTest
  @MethodSource("badMessages")
  void badMessagesAreAnsweredAndEndTheSession(String message) throws IOException {
    try (Socket socket = connect()) {
      write(socket, upgrade("GET /v1/realtime/video HTTP/1.1"));
      assertThat(readSome(socket)).startsWith("HTTP/1.1 101");
      try {
        socket.getOutputStream().write(masked(message));
      } catch (IOException e) {
        assertThat(message.length()).as("a message that is read").isGreaterThan(4 << 20);
      }
      String answer = messages(socket);
      if (message.length() < 4 << 20) {
        assertThat(answer).contains("\"type\":\"error\"").contains("\"retryable\":false");
      }
    }
  }

  static List<String> badMessages() {
    return List.of(
        "",
        "x",
        "[]",
        "null",
        "{}",
        "{\"type\":1}",
        "{\"type\":\"session.begin\"}",
        "{\"type\":\"session.start\"}",
        "{\"type\":\"session.start\",\"prompt\":7}",
        "{\"type\":\"session.start\",\"prompt\":\"walk-left\",\"format\":\"avi\"}",
        "{\"type\":\"session.start\",\"prompt\":\"walk-left\",\"codec\":\"h264\"}",
        "{\"type\":\"session.start\",\"video_id\":7}",
        "{\"type\":\"session.start\",\"video_id\":\"../../x\"}",
        "{\"type\":\"session.start\",\"video_id\":\"video_x\",\"prompt\":\"walk-left\"}",
        "{\"type\":\"session.ping\",\"event_id\":\"" + "x".repeat(200_000) + "\"}",
        "[".repeat(100_000),
        "x".repeat(5 << 20));
  }
}
