package dev.blockreel.media;

import static org.bytedeco.ffmpeg.global.avformat.avio_alloc_context;
import static org.bytedeco.ffmpeg.global.avformat.avio_context_free;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EXTERNAL;
import static org.bytedeco.ffmpeg.global.avutil.av_free;
import static org.bytedeco.ffmpeg.global.avutil.av_malloc;

import java.io.IOException;
import java.io.OutputStream;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.Read_packet_Pointer_BytePointer_int;
import org.bytedeco.ffmpeg.avformat.Seek_Pointer_long_int;
import org.bytedeco.ffmpeg.avformat.Write_packet_Pointer_BytePointer_int;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;

/** Lets FFmpeg write into a Java stream. */
final class StreamOutput implements AutoCloseable {
  private static final int BUFFER_BYTES = 1 << 15;
  private static final Map<Long, StreamOutput> OPEN = new ConcurrentHashMap<>();

  // One callback for all streams: JavaCPP can make only a handful of each kind.
  private static final Write_packet_Pointer_BytePointer_int WRITE =
      new Write_packet_Pointer_BytePointer_int() {
        @Override
        public int call(Pointer id, BytePointer bytes, int count) {
          return OPEN.get(id.address()).write(bytes, count);
        }
      };

  private final OutputStream stream;
  private final LongPointer id = new LongPointer(1);
  private final AVIOContext context;
  private IOException error;

  StreamOutput(OutputStream stream) {
    this.stream = stream;
    BytePointer buffer = new BytePointer(av_malloc(BUFFER_BYTES));
    context =
        avio_alloc_context(
            buffer,
            BUFFER_BYTES,
            1,
            id,
            (Read_packet_Pointer_BytePointer_int) null,
            WRITE,
            (Seek_Pointer_long_int) null);
    context.seekable(0);
    OPEN.put(id.address(), this);
  }

  AVIOContext context() {
    return context;
  }

  /** What the stream threw while FFmpeg wrote into it, or null. */
  IOException error() {
    return error;
  }

  private int write(BytePointer bytes, int count) {
    try {
      byte[] copy = new byte[count];
      bytes.get(copy, 0, count);
      stream.write(copy);
      stream.flush();
      return count;
    } catch (IOException e) {
      // No exception may cross FFmpeg's own frames: the encoder picks it up afterwards.
      error = e;
    } catch (RuntimeException e) {
      error = new IOException(e.getMessage(), e);
    }
    return AVERROR_EXTERNAL;
  }

  /** Frees the native side; the stream stays open. */
  @Override
  public void close() {
    OPEN.remove(id.address());
    av_free(context.buffer());
    avio_context_free(context);
    id.close();
  }
}
