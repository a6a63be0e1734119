package dev.blockreel.nn;

import java.util.Arrays;

/**
 * One tensor that a model needs.
 *
 * @param name its full name in a checkpoint
 * @param shape its sizes
 * @param role what is done with it, which decides how it is prepared
 * @param init how training starts it
 * @param index its place in the list that a script receives
 * @param leader the index of the weight under whose rows these may be stacked when both are
 *     prepared, as {@link StackedLinear} asks; its own index where it stands alone
 */
public record Weight(String name, long[] shape, Role role, Init init, int index, int leader) {
  /** A weight that stands alone. */
  public Weight(String name, long[] shape, Role role, Init init, int index) {
    this(name, shape, role, init, index, index);
  }

  /** What a weight is used for. */
  public enum Role {
    /** (out, in) matrix of a linear layer: may be packed for oneDNN. */
    LINEAR,
    /** (codes, in) matrix of a linear layer that gives logits; used like LINEAR, trained apart. */
    HEAD,
    /** Kernel of a 2-D or 3-D convolution that moves by single places: may be packed. */
    CONVOLUTION,
    /** The same of one that moves by several. */
    STRIDED_CONVOLUTION,
    /** A table of vectors; no weight decay. */
    TABLE,
    /** Bias, scale or buffer; no weight decay. */
    VECTOR;

    /** Whether it is the kernel of a convolution. */
    public boolean isConvolution() {
      return this == CONVOLUTION || this == STRIDED_CONVOLUTION;
    }
  }

  /** Number of values. */
  public long elements() {
    return Arrays.stream(shape).reduce(1, Math::multiplyExact);
  }
}
