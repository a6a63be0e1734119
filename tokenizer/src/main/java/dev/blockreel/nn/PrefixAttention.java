package dev.blockreel.nn;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Torch;
import java.util.List;

/**
 * Softmax attention over whole sequences, prefix by prefix: the queries of each are multiplied with
 * the keys up to its end alone, which spares nearly half of a causal attention; the result is the
 * same. Letters: B sequences, T tokens of each, H heads, d width of a head.
 *
 * <p>Where a CPU computes in bf16, attention is two products with a softmax between them, which are
 * oneDNN's: libtorch's fused attention was measured to compute its products, above all those of the
 * way back, by MKL in fp32 there. That keeps B·H·T·T/2 numbers of each layer for the way back.
 *
 * @param numerics in which numbers to compute
 * @param width d
 * @param prefixes in ascending order, from the first token to the last; none for one attention with
 *     the whole mask
 */
public record PrefixAttention(Numerics numerics, int width, List<Prefix> prefixes) {
  /**
   * Neighbouring tokens that see nothing beyond the last of them.
   *
   * @param from the first
   * @param end one after the last
   * @param all whether each sees all tokens up to {@code end}
   */
  public record Prefix(int from, int end, boolean all) {}

  /**
   * Writes the attention.
   *
   * @param queries (B,H,T,d), like the keys and values
   * @param mask (T,T) of booleans, true where a query may look
   * @return (B,H,T,d)
   */
  public Sym apply(Method method, Sym queries, Sym keys, Sym values, Sym mask) {
    if (prefixes.isEmpty()) {
      return queries.attention(keys, values, mask);
    }
    boolean byProducts = numerics.compute() == Dtype.BFLOAT16 && !Torch.onGpu();
    Sym[] parts = new Sym[prefixes.size()];
    for (int i = 0; i < parts.length; i++) {
      Prefix prefix = prefixes.get(i);
      Sym own = queries.slice(2, prefix.from(), prefix.end());
      Sym seenKeys = keys.slice(2, 0, prefix.end());
      Sym seenValues = values.slice(2, 0, prefix.end());
      Sym look =
          prefix.all()
              ? null
              : mask.slice(0, prefix.from(), prefix.end()).slice(1, 0, prefix.end());
      parts[i] =
          byProducts
              ? products(method, own, seenKeys, seenValues, look)
              : own.attention(seenKeys, seenValues, look);
    }
    return method.concat(2, parts);
  }

  private Sym products(Method method, Sym queries, Sym keys, Sym values, Sym look) {
    Sym scaled = matrices(queries.mul(1 / Math.sqrt(width)));
    Sym scores = method.let("torch.bmm(%s, %s)".formatted(scaled, matrices(keys).transpose(1, 2)));
    if (look != null) {
      scores =
          method.let(
              "torch.masked_fill(%s, torch.logical_not(%s), float(\"-inf\"))"
                  .formatted(scores, look));
    }
    return method
        .let("torch.bmm(%s, %s)".formatted(scores.softmax(-1), matrices(values)))
        .view(queries.size(0), queries.size(1), -1, width);
  }

  /** (B,H,n,d) → (B·H,n,d), beside each other in memory, as oneDNN wants them. */
  private Sym matrices(Sym heads) {
    return heads.contiguous().view(-1, heads.size(2), width);
  }
}
