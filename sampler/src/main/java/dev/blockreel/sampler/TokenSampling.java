package dev.blockreel.sampler;

import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;

/**
 * From logits to tokens, inside the compiled call: temperature, top-k, top-p, then one uniform
 * number a token through the inverse of the cumulative distribution, likeliest token first. Every
 * row has options of its own.
 *
 * <p>Letters: R rows, one for each token to draw; V vocabulary. {@code draws} is (4,R): uniform
 * numbers in [0, 1), temperatures above 0, top-k (0 keeps all), top-p (0 keeps the likeliest
 * alone).
 */
final class TokenSampling {
  private TokenSampling() {}

  /**
   * Adds to a script:
   *
   * <ul>
   *   <li>{@code ranked(logits (R,V), draws)}: weights, likeliest first, 0 for tokens that are
   *       filtered away; the ids they belong to; the sums of the weights.
   *   <li>{@code filtered(logits (R,V), draws, w)}: probabilities (R,V) in the order of the ids.
   *   <li>{@code choose(logits (R,V), draws, w)}: ids (R), int64.
   *   <li>{@code guide(logits (R+U,V), guided (U), strengths (U,1), w)}: (R,V); the last U rows are
   *       what the network gives for the rows {@code guided} without their condition, and those
   *       become (1+s)·conditional - s·unconditional.
   * </ul>
   *
   * The last argument is the list of weights, which every call of a generator carries.
   */
  static void writeChoice(ScriptWriter script) {
    script.method("ranked", TokenSampling::ranked);
    script.method(
        "filtered",
        m -> {
          Sym logits = m.tensor("logits");
          Sym ranked = m.call("ranked", logits, m.tensor("draws"));
          m.tensors("w");
          Sym probabilities =
              m.let("%s / %s".formatted(ranked.item(0), ranked.item(2).from(1, -1)));
          m.returns(
              m.let(
                  "torch.scatter(torch.zeros_like(%s), -1, %s, %s.to(6))"
                      .formatted(logits, ranked.item(1), probabilities)));
        });
    script.method(
        "choose",
        m -> {
          Sym logits = m.tensor("logits");
          Sym draws = m.tensor("draws");
          m.tensors("w");
          Sym ranked = m.call("ranked", logits, draws);
          Sym sums = ranked.item(2);
          Sym target = m.let("%s.to(7) * %s".formatted(column(draws, 0), sums.from(1, -1)));
          Sym rank = m.let("torch.searchsorted(%s, %s, right=True)".formatted(sums, target));
          Sym drawn =
              m.let("torch.squeeze(torch.gather(%s, -1, %s), -1)".formatted(ranked.item(1), rank));
          m.returns(drawn);
        });
    script.method(
        "guide",
        m -> {
          Sym logits = m.tensor("logits");
          Sym guided = m.tensor("guided");
          Sym strengths = m.tensor("strengths");
          m.tensors("w");
          Sym rows = m.let("%s - %s".formatted(logits.size(0), guided.size(0)));
          Sym own = m.let(logits.slice(0, 0, rows).toString());
          m.when(
              guided.size(0) + " > 0",
              () -> {
                Sym conditional = own.indexSelect(0, guided);
                Sym blend =
                    conditional
                        .mul("(1. + " + strengths + ")")
                        .sub(logits.from(0, rows).mul(strengths));
                m.assign(
                    own, m.let("torch.index_copy(%s, 0, %s, %s)".formatted(own, guided, blend)));
              });
          m.returns(own);
        });
  }

  /**
   * Adds the same to a script that has {@code step}, and {@code next(…, w)}: the arguments of
   * {@code step}, then {@code guided, strengths, draws}; returns ids (R), the logits that they were
   * chosen from, and those of the network.
   */
  static void write(ScriptWriter script) {
    writeChoice(script);
    script.method(
        "next",
        m -> {
          Sym ids = m.tensor("ids");
          Sym positions = m.tensor("positions");
          Sym runs = m.integers("runs");
          Sym masks = m.tensors("masks");
          Sym cache = m.tensor("cache");
          Sym rows = m.tensor("rows");
          Sym guided = m.tensor("guided");
          Sym strengths = m.tensor("strengths");
          Sym draws = m.tensor("draws");
          Sym w = m.tensors("w");
          Sym raw = m.call("step", ids, positions, runs, masks, cache, rows, w);
          Sym logits = m.call("guide", raw, guided, strengths, w);
          m.returnsAll(m.call("choose", logits, draws, w), logits, raw);
        });
  }

  /** Row {@code index} of {@code draws}, (R,1). */
  private static Sym column(Sym draws, int index) {
    return draws.select(0, index).unsqueeze(-1);
  }

  private static void ranked(Method m) {
    Sym logits = m.tensor("logits");
    Sym draws = m.tensor("draws");
    Sym temperature = column(draws, 1);
    Sym topK = column(draws, 2);
    Sym topP = column(draws, 3);
    Sym vocabulary = logits.size(1);
    // The largest first becomes 0: then no temperature, however low, makes numbers that are none.
    Sym below = m.let("%s - torch.amax(%s, [-1], True)".formatted(logits, logits));
    Sym scaled = below.div(temperature);
    m.line("values, ids = torch.sort(%s, stable=True, dim=-1, descending=True)".formatted(scaled));
    Sym values = m.literal("values");
    Sym kept = m.let("torch.where(%s > 0., %s, float(%s))".formatted(topK, topK, vocabulary));
    Sym last = m.let("torch.clamp(%s, 1, %s).to(4) - 1".formatted(kept, vocabulary));
    // Ties with the k-th logit stay.
    Sym least = m.let("torch.gather(%s, -1, %s)".formatted(values, last));
    Sym weights =
        m.let(
            "torch.masked_fill(torch.exp(%s).to(7), %s < %s, 0.)".formatted(values, values, least));
    // Sums in double precision are as good as exact, in whatever order they are taken.
    Sym sums = m.let("torch.cumsum(%s, -1)".formatted(weights));
    // The first token that crosses p stays: what counts is the sum before it.
    Sym before = sums.sub(weights);
    Sym limit = m.let("%s * %s".formatted(topP, sums.from(1, -1)));
    Sym rest = m.let("torch.masked_fill(%s, %s > %s, 0.)".formatted(weights, before, limit));
    m.returnsAll(rest, m.literal("ids"), m.let("torch.cumsum(%s, -1)".formatted(rest)));
  }
}
