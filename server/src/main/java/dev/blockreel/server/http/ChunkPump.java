package dev.blockreel.server.http;

import dev.blockreel.server.operations.Measures;
import dev.blockreel.server.streams.LiveStream;
import dev.blockreel.server.streams.LiveStream.Chunk;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.streams.WriteStream;

/**
 * Sends the chunks of a live stream to one viewer as fast as he takes them. Chunks that he has not
 * taken stay in the stream and nowhere else; one who takes nothing for a minute is given up. All on
 * the viewer's context.
 */
final class ChunkPump {
  private static final long STALL_MILLIS = 60_000;

  private final Vertx vertx;
  private final Context context;
  private final LiveStream stream;
  private final WriteStream<?> out;
  private final Viewer viewer;
  private final Measures measures;
  private Runnable unlisten;
  private int next;
  private long stallTimer = -1;
  private boolean closed;

  /** What the pump tells its viewer. */
  interface Viewer {
    /** Whether nothing can be sent any more; whoever notices it closes the pump. */
    boolean gone();

    /** Sends a chunk. */
    void send(Chunk chunk);

    /** All chunks were sent. */
    void ended();

    /** The viewer takes too long. */
    void tooSlow();
  }

  ChunkPump(
      Vertx vertx,
      Context context,
      LiveStream stream,
      WriteStream<?> out,
      Measures measures,
      Viewer viewer) {
    this.vertx = vertx;
    this.context = context;
    this.stream = stream;
    this.out = out;
    this.measures = measures;
    this.viewer = viewer;
  }

  /** Begins with the first chunk. */
  void start() {
    measures.viewerCame();
    unlisten = stream.listen(() -> context.runOnContext(now -> pump()));
    pump();
  }

  private void pump() {
    // A close is known here before its handler runs.
    while (!closed && !viewer.gone()) {
      if (out.writeQueueFull()) {
        waitForRoom();
        return;
      }
      // Asked first: a chunk may come between the two questions, but none after the end.
      boolean ended = stream.ended();
      Chunk chunk = stream.chunk(next);
      if (chunk != null) {
        next++;
        viewer.send(chunk);
      } else if (ended) {
        close();
        viewer.ended();
        return;
      } else {
        return;
      }
    }
  }

  private void waitForRoom() {
    if (stallTimer >= 0) {
      return;
    }
    stallTimer =
        vertx.setTimer(
            STALL_MILLIS,
            late -> {
              close();
              viewer.tooSlow();
            });
    out.drainHandler(
        room -> {
          vertx.cancelTimer(stallTimer);
          stallTimer = -1;
          pump();
        });
  }

  /** How many chunks were sent. */
  int sent() {
    return next;
  }

  /** Sends nothing more; closing again does nothing. */
  void close() {
    if (closed) {
      return;
    }
    closed = true;
    measures.viewerLeft();
    unlisten.run();
    vertx.cancelTimer(stallTimer);
  }
}
