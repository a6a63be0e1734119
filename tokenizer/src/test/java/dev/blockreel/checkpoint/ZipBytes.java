package dev.blockreel.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Assembles zip files, also such as no honest program writes. */
final class ZipBytes {
  private final ByteArrayOutputStream body = new ByteArrayOutputStream();
  private final ByteArrayOutputStream directory = new ByteArrayOutputStream();
  private int entries;

  /** A checkpoint with this pickle and one storage, key 0, of the given bytes. */
  static byte[] checkpoint(byte[] pickle, byte[] storage) {
    return new ZipBytes().add("a/data.pkl", pickle).add("a/data/0", storage).bytes();
  }

  ZipBytes add(String name, byte[] data) {
    list(name, body.size(), data.length, data.length, 0);
    body.writeBytes(local(name, data));
    return this;
  }

  /** Names an entry in the directory without writing it. */
  ZipBytes list(String name, int position, int stored, int size, int method) {
    byte[] bytes = name.getBytes(UTF_8);
    directory.writeBytes(
        buffer(46)
            .putInt(0, 0x02014b50)
            .putShort(10, (short) method)
            .putInt(20, stored)
            .putInt(24, size)
            .putShort(28, (short) bytes.length)
            .putInt(42, position)
            .array());
    directory.writeBytes(bytes);
    entries++;
    return this;
  }

  static byte[] local(String name, byte[] data) {
    byte[] bytes = name.getBytes(UTF_8);
    return buffer(30 + bytes.length + data.length)
        .putInt(0, 0x04034b50)
        .putInt(18, data.length)
        .putInt(22, data.length)
        .putShort(26, (short) bytes.length)
        .position(30)
        .put(bytes)
        .put(data)
        .array();
  }

  int position() {
    return body.size();
  }

  byte[] bytes() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(body.toByteArray());
    all.writeBytes(directory.toByteArray());
    all.writeBytes(
        buffer(22)
            .putInt(0, 0x06054b50)
            .putShort(8, (short) entries)
            .putShort(10, (short) entries)
            .putInt(12, directory.size())
            .putInt(16, body.size())
            .array());
    return all.toByteArray();
  }

  private static ByteBuffer buffer(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
