package dev.blockreel.checkpoint;

import static java.util.Objects.requireNonNull;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.util.Arrays;

/**
 * Name, element type and shape of a stored tensor. Equal when all three are.
 *
 * @param name the key in its file
 * @param type the element type
 * @param shape sizes, outermost first; empty for a scalar; not copied
 */
public record TensorInfo(String name, ElementType type, long[] shape) {
  /**
   * Checks the shape.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH when a size is negative or the tensor would have more
   *     than 2^63 - 1 bytes
   */
  public TensorInfo {
    requireNonNull(name, "name is null");
    requireNonNull(type, "type is null");
    requireNonNull(shape, "shape is null");
    boolean empty = false;
    for (long size : shape) {
      if (size < 0) {
        throw impossible(name, shape);
      }
      empty |= size == 0;
    }
    long left = Long.MAX_VALUE / type.bytes();
    for (long size : shape) {
      if (!empty && (left /= size) == 0) {
        throw impossible(name, shape);
      }
    }
  }

  /** Number of elements: the product of the sizes, 1 for a scalar. */
  public long elements() {
    long product = 1;
    for (long size : shape) {
      if (size == 0) {
        return 0;
      }
      product *= size;
    }
    return product;
  }

  /** Number of bytes when stored contiguously. */
  public long bytes() {
    return elements() * type.bytes();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorInfo that
        && name.equals(that.name)
        && type == that.type
        && Arrays.equals(shape, that.shape);
  }

  @Override
  public int hashCode() {
    return name.hashCode() * 31 + Arrays.hashCode(shape);
  }

  /** For messages, such as {@code "head.weight" F32 [100, 64]}. */
  @Override
  public String toString() {
    return Quoted.of(name) + " " + type + " " + Quoted.shortened(Arrays.toString(shape));
  }

  private static EngineFailure impossible(String name, long[] shape) {
    return new EngineFailure(
        FailureCode.CHECKPOINT_MISMATCH,
        "tensor "
            + Quoted.of(name)
            + " has an impossible shape "
            + Quoted.shortened(Arrays.toString(shape)));
  }
}
