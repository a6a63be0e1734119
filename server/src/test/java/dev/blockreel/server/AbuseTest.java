package dev.blockreel.server;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What clients send that are broken or mean no good. Each gets a 4xx or loses its connection; the
 * server goes on, and {@link TestServer} looks that its event loop was never blocked.
 */
class AbuseTest {
  private static final long SEED = 20_250_214;

  @TempDir private static Path folder;
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(folder);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @AfterEach
  void theServerGoesOnAndKeepsNothing() throws IOException {
    assertThat(server.get("/readyz").statusCode()).isEqualTo(200);
    JsonArray left = TestServer.json(server.get("/v1/videos?limit=100")).getJsonArray("data");
    for (int i = 0; i < left.size(); i++) {
      server.delete("/v1/videos/" + left.getJsonObject(i).getString("id"));
    }
    try (Stream<Path> uploads = Files.list(folder.resolve("data/uploads"))) {
      assertThat(uploads).as("uploaded files that nobody took away").isEmpty();
    }
  }

  // ---- JSON ----

  @Test
  void mutatedJsonIsTakenOrRefusedButNeverBreaksAnything() {
    CountDownLatch hold = server.holdEngine();
    String valid =
        new JsonObject()
            .put("prompt", "walk-left")
            .put("model", "tiny")
            .put("seed", 7)
            .put("num_frames", 5)
            .put("size", "16x16")
            .put("extra_params", new JsonObject().put("temperature", 0.5).put("top_k", 3))
            .encode();
    Random random = new Random(SEED);
    int refused = 0;
    for (int i = 0; i < 300; i++) {
      HttpResponse<byte[]> response =
          server.post("/v1/videos", "application/json", mutated(valid, random));
      assertRefusedOr200(response, "case " + i);
      if (response.statusCode() == 200) {
        server.delete("/v1/videos/" + TestServer.json(response).getString("id"));
      } else {
        refused++;
      }
    }
    hold.countDown();
    assertThat(refused).isGreaterThan(150);
  }

  private static String mutated(String valid, Random random) {
    StringBuilder text = new StringBuilder(valid);
    for (int n = 1 + random.nextInt(3); n > 0; n--) {
      int at = random.nextInt(text.length());
      switch (random.nextInt(6)) {
        case 0 -> text.setCharAt(at, (char) random.nextInt(256));
        case 1 -> text.deleteCharAt(at);
        case 2 -> text.insert(at, "{[\"}]:,\\\u0000-e0\ud800".charAt(random.nextInt(13)));
        case 3 -> text.setLength(at + 1);
        case 4 -> text.insert(at, text.substring(0, at));
        default -> text.replace(at, Math.min(at + 3, text.length()), "1e999");
      }
    }
    return text.toString();
  }

  @Test
  void everyFieldOfAWrongTypeIsNamed() {
    Map<String, List<Object>> wrong = new LinkedHashMap<>();
    List<Object> noText = List.of(1, true, new JsonArray(), new JsonObject());
    List<Object> noNumber =
        List.of("1", "x", true, new JsonArray().add(1), new JsonObject(), -1, 1e300);
    for (String text : List.of("prompt", "model", "seconds", "size", "negative_prompt")) {
      wrong.put(text, noText);
    }
    for (String number : List.of("width", "height", "num_frames", "fps", "seed")) {
      wrong.put(number, noNumber);
    }
    wrong.put("guidance_scale", noNumber);
    wrong.put("num_inference_steps", noNumber);
    wrong.put("extra_params", List.of(1, "x", true, new JsonArray()));
    wrong.put("input_reference", List.of(1, "x", true, new JsonArray(), new JsonObject()));
    for (String number : List.of("temperature", "top_k", "top_p", "cfg_scale", "block_size")) {
      wrong.put("extra_params." + number, noNumber);
    }
    wrong.put("extra_params.class_label", List.of(true, new JsonArray(), -1, "", 1e300));
    wrong.put("extra_params.prediction_unit", noText);
    wrong.forEach(
        (name, values) -> {
          for (Object value : values) {
            HttpResponse<byte[]> response = server.post("/v1/videos", with(name, value));
            String what = name + " = " + value;
            assertThat(response.statusCode()).as(what).isIn(400, 404);
            assertThat(errorOf(response).getString("param")).as(what).startsWith(name);
          }
        });
  }

