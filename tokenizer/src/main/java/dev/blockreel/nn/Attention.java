package dev.blockreel.nn;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Torch;

/**
 * Softmax attention: each query gets the mean of all values, weighted by the softmax of its scaled
 * products with their keys. Letters: B sequences, H heads, n queries, m keys and values, d width of
 * a head.
 *
 * <p>Where a CPU computes in bf16, it is two products with a softmax between them, which are
 * oneDNN's: libtorch's fused attention, the plain twin, was measured to compute its products by MKL
 * in fp32 there, and to take two to five times as long for 64 queries and more. That keeps B·H·n·m
 * numbers of each layer for the way back.
 *
 * @param numerics in which numbers to compute
 * @param scale what products of queries and keys are multiplied with
 */
public record Attention(Numerics numerics, double scale) {
  /** The usual attention of heads of this width: products are divided by its root. */
  public static Attention ofWidth(Numerics numerics, int width) {
    return new Attention(numerics, 1 / Math.sqrt(width));
  }

  /**
   * Writes the attention.
   *
   * @param queries (B,H,n,d)
   * @param keys (B,H,m,d)
   * @param values (B,H,m,d)
   * @param mask (n,m) of booleans, true where a query may look, or null for everywhere
   * @return (B,H,n,d)
   */
  public Sym apply(Method method, Sym queries, Sym keys, Sym values, Sym mask) {
    if (numerics.compute() != Dtype.BFLOAT16 || Torch.onGpu()) {
      return queries.attention(keys, values, mask, scale);
    }
    Sym scaled = matrices(scale == 1 ? queries : queries.mul(scale));
    Sym scores = method.let("torch.bmm(%s, %s)".formatted(scaled, matrices(keys).transpose(1, 2)));
    if (mask != null) {
      scores =
          method.let(
              "torch.masked_fill(%s, torch.logical_not(%s), float(\"-inf\"))"
                  .formatted(scores, mask));
    }
    return method
        .let("torch.bmm(%s, %s)".formatted(scores.softmax(-1), matrices(values)))
        .view(queries.size(0), queries.size(1), -1, queries.size(3));
  }

  /** (B,H,n,d) → (B·H,n,d), beside each other in memory, as oneDNN wants them. */
  private static Sym matrices(Sym heads) {
    return heads.contiguous().flatten(0, 1);
  }
}
