package dev.blockreel.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.blockreel.failure.EngineFailure;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Where the entries of a PyTorch zip file lie. The JDK's zip classes give streams; tensors are
 * mapped, so their place in the file is needed. Only what PyTorch writes is accepted: entries whose
 * two headers agree, which do not overlap and whose names stay inside.
 */
final class ZipIndex {
  /** An entry's bytes in the file; not plain when they are compressed or encrypted. */
  record Entry(long position, long size, boolean plain) {}

  private record Header(String name, long headerPosition, long size, boolean plain) {}

  private static final int END = 0x06054b50;
  private static final int END_SIZE = 22;
  private static final int END64 = 0x06064b50;
  private static final int LOCATOR64 = 0x07064b50;
  private static final int LOCATOR64_SIZE = 20;
  private static final int CENTRAL = 0x02014b50;
  private static final int LOCAL = 0x04034b50;
  private static final int LOCAL_SIZE = 30;
  private static final int LARGEST_DIRECTORY = 64 << 20;

  private final MappedFile file;
  private long directoryStart;
  private long directoryEnd;

  private ZipIndex(MappedFile file) {
    this.file = file;
  }

  /**
   * Reads the directory at the end of the file.
   *
   * @return entries by name, in the order of the file
   * @throws EngineFailure CHECKPOINT_MISMATCH when it is damaged; UNSAFE_CHECKPOINT when it plays
   *     tricks
   */
  static Map<String, Entry> read(MappedFile file) {
    ZipIndex index = new ZipIndex(file);
    try {
      index.findDirectory();
      List<Header> headers = index.headers();
      headers.sort(Comparator.comparingLong(Header::headerPosition));
      return index.entries(headers);
    } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
      throw Refusal.broken(file.path(), "its zip directory is damaged");
    }
  }

  private void findDirectory() {
    int tailSize = (int) Math.min(file.size(), END_SIZE + 0xffff);
    ByteBuffer tail = file.window(file.size() - tailSize, tailSize);
    int at = tailSize - END_SIZE;
    while (at >= 0
        && !(tail.getInt(at) == END
            && (tail.getShort(at + 20) & 0xffff) == tailSize - at - END_SIZE)) {
      at--;
    }
    if (at < 0) {
      throw Refusal.broken(file.path(), "it is cut off, its zip directory is missing");
    }
    long size = Integer.toUnsignedLong(tail.getInt(at + 12));
    directoryStart = Integer.toUnsignedLong(tail.getInt(at + 16));
    directoryEnd = file.size() - tailSize + at;
    long locator = directoryEnd - LOCATOR64_SIZE;
    if (locator >= 0 && file.window(locator, Integer.BYTES).getInt() == LOCATOR64) {
      directoryEnd = file.window(locator + 8, Long.BYTES).getLong();
      ByteBuffer end64 = file.window(directoryEnd, 56);
      if (end64.getInt() != END64) {
        throw Refusal.broken(file.path(), "its zip directory is damaged");
      }
      size = end64.getLong(40);
      directoryStart = end64.getLong(48);
    }
    if (directoryStart < 0 || size < 0 || directoryStart != directoryEnd - size) {
      throw Refusal.broken(file.path(), "its zip directory is not where it should be");
    }
    if (size > LARGEST_DIRECTORY) {
      throw Refusal.unsafe(file.path(), "its zip directory has %d bytes".formatted(size));
    }
  }

  private List<Header> headers() {
    List<Header> headers = new ArrayList<>();
    ByteBuffer in = file.window(directoryStart, (int) (directoryEnd - directoryStart));
    while (in.hasRemaining()) {
      int at = in.position();
      if (in.getInt(at) != CENTRAL) {
        throw Refusal.broken(file.path(), "its zip directory is damaged");
      }
      int flags = in.getShort(at + 8);
      int method = in.getShort(at + 10) & 0xffff;
      long stored = Integer.toUnsignedLong(in.getInt(at + 20));
      long size = Integer.toUnsignedLong(in.getInt(at + 24));
      int nameLength = in.getShort(at + 28) & 0xffff;
      int extraLength = in.getShort(at + 30) & 0xffff;
      int commentLength = in.getShort(at + 32) & 0xffff;
      long position = Integer.toUnsignedLong(in.getInt(at + 42));
      in.position(at + 46);
      byte[] nameBytes = new byte[nameLength];
      in.get(nameBytes);
      String name = new String(nameBytes, UTF_8);
      long[] numbers = {size, stored, position};
      widen(in.slice(in.position(), extraLength).order(in.order()), numbers);
      in.get(new byte[extraLength + commentLength]);
      checkName(name);
      boolean plain = method == 0 && (flags & 1) == 0 && numbers[0] == numbers[1];
      headers.add(new Header(name, numbers[2], numbers[1], plain));
    }
    return headers;
  }

  /** Replaces those of size, stored size and position that do not fit 32 bits. */
  private static void widen(ByteBuffer extra, long[] numbers) {
    while (extra.remaining() >= 4) {
      int id = extra.getShort() & 0xffff;
      int end = extra.position() + 2 + (extra.getShort() & 0xffff);
      for (int i = 0; id == 1 && i < numbers.length; i++) {
        if (numbers[i] == 0xffffffffL) {
          numbers[i] = extra.getLong();
        }
      }
      if (end > extra.limit()) {
        throw new BufferUnderflowException();
      }
      extra.position(end);
    }
  }

  private void checkName(String name) {
    boolean leadsOut =
        name.startsWith("/")
            || name.indexOf('\\') >= 0
            || name.indexOf('\0') >= 0
            || List.of(name.split("/", -1)).contains("..");
    if (leadsOut) {
      throw Refusal.unsafe(
          file.path(), "its entry %s leads out of the file".formatted(Quoted.of(name)));
    }
  }

  private Map<String, Entry> entries(List<Header> headers) {
    Map<String, Entry> entries = new LinkedHashMap<>();
    long free = 0;
    for (Header header : headers) {
      Entry entry = locate(header);
      if (header.headerPosition() < free) {
        throw Refusal.unsafe(
            file.path(), "its entry %s overlaps another".formatted(Quoted.of(header.name())));
      }
      free = entry.position() + entry.size();
      if (entries.put(header.name(), entry) != null) {
        throw Refusal.unsafe(
            file.path(), "it has two entries %s".formatted(Quoted.of(header.name())));
      }
    }
    return entries;
  }

  private Entry locate(Header header) {
    byte[] name = header.name().getBytes(UTF_8);
    ByteBuffer local = file.window(header.headerPosition(), LOCAL_SIZE + name.length);
    int nameLength = local.getShort(26) & 0xffff;
    int extraLength = local.getShort(28) & 0xffff;
    byte[] localName = new byte[name.length];
    local.get(LOCAL_SIZE, localName);
    if (local.getInt(0) != LOCAL || nameLength != name.length || !Arrays.equals(name, localName)) {
      throw Refusal.broken(
          file.path(),
          "its entry %s is not where its directory says".formatted(Quoted.of(header.name())));
    }
    long position = header.headerPosition() + LOCAL_SIZE + nameLength + extraLength;
    if (header.size() < 0 || position > directoryStart - header.size()) {
      throw Refusal.broken(
          file.path(),
          "its entry %s has %d bytes, more than the file"
              .formatted(Quoted.of(header.name()), header.size()));
    }
    return new Entry(position, header.size(), header.plain());
  }
}
