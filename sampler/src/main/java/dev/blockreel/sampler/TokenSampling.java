package dev.blockreel.sampler;

import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;

/**
 * From logits to tokens, inside the compiled call: temperature, top-k, top-p, then one uniform
 * number a token through the inverse of the cumulative distribution, likeliest token first.
 */
final class TokenSampling {
  private TokenSampling() {}

  /**
   * Adds to a script:
   *
   * <ul>
   *   <li>{@code ranked(logits (…,V), temperature, topK, topP)}: probabilities, likeliest first,
   *       and the ids they belong to.
   *   <li>{@code filtered(…, w)}: the same probabilities in the order of the ids.
   *   <li>{@code choose(logits (B,P,V), uniforms (B,P), temperature, topK, topP, w)}: ids (B,P),
   *       int64; temperature 0 takes the likeliest.
   *   <li>{@code guide(logits (2B,P,V), strength, w)}: (1+s)·conditional - s·unconditional,
   *       (B,P,V).
   * </ul>
   *
   * The unused last argument is the list of weights, which every call of a generator carries.
   */
  static void write(ScriptWriter script) {
    script.method("ranked", TokenSampling::ranked);
    script.method(
        "filtered",
        m -> {
          Sym logits = m.tensor("logits");
          Sym ranked =
              m.call("ranked", logits, m.real("temperature"), m.integer("topK"), m.real("topP"));
          m.tensors("w");
          m.returns(
              m.let(
                  "torch.scatter(torch.zeros_like(%s), -1, %s, %s)"
                      .formatted(logits, ranked.item(1), ranked.item(0))));
        });
    script.method(
        "choose",
        m -> {
          Sym logits = m.tensor("logits");
          Sym uniforms = m.tensor("uniforms");
          Sym temperature = m.real("temperature");
          Sym topK = m.integer("topK");
          Sym topP = m.real("topP");
          m.tensors("w");
          Sym ids = m.let(logits.argmax(-1).toString());
          m.when(
              temperature + " > 0.",
              () -> {
                Sym ranked = m.call("ranked", logits, temperature, topK, topP);
                // Sums in double precision: a uniform number below 1 then always falls on a token
                // that was kept.
                Sym sums = m.let("torch.cumsum(%s, -1, dtype=7)".formatted(ranked.item(0)));
                Sym total = sums.from(2, -1);
                Sym rank =
                    m.let(
                        "torch.searchsorted(%s, torch.mul(torch.unsqueeze(%s.to(7), -1), %s), right=True)"
                            .formatted(sums, uniforms, total));
                Sym inside = m.let("torch.clamp(%s, 0, %s - 1)".formatted(rank, logits.size(2)));
                m.assign(
                    ids,
                    m.let(
                        "torch.squeeze(torch.gather(%s, -1, %s), -1)"
                            .formatted(ranked.item(1), inside)));
              });
          m.returns(ids);
        });
    script.method(
        "guide",
        m -> {
          Sym logits = m.tensor("logits");
          Sym strength = m.real("strength");
          m.tensors("w");
          Sym half = logits.size(0).floorDiv(2);
          Sym conditional = logits.slice(0, 0, half);
          Sym unconditional = logits.from(0, half);
          m.returns(conditional.mul("(1. + " + strength + ")").sub(unconditional.mul(strength)));
        });
  }

  private static void ranked(Method m) {
    Sym logits = m.tensor("logits");
    Sym temperature = m.real("temperature");
    Sym topK = m.integer("topK");
    Sym topP = m.real("topP");
    m.line("values, ids = torch.sort(%s / %s, -1, True)".formatted(logits, temperature));
    Sym values = m.literal("values");
    Sym vocabulary = values.size(2);
    m.when(
        topK + " > 0",
        () -> {
          // Ties with the k-th logit stay.
          Sym least =
              m.let(
                  "torch.slice(%s, 2, min(%s, %s) - 1, min(%s, %s))"
                      .formatted(values, topK, vocabulary, topK, vocabulary));
          m.assign(
              values,
              m.let(
                  "torch.masked_fill(%s, %s < %s, float(\"-inf\"))"
                      .formatted(values, values, least)));
        });
    Sym probabilities = m.let(values.softmax(-1).toString());
    m.when(
        topP + " < 1.",
        () -> {
          // The first token that crosses p stays: what counts is the sum before it.
          Sym before = m.let("torch.cumsum(%s, -1) - %s".formatted(probabilities, probabilities));
          Sym kept =
              m.let("torch.masked_fill(%s, %s > %s, 0.)".formatted(probabilities, before, topP));
          m.assign(probabilities, m.let("%s / torch.sum(%s, [-1], True)".formatted(kept, kept)));
        });
    m.returnsAll(probabilities, m.literal("ids"));
  }
}
