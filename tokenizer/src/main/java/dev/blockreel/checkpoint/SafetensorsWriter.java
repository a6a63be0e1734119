package dev.blockreel.checkpoint;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.failure.AtExit;
import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Writes a safetensors file: name the tensors, then {@link #write()}. Values are taken only then,
 * one tensor (or part of one) after the other, so a file may be far larger than the memory. The
 * file appears under its name when it is whole; after a failure nothing of it is left.
 *
 * <pre>{@code
 * SafetensorsWriter.to(path).addInts("tokens", new long[] {1, 5, 8, 8}, codes).write();
 * }</pre>
 */
public final class SafetensorsWriter {
  private static final int PART = 1 << 20; // elements asked for at a time

  private static final JsonMapper JSON = new JsonMapper();

  private final Path path;
  private final Map<String, String> metadata = new LinkedHashMap<>();
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private SafetensorsWriter(Path path) {
    this.path = path;
  }

  /** Some elements of a tensor, asked for in order; {@link TensorFile#bytes} has this form. */
  @FunctionalInterface
  public interface Parts {
    /**
     * @param firstElement index of the first element wanted, row-major
     * @param elements how many
     * @return exactly those, little-endian, between position and limit
     */
    ByteBuffer bytes(long firstElement, int elements);
  }

  private interface Content {
    void writeTo(WritableByteChannel out) throws IOException;
  }

  private record Entry(TensorInfo info, Content content) {}

  /** Begins a file; touches nothing yet. */
  public static SafetensorsWriter to(Path path) {
    return new SafetensorsWriter(requireNonNull(path, "path is null"));
  }

  /** Adds free text to the header. */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(requireNonNull(key, "key is null"), requireNonNull(value, "value is null"));
    return this;
  }

  /**
   * Adds a tensor of any size that is made part by part.
   *
   * @param parts called by {@link #write()} from the first element to the last
   * @throws IllegalArgumentException when the name is taken
   */
  public SafetensorsWriter add(TensorInfo info, Parts parts) {
    return put(
        info,
        out -> {
          long elements = info.elements();
          for (long first = 0; first < elements; first += PART) {
            int count = (int) Math.min(PART, elements - first);
            ByteBuffer bytes = parts.bytes(first, count);
            checkLength(info, (long) count * info.type().bytes(), bytes.remaining());
            writeFully(out, bytes);
          }
        });
  }

  /**
   * Adds a tensor of another file, rounded to the nearest value of {@code type} (ties to even);
   * read part by part by {@link #write()}.
   *
   * @param type F64, F32, F16 or BF16
   * @throws IllegalArgumentException when the name is taken or the type is no float type
   * @throws EngineFailure CHECKPOINT_MISMATCH when the file has no such tensor or it holds
   *     integers; {@link #write()} throws BAD_REQUEST where {@code type} ends before one of its
   *     values
   */
  public SafetensorsWriter add(TensorFile source, String name, ElementType type) {
    TensorInfo info = source.info(name);
    TensorValues.requireFloats(source, info);
    if (!type.isFloat()) {
      throw new IllegalArgumentException(type + " is not a float type");
    }
    if (info.type() == type) {
      return add(info, (first, count) -> source.bytes(name, first, count));
    }
    return add(
        new TensorInfo(name, type, info.shape()),
        (first, count) -> {
          float[] values = TensorValues.floats(source, info, first, count);
          if (type == ElementType.F16) {
            requireHalves(source, info, values);
          }
          ByteBuffer bytes = littleEndian(count * type.bytes());
          TensorValues.narrow(values, 0, count, type, bytes);
          return bytes.flip();
        });
  }

  private static void requireHalves(TensorFile source, TensorInfo info, float[] values) {
    for (float value : values) {
      if (Float.isFinite(value) && Math.abs(value) > HalfFloat.MOST) {
        throw EngineFailure.badRequest(
            "%s: tensor %s holds %s, and fp16 ends at %s: store it as bf16 or fp32",
            source.path(), info, value, HalfFloat.MOST);
      }
    }
  }

  /** Adds floats as F32; {@code values} row-major, read by {@link #write()}. */
  public SafetensorsWriter addFloats(String name, long[] shape, float[] values) {
    return addFloats(name, ElementType.F32, shape, values);
  }

  /**
   * Adds floats, rounded to the nearest value of {@code type} (ties to even).
   *
   * @param type F64, F32, F16 or BF16
   * @param values row-major; read by {@link #write()}
   * @throws IllegalArgumentException when the name is taken, the type is no float type or the
   *     number of values is not that of the shape
   */
  public SafetensorsWriter addFloats(String name, ElementType type, long[] shape, float[] values) {
    TensorInfo info = new TensorInfo(name, type, shape);
    checkLength(info, info.elements(), values.length);
    return addFloats(info, () -> values);
  }

  /**
   * Adds floats that are made when their turn comes and let go of afterwards, rounded as by {@link
   * #addFloats(String, ElementType, long[], float[])}.
   *
   * @param values called once by {@link #write()}; gives them row-major
   * @throws IllegalArgumentException when the name is taken or the type is no float type
   */
  public SafetensorsWriter addFloats(TensorInfo info, Supplier<float[]> values) {
    ElementType type = info.type();
    if (!type.isFloat()) {
      throw new IllegalArgumentException(type + " is not a float type");
    }
    return put(
        info,
        out -> {
          float[] all = values.get();
          checkLength(info, info.elements(), all.length);
          ByteBuffer bytes = littleEndian(Math.min(PART, all.length) * type.bytes());
          for (int first = 0, count; first < all.length; first += count) {
            count = Math.min(PART, all.length - first);
            TensorValues.narrow(all, first, count, type, bytes.clear());
            writeFully(out, bytes.flip());
          }
        });
  }

  /**
   * Adds integers as I32; {@code values} row-major, read by {@link #write()}.
   *
   * @throws IllegalArgumentException when the name is taken or the number of values is not that of
   *     the shape
   */
  public SafetensorsWriter addInts(String name, long[] shape, int[] values) {
    TensorInfo info = new TensorInfo(name, ElementType.I32, shape);
    checkLength(info, info.elements(), values.length);
    return add(
        info,
        (first, count) -> {
          ByteBuffer bytes = littleEndian(count * Integer.BYTES);
          bytes.asIntBuffer().put(values, (int) first, count);
          return bytes;
        });
  }

  /**
   * Writes the file beside its name and renames it when it is whole, replacing an older one; makes
   * its folder where it is missing.
   *
   * @throws EngineFailure MEDIA when the file cannot be written; what a callback throws passes
   *     through
   */
  public void write() {
    try (PartFile file = new PartFile(path)) {
      // These files are large: nothing of one stays behind when the process is told to end.
      AtExit.guard(file::close, () -> write(file));
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write %s", path);
    }
  }

  private void write(PartFile file) throws IOException {
    try (FileChannel out = FileChannel.open(file.part(), StandardOpenOption.WRITE)) {
      writeFully(out, header());
      for (Entry entry : entries.values()) {
        entry.content().writeTo(out);
      }
    }
    file.commit();
  }

  private ByteBuffer header() throws IOException {
    ObjectNode json = JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode text = json.putObject("__metadata__");
      metadata.forEach(text::put);
    }
    long end = 0;
    for (Entry entry : entries.values()) {
      TensorInfo info = entry.info();
      ObjectNode tensor = json.putObject(info.name());
      tensor.put("dtype", info.type().name());
      ArrayNode shape = tensor.putArray("shape");
      for (long size : info.shape()) {
        shape.add(size);
      }
      long begin = end;
      end = Math.addExact(end, info.bytes());
      tensor.putArray("data_offsets").add(begin).add(end);
    }
    byte[] bytes = JSON.writeValueAsBytes(json);
    int padded = (bytes.length + 7) / 8 * 8;
    ByteBuffer header = littleEndian(Long.BYTES + padded).putLong(padded).put(bytes);
    while (header.hasRemaining()) {
      header.put((byte) ' ');
    }
    return header.flip();
  }

  private SafetensorsWriter put(TensorInfo info, Content content) {
    boolean reserved = info.name().equals("__metadata__");
    if (reserved || entries.putIfAbsent(info.name(), new Entry(info, content)) != null) {
      throw new IllegalArgumentException("the name %s is taken".formatted(info.name()));
    }
    return this;
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void checkLength(TensorInfo info, long expected, long got) {
    if (got != expected) {
      throw new IllegalArgumentException(
          "tensor %s: got %d values or bytes, expected %d".formatted(info, got, expected));
    }
  }

  private static void writeFully(WritableByteChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}
