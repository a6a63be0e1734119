package dev.blockreel.nn;

import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;
import java.util.List;

/**
 * Softmax attention over whole sequences, prefix by prefix: the queries of each are multiplied with
 * the keys up to its end alone, which spares nearly half of a causal attention; the result is the
 * same. Letters: B sequences, T tokens of each, H heads, d width of a head.
 *
 * @param attention of each prefix
 * @param prefixes in ascending order, from the first token to the last; none for one attention with
 *     the whole mask
 */
public record PrefixAttention(Attention attention, List<Prefix> prefixes) {
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
      return attention.apply(method, queries, keys, values, mask);
    }
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
      parts[i] = attention.apply(method, own, seenKeys, seenValues, look);
    }
    return method.concat(2, parts);
  }
}
