package dev.blockreel.nn;

import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;

/**
 * Softmax attention over a cache of keys and values, which has a slot for each stream of tokens and
 * is written in place. Letters: B streams, T tokens of each, S slots, M positions, H heads, d width
 * of a head.
 *
 * <p>Where a CPU infers, attention is two products with a softmax between them, and keys lie
 * transposed, (d,M): for the few queries of a step that takes a third to a tenth of the time of
 * libtorch's fused attention, the plain twin, which keeps keys as (M,d). The products are made with
 * a few more positions than there are tokens: a matrix of a new size costs oneDNN a kernel, and
 * token by token every one would be new.
 */
public final class CachedAttention {
  /** Positions that products are made with are a multiple of this, where the cache has so many. */
  private static final int PLACES = 64;

  private final int heads;
  private final int width;

  /**
   * @param heads H
   * @param width d
   */
  public CachedAttention(int heads, int width) {
    this.heads = heads;
    this.width = width;
  }

  /**
   * Writes a cache, (layers,2,S,H,M·d). It is not initialised: a stream's first call clears what it
   * takes over.
   *
   * @param weights any list of tensors on the device
   */
  public Sym emptyCache(
      Method method, Numerics numerics, int layers, Sym slots, Sym positions, Sym weights) {
    return method.let(
        "torch.empty([%d, 2, %s, %d, %s * %d], dtype=%d, device=ops.prim.device(%s[0]))"
            .formatted(
                layers, slots, heads, positions, width, numerics.compute().number(), weights));
  }

  /**
   * Writes the attention of streams in slots beside each other, which are equally far, or read one
   * token each.
   *
   * @param tokens keys, queries, values of the new tokens, (3,B,H,T,d)
   * @param cache of one layer, (2,S,H,M·d)
   * @param slot the first stream's
   * @param past tokens that the cache holds of each; of streams that are not equally far, at most
   * @param places a variable that holds how many it holds of each, (B), where they are not equally
   *     far and T is 1; else {@code None}
   * @param mask a variable that holds (T, past+T) or (B,1,1,past+1) of booleans, true where a token
   *     may look, or {@code None} for everywhere
   * @return (B,H,T,d)
   */
  public Sym apply(
      Forward forward, Sym tokens, Sym cache, Sym slot, Sym past, Sym places, Sym mask) {
    Method method = forward.method();
    Sym end = method.let(past + " + " + tokens.size(3));
    Sym own = cache.slice(1, slot, slot + " + " + tokens.size(1));
    Sym queries = tokens.select(0, 1);
    Sym values = view(own.select(0, 1), -1, width);
    // What was never written may be no number, and none times 0 is none. Products hide such keys
    // behind scores of -inf; fused attention may look at them.
    boolean byProducts = forward.numerics().attentionByProducts();
    method.when(
        past + " == 0", () -> method.line("torch.zero_(%s)".formatted(byProducts ? values : own)));
    if (!byProducts) {
      Sym keys = view(own.select(0, 0), -1, width);
      write(method, values, tokens.select(0, 2), past, end, places);
      write(method, keys, tokens.select(0, 0), past, end, places);
      return queries.attention(keys.slice(2, 0, end), values.slice(2, 0, end), mask);
    }
    Sym keys = view(own.select(0, 0), width, -1);
    write(method, values, tokens.select(0, 2), past, end, places);
    write(method, keys.transpose(2, 3), tokens.select(0, 0), past, end, places);
    Sym seen = seen(method, end, keys.size(3));
    Sym scaled = queries.mul(1 / Math.sqrt(width));
    Sym scores = method.let("torch.matmul(%s, %s)".formatted(scaled, keys.slice(3, 0, seen)));
    method.line("torch.fill_(%s, float(\"-inf\"))".formatted(scores.from(3, end)));
    method.when(
        mask + " is not None",
        () ->
            method.line(
                "torch.masked_fill_(%s, torch.logical_not(%s), float(\"-inf\"))"
                    .formatted(scores.slice(3, 0, end), mask)));
    return method.let(
        "torch.matmul(%s, %s)".formatted(scores.softmax(-1), values.slice(2, 0, seen)));
  }

  /** Positions of {@code all} that products are made with when {@code tokens} of them are taken. */
  private static Sym seen(Method method, Sym tokens, Sym all) {
    return method.let(
        "ops.prim.min(torch.floordiv(%s + %d, %d) * %d, %s)"
            .formatted(tokens, PLACES - 1, PLACES, PLACES, all));
  }

  /** Puts new keys or values, (B,H,T,d), into those of the cache, (B,H,M,d). */
  private static void write(Method method, Sym cached, Sym made, Sym past, Sym end, Sym places) {
    method.when(places + " is None", () -> cached.slice(2, past, end).copyIn(made));
    method.when(
        places + " is not None",
        () -> {
          Sym streams =
              method.let(
                  "torch.arange(%s, device=ops.prim.device(%s))".formatted(made.size(0), made));
          method.line(
              "torch.index_put_(%s, annotate(List[Optional[Tensor]], [%s, %s]), %s)"
                  .formatted(cached.transpose(1, 2), streams, places, made.select(2, 0)));
        });
  }

  /** (B,H,M·d) → (B,H,rows,columns), a view. */
  private Sym view(Sym part, int rows, int columns) {
    return part.view(part.size(0), heads, rows, columns);
  }
}
