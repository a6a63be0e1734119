package dev.blockreel.nn;

import dev.blockreel.script.Sym;

/**
 * Normalises the last dimension to mean 0 and variance 1 (epsilon 1e-5), then scales and shifts it.
 */
public final class LayerNorm {
  private final WeightScope scope;
  private final int width;
  private final Weight weight;
  private final Weight bias;

  public LayerNorm(WeightScope scope, int width) {
    this.scope = scope;
    this.width = width;
    this.weight = scope.declare("weight", Weight.Role.VECTOR, Init.constant(1), width);
    this.bias = scope.declare("bias", Weight.Role.VECTOR, Init.constant(0), width);
  }

  /** Writes the layer. */
  public Sym apply(Forward forward, Sym x) {
    return forward
        .method()
        .inLayer(
            scope.name(),
            () -> x.layerNorm(width, forward.weight(weight), forward.weight(bias), 1e-5));
  }
}
