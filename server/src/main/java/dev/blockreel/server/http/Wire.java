package dev.blockreel.server.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.impl.ConnectionBase;

/**
 * The connection below a request, also when a WebSocket has come of it. Vert.x closes one only
 * behind all that was sent, which takes for ever where the client reads nothing.
 */
final class Wire {
  private final Channel channel;

  private Wire(Channel channel) {
    this.channel = channel;
  }

  static Wire of(HttpServerRequest request) {
    return new Wire(((ConnectionBase) request.connection()).channel());
  }

  /** Whether it still stands; known here before any handler hears of it. */
  boolean isOpen() {
    return channel.isOpen();
  }

  /** Whether bytes are taken from the client; those that are here already are read all the same. */
  void read(boolean reading) {
    channel.config().setAutoRead(reading);
  }

  /** Ends it at once; what the client has not taken is lost. Only on its event loop. */
  void cut() {
    if (isOpen()) {
      // The first handler is the last one on the way out: none behind it can wait for anything.
      ChannelFuture unused = channel.pipeline().firstContext().close();
    }
  }
}
