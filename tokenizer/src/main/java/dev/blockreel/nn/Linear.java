package dev.blockreel.nn;

import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;

/** y = x·Wᵀ + b over the last dimension: (…, in) → (…, out). */
public final class Linear {
  private final WeightScope scope;
  private final Weight weight;
  private final Weight bias;

  /**
   * @param withBias whether there is a bias, which starts at 0
   */
  public Linear(WeightScope scope, int in, int out, boolean withBias, Init init) {
    this(scope, Weight.Role.LINEAR, in, out, withBias, init);
  }

  private Linear(
      WeightScope scope, Weight.Role role, int in, int out, boolean withBias, Init init) {
    this.scope = scope;
    this.weight = scope.declare("weight", role, init, out, in);
    this.bias = withBias ? scope.declare("bias", Weight.Role.VECTOR, Init.constant(0), out) : null;
  }

  /** The last layer of a network, whose outputs are the logits of {@code codes}; without bias. */
  public static Linear head(WeightScope scope, int in, int codes, Init init) {
    return new Linear(scope, Weight.Role.HEAD, in, codes, false, init);
  }

  /** Lets the weights be stacked under those of {@code leader}, which then does both layers. */
  void stackUnder(Linear leader) {
    scope.stack(weight, leader.weight);
    scope.stack(bias, leader.bias);
  }

  /** Writes the layer. */
  public Sym apply(Forward forward, Sym x) {
    return pointwise(forward, x, Activation.NONE);
  }

  /** Writes the layer and adds {@code residual}, (…, out), to what it gives. */
  public Sym plus(Forward forward, Sym x, Sym residual) {
    return forward.numerics().packedProducts()
        ? with(forward, x, residual, "add")
        : residual.add(apply(forward, x));
  }

  /** Writes the layer and multiplies what it gives with {@code gate}, (…, out). */
  public Sym times(Forward forward, Sym x, Sym gate) {
    return forward.numerics().packedProducts()
        ? with(forward, x, gate, "mul")
        : gate.mul(apply(forward, x));
  }

  /** Packed weights do the layer and an operation with another tensor in one pass over memory. */
  private Sym with(Forward forward, Sym x, Sym other, String operation) {
    return forward
        .method()
        .inLayer(
            scope.name(),
            () ->
                forward
                    .method()
                    .let(
                        "ops.mkldnn._linear_pointwise(%s, %s, %s, %s, \"%s\")"
                            .formatted(
                                x,
                                other,
                                forward.weight(weight),
                                bias == null ? "None" : forward.weight(bias),
                                operation)));
  }

  private Sym halves(Method method, Sym x, Sym w, Sym b) {
    Object shift = b == null ? "torch.new_zeros(%s, [%s])".formatted(x, weight.shape()[0]) : b;
    return method.let(
        "torch.fbgemm_linear_fp16_weight_fp32_activation(%s, %s, %s)".formatted(x, w, shift));
  }

  /** What may follow a linear layer within the same product. */
  public enum Activation {
    NONE("none", ""),
    /** Exact GELU. */
    GELU("gelu", "none"),
    /** GELU through the hyperbolic tangent. */
    GELU_TANH("gelu", "tanh");

    private final String name;
    private final String approximation;

    Activation(String name, String approximation) {
      this.name = name;
      this.approximation = approximation;
    }
  }

  /**
   * Writes the layer and the activation after it; packed weights do both in one pass over memory.
   */
  public Sym pointwise(Forward forward, Sym x, Activation activation) {
    return forward
        .method()
        .inLayer(
            scope.name(),
            () -> {
              Sym w = forward.weight(weight);
              Sym b = bias == null ? null : forward.weight(bias);
              if (forward.numerics().packedProducts()) {
                return forward
                    .method()
                    .let(
                        "ops.mkldnn._linear_pointwise(%s, %s, %s, \"%s\", annotate(List[Optional[number]], []), \"%s\")"
                            .formatted(
                                x,
                                w,
                                b == null ? "None" : b,
                                activation.name,
                                activation.approximation));
              }
              Sym y =
                  forward.numerics().products() == Numerics.Products.HALVES
                      ? halves(forward.method(), x, w, b)
                      : x.linear(w, b);
              return switch (activation) {
                case NONE -> y;
                case GELU -> y.gelu();
                case GELU_TANH ->
                    forward.numerics().castWeights() ? y.geluTanh() : y.geluTanhInPlace();
              };
            });
  }
}
