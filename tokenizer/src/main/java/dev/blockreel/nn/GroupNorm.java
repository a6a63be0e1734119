package dev.blockreel.nn;

import dev.blockreel.script.Sym;

/**
 * Normalises groups of channels over a whole image, then scales and shifts each channel: (B,C,H,W)
 * → the same.
 */
public final class GroupNorm {
  private final WeightScope scope;
  private final int groups;
  private final double epsilon;
  private final Weight weight;
  private final Weight bias;

  public GroupNorm(WeightScope scope, int channels, int groups, double epsilon) {
    this.scope = scope;
    this.groups = groups;
    this.epsilon = epsilon;
    this.weight = scope.declare("weight", Weight.Role.VECTOR, Init.constant(1), channels);
    this.bias = scope.declare("bias", Weight.Role.VECTOR, Init.constant(0), channels);
  }

  /** Writes the layer. */
  public Sym apply(Forward forward, Sym x) {
    return forward
        .method()
        .inLayer(
            scope.name(),
            () -> x.groupNorm(groups, forward.weight(weight), forward.weight(bias), epsilon));
  }
}
