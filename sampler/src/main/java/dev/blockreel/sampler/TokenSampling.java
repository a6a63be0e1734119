package dev.blockreel.sampler;

import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Torch;

/**
 * From logits to tokens, inside the compiled call: temperature, top-k, top-p, then one uniform
 * number a token through the inverse of the cumulative distribution, likeliest token first. Every
 * row has options of its own.
 *
 * <p>Letters: R rows, one for each token to draw; V vocabulary. {@code draws} is (4,R), and {@code
 * few} an integer, both as {@link TokenDraws} has them.
 */
final class TokenSampling {
  private static final int BINS = 1024;

  /** How many groups tell where the k-th logit lies at least. */
  private static final int GROUPS = 2 * TokenDraws.FEW;

  /** A token this far below the likeliest, in nats, has a weight of 0 in fp32. */
  private static final int DEPTH = 110;

  private TokenSampling() {}

  /**
   * Adds to a script:
   *
   * <ul>
   *   <li>{@code ranked(logits (R,V), draws)}: ids, likeliest first; their weights, 0 where top-k
   *       filters them away; the sums of these; the last rank that top-p keeps, (R,1).
   *   <li>{@code filtered(logits (R,V), draws, w)}: probabilities (R,V) in the order of the ids.
   *   <li>{@code chooseBySorting(logits (R,V), draws, w)}: ids (R), int64; the plain twin of
   *   <li>{@code choose(logits (R,V), draws, few, w)}: the same ids, without sorting the rows.
   *   <li>{@code guide(logits (R+U,V), guided (U), strengths (U,1), w)}: (R,V); the last U rows are
   *       what the network gives for the rows {@code guided} without their condition, and those
   *       become (1+s)·conditional - s·unconditional.
   * </ul>
   *
   * The last argument is the list of weights, which every call of a generator carries.
   */
  static void writeChoice(ScriptWriter script) {
    script.method("filter", TokenSampling::filter);
    script.method("ranked", TokenSampling::ranked);
    script.method(
        "filtered",
        m -> {
          Sym logits = m.tensor("logits");
          Sym ranked = m.call("ranked", logits, m.tensor("draws"));
          m.tensors("w");
          Sym last = ranked.item(3);
          Sym ranks =
              m.let("torch.arange(%s, device=ops.prim.device(%s))".formatted(logits.size(1), last));
          Sym weights =
              m.let("torch.masked_fill(%s, %s > %s, 0.)".formatted(ranked.item(1), ranks, last));
          Sym total = m.let("torch.gather(%s, -1, %s)".formatted(ranked.item(2), last));
          m.returns(
              m.let(
                  "torch.scatter(torch.zeros_like(%s), -1, %s, (%s / %s).to(6))"
                      .formatted(logits, ranked.item(0), weights, total)));
        });
    script.method(
        "chooseBySorting",
        m -> {
          Sym logits = m.tensor("logits");
          Sym draws = m.tensor("draws");
          m.tensors("w");
          Sym ranked = m.call("ranked", logits, draws);
          m.returns(draw(m, draws, ranked.item(0), ranked.item(2), ranked.item(3)));
        });
    // A GPU sorts faster than the host can look at a result.
    if (Torch.onGpu()) {
      script.method(
          "choose",
          m -> {
            Sym logits = m.tensor("logits");
            Sym draws = m.tensor("draws");
            m.integer("few");
            m.returns(m.call("chooseBySorting", logits, draws, m.tensors("w")));
          });
    } else {
      script.method("rankOne", TokenSampling::rankOne);
      script.method("rank", TokenSampling::rank);
      script.method("chooseOfFew", TokenSampling::chooseOfFew);
      script.method("inBin", TokenSampling::inBin);
      script.method("chooseByHistogram", TokenSampling::chooseByHistogram);
      script.method("choose", TokenSampling::choose);
    }
    script.method(
        "guide",
        m -> {
          Sym logits = m.tensor("logits");
          Sym guided = m.tensor("guided");
          Sym strengths = m.tensor("strengths");
          m.tensors("w");
          m.when(guided.size(0) + " == 0", () -> m.returns(logits));
          Sym rows = m.let("%s - %s".formatted(logits.size(0), guided.size(0)));
          Sym own = m.let(logits.slice(0, 0, rows).toString());
          Sym conditional = own.indexSelect(0, guided);
          Sym blend =
              conditional.mul("(1. + " + strengths + ")").sub(logits.from(0, rows).mul(strengths));
          m.returns(m.let("torch.index_copy(%s, 0, %s, %s)".formatted(own, guided, blend)));
        });
  }

