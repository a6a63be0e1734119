package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Set;

/** Tensors of a file as Java arrays, and float arrays as bytes of a float type. */
final class TensorValues {
  private static final int PART = 1 << 22; // elements converted at a time

  private TensorValues() {}

  static float[] floats(TensorFile file, TensorInfo info) {
    requireFloats(file, info);
    float[] values = new float[length(file, info)];
    for (int start = 0, count; start < values.length; start += count) {
      count = Math.min(PART, values.length - start);
      widen(file.bytes(info.name(), start, count), info.type(), values, start, count);
    }
    return values;
  }

  /** Some elements of a tensor of a float type. */
  static float[] floats(TensorFile file, TensorInfo info, long firstElement, int elements) {
    float[] values = new float[elements];
    widen(file.bytes(info.name(), firstElement, elements), info.type(), values, 0, elements);
    return values;
  }

  static void requireFloats(TensorFile file, TensorInfo info) {
    if (!info.type().isFloat()) {
      throw wrongType(file, info, "a float type");
    }
  }

  static long[] integers(TensorFile file, TensorInfo info) {
    if (info.type().isFloat()) {
      throw wrongType(file, info, "an integer type");
    }
    long[] values = new long[length(file, info)];
    for (int start = 0, count; start < values.length; start += count) {
      count = Math.min(PART, values.length - start);
      ByteBuffer bytes = file.bytes(info.name(), start, count);
      for (int i = 0; i < count; i++) {
        values[start + i] =
            switch (info.type()) {
              case I64 -> bytes.getLong();
              case I32 -> bytes.getInt();
              case I16 -> bytes.getShort();
              case I8 -> bytes.get();
              case U8 -> bytes.get() & 0xff;
              case BOOL -> bytes.get() != 0 ? 1 : 0;
              case F64, F32, F16, BF16 -> throw new AssertionError(info.type());
            };
      }
    }
    return values;
  }

  private static void widen(
      ByteBuffer bytes, ElementType type, float[] values, int start, int count) {
    if (type == ElementType.F32) {
      bytes.asFloatBuffer().get(values, start, count);
      return;
    }
    for (int i = start; i < start + count; i++) {
      values[i] =
          switch (type) {
            case F64 -> (float) bytes.getDouble();
            case F16 -> HalfFloat.fromF16(bytes.getShort());
            case BF16 -> HalfFloat.fromBf16(bytes.getShort());
            case F32, I64, I32, I16, I8, U8, BOOL -> throw new AssertionError(type);
          };
    }
  }

  /** Puts {@code count} floats behind the position of {@code bytes}, rounded to {@code type}. */
  static void narrow(float[] values, int start, int count, ElementType type, ByteBuffer bytes) {
    for (int i = start; i < start + count; i++) {
      switch (type) {
        case F64 -> bytes.putDouble(values[i]);
        case F32 -> bytes.putFloat(values[i]);
        case F16 -> bytes.putShort(HalfFloat.toF16(values[i]));
        case BF16 -> bytes.putShort(HalfFloat.toBf16(values[i]));
        case I64, I32, I16, I8, U8, BOOL ->
            throw new IllegalArgumentException(type + " is not a float type");
      }
    }
  }

  /**
   * Checks a part of a tensor.
   *
   * @return its length in bytes
   */
  static int partLength(Path path, TensorInfo info, long firstElement, int elements) {
    if (firstElement < 0 || elements < 0 || firstElement > info.elements() - elements) {
      throw new IndexOutOfBoundsException(
          "elements %d+%d of tensor %s of %s".formatted(firstElement, elements, info, path));
    }
    long length = (long) elements * info.type().bytes();
    if (length > Integer.MAX_VALUE) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "%d elements of tensor %s of %s: one buffer holds less than 2 GiB"
              .formatted(elements, info, path));
    }
    return (int) length;
  }

  static EngineFailure missing(Path path, String name, Set<String> names) {
    return new EngineFailure(
        FailureCode.CHECKPOINT_MISMATCH,
        "%s has no tensor %s; it has %s".formatted(path, Quoted.of(name), Quoted.list(names)));
  }

  private static int length(TensorFile file, TensorInfo info) {
    if (info.elements() > Integer.MAX_VALUE - 8) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "tensor %s of %s is too long for a Java array".formatted(info, file.path()));
    }
    return (int) info.elements();
  }

  private static EngineFailure wrongType(TensorFile file, TensorInfo info, String expected) {
    return new EngineFailure(
        FailureCode.CHECKPOINT_MISMATCH,
        "tensor %s of %s: expected %s".formatted(info, file.path(), expected));
  }
}
