package dev.blockreel.server.http;

import io.netty.buffer.ByteBufUtil;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.ServerWebSocket;
import io.vertx.core.json.JsonObject;
import java.util.function.Consumer;

/**
 * A WebSocket whose client cannot make the server keep much for him: who does not read is not read
 * either, and who does not let a session end is cut off. All on the socket's context.
 */
final class BoundedSocket {
  /** For an error, which the client may never have read. */
  private static final long ERROR_MILLIS = 5_000;

  /** For the end of a clip, which he may still be reading. */
  private static final long DONE_MILLIS = 60_000;

  private static final short NORMAL = 1000;

  private final Vertx vertx;
  private final ServerWebSocket socket;
  private final Wire wire;
  private final Backlog backlog;
  private boolean closing;
  private long closeTimer = -1;
  private long bytes;

  /**
   * @param tooSlow called when the client has taken nothing for a minute
   */
  BoundedSocket(Vertx vertx, ServerWebSocket socket, Wire wire, Runnable tooSlow) {
    this.vertx = vertx;
    this.socket = socket;
    this.wire = wire;
    this.backlog = new Backlog(vertx, socket, tooSlow);
    backlog.onRoom(() -> wire.read(true));
    // Of pings too, which Vert.x answers by itself: its own pause() does not hold them back.
    socket.frameHandler(frame -> holdBack());
  }

  private void holdBack() {
    if (!socket.isClosed() && backlog.isFull()) {
      wire.read(false);
    }
  }

  /** Whether nothing can be sent any more: it is closed, or being closed. */
  boolean gone() {
    return closing || socket.isClosed();
  }

  /** Calls {@code handler} for each text until the closing begins. */
  void onText(Consumer<String> handler) {
    socket.textMessageHandler(
        text -> {
          if (!closing) {
            handler.accept(text);
          }
        });
  }

  /** What waits to be taken by the client. */
  Backlog backlog() {
    return backlog;
  }

  /** How much was sent. */
  long bytes() {
    return bytes;
  }

  /** Sends a message. */
  void send(JsonObject message) {
    String text = message.encode();
    bytes += ByteBufUtil.utf8Bytes(text);
    socket.writeTextMessage(text);
  }

  /** Sends bytes. */
  void send(byte[] message) {
    bytes += message.length;
    socket.writeBinaryMessage(Buffer.buffer(message));
  }

  /** Closes it behind all that was sent, or without that when it takes too long. */
  void close(int code, String reason) {
    if (gone()) {
      return;
    }
    closing = true;
    closeTimer = vertx.setTimer(code == NORMAL ? DONE_MILLIS : ERROR_MILLIS, late -> wire.cut());
    socket.close((short) code, reason);
  }

  /** To be called when it is closed. */
  void closed() {
    vertx.cancelTimer(closeTimer);
    backlog.close();
  }
}