  /**
   * Adds the same to a script that has {@code step}, and {@code next(…, w)}: the arguments of
   * {@code step}, then {@code guided, strengths (C,U,1), draws (C,4,R), few, feeds (N)}. It makes C
   * steps, of which each but the first reads what the one before it chose: token {@code feeds[i]}
   * in place of id i, one position on. Returns the ids of all steps (C·R), the logits that the last
   * were chosen from, and those of the network.
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
          Sym few = m.integer("few");
          Sym feeds = m.tensor("feeds");
          Sym w = m.tensors("w");
          Sym raw = m.call("step", ids, positions, runs, masks, cache, rows, w);
          Sym logits = m.call("guide", raw, guided, strengths.select(0, 0), w);
          Sym chosen = m.call("choose", logits, draws.select(0, 0), few, w);
          Sym all = m.let("[%s]".formatted(chosen));
          m.loop(
              draws.size(0) + " - 1",
              i -> {
                Sym place = m.let("%s + 1".formatted(i));
                Nbp.writeAdvance(m, runs);
                Sym read = chosen.indexSelect(0, feeds);
                Sym at = positions.add(place);
                m.assign(raw, m.call("step", read, at, runs, masks, cache, rows, w));
                Sym strength = strengths.select(0, place);
                m.assign(logits, m.call("guide", raw, guided, strength, w));
                m.assign(chosen, m.call("choose", logits, draws.select(0, place), few, w));
                m.line("torch.append(%s, %s)".formatted(all, chosen));
              });
          m.returnsAll(m.let("torch.cat(%s, 0)".formatted(all)), logits, raw);
        });
  }

  /** Row {@code index} of {@code draws}, (R,1). */
  private static Sym column(Sym draws, int index) {
    return draws.select(0, index).unsqueeze(-1);
  }

  /** Where the uniform numbers fall within weights of this {@code total}, (R,1). */
  private static Sym target(Method m, Sym draws, Sym total) {
    return m.let("%s * %s".formatted(column(draws, 0), total));
  }

  /** Element {@code index} (R,1) of each row, (R). */
  private static Sym pick(Method m, Sym rows, Sym index) {
    return m.let("torch.squeeze(torch.gather(%s, -1, %s), -1)".formatted(rows, index));
  }

  /**
   * Logits below the largest, divided by the temperature. The largest becomes 0 first: then no
   * temperature, however low, makes numbers that are none. Tokens are ranked by what the network
   * said, before this rounds some of them to ties.
   */
  private static Sym scaled(Sym logits, Sym largest, Sym draws) {
    return logits.sub(largest).div(column(draws, 1));
  }

  /** The largest logit of each row, (R,1). */
  private static Sym largest(Method m, Sym logits) {
    return m.let("torch.amax(%s, [-1], True)".formatted(logits));
  }

  /** How many tokens top-k keeps, (R,1), float. */
  private static Sym kept(Method m, Sym draws, Sym vocabulary) {
    Sym topK = column(draws, 2);
    return m.let(
        "torch.clamp(torch.where(%s > 0., %s, float(%s)), 1, %s)"
            .formatted(topK, topK, vocabulary, vocabulary));
  }

