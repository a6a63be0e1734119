package dev.blockreel.script;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.pytorch.engine.PtNDArray;

/**
 * A handle to a native tensor; its {@link TensorScope} frees it, or {@link #close} does so earlier.
 */
public final class Tensor implements AutoCloseable {
  private final PtNDArray array;

  Tensor(PtNDArray array) {
    this.array = array;
  }

  PtNDArray array() {
    return array;
  }

  /** Sizes of all dimensions. */
  public long[] shape() {
    return array.getShape().getShape();
  }

  /**
   * Values as floats, row-major; from any floating or integer format but bf16. Waits for the
   * device.
   */
  public float[] toFloats() {
    if (array.getDataType() == DataType.FLOAT32) {
      return array.toFloatArray();
    }
    try (NDArray wide = array.toType(DataType.FLOAT32, true)) {
      return wide.toFloatArray();
    }
  }

  /** Values of a 64-bit integer tensor, row-major. Waits for the device. */
  public long[] toLongs() {
    return array.toLongArray();
  }

  /** Values of a 64-bit integer tensor as ints, row-major. Waits for the device. */
  public int[] toInts() {
    long[] wide = toLongs();
    int[] values = new int[wide.length];
    for (int i = 0; i < wide.length; i++) {
      values[i] = Math.toIntExact(wide[i]);
    }
    return values;
  }

  /** Hands ownership to {@code scope}; returns this. */
  public Tensor moveTo(TensorScope scope) {
    array.detach();
    array.attach(scope.manager());
    return this;
  }

  /** Makes this a leaf that gradients are computed for. */
  public Tensor requireGradient() {
    array.setRequiresGradient(true);
    return this;
  }

  @Override
  public void close() {
    array.close();
  }
}
