package dev.blockreel.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Assembles pickles instruction by instruction, also such as no honest program writes. */
final class Pickle {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /** Single-byte instructions, such as {@code ")R"} for an empty tuple and REDUCE. */
  Pickle op(String instructions) {
    out.writeBytes(instructions.getBytes(ISO_8859_1));
    return this;
  }

  Pickle raw(int... bytes) {
    for (int b : bytes) {
      out.write(b);
    }
    return this;
  }

  Pickle int32(int value) {
    out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
    return this;
  }

  Pickle int64(long value) {
    out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
    return this;
  }

  Pickle text(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    op("X").int32(bytes.length);
    out.writeBytes(bytes);
    return this;
  }

  Pickle number(long value) {
    return raw(0x8a, 8).int64(value);
  }

  Pickle real(double value) {
    out.writeBytes(ByteBuffer.allocate(9).put((byte) 'G').putDouble(value).array());
    return this;
  }

  Pickle global(String module, String name) {
    return op("c" + module + "\n" + name + "\n");
  }

  Pickle stackGlobal(String module, String name) {
    return text(module).text(name).raw(0x93);
  }

  /** A tuple of integers. */
  Pickle numbers(long... values) {
    op("(");
    for (long value : values) {
      number(value);
    }
    return op("t");
  }

  Pickle storage(String type, String key, long elements) {
    op("(").text("storage").global("torch", type).text(key).text("cpu").number(elements);
    return op("tQ");
  }

  /** A float tensor on a storage of its own. */
  Pickle tensor(String key, long elements, long offset, long[] shape, long[] strides) {
    global("torch._utils", "_rebuild_tensor_v2").op("(").storage("FloatStorage", key, elements);
    return number(offset).numbers(shape).numbers(strides).raw(0x89).op("}tR");
  }

  byte[] bytes() {
    return out.toByteArray();
  }
}
