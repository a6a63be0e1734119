package dev.blockreel.nn;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;

/**
 * Softmax attention over a cache of keys and values, which has a slot for each stream of tokens and
 * is written in place. Letters: B streams, T tokens of each, S slots, M positions, H heads, d width
 * of a head.
 *
 * <p>Where a CPU infers, attention is two products with a softmax between them: for the few queries
 * of a step that takes a third to a tenth of the time of libtorch's fused attention, the plain
 * twin. Those in bf16 are oneDNN's, to which a matrix of a new size costs a kernel, and token by
 * token every one would be new: they are made with a few more positions than there are tokens.
 */
public final class CachedAttention {
  /**
   * Positions that oneDNN's products are made with are a multiple of this, if there are so many.
   */
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
   * @param dtype of the keys and values, which need not be that of every call
   * @param weights any list of tensors on the device
   */
  public Sym emptyCache(
      Method method, Dtype dtype, int layers, Sym slots, Sym positions, Sym weights) {
    return method.let(
        "torch.empty([%s, 2, %s, %s, %s * %s], dtype=%s, device=ops.prim.device(%s[0]))"
            .formatted(layers, slots, heads, positions, width, dtype.number(), weights));
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
    Sym streams = tokens.size(1);
    Sym end = method.let(past + " + " + tokens.size(3));
    Sym own = cache.slice(1, slot, slot + " + " + streams).view(2, streams, heads, -1, width);
    // What was never written may be no number, and none times 0 is none. Products hide such keys
    // behind scores of -inf; fused attention may look at them.
    boolean byProducts = forward.numerics().attentionByProducts();
    method.when(
        past + " == 0",
        () -> method.line("torch.zero_(%s)".formatted(byProducts ? own.select(0, 1) : own)));
    write(method, own, method.let("%s[::2]".formatted(tokens)), past, end, places);
    Sym queries = tokens.select(0, 1);
    if (!byProducts) {
      return queries.attention(
          forward.enter(own.select(0, 0).slice(2, 0, end)),
          forward.enter(own.select(0, 1).slice(2, 0, end)),
          mask,
          1 / Math.sqrt(width));
    }
    boolean byOneDnn = forward.numerics().compute() != Dtype.FLOAT32;
    Sym seen = byOneDnn ? seen(method, end, own.size(3)) : end;
    Sym all = own.view(2, "-1", own.size(3), width).slice(2, 0, seen);
    Sym scaled = queries.mul(1 / Math.sqrt(width)).reshape(-1, tokens.size(3), width);
    Sym keys = operand(forward, all.select(0, 0)).transpose(1, 2);
    Sym scores = method.let("torch.bmm(%s, %s)".formatted(scaled, keys));
    if (byOneDnn) {
      method.line("torch.fill_(%s, float(\"-inf\"))".formatted(scores.from(2, end)));
    }
    method.when(
        mask + " is not None",
        () ->
            method.line(
                "torch.masked_fill_(%s, torch.logical_not(%s), float(\"-inf\"))"
                    .formatted(scores.view(streams, heads, -1, seen).slice(3, 0, end), mask)));
    Sym found =
        method.let(
            "torch.bmm(%s, %s)".formatted(scores.softmax(-1), operand(forward, all.select(0, 1))));
    return found.view(streams, heads, -1, width);
  }

  /** oneDNN takes no parts of matrices: libtorch would copy them element by element. */
  private static Sym operand(Forward forward, Sym cached) {
    Sym entered = forward.enter(cached);
    return forward.numerics().compute() == Dtype.FLOAT32 ? entered : entered.contiguous();
  }

  /** Positions of {@code all} that products are made with when {@code tokens} of them are taken. */
  private static Sym seen(Method method, Sym tokens, Sym all) {
    return method.let(
        "ops.prim.min(torch.floordiv(%s + %s, %s) * %s, %s)"
            .formatted(tokens, PLACES - 1, PLACES, PLACES, all));
  }

  /** Puts new keys and values, (2,B,H,T,d), into those of the cache, (2,B,H,M,d). */
  private static void write(Method method, Sym cached, Sym made, Sym past, Sym end, Sym places) {
    method.when(places + " is None", () -> cached.slice(3, past, end).copyIn(made));
    method.when(
        places + " is not None",
        () -> {
          Sym streams =
              method.let(
                  "torch.arange(%s, device=ops.prim.device(%s))".formatted(made.size(1), made));
          // (B,M,2,H,d) at [stream, place] takes (B,2,H,d).
          method.line(
              "torch.index_put_(%s, annotate(List[Optional[Tensor]], [%s, %s]), torch.type_as(%s, %s))"
                  .formatted(
                      cached.permute(1, 3, 0, 2, 4),
                      streams,
                      places,
                      made.select(3, 0).permute(1, 0, 2, 3),
                      cached));
        });
  }
}
