package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A file of any size, read through memory-mapped windows of less than 2 GiB. */
final class MappedFile implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;
  private final long size;
  // One mapping serves all windows of a file below 2 GiB; a larger one gets a mapping per window.
  private final ByteBuffer whole;

  private MappedFile(Path path, FileChannel channel) throws IOException {
    this.path = path;
    this.channel = channel;
    this.size = channel.size();
    this.whole = size <= Integer.MAX_VALUE ? channel.map(MapMode.READ_ONLY, 0, size) : null;
  }

  /**
   * Opens a file.
   *
   * @throws EngineFailure MEDIA when it cannot be read
   */
  static MappedFile open(Path path) {
    if (Files.isDirectory(path)) {
      throw new EngineFailure(
          FailureCode.MEDIA, "cannot read %s: it is a directory, not a file".formatted(path));
    }
    FileChannel channel = null;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
      return new MappedFile(path, channel);
    } catch (IOException e) {
      closeQuietly(channel);
      throw EngineFailure.media(e, "cannot read %s", path);
    }
  }

  Path path() {
    return path;
  }

  long size() {
    return size;
  }

  /** Bytes of the file, little-endian, read-only, position 0. The range must lie in the file. */
  ByteBuffer window(long offset, int length) {
    if (offset < 0 || length < 0 || offset > size - length) {
      throw new IndexOutOfBoundsException(
          "bytes %d+%d of %s, which has %d".formatted(offset, length, path, size));
    }
    try {
      if (!channel.isOpen()) {
        throw new ClosedChannelException();
      }
      ByteBuffer bytes =
          whole != null
              ? whole.slice((int) offset, length)
              : channel.map(MapMode.READ_ONLY, offset, length);
      return bytes.order(ByteOrder.LITTLE_ENDIAN);
    } catch (ClosedChannelException e) {
      throw new IllegalStateException(path + " is closed", e);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", path);
    }
  }

  @Override
  public void close() {
    closeQuietly(channel);
  }

  private static void closeQuietly(FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      // Nothing was written, so nothing can be lost.
    }
  }
}
