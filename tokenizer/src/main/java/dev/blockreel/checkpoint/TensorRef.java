package dev.blockreel.checkpoint;

import java.util.Arrays;

/**
 * A tensor in a checkpoint's object tree: a view of a storage. Its values come from {@link
 * TorchFile#tensors}.
 *
 * @param storage key of the storage; several tensors may share one
 * @param type the element type
 * @param offset index of the first element in the storage
 * @param shape sizes, outermost first; not copied
 * @param strides elements from one index to the next, per dimension; not copied
 */
public record TensorRef(
    String storage, ElementType type, long offset, long[] shape, long[] strides) {
  /** Whether the elements lie back to back in row-major order. */
  boolean isContiguous() {
    long expected = 1;
    for (int d = shape.length - 1; d >= 0; d--) {
      if (shape[d] != 1 && strides[d] != expected) {
        return false;
      }
      expected *= shape[d];
    }
    return true;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TensorRef that
        && storage.equals(that.storage)
        && type == that.type
        && offset == that.offset
        && Arrays.equals(shape, that.shape)
        && Arrays.equals(strides, that.strides);
  }

  @Override
  public int hashCode() {
    return storage.hashCode() * 31 + Long.hashCode(offset);
  }

  @Override
  public String toString() {
    return "tensor " + type + " " + Arrays.toString(shape);
  }
}
