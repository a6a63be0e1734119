package dev.blockreel.nn;

import dev.blockreel.script.Sym;

/**
 * 2-D convolution with a border of zeros: (B,in,H,W) → (B,out,H,W), or half of H and W with a
 * stride of 2, whose border lies to the right and below only.
 */
public final class Conv2d {
  private final WeightScope scope;
  private final Weight weight;
  private final Weight bias;
  private final int kernel;
  private final int stride;

  /**
   * @param scope where {@code weight} (out,in,k,k) and {@code bias} (out) are named
   * @param kernel its side, an odd number
   * @param stride 1 or 2
   */
  public Conv2d(WeightScope scope, int in, int out, int kernel, int stride) {
    this(scope, in, out, kernel, stride, Init.fanIn((long) in * kernel * kernel));
  }

  /** The same with another start for the kernel; the bias starts at 0. */
  public Conv2d(WeightScope scope, int in, int out, int kernel, int stride, Init init) {
    this.scope = scope;
    this.kernel = kernel;
    this.stride = stride;
    this.weight = scope.declare("weight", Weight.Role.CONVOLUTION, init, out, in, kernel, kernel);
    this.bias = scope.declare("bias", Weight.Role.VECTOR, Init.constant(0), out);
  }

  /** Writes the layer. */
  public Sym apply(Forward forward, Sym x) {
    return forward
        .method()
        .inLayer(
            scope.name(),
            () -> {
              int border = stride == 1 ? kernel / 2 : 0;
              Sym padded = stride == 1 ? x : x.zeroPad2d(0, kernel / 2, 0, kernel / 2);
              // Always one layout, as in CausalConv3d.
              Sym input = padded.channelsLast2d();
              Sym w = forward.weight(weight);
              Sym b = forward.weight(bias);
              return kernel == 1 && stride == 1
                  ? input.convPlaces(w, b)
                  : input.conv2d(w, b, stride, border);
            });
  }
}