  private static void ranked(Method m) {
    Sym logits = m.tensor("logits");
    Sym draws = m.tensor("draws");
    m.line("sorted, ids = torch.sort(%s, stable=True, dim=-1, descending=True)".formatted(logits));
    Sym values = scaled(m.literal("sorted"), largest(m, logits), draws);
    Sym at = m.let("%s.to(4) - 1".formatted(kept(m, draws, logits.size(1))));
    Sym least = m.let("torch.gather(%s, -1, %s)".formatted(values, at));
    Sym filtered = m.call("filter", values, draws, least);
    m.returnsAll(m.literal("ids"), filtered.item(0), filtered.item(1), filtered.item(2));
  }

  /**
   * Writes {@code filter(values (R,C), draws, least (R,1))}: weights of ranked tokens, of which
   * those below the k-th, {@code least}, get 0; their sums; the last rank that top-p keeps.
   */
  private static void filter(Method m) {
    Sym values = m.tensor("values");
    Sym draws = m.tensor("draws");
    Sym least = m.tensor("least");
    // Ties with the k-th logit stay.
    Sym weights =
        m.let("torch.masked_fill(torch.exp(%s), %s < %s, 0.)".formatted(values, values, least));
    // Sums in double precision are as good as exact, in whatever order they are taken.
    Sym sums = m.let("torch.cumsum(%s, -1, dtype=7)".formatted(weights));
    // The first token that crosses p stays.
    Sym limit = m.let("%s * %s".formatted(column(draws, 3), sums.from(1, -1)));
    Sym crossing = m.let("torch.searchsorted(%s, %s, right=True)".formatted(sums, limit));
    m.returnsAll(weights, sums, clampTo(m, crossing, sums));
  }

  /**
   * The ids (R) on which the uniform numbers fall, of ranked ids, the sums of their weights, and
   * the last rank that is kept.
   */
  private static Sym draw(Method m, Sym draws, Sym ids, Sym sums, Sym last) {
    Sym total = m.let("torch.gather(%s, -1, %s)".formatted(sums, last));
    Sym target = target(m, draws, total);
    return pick(m, ids, m.let("torch.searchsorted(%s, %s, right=True)".formatted(sums, target)));
  }

  private static void choose(Method m) {
    Sym logits = m.tensor("logits");
    Sym draws = m.tensor("draws");
    Sym few = m.integer("few");
    m.tensors("w");
    m.when(
        "%s > 0 and %s >= %s".formatted(few, logits.size(1), 2 * GROUPS),
        () -> m.returns(m.call("chooseOfFew", logits, draws, few)));
    m.returns(m.call("chooseByHistogram", logits, draws));
  }

  /**
   * Ranks only what top-k may keep. The vocabulary is cut into groups: k groups whose largest
   * logits reach some mark hold k tokens that do, so no token below the k-th largest of these is
   * wanted.
   */
  private static void chooseOfFew(Method m) {
    Sym logits = m.tensor("logits");
    Sym draws = m.tensor("draws");
    Sym few = m.integer("few");
    Sym size = m.let("torch.floordiv(%s, %s)".formatted(logits.size(1), GROUPS));
    Sym groups = m.let("torch.floordiv(%s, %s)".formatted(logits.size(1), size));
    // What is left over belongs to no group: the mark may be lower for it, never too high.
    Sym grouped =
        m.let(
            "torch.unflatten(%s, 1, [%s, %s])"
                .formatted(
                    logits.slice(1, 0, m.let("%s * %s".formatted(groups, size))), size, groups));
    Sym largest = m.let("torch.amax(%s, [1])".formatted(grouped));
    // One mark serves rows that keep less, too: it lets more pass than they need.
    m.line("mark, _ = torch.kthvalue(%s, %s - %s + 1, 1, True)".formatted(largest, groups, few));
    Sym candidates = m.let("%s >= mark".formatted(logits));
    Sym ranked = m.let("annotate(List[Tensor], [])");
    Sym least = m.let("mark");
    Sym values = m.let("mark");
    m.when(
        logits.size(0) + " == 1",
        () -> {
          m.assign(ranked, m.call("rankOne", logits, candidates));
          m.assign(values, belowLikeliest(m, ranked, draws));
          m.assign(least, m.let(values.slice(1, few + " - 1", few).toString()));
        },
        () -> {
          m.assign(ranked, m.call("rank", logits, candidates));
          m.assign(values, belowLikeliest(m, ranked, draws));
          Sym at = m.let("%s.to(4) - 1".formatted(column(draws, 2)));
          m.assign(least, m.let("torch.gather(%s, -1, %s)".formatted(values, at)));
        });
    Sym filtered = m.call("filter", values, draws, least);
    m.returns(draw(m, draws, ranked.item(1), filtered.item(1), filtered.item(2)));
  }

