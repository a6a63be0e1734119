package dev.blockreel.script;

import dev.blockreel.failure.EngineFailure;
import java.util.Locale;

/** Number formats of native tensors, with the numbers by which TorchScript knows them. */
public enum Dtype {
  FLOAT32(6, 4),
  BFLOAT16(15, 2),
  FLOAT16(5, 2),
  INT64(4, 8),
  INT32(3, 4),
  BOOL(11, 1);

  private final int number;
  private final int bytes;

  Dtype(int number, int bytes) {
    this.number = number;
    this.bytes = bytes;
  }

  /** The ScalarType number, as written in TorchScript source. */
  public int number() {
    return number;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** Reads what a user writes: {@code fp32}, {@code bf16} or {@code fp16}. */
  public static Dtype parse(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "fp32", "float32" -> FLOAT32;
      case "bf16", "bfloat16" -> BFLOAT16;
      case "fp16", "float16" -> FLOAT16;
      default ->
          throw EngineFailure.badRequest("unknown dtype \"%s\": expected fp32, bf16 or fp16", name);
    };
  }

  /** The short name that users write. */
  public String shortName() {
    return switch (this) {
      case FLOAT32 -> "fp32";
      case BFLOAT16 -> "bf16";
      case FLOAT16 -> "fp16";
      case INT64 -> "int64";
      case INT32 -> "int32";
      case BOOL -> "bool";
    };
  }
}
