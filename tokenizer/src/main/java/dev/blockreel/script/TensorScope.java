package dev.blockreel.script;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Owns native tensors: all that were made in it are freed when it is closed, unless {@link
 * Tensor#moveTo moved} to another scope first. One scope a step keeps memory flat. Not for use by
 * two threads at once.
 */
public final class TensorScope implements AutoCloseable {
  private final PtNDManager manager;

  private TensorScope(PtNDManager manager) {
    this.manager = manager;
  }

  /** Opens a scope on the process's device. */
  public static TensorScope open() {
    return new TensorScope((PtNDManager) Torch.system().newSubManager());
  }

  PtNDManager manager() {
    return manager;
  }

  /** Copies floats to the device, row-major. */
  public Tensor floats(float[] values, long... shape) {
    return new Tensor((PtNDArray) manager.create(values, new Shape(shape)));
  }

  /** Copies 64-bit integers to the device, row-major. */
  public Tensor longs(long[] values, long... shape) {
    return new Tensor((PtNDArray) manager.create(values, new Shape(shape)));
  }

  /** Copies integers to the device as 64-bit ones, row-major. */
  public Tensor longs(int[] values, long... shape) {
    long[] wide = new long[values.length];
    for (int i = 0; i < values.length; i++) {
      wide[i] = values[i];
    }
    return longs(wide, shape);
  }

  /** Copies booleans to the device, row-major. */
  public Tensor booleans(boolean[] values, long... shape) {
    return new Tensor((PtNDArray) manager.create(values, new Shape(shape)));
  }

  /** Uninitialised to the eye, but zero: a float32 tensor. */
  public Tensor zeros(long... shape) {
    return new Tensor((PtNDArray) manager.zeros(new Shape(shape), DataType.FLOAT32));
  }

  /**
   * Copies raw little-endian bytes of fp32 or fp16 values to the device; the JNI library knows no
   * bf16.
   */
  public Tensor floatBytes(ByteBuffer bytes, Dtype dtype, long... shape) {
    DataType type = dtype == Dtype.FLOAT16 ? DataType.FLOAT16 : DataType.FLOAT32;
    ByteBuffer direct = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (!direct.isDirect()) {
      ByteBuffer copy =
          ByteBuffer.allocateDirect(direct.remaining()).order(ByteOrder.LITTLE_ENDIAN);
      copy.put(direct).flip();
      direct = copy;
    }
    return new Tensor(manager.create(direct, new Shape(shape), type));
  }

  @Override
  public void close() {
    manager.close();
  }
}
