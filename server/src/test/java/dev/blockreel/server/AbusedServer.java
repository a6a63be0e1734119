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
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/**
 * A server that is sent what is broken or means no good, and afterwards must go on and keep
 * nothing; {@link TestServer} looks that its event loop was never blocked.
 */
abstract class AbusedServer {
  @TempDir static Path folder;
  static TestServer server;

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
    // They go after the answer, so soon after it some may still be there.
    long patience = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!uploads().isEmpty() && System.nanoTime() < patience) {
      Thread.onSpinWait();
    }
    assertThat(uploads()).as("uploaded files that nobody took away").isEmpty();
  }

  private static List<Path> uploads() throws IOException {
    try (Stream<Path> uploads = Files.list(folder.resolve("data/uploads"))) {
      return uploads.toList();
    }
  }

  // ---- Sockets ----

  /** A field of a form whose boundary is b. */
  static String field(String name, String value) {
    return "--b\r\ncontent-disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
        .formatted(name, value);
  }

  static Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server().port());
    socket.setSoTimeout(60_000); // a server that hangs fails the test instead of stopping it
    return socket;
  }

  static String head(String first, String... lines) {
    return first
        + "\r\nHost: 127.0.0.1\r\n"
        + String.join("", Stream.of(lines).map(line -> line + "\r\n").toList())
        + "\r\n";
  }

  static String upgrade(String first) {
    return head(
        first,
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13");
  }

  static byte[] masked(String text) {
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

  static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(ISO_8859_1));
  }

  /** The beginning of what the server says; nothing where it hung up. */
  static String readSome(Socket socket) {
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
  static String messages(Socket socket) {
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

  static JsonObject errorOf(HttpResponse<byte[]> response) {
    return TestServer.json(response).getJsonObject("error");
  }

  static void assertRefused(HttpResponse<byte[]> response, String what) {
    assertThat(response.statusCode()).as(what).isBetween(400, 499);
    assertThat(errorOf(response).getString("code")).as(what).isNotBlank();
    assertThat(errorOf(response).getString("message")).as(what).hasSizeLessThan(1000);
  }

  static void assertRefusedOr200(HttpResponse<byte[]> response, String what) {
    if (response.statusCode() != 200) {
      assertRefused(response, what);
    }
  }
}