  private static JsonObject with(String name, Object value) {
    JsonObject body = new JsonObject().put("prompt", "walk-left");
    int dot = name.indexOf('.');
    return dot < 0
        ? body.put(name, value)
        : body.put(name.substring(0, dot), new JsonObject().put(name.substring(dot + 1), value));
  }

  @ParameterizedTest
  @MethodSource("strangeBodies")
  void strangeBodiesAreRefused(String body) {
    assertRefused(server.post("/v1/videos", "application/json", body), body.length() + " chars");
  }

  static List<String> strangeBodies() {
    return List.of(
        "",
        " ",
        "null",
        "0",
        "\"text\"",
        "[]",
        "[{\"prompt\":\"walk-left\"}]",
        "{\"prompt\":\"walk-left\"} {}",
        "{\"prompt\":\"walk-left\",}",
        "{'prompt':'walk-left'}",
        "{\"prompt\":NaN}",
        "\ufeff{\"prompt\":\"\"}",
        "[".repeat(100_000),
        "{\"a\":".repeat(50_000),
        "{\"extra_params\":" + "{\"a\":".repeat(900) + "1" + "}".repeat(901),
        "{\"prompt\":\"" + "x".repeat(40_000) + "\"}",
        "{\"prompt\":\"walk-left\",\"" + "k".repeat(100_000) + "\":1}",
        "{\"prompt\":\"walk-left\",\"seed\":" + "9".repeat(100_000) + "}",
        "{\"prompt\":\"walk-left\",\"fps\":1" + "0".repeat(400) + "}",
        "{\"prompt\":\"\\u0000\\u0007\\ud800\"}",
        "{\"prompt\":\"walk-left\",\"input_reference\":{\"image_url\":\"http://10.0.0.1/x\"}}",
        "{\"prompt\":\"walk-left\",\"input_reference\":{\"image_url\":\"file:///etc/passwd\"}}",
        "{\"prompt\":\"walk-left\",\"input_reference\":{\"image_url\":\"data:image/png;base64,!\"}}",
        "{\"prompt\":\"walk-left\",\"output_path\":\"/tmp/x.mp4\"}");
  }

  // ---- Forms ----

  @ParameterizedTest
  @MethodSource("badForms")
  void badFormsAreRefused(String type, String body) {
    assertRefused(server.post("/v1/videos", type, body), type + " " + body.length());
  }

  static List<Arguments> badForms() {
    String type = "multipart/form-data; boundary=b";
    String many =
        String.join("", IntStream.range(0, 200).mapToObj(i -> field("f" + i, "1")).toList());
    List<Arguments> forms = new ArrayList<>();
    add(forms, "multipart/form-data", "x");
    add(forms, "multipart/form-data; boundary=", "x");
    add(forms, type, "");
    add(forms, type, "no boundary at all");
    add(forms, type, "--b\r\n");
    add(forms, type, "--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n");
    add(forms, type, "--b\r\ncontent-disposition: nonsense; name=\"prompt\"\r\n\r\nx\r\n--b--\r\n");
    add(forms, type, "--b--\r\n");
    add(forms, type, field("seed", "1") + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + field("prompt", "slash-up") + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + field("colour", "red") + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + field("extra_params", "{") + "--b--\r\n");
    add(
        forms,
        type,
        field("prompt", "walk-left")
            + field("extra_params", "{}")
            + field("extra_params[top_k]", "1")
            + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + field("extra_params[", "1") + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + many + "--b--\r\n");
    add(forms, type, field("prompt", "x".repeat(300_000)) + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + file("../../evil", "text") + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + file("a.png", "") + "--b--\r\n");
    add(
        forms,
        type,
        field("prompt", "walk-left")
            + file("a.png", "\u0089PNG\r\n\u001a\n and no more of it")
            + file("b.png", "\u0089PNG\r\n\u001a\n and no more of it")
            + "--b--\r\n");
    add(forms, "application/x-www-form-urlencoded", "prompt=walk-left");
    add(forms, "text/plain", "{\"prompt\":\"walk-left\"}");
    return forms;
  }

