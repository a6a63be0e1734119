package dev.blockreel.server.http;

import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * Closes connections that do not send a whole request in time, however slowly they go on sending.
 * Who waits for an answer or watches a stream may take as long as he likes.
 */
final class SlowClients {
  private final long limitNanos;
  private final Map<HttpConnection, Waiting> connections = new ConcurrentHashMap<>();

  /** Since when a connection owes a request, by a clock that nobody sets. */
  private static final class Waiting {
    volatile long since = System.nanoTime();
    volatile boolean owed = true;

    void begin() {
      since = System.nanoTime();
      owed = true;
    }

    boolean longerThan(long nanos) {
      return owed && System.nanoTime() - since > nanos;
    }
  }

  SlowClients(long limitMillis) {
    this.limitNanos = TimeUnit.MILLISECONDS.toNanos(limitMillis);
  }

  /** A client has connected. */
  void connected(HttpConnection connection) {
    connections.put(connection, new Waiting());
    connection.closeHandler(closed -> connections.remove(connection));
  }

  /** The head of a request is here. */
  void began(HttpServerRequest request) {
    owes(request);
  }

  /** The answer was sent: the next request is awaited. */
  void answered(HttpServerRequest request) {
    owes(request);
  }

  private void owes(HttpServerRequest request) {
    Waiting waiting = connections.get(request.connection());
    if (waiting != null) {
      waiting.begin();
    }
  }

  /** All of a request is here: from now on the server is the slow one. */
  void complete(HttpServerRequest request) {
    Waiting waiting = connections.get(request.connection());
    if (waiting != null) {
      waiting.owed = false;
    }
  }

  /**
   * The connection is a WebSocket now. It owes no requests any more, nor does it say when it
   * closes, so it is forgotten.
   */
  void upgraded(HttpServerRequest request) {
    connections.remove(request.connection());
  }

  /** How many connections it looks at. */
  int watched() {
    return connections.size();
  }

  /** Closes who is too late; to be called each second. */
  void sweep() {
    connections.forEach(
        (connection, waiting) -> {
          if (waiting.longerThan(limitNanos)) {
            connections.remove(connection);
            connection.close();
          }
        });
  }
}
