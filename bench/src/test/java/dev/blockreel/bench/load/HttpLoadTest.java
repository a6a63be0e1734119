package dev.blockreel.bench.load;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HttpLoadTest {
  /** Runs it, which must fail with one line. */
  private static String failure(int expectedCode, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        HttpLoad.run(
            arguments, new PrintStream(out, true, UTF_8), new PrintStream(err, true, UTF_8));
    assertThat(code).isEqualTo(expectedCode);
    assertThat(out.toString(UTF_8)).isEmpty();
    assertThat(err.toString(UTF_8)).startsWith("run-load: ").hasLineCount(1);
    return err.toString(UTF_8);
  }

  @Test
  void wrongArgumentsAreOneLine() {
    String url = "http://127.0.0.1:1";
    assertThat(failure(2)).contains("burst [N]", "got nothing");
    assertThat(failure(2, url)).contains("got " + url);
    assertThat(failure(2, url, "flood")).contains("got " + url + " flood");
    assertThat(failure(2, url, "burst", "0")).contains("burst 0");
    assertThat(failure(2, url, "burst", "1", "2")).contains("burst 1 2");
    assertThat(failure(2, "127.0.0.1:8080", "burst")).contains("like http://", "127.0.0.1:8080");
  }

  @Test
  void aServerThatDoesNotAnswerIsOneLine() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    String url = "http://127.0.0.1:" + port + "/";
    assertThat(failure(1, url, "single")).contains("no server answers at http://127.0.0.1:" + port);
  }

  @Test
  void modelsWithoutClassesAreAskedForClipsToo() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    List<String> asked = new ArrayList<>();
    server.createContext(
        "/",
        exchange -> {
          boolean list = exchange.getRequestURI().getPath().equals("/v1/models");
          asked.add(new String(exchange.getRequestBody().readAllBytes(), UTF_8));
          byte[] answer =
              (list
                      ? "{\"data\": [{\"classes\": [], \"frames\": 2, \"fps\": 8}]}"
                      : "{\"error\": {\"message\": \"it continues clips\"}}")
                  .getBytes(UTF_8);
          exchange.sendResponseHeaders(list ? 200 : 400, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    server.start();
    try {
      String url = "http://127.0.0.1:" + server.getAddress().getPort();
      assertThat(failure(1, url, "burst", "1")).contains("refuses this load: it continues clips");
      assertThat(asked.get(1)).contains("\"prompt\":\"clip 0\"");
      assertThat(failure(1, url + "/v2", "burst")).contains("is no server of Blockreel");
    } finally {
      server.stop(0);
    }
  }
}
