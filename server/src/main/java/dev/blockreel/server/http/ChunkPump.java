package dev.blockreel.server.http;

import dev.blockreel.server.operations.Measures;
import dev.blockreel.server.streams.LiveStream;
import dev.blockreel.server.streams.LiveStream.Chunk;
import io.vertx.core.Context;

/**
 * Sends the chunks of a live stream to one viewer as fast as he takes them. Chunks that he has not
 * taken stay in the stream and nowhere else. All on the viewer's context.
 */
final class ChunkPump {
  private final Context context;
  private final LiveStream stream;
  private final Backlog backlog;
  private final Viewer viewer;
  private final Measures measures;
  private Runnable unlisten;
  private int next;
  private boolean closed;

  /** What the pump tells its viewer. */
  interface Viewer {
    /** Whether nothing can be sent any more; whoever notices it closes the pump. */
    boolean gone();

    /** Sends a chunk. */
    void send(Chunk chunk);

    /** All chunks were sent. */
    void ended();

    /** Something went wrong: no more chunks are sent. */
    void failed(RuntimeException cause);
  }

  ChunkPump(Context context, LiveStream stream, Backlog backlog, Measures measures, Viewer viewer) {
    this.context = context;
    this.stream = stream;
    this.backlog = backlog;
    this.measures = measures;
    this.viewer = viewer;
  }

  /** Begins with the first chunk. */
  void start() {
    measures.viewerCame();
    unlisten = stream.listen(() -> context.runOnContext(now -> pump()));
    backlog.onRoom(this::pump);
    pump();
  }

  private void pump() {
    try {
      sendWhatFits();
    } catch (RuntimeException e) {
      close();
      viewer.failed(e);
    }
  }

  private void sendWhatFits() {
    // A close is known here before its handler runs.
    while (!closed && !viewer.gone()) {
      if (backlog.isFull()) {
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
  }
}
