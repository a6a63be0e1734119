package dev.blockreel.nn;

import dev.blockreel.script.Sym;

/**
 * 3-D convolution that looks back in time only: (B,in,T,H,W) → (B,out,T',H',W'). The border is
 * replicated: k/2 on every side of a frame, 2·(k/2) frames in front, none behind; strides come
 * after that. With a {@link History}, the frames in front of all chunks but the first are the last
 * ones of the chunk before. Where the stride in time is 2, the first chunk must then have an odd
 * number of frames and each further one an even number, so that each begins between two strides.
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
        scope.declare(
            "weight",
            strideTime * strideSpace == 1
                ? Weight.Role.CONVOLUTION
                : Weight.Role.STRIDED_CONVOLUTION,
            init,
            out,
            in,
            kernel,
            kernel,
            kernel);
    this.bias = scope.declare("bias", Weight.Role.VECTOR, Init.constant(0), out);
  }

  /** Writes the layer. */
  public Sym apply(Forward forward, Sym x) {
    return forward
        .method()
        .inLayer(
            scope.name(),
            () -> {
              int edge = kernel / 2;
              boolean pairs = forward.numerics().pairsRows(weight);
              Sym height = x.size(3);
              Object below = pairs ? forward.method().let(height + " % 2 + " + edge) : edge;
              Sym padded = edge == 0 ? x : x.replicationPad3d(edge, edge, edge, below, 2 * edge, 0);
              // Always one layout: left to itself it follows from sizes of 1, and with it which of
              // oneDNN's ways is taken and the order of its sums.
              Sym input = padded.channelsLast3d();
              History history = forward.history();
              if (history != null && edge > 0) {
                history.goOn(input, 2 * edge);
                if (strideTime > 1) {
                  // The last stride before this chunk ended with the last frame but one.
                  input = input.from(2, history.later(strideTime - 1));
                }
              }
              Sym w = forward.weight(weight);
              Sym b = forward.weight(bias);
              if (pairs) {
                int place = PairedRows.place(scope.weights(), weight, forward.numerics());
                return PairedRows.apply(forward, input, place, b).slice(3, 0, height);
              }
              if (forward.numerics().packs(weight)) {
                return input.packedConvolution(w, b, strideTime, strideSpace, strideSpace);
              }
              return kernel == 1 && strideTime == 1 && strideSpace == 1
                  ? input.convPlaces(w, b)
                  : input.conv3d(w, b, strideTime, strideSpace, strideSpace);
            });
  }
}