  private static Sym belowLikeliest(Method m, Sym ranked, Sym draws) {
    return m.let(scaled(ranked.item(0), ranked.item(0).slice(1, 0, 1), draws).toString());
  }

  /**
   * Each of the three questions, which is the k-th logit, which token crosses p, which one is
   * drawn, asks where a running sum over the ranked tokens passes some mark. Sums over {@value
   * #BINS} bins of logits tell in which bin that is, and only the tokens of that one are ranked.
   */
  private static void chooseByHistogram(Method m) {
    Sym logits = m.tensor("logits");
    Sym draws = m.tensor("draws");
    Sym largest = largest(m, logits);
    Sym scaled = scaled(logits, largest, draws);
    Sym weights = m.let("torch.exp(%s).to(7)".formatted(scaled));
    // Bin 0 holds the largest; what lies below the last one has no weight.
    Sym low =
        m.let("torch.clamp(torch.amin(%s, [-1], True), -%s., -1e-6)".formatted(scaled, DEPTH));
    Sym bins =
        m.let(
            "(torch.maximum(%s, %s) * (torch.reciprocal(%s) * %s)).to(4)"
                .formatted(scaled, low, low, (BINS - 1) * (1 + 1e-6)));
    Sym zeros = m.let("torch.new_zeros(%s, [%s, %s])".formatted(weights, scaled.size(0), BINS));
    Sym one = m.let("torch.new_ones(%s, [1, 1])".formatted(weights));
    Sym ones = one.expand(scaled.size(0), scaled.size(1));
    Sym counts = m.let("torch.scatter_add(%s, 1, %s, %s)".formatted(zeros, bins, ones));
    Sym mass = m.let("torch.scatter_add(%s, 1, %s, %s)".formatted(zeros, bins, weights));

    // Top-k: the k-th logit, if it has a weight that anybody could miss.
    Sym kept = kept(m, draws, scaled.size(1));
    Sym many = m.let("torch.cumsum(%s, 1)".formatted(counts));
    Sym least = m.let("torch.full_like(%s, %s)".formatted(low, "float(\"-inf\")"));
    Sym binOfK = firstBin(m, many, kept.toString() + ".to(7)", false);
    Sym matters =
        m.let(
            "torch.logical_and(%s < %s, torch.logical_or(%s < %s, %s > -%s.))"
                .formatted(kept, scaled.size(1), binOfK, BINS - 1, low, DEPTH));
    m.when(
        "bool(torch.any(%s))".formatted(matters),
        () -> {
          Sym asked = m.let("torch.where(%s, %s, %s)".formatted(matters, binOfK, BINS));
          Sym found = m.call("inBin", logits, bins, asked);
          Sym values = scaled(found.item(0), largest, draws);
          Sym need = m.let("(%s.to(7) - %s).to(4) - 1".formatted(kept, before(m, many, asked)));
          Sym inside = clampTo(m, need, values);
          Sym kth = m.let("torch.gather(%s, 1, %s)".formatted(values, inside));
          // Ties with the k-th logit stay.
          m.assign(least, m.let("torch.where(%s, %s, %s)".formatted(matters, kth, least)));
          Sym stay = keepAtLeast(m, values, least);
          m.assign(mass, cut(m, mass, asked, stay));
        });

    // Top-p: the first token that crosses p stays, what counts is the sum before it.
    Sym sums = m.let("torch.cumsum(%s, 1)".formatted(mass));
    Sym limit = m.let("%s * %s".formatted(column(draws, 3), sums.from(1, -1)));
    Sym binOfP = firstBin(m, sums, limit.toString(), true);
    Sym survivors = m.let("torch.full_like(%s, %s)".formatted(binOfP, scaled.size(1)));
    m.when(
        "bool(torch.any(%s < %s))".formatted(binOfP, BINS),
        () -> {
          Sym found = m.call("inBin", logits, bins, binOfP);
          Sym values = scaled(found.item(0), largest, draws);
          Sym stay = keepAtLeast(m, values, least);
          Sym ahead =
              m.let("%s + torch.cumsum(%s, 1) - %s".formatted(before(m, sums, binOfP), stay, stay));
          Sym rest = m.let("torch.masked_fill(%s, %s > %s, 0.)".formatted(stay, ahead, limit));
          m.assign(
              survivors,
              m.let(
                  "torch.where(%s < %s, torch.sum(%s > 0., [1], True), %s)"
                      .formatted(binOfP, BINS, rest, survivors)));
          m.assign(mass, cut(m, mass, binOfP, rest));
          m.assign(sums, m.let("torch.cumsum(%s, 1)".formatted(mass)));
        });

    // The draw.
    Sym target = target(m, draws, sums.from(1, -1));
    Sym bin = clampTo(m, firstBin(m, sums, target.toString(), true), sums);
    Sym found = m.call("inBin", logits, bins, bin);
    Sym values = scaled(found.item(0), largest, draws);
    Sym stay = keepAtLeast(m, values, least);
    Sym all = m.let("torch.sum(%s > 0., [1], True)".formatted(stay));
    Sym last =
        m.let(
            "torch.where(%s == %s, torch.minimum(%s, %s), %s) - 1"
                .formatted(bin, binOfP, all, survivors, all));
    Sym upTo = m.let("%s + torch.cumsum(%s, 1)".formatted(before(m, sums, bin), stay));
    Sym rank = m.let("torch.searchsorted(%s, %s, right=True)".formatted(upTo, target));
    m.returns(pick(m, found.item(1), m.let("torch.minimum(%s, %s)".formatted(rank, last))));
  }

