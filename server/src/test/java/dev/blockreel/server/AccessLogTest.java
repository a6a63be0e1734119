package dev.blockreel.server;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.Socket;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** What operators read of requests that do not end in the usual way. */
@Timeout(60)
class AccessLogTest extends AbusedServer {
  private static final int FILE_BYTES = 64 << 20;

  private final Logger log = (Logger) LoggerFactory.getLogger("access");
  private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
  private final AppenderBase<ILoggingEvent> keeper =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          lines.add(event.getFormattedMessage());
        }
      };

  @BeforeEach
  void listen() {
    keeper.start();
    log.addAppender(keeper);
  }

  @AfterEach
  void stopListening() {
    log.detachAppender(keeper);
  }

  /** The next line of the log about this. */
  private String line(String request) {
    while (true) {
      try {
        String line = lines.take();
        if (line.contains(request)) {
          return line;
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Test
  void aWebSocketIsLoggedWhenItIsOver() {
    Viewer viewer = Viewer.open(server).start();
    int sent = viewer.bytes().length;
    String line = line("GET /v1/realtime/video ");
    assertThat(line).contains("GET /v1/realtime/video 101 ");
    assertThat(Integer.parseInt(line.replaceFirst(".* 101 (\\d+) bytes .*", "$1")))
        .isGreaterThan(sent);
  }

  @Test
  void whoLeavesBeforeTheEndOfAStreamIsLoggedAsGone() throws IOException {
    CountDownLatch release = server.holdEngine();
    try {
      String path = "/v1/videos/" + server.create() + "/content";
      try (Socket socket = connect()) {
        write(socket, head("GET " + path + "?stream=true HTTP/1.1"));
        assertThat(readSome(socket)).startsWith("HTTP/1.1 200");
      }
      assertThat(line(path)).contains(path + " 499 ");
    } finally {
      release.countDown();
    }
  }

  @Test
  void whoHangsUpDuringADownloadIsNoFailureOfTheServer() throws IOException {
    String id = server.create();
    server.over(id);
    try (RandomAccessFile file =
        new RandomAccessFile(server.job(id).file("video.mp4").toFile(), "rw")) {
      file.setLength(FILE_BYTES); // more than any buffer holds
    }
    String path = "/v1/videos/" + id + "/content";
    try (Socket socket = connect()) {
      write(socket, head("GET " + path + " HTTP/1.1"));
      byte[] begin = socket.getInputStream().readNBytes(12);
      assertThat(new String(begin, ISO_8859_1)).isEqualTo("HTTP/1.1 200");
      socket.setSoLinger(true, 0); // resets
    }
    assertThat(line(path)).contains(path + " 499 ");
    assertThat(new String(server.get("/metrics").body(), UTF_8))
        .doesNotContain("blockreel_failures_total{code=\"internal\"}");
  }
}
