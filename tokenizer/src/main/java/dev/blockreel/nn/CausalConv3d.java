package dev.blockreel.nn;

import dev.blockreel.script.Sym;

/**
 * 3-D convolution that looks back in time only: (B,in,T,H,W) → (B,out,T',H',W'). The border is
 * replicated: k/2 on every side of a frame, 2·(k/2) frames in front, none behind; strides come
 * after that. With a {@link History}, the frames in front of all chunks but the first are the last
 * ones of the chunk before; the stride in time must then be 1.
 */
public final class CausalConv3d {
  private final WeightScope scope;
  private final Weight weight;
  private final Weight bias;
  private final int kernel;
  private final int strideTime;
  private final int strideSpace;

  /** A layer that starts as convolutions usually do. */
  public CausalConv3d(
      WeightScope scope, int in, int out, int kernel, int strideTime, int strideSpace) {
    this(
        scope,
        in,
        out,
        kernel,
        strideTime,
        strideSpace,
        Init.fanIn((long) in * kernel * kernel * kernel));
  }

  /**
   * @param scope where {@code weight} (out,in,k,k,k) and {@code bias} (out) are named
   * @param init how the kernel starts; the bias starts at 0
   */
  public CausalConv3d(
      WeightScope scope, int in, int out, int kernel, int strideTime, int strideSpace, Init init) {
    this.scope = scope;
    this.kernel = kernel;
    this.strideTime = strideTime;
    this.strideSpace = strideSpace;
    this.weight =
        scope.declare("weight", Weight.Role.CONVOLUTION, init, out, in, kernel, kernel, kernel);
    this.bias = scope.declare("bias", Weight.Role.VECTOR, Init.constant(0), out);
  }

  /**
   * Writes the layer.
   *
   * @throws IllegalStateException when a stride in time meets a history: how far the next chunk
   *     must look back would depend on the length of this one
   */
  public Sym apply(Forward forward, Sym x) {
    if (forward.history() != null && strideTime != 1) {
      throw new IllegalStateException(scope.name() + " strides in time and has no history");
    }
    return forward
        .method()
        .inLayer(
            scope.name(),
            () -> {
              int edge = kernel / 2;
              Sym padded = edge == 0 ? x : x.replicationPad3d(edge, edge, edge, edge, 2 * edge, 0);
              // Always one layout: left to itself it follows from sizes of 1, and with it the
              // kernel
              // that oneDNN takes and the order of its sums.
              Sym input =
                  forward.numerics().channelsLast() ? padded.channelsLast3d() : padded.contiguous();
              if (forward.history() != null && edge > 0) {
                forward.history().goOn(input, 2 * edge);
              }
              return input.conv3d(
                  forward.weight(weight),
                  forward.weight(bias),
                  strideTime,
                  strideSpace,
                  strideSpace);
            });
  }
}