  /** The first bin, (R,1), whose running sum reaches {@code mark}, or passes it. */
  private static Sym firstBin(Method m, Sym sums, String mark, boolean passes) {
    return m.let(
        "torch.searchsorted(%s, %s, right=%s)".formatted(sums, mark, passes ? "True" : "False"));
  }

  /** The running sum in front of a bin, (R,1); also of the one behind the last. */
  private static Sym before(Method m, Sym sums, Sym bin) {
    return m.let(
        "torch.where(%s > 0, torch.gather(%s, 1, torch.clamp(%s - 1, 0)), 0.)"
            .formatted(bin, sums, bin));
  }

  private static Sym clampTo(Method m, Sym index, Sym rows) {
    return m.let("torch.clamp(%s, 0, %s - 1)".formatted(index, rows.size(1)));
  }

  /** Weights of ranked tokens, 0 for those below the k-th. */
  private static Sym keepAtLeast(Method m, Sym ranked, Sym least) {
    return m.let(
        "torch.masked_fill(torch.exp(%s).to(7), %s < %s, 0.)".formatted(ranked, ranked, least));
  }

  /** Mass of the bins when {@code bin} keeps only {@code rest} and all behind it nothing. */
  private static Sym cut(Method m, Sym mass, Sym bin, Sym rest) {
    Sym numbers = m.let("torch.arange(%s, device=ops.prim.device(%s))".formatted(BINS, mass));
    Sym own = m.let("torch.sum(%s, [1], True)".formatted(rest));
    return m.let(
        "torch.where(%s < %s, %s, torch.where(%s == %s, %s, 0.))"
            .formatted(numbers, bin, mass, numbers, bin, own));
  }

