package dev.blockreel.server.http;

import io.vertx.core.Vertx;
import io.vertx.core.streams.WriteStream;
import java.util.ArrayList;
import java.util.List;

/**
 * What a client was sent and has not taken yet. Who finds it full waits until there is room; a
 * client that takes nothing for a minute is given up. It owns the drain handler of the stream. All
 * on the client's context.
 */
final class Backlog {
  private static final long STALL_MILLIS = 60_000;

  private final Vertx vertx;
  private final WriteStream<?> out;
  private final Runnable tooSlow;
  private final List<Runnable> listeners = new ArrayList<>();
  private long stallTimer = -1;

  /**
   * @param tooSlow called when the client has taken nothing for a minute
   */
  Backlog(Vertx vertx, WriteStream<?> out, Runnable tooSlow) {
    this.vertx = vertx;
    this.out = out;
    this.tooSlow = tooSlow;
    out.drainHandler(room -> drained());
  }

  /** Calls {@code listener} whenever there is room again. */
  void onRoom(Runnable listener) {
    listeners.add(listener);
  }

  /** Whether nothing more is to be sent before there is room; from the first yes on time runs. */
  boolean isFull() {
    boolean full = out.writeQueueFull();
    if (full && stallTimer < 0) {
      stallTimer = vertx.setTimer(STALL_MILLIS, late -> tooSlow.run());
    }
    return full;
  }

  private void drained() {
    close();
    listeners.forEach(Runnable::run);
  }

  /** Stops the time; to be called when the client has gone. */
  void close() {
    vertx.cancelTimer(stallTimer);
    stallTimer = -1;
  }
}
