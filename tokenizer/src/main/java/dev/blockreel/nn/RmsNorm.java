package dev.blockreel.nn;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Sym;

/**
 * Divides the last dimension by the root of its mean square (epsilon 1e-6), computed in fp32, and
 * scales it.
 */
public final class RmsNorm {
  private final String name;
  private final int width;
  private final Weight weight;

  private RmsNorm(String name, int width, Weight weight) {
    this.name = name;
    this.width = width;
    this.weight = weight;
  }

  /** With a learned {@code weight} (width). */
  public RmsNorm(WeightScope scope, int width) {
    this(scope.name(), width, scope.declare("weight", Weight.Role.VECTOR, Init.constant(1), width));
  }

  /** Without anything learned. */
  public static RmsNorm plain(int width) {
    return new RmsNorm("norm", width, null);
  }

  /** Writes the layer. */
  public Sym apply(Forward forward, Sym x) {
    return forward
        .method()
        .inLayer(
            name,
            () -> {
              // One pass over x, and no copy of it in fp32.
              Sym length =
                  forward
                      .method()
                      .let("torch.linalg_vector_norm(%s, 2, [-1], True, dtype=6)".formatted(x));
              Sym inverse =
                  forward
                      .method()
                      .let("torch.rsqrt(%s * %s + 1e-06)".formatted(length.square(), 1.0 / width));
              Dtype compute = forward.numerics().compute();
              Sym normal = x.mul(compute == Dtype.FLOAT32 ? inverse : inverse.to(compute));
              return weight == null ? normal : normal.mul(forward.weight(weight));
            });
  }
}