  private static void add(List<Arguments> forms, String type, String body) {
    forms.add(Arguments.of(type, body));
  }

  private static String field(String name, String value) {
    return "--b\r\ncontent-disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
        .formatted(name, value);
  }

  private static String file(String name, String content) {
    String part = "content-disposition: form-data; name=\"input_reference\"; filename=\"%s\"";
    return "--b\r\n%s\r\ncontent-type: image/png\r\n\r\n%s\r\n"
        .formatted(part.formatted(name), content);
  }

  @Test
  void aFormThatBreaksOffLeavesNothingBehind() throws IOException {
    String body = field("prompt", "walk-left") + file("a.png", "x".repeat(100_000));
    try (Socket socket = connect()) {
      write(
          socket,
          head("POST /v1/videos HTTP/1.1", "Content-Type: multipart/form-data; boundary=b")
                  .replace("\r\n\r\n", "\r\nContent-Length: 1000000\r\n\r\n")
              + body);
    }
    // The next one that ends in order shows that the server saw the first one end.
    assertRefused(server.post("/v1/videos", "multipart/form-data; boundary=b", "--b--\r\n"), "");
    Path uploads = folder.resolve("data/uploads");
    while (uploads.toFile().list().length > 0) {
      Thread.onSpinWait();
    }
  }

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

  // ---- Sockets ----

  private static Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server().port());
    socket.setSoTimeout(60_000); // a server that hangs fails the test instead of stopping it
    return socket;
  }

  private static String head(String first, String... lines) {
    return first
        + "\r\nHost: 127.0.0.1\r\n"
        + String.join("", Stream.of(lines).map(line -> line + "\r\n").toList())
        + "\r\n";
  }

  private static String upgrade(String first) {
    return head(
        first,
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13");
  }

  private static byte[] masked(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    ByteBuffer frame = ByteBuffer.allocate(bytes.length + 14);
    frame.put((byte) 0x81);
    if (bytes.length < 126) {
      frame.put((byte) (0x80 | bytes.length));
    } else {
      frame.put((byte) 0xff).putLong(bytes.length);
    }
    frame.putInt(0).put(bytes); // a mask of zeros changes nothing
    return Arrays.copyOf(frame.array(), frame.position());
  }

  private static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(ISO_8859_1));
  }

  /** The beginning of what the server says; nothing where it hung up. */
  private static String readSome(Socket socket) {
    byte[] bytes = new byte[4096];
    try {
      int count = socket.getInputStream().read(bytes);
      return new String(bytes, 0, Math.max(0, count), ISO_8859_1);
    } catch (SocketTimeoutException e) {
      throw new AssertionError("the server says nothing", e);
    } catch (IOException e) {
      return "";
    }
  }

  /** The messages of the server until it closes the session or hangs up. */
  private static String messages(Socket socket) {
    StringBuilder all = new StringBuilder();
    try {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      while ((in.readByte() & 0x0f) != 8) {
        int length = in.readByte() & 0x7f;
        byte[] bytes = new byte[length == 126 ? in.readUnsignedShort() : length];
        in.readFully(bytes);
        all.append(new String(bytes, UTF_8));
      }
    } catch (SocketTimeoutException e) {
      throw new AssertionError("the server does not close the session", e);
    } catch (IOException e) {
      // It hung up.
    }
    return all.toString();
  }

  private static JsonObject errorOf(HttpResponse<byte[]> response) {
    return TestServer.json(response).getJsonObject("error");
  }

  private static void assertRefused(HttpResponse<byte[]> response, String what) {
    assertThat(response.statusCode()).as(what).isBetween(400, 499);
    assertThat(errorOf(response).getString("code")).as(what).isNotBlank();
    assertThat(errorOf(response).getString("message")).as(what).hasSizeLessThan(1000);
  }

  private static void assertRefusedOr200(HttpResponse<byte[]> response, String what) {
    if (response.statusCode() != 200) {
      assertRefused(response, what);
    }
  }
}
