package dev.blockreel.server.streams;

import dev.blockreel.grid.Clip;
import dev.blockreel.media.FrameEncoder;
import dev.blockreel.media.VideoFormat;
import dev.blockreel.server.streams.LiveStream.Chunk;
import dev.blockreel.server.streams.LiveStream.Kind;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;

/** Turns frames into JPEG images, a chunk each. One encoder for all. For one thread. */
public final class JpegImages implements AutoCloseable {
  private final LiveStream stream;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final FrameEncoder encoder;
  private int count;

  /** Opens the encoder. */
  public JpegImages(LiveStream stream, int width, int height, double fps) {
    this.stream = stream;
    this.encoder = FrameEncoder.open(bytes, VideoFormat.MJPEG, width, height, fps);
  }

  /** Adds a frame. */
  public void add(Clip frame) {
    encoder.add(frame, 0);
    stream.append(new Chunk(Kind.MEDIA, image(bytes.toByteArray()), count++, 1));
    bytes.reset();
  }

  /** How many frames were added. */
  public int count() {
    return count;
  }

  /** The encoder's muxer writes a boundary and headers around each image: from FF D8 to FF D9. */
  private static byte[] image(byte[] part) {
    int from = 0;
    while (!(part[from] == (byte) 0xFF && part[from + 1] == (byte) 0xD8)) {
      from++;
    }
    int to = part.length;
    while (!(part[to - 2] == (byte) 0xFF && part[to - 1] == (byte) 0xD9)) {
      to--;
    }
    return Arrays.copyOfRange(part, from, to);
  }

  @Override
  public void close() {
    encoder.close();
  }
}
