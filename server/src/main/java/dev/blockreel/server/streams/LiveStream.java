package dev.blockreel.server.streams;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Encoded chunks of one clip in the order in which they were made. One thread appends; any thread
 * reads from the first chunk on, as often as it likes. A clip is bounded, so its chunks are too,
 * and a slow reader costs nothing.
 */
public final class LiveStream {
  /** What a chunk is. */
  public enum Kind {
    /** What a player needs before the first frame. */
    INIT,
    /** Frames. */
    MEDIA,
    /** What a muxer writes after the last frame. */
    TRAILER
  }

  /**
   * One message to a viewer.
   *
   * @param kind what it is
   * @param bytes encoded; not to be changed
   * @param firstFrame number of its first frame
   * @param frames how many frames it holds
   */
  public record Chunk(Kind kind, byte[] bytes, int firstFrame, int frames) {}

  private final List<Chunk> chunks = new ArrayList<>();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private boolean ended;

  /**
   * The stream that a file of fragments was written from, one frame a fragment.
   *
   * @param file ftyp and moov, then moof and mdat of each fragment, then whatever ends it
   */
  public static LiveStream ofFragments(byte[] file) {
    LiveStream stream = new LiveStream();
    ByteBuffer boxes = ByteBuffer.wrap(file);
    Kind kind = Kind.INIT;
    int begin = 0;
    int frame = 0;
    for (int at = 0; at + 8 <= file.length; at += Math.max(8, boxes.getInt(at))) {
      String name = new String(file, at + 4, 4, StandardCharsets.US_ASCII);
      Kind next = name.equals("moof") ? Kind.MEDIA : name.equals("mfra") ? Kind.TRAILER : null;
      if (next != null) {
        frame = stream.appendPart(kind, file, begin, at, frame);
        kind = next;
        begin = at;
      }
    }
    stream.appendPart(kind, file, begin, file.length, frame);
    stream.end();
    return stream;
  }

  private int appendPart(Kind kind, byte[] file, int from, int to, int frame) {
    int frames = kind == Kind.MEDIA ? 1 : 0;
    append(new Chunk(kind, Arrays.copyOfRange(file, from, to), frame, frames));
    return frame + frames;
  }

  /** Adds a chunk and tells the listeners. */
  void append(Chunk chunk) {
    synchronized (this) {
      if (ended) {
        throw new IllegalStateException("the stream has ended");
      }
      chunks.add(chunk);
    }
    tell();
  }

  /** No chunk follows. Ending again does nothing. */
  public void end() {
    synchronized (this) {
      ended = true;
    }
    tell();
  }

  private void tell() {
    listeners.forEach(Runnable::run);
  }

  /** Chunk {@code index}, or null where it does not exist yet or never will. */
  public synchronized Chunk chunk(int index) {
    return index < chunks.size() ? chunks.get(index) : null;
  }

  /** Whether all chunks exist that ever will. */
  public synchronized boolean ended() {
    return ended;
  }

  /** All chunks so far. */
  public synchronized List<Chunk> chunks() {
    return List.copyOf(chunks);
  }

  /**
   * Calls {@code listener} after each change, on the thread that made it: it must be quick.
   *
   * @return ends it
   */
  public Runnable listen(Runnable listener) {
    listeners.add(listener);
    return () -> listeners.remove(listener);
  }
}
