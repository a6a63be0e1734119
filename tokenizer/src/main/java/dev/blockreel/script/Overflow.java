package dev.blockreel.script;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;

/**
 * Lets an exponential overflow before each native call, on purpose.
 *
 * <p>libtorch's exponential for AVX-512, which softmax and SiLU use, reads the constant infinity
 * with a load that is masked wherever nothing overflows. When the page of that constant is not in
 * the page table, a masked load gets nothing from it and brings no page in either: the processor
 * looks for the page again at every call, which takes a hundred times as long as the rest of the
 * function. The operating system or the hypervisor takes such a page away at any time, and then a
 * process stays several times slower until some exponential does overflow. (Seen on Zen 5.)
 */
final class Overflow {
  /** Enough for two vectors of 16, as which libtorch computes; shorter arrays go one by one. */
  private static final int LENGTH = 64;

  /** Numbers whose negatives have no exponential in fp32; null where none of this is needed. */
  private static final PtNDArray NUMBERS = numbers();

  private Overflow() {}

  private static PtNDArray numbers() {
    boolean masked = !Torch.onGpu() && Torch.cpuFlags().contains("avx512f");
    return masked
        ? (PtNDArray) Torch.system().full(new Shape(LENGTH), -200f, DataType.FLOAT32)
        : null;
  }

  /** Overflows, in about a microsecond; does nothing where none of this is needed. */
  static void happen() {
    if (NUMBERS != null) {
      JniUtils.sigmoid(NUMBERS).close();
    }
  }
}
