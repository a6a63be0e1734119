package dev.blockreel.server.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class SlowClientsTest {
  private static final long LIMIT_MILLIS = 200;
  private static final String WHOLE = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  private static final String PART = "GET / HTTP/1.1\r\nHost: x\r\nX: ";

  private final Vertx vertx = Vertx.vertx();
  private final SlowClients slow = new SlowClients(LIMIT_MILLIS);
  private HttpServer http;

  @BeforeEach
  void start() {
    http =
        vertx
            .createHttpServer(new HttpServerOptions().setHttp2ClearTextEnabled(false))
            .connectionHandler(slow::connected)
            .requestHandler(
                request -> {
                  slow.began(request);
                  request.response().endHandler(sent -> slow.answered(request));
                  if (request.path().equals("/socket")) {
                    request.toWebSocket().onSuccess(socket -> slow.upgraded(request));
                    return;
                  }
                  request.body().onSuccess(all -> slow.complete(request));
                  // Answers take their time: that is not the client's fault.
                  long wait = request.path().equals("/late") ? 3 * LIMIT_MILLIS : 1;
                  vertx.setTimer(wait, now -> request.response().end("ok"));
                })
            .listen(0, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .join();
    vertx.setPeriodic(LIMIT_MILLIS / 4, now -> slow.sweep());
  }

  @AfterEach
  void stop() {
    vertx.close().toCompletionStage().toCompletableFuture().join();
  }

  @Test
  void whoSendsNothingIsHungUpOn() throws IOException {
    assertHungUpOn("", "");
  }

  @Test
  void whoNeverEndsItsHeadIsHungUpOn() throws IOException {
    assertHungUpOn("", PART);
  }

  @Test
  void whoNeverEndsItsSecondHeadIsHungUpOn() throws IOException {
    assertHungUpOn(WHOLE, PART);
  }

  @Test
  void whoNeverEndsItsBodyIsHungUpOn() throws IOException {
    assertHungUpOn("", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
  }

  @Test
  void whoWaitsForAnAnswerIsNot() throws IOException {
    try (Socket socket = connect()) {
      write(socket, WHOLE.replace("/ ", "/late "));
      assertThat(socket.getInputStream().read()).isEqualTo('H');
    }
  }

  @Test
  @Timeout(60)
  void whatBecomesAWebSocketIsForgotten() throws IOException {
    try (Socket socket = connect()) {
      write(
          socket,
          """
          GET /socket HTTP/1.1\r
          Host: x\r
          Upgrade: websocket\r
          Connection: Upgrade\r
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
          Sec-WebSocket-Version: 13\r
          \r
          """);
      assertThat(socket.getInputStream().readNBytes(12))
          .isEqualTo("HTTP/1.1 101".getBytes(ISO_8859_1));
      while (slow.watched() > 0) {
        Thread.onSpinWait();
      }
    }
  }

  /** Sends a byte now and then until the server closes. */
  private void assertHungUpOn(String whole, String part) throws IOException {
    try (Socket socket = connect()) {
      write(socket, whole);
      if (!whole.isEmpty()) {
        assertThat(socket.getInputStream().readNBytes(15))
            .startsWith("HTTP/1.1 200".getBytes(ISO_8859_1));
      }
      write(socket, part);
      socket.setSoTimeout(20);
      for (int i = 0; i < 3000; i++) {
        try {
          if (socket.getInputStream().read() < 0) {
            return;
          }
        } catch (SocketTimeoutException e) {
          if (!part.isEmpty()) {
            write(socket, "x");
          }
        }
      }
    } catch (SocketException e) {
      return; // reset: hung up as well
    }
    throw new AssertionError("the server goes on listening");
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), http.actualPort());
    socket.setSoTimeout(60_000);
    return socket;
  }

  private static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(ISO_8859_1));
  }
}