  /**
   * Writes {@code inBin(logits (R,V), bins (R,V), bin (R,1))}: {@code rank} for the tokens of one
   * bin a row; none where there is no such bin.
   */
  private static void inBin(Method m) {
    Sym logits = m.tensor("logits");
    Sym bins = m.tensor("bins");
    Sym bin = m.tensor("bin");
    Sym ranked = m.call("rank", logits, m.let("%s == %s".formatted(bins, bin)));
    m.returnsAll(ranked.item(0), ranked.item(1));
  }

  /**
   * Writes {@code rank(logits (R,V), some (R,V))}: the tokens of which {@code some} is true,
   * likeliest first, ties by their ids: logits and ids, (R,C) each. Rows with less than C of them
   * end in -inf and 0.
   */
  private static void rank(Method m) {
    Sym logits = m.tensor("logits");
    Sym some = m.tensor("some");
    Sym vocabulary = logits.size(1);
    Sym rows = logits.size(0);
    Sym places = places(m, some);
    // A row alone needs no cells.
    m.when(
        "%s == 1 and %s > 0".formatted(rows, places.size(0)),
        () -> m.line("return self.rankOne(%s, %s)".formatted(logits, some)));
    Sym flat = m.let("torch.reshape(%s, [-1])".formatted(logits));
    Sym row = m.let("torch.floor_divide(%s, %s)".formatted(places, vocabulary));
    // Places come in order: where those of a row begin is found sooner than they are counted.
    Sym begins =
        m.let(
            "torch.arange(%s + 1, device=ops.prim.device(%s)) * %s"
                .formatted(rows, places, vocabulary));
    Sym bounds = m.let("torch.searchsorted(%s, %s)".formatted(places, begins));
    Sym first = m.let(bounds.slice(0, 0, rows).toString());
    Sym most = m.let("max(1, int(torch.amax(%s - %s)))".formatted(bounds.from(0, "1"), first));
    Sym within =
        m.let(
            "torch.arange(%s, device=ops.prim.device(%s)) - torch.index_select(%s, 0, %s)"
                .formatted(places.size(0), places, first, row));
    Sym cells = m.let("%s * %s + %s".formatted(row, most, within));
    Sym values =
        spread(
            m,
            "torch.full_like(torch.new_empty(%s, [%s * %s]), float(\"-inf\"))"
                .formatted(flat, rows, most),
            cells,
            "torch.index_select(%s, 0, %s)".formatted(flat, places),
            rows,
            most);
    m.line(
        "ranked, order = torch.sort(%s, stable=True, dim=-1, descending=True)".formatted(values));
    Sym ids =
        spread(
            m,
            "torch.new_zeros(%s, [%s * %s])".formatted(places, rows, most),
            cells,
            "torch.remainder(%s, %s)".formatted(places, vocabulary),
            rows,
            most);
    m.returnsAll(
        m.literal("ranked"), m.let("torch.gather(%s, 1, %s)".formatted(ids, m.literal("order"))));
  }

  /** Writes {@code rankOne(logits (1,V), some (1,V))}: {@code rank} for a row with any. */
  private static void rankOne(Method m) {
    Sym logits = m.tensor("logits");
    Sym places = places(m, m.tensor("some"));
    Sym own = logits.select(0, 0).indexSelect(0, places);
    m.line("ranked, order = torch.sort(%s, stable=True, dim=-1, descending=True)".formatted(own));
    m.returnsAll(
        m.literal("ranked").unsqueeze(0), places.indexSelect(0, m.literal("order")).unsqueeze(0));
  }

  /** Where {@code some} is true, as if its rows lay one behind the other. */
  private static Sym places(Method m, Sym some) {
    return m.let("torch.squeeze(torch.nonzero(torch.reshape(%s, [-1])), 1)".formatted(some));
  }

  /** {@code values}, put into {@code cells} of a (rows, most) tensor. */
  private static Sym spread(Method m, String empty, Sym cells, String values, Sym rows, Sym most) {
    return m.let(
        "torch.reshape(torch.index_copy(%s, 0, %s, %s), [%s, %s])"
            .formatted(empty, cells, values, rows, most));
  }
}
