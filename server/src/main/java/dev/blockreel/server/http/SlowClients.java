package dev.blockreel.server.http;

import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpServerRequest;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Closes connections that do not send a whole request in time, however slowly they go on sending.
 * Who waits for an answer or watches a stream may take as long as he likes.
 */
final class SlowClients {
  private final long limitMillis;
  private final Map<HttpConnection, Waiting> connections = new ConcurrentHashMap<>();

  /** Since when a connection owes a request; 0 while it owes none. */
  private static final class Waiting {
    volatile long since = System.currentTimeMillis();
  }

  SlowClients(long limitMillis) {
    this.limitMillis = limitMillis;
  }

  /** A client has connected. */
  void connected(HttpConnection connection) {
    connections.put(connection, new Waiting());
    connection.closeHandler(closed -> connections.remove(connection));
  }

  /** The head of a request is here. */
  void began(HttpServerRequest request) {
    Waiting waiting = connections.get(request.connection());
    if (waiting == null) {
      return;
    }
    waiting.since = System.currentTimeMillis();
  }

  /** The answer was sent: the next request is awaited, unless it is a WebSocket now. */
  void answered(HttpServerRequest request) {
    Waiting waiting = connections.get(request.connection());
    if (waiting != null && request.response().getStatusCode() != 101) {
      waiting.since = System.currentTimeMillis();
    }
  }

  /** All of a request is here: from now on the server is the slow one. */
  void complete(HttpServerRequest request) {
    Waiting waiting = connections.get(request.connection());
    if (waiting != null) {
      waiting.since = 0;
    }
  }

  /** Closes who is too late; to be called each second. */
  void sweep() {
    long now = System.currentTimeMillis();
    connections.forEach(
        (connection, waiting) -> {
          if (waiting.since > 0 && now - waiting.since > limitMillis) {
            connections.remove(connection);
            connection.close();
          }
        });
  }
}
