package dev.blockreel.generator.nbp;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.nn.Attention;
import dev.blockreel.nn.CachedAttention;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.Init;
import dev.blockreel.nn.LayerNorm;
import dev.blockreel.nn.Linear;
import dev.blockreel.nn.Linear.Activation;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.PrefixAttention;
import dev.blockreel.nn.PrefixAttention.Prefix;
import dev.blockreel.nn.Repeated;
import dev.blockreel.nn.StackedLinear;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightScope;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * The transformer of Next-Block Prediction (arXiv 2502.07737): a GPT whose every position predicts
 * the token one block ahead, so that a whole block of P tokens comes out of one step.
 *
 * <p>Letters: B batch, T tokens of a stream, M positions of the cache, H heads, d width of a head,
 * D width, V vocabulary. Weights carry the names of the published checkpoint, {@code
 * transformer.…}.
 */
public final class Nbp {
  /** Integers that describe a run of {@link #writeCached}. */
  public static final int RUN = 6;

  /** For fewer rows than this, oneDNN reads weights from memory a seventh slower. */
  private static final int LEAST_ROWS = 5;

  private final NbpConfig config;
  private final WeightScope scope = WeightScope.root("transformer");
  private final Weight tokenTable;
  private final Weight positionTable;
  private final Weight unconditional;
  private final Block block;
  private final CachedAttention attention;
  private final Repeated layers;
  private final LayerNorm finalNorm;
  private final Linear head;

  /** Builds the layers, and with them the list of weights. */
  public Nbp(NbpConfig config) {
    this.config = config;
    Init normal = Init.normal(0.02);
    tokenTable =
        scope.declare(
            "tok_emb.weight", Weight.Role.TABLE, normal, config.vocabulary(), config.width());
    positionTable =
        scope.declare(
            "pos_emb",
            Weight.Role.TABLE,
            Init.constant(0),
            1,
            config.contextLength(),
            config.width());
    unconditional =
        scope.declare(
            "uncond_embedding",
            Weight.Role.TABLE,
            normal,
            config.conditionTokens(),
            config.width());
    attention = new CachedAttention(config.heads(), config.width() / config.heads());
    WeightScope one = WeightScope.root("");
    block = new Block(one, config);
    layers = scope.repeat("blocks", config.layers(), one);
    finalNorm = new LayerNorm(scope.child("ln_f"), config.width());
    head = Linear.head(scope.child("head"), config.width(), config.vocabulary(), normal);
  }

  /**
   * Tensors of a published checkpoint's {@code state_dict}, {@link TensorFile#unwrapped}, without
   * what is no part of the transformer: the tokenizer, masks.
   */
  public static TensorFile publishedNames(TensorFile published) {
    return published.renamed(
        name -> name.startsWith("transformer.") && !name.contains("mask") ? name : null);
  }

  /** Sizes. */
  public NbpConfig config() {
    return config;
  }

  /**
   * How {@link #writeCached} computes best where {@code numerics} suit steps of many tokens. A
   * narrow network reads single tokens in other numbers.
   */
  public Numerics[] steps(Numerics numerics) {
    return numerics.packedProducts() && config.narrow()
        ? new Numerics[] {numerics, numerics.forSingleRows()}
        : new Numerics[] {numerics};
  }

  /** The weights that the script's methods take, in order. */
  public List<Weight> weights() {
    return scope.weights();
  }

  /** One layer: h += proj(attention(ln1 h)); h += mlp2(gelu(mlp0(ln2 h))). */
  private static final class Block {
    private final NbpConfig config;
    private final LayerNorm ln1;
    private final StackedLinear keyQueryValue;
    private final Linear proj;
    private final LayerNorm ln2;
    private final Linear expand;
    private final Linear contract;

    Block(WeightScope scope, NbpConfig config) {
      this.config = config;
      int width = config.width();
      Init normal = Init.normal(0.02);
      ln1 = new LayerNorm(scope.child("ln1"), width);
      keyQueryValue =
          new StackedLinear(scope.child("attn"), width, width, normal, "key", "query", "value");
      proj = new Linear(scope.child("attn.proj"), width, width, true, normal);
      ln2 = new LayerNorm(scope.child("ln2"), width);
      expand = new Linear(scope.child("mlp.0"), width, 4 * width, true, normal);
      contract = new Linear(scope.child("mlp.2"), 4 * width, width, true, normal);
    }

    /**
     * @param h (…, D)
     * @param attend turns keys, queries and values (…, 3·D) into what each query found (…, D)
     * @param wanted picks the tokens that the layer gives anything for
     */
    Sym apply(Forward forward, Sym h, UnaryOperator<Sym> attend, UnaryOperator<Sym> wanted) {
      Sym attended = attend.apply(keyQueryValue.apply(forward, ln1.apply(forward, h)));
      Sym middle = proj.plus(forward, wanted.apply(attended), wanted.apply(h));
      Sym wide = expand.pointwise(forward, ln2.apply(forward, middle), Activation.GELU);
      return contract.plus(forward, wide, middle);
    }

    /** (B·T, 3·D) of B streams that are T tokens long → (3,B,H,T,d): keys, queries, values. */
    Sym heads(Sym keyQueryValue, Object streams, Object tokens) {
      return keyQueryValue
          .view(streams, tokens, 3, config.heads(), config.width() / config.heads())
          .permute(2, 0, 3, 1, 4);
    }

    /** (B,H,T,d) → (B·T, D). */
    Sym merge(Sym heads) {
      return heads.transpose(1, 2).reshape(-1, config.width());
    }
  }

  /**
   * Writes {@code logits(ids (B,T), mask (T,T), last, w)}: one pass over a whole sequence without a
   * cache, the plain twin of {@link #writeCached}, which knows the same ids; fp32 logits (B,last,V)
   * of the last positions.
   */
  public void writeFull(ScriptWriter script, Numerics numerics) {
    writeFull(script, "", numerics, List.of());
  }

  /**
   * As {@link #writeFull(ScriptWriter, Numerics)}, for sequences of one length in one layout.
   *
   * @param kind what the names of its methods end with, so that a script can have several
   * @param prefixes {@link NbpLayout#closedPrefixes}
   */
  public void writeFull(
      ScriptWriter script, String kind, Numerics numerics, List<Prefix> prefixes) {
    PrefixAttention whole =
        new PrefixAttention(Attention.ofWidth(numerics, config.width() / config.heads()), prefixes);
    script.method(
        "layer" + kind,
        m -> {
          Sym h = m.tensor("h");
          Sym mask = m.tensor("mask");
          Forward forward = new Forward(m, m.tensors("b"), numerics);
          m.returns(
              block.apply(
                  forward,
                  h,
                  keyQueryValue -> {
                    Sym heads = block.heads(keyQueryValue, h.size(0), h.size(1));
                    Sym found =
                        whole.apply(
                            m, heads.select(0, 1), heads.select(0, 0), heads.select(0, 2), mask);
                    return block.merge(found).view(h.size(0), h.size(1), config.width());
                  },
                  UnaryOperator.identity()));
        });
    script.method(
        "allLayers" + kind,
        m -> {
          Sym embedded = m.tensor("embedded");
          Sym mask = m.tensor("mask");
          Sym last = m.integer("last");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym h = m.let(embedded.toString());
          layers.loop(forward, (i, b) -> m.assign(h, m.call("layer" + kind, h, mask, b)));
          m.returns(logits(forward, h, last));
        });
    script.method(
        "logits" + kind,
        m -> {
          Sym ids = m.tensor("ids");
          Sym mask = m.tensor("mask");
          Sym last = m.integer("last");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym places = forward.weight(positionTable).slice(1, 0, ids.size(1));
          Sym h = embed(forward, ids).add(places);
          m.returns(m.call("allLayers" + kind, h, mask, last, forward.weights()));
        });
  }

  /**
   * Writes {@code loss(ids, targets, mask, w)} after {@link #writeFull}: mean cross-entropy of the
   * last L positions, and the share of them whose likeliest token is the target's.
   *
   * @param kind what the name ends with, as that of {@code logits} does
   * @param soft whether targets are probabilities (B,L,V), or else ids (B,L)
   */
  public void writeLoss(ScriptWriter script, String kind, boolean soft) {
    script.method(
        "loss" + kind,
        m -> {
          Sym ids = m.tensor("ids");
          Sym targets = m.tensor("targets");
          Sym mask = m.tensor("mask");
          Sym w = m.tensors("w");
          Sym logits = m.call("logits" + kind, ids, mask, targets.size(1), w);
          Sym flat = logits.reshape(-1, config.vocabulary());
          // Copied, since gradients keep no tensor that another script made without them.
          Sym wanted =
              soft
                  ? m.let("torch.clone(%s)".formatted(targets)).view(-1, config.vocabulary())
                  : targets.reshape(-1);
          Sym loss = flat.crossEntropy(wanted);
          Object likeliest = soft ? "torch.argmax(%s, -1)".formatted(wanted) : wanted;
          Sym hits =
              m.let("torch.mean((torch.argmax(%s, -1) == %s).to(6))".formatted(flat, likeliest));
          m.returns(m.stack(0, loss, hits.detach()));
        });
  }

  /**
   * Writes the step of generation. It takes tokens of any number of streams, one stream after the
   * other, each at its own position: N tokens in all. The cache, (layers,2,S,H,M·d), has S slots; a
   * stream owns one, which is written in place.
   *
   * <ul>
   *   <li>{@code emptyCache(slots, positions, w)}: not initialised: a stream's first step clears
   *       what it takes over.
   *   <li>{@code step(ids (N), positions (N), runs, masks, cache, rows (R), w)}: fp32 logits (R,V)
   *       after the tokens {@code rows}.
   * </ul>
   *
   * An id of -1-i stands for vector i of {@code uncond_embedding}, in steps that some stream begins
   * with. A run, {@value #RUN} integers, is some streams in slots beside each other which are
   * equally far: first token in N, tokens T of each, first slot, slots, tokens that their caches
   * hold, index of a mask (T,T) among {@code masks} or -1 where each token sees all others of its
   * stream. Streams that read a single token and are not at their first need not be equally far:
   * their caches hold as many tokens as {@code positions} says, and the run has the largest.
   *
   * @param numerics of all steps, or of those in which a stream reads several tokens, then of those
   *     in which none does; {@code w} are the weights for the first, then for the second
   */
  public void writeCached(ScriptWriter script, Numerics... numerics) {
    Numerics last = numerics[numerics.length - 1];
    script.method(
        "emptyCache",
        m -> {
          Sym slots = m.integer("slots");
          Sym positions = m.integer("positions");
          m.returns(
              attention.emptyCache(
                  m, last.compute(), config.layers(), slots, positions, m.tensors("w")));
        });
    if (numerics.length > 1) {
      writeStep(script, "singles", last, false);
    }
    writeStep(script, "step", numerics[0], numerics.length > 1);
  }

  private void writeStep(ScriptWriter script, String name, Numerics numerics, boolean handsOver) {
    String layer = name + "Layer";
    String lastLayer = name + "LastLayer";
    writeLayer(script, layer, numerics, false);
    writeLayer(script, lastLayer, numerics, true);
    script.method(
        name,
        m -> {
          Sym ids = m.tensor("ids");
          Sym positions = m.tensor("positions");
          Sym runs = m.integers("runs");
          Sym masks = m.tensors("masks");
          Sym cache = m.tensor("cache");
          Sym rows = m.tensor("rows");
          Sym w = m.tensors("w");
          if (handsOver) {
            Sym own = w.items(scope.weights().size(), "torch.len(%s)".formatted(w));
            m.when(
                "max(%s[1::%s]) == 1".formatted(runs, RUN),
                () -> m.returns(m.call("singles", ids, positions, runs, masks, cache, rows, own)));
          }
          Forward forward = new Forward(m, w, numerics);
          Sym vectors = m.literal("vectors");
          // A step of a single token has too little to do to look for what cannot be there.
          m.when(
              "min(%s[4::%s]) == 0".formatted(runs, RUN),
              () -> m.assign(vectors, embed(forward, ids)),
              () -> m.assign(vectors, forward.weight(tokenTable).embedding(ids)));
          Sym places = forward.weight(positionTable).select(0, 0).embedding(positions);
          Sym h = enoughRows(forward, m.let(vectors.add(places).toString()));
          Sym looks = looks(m, positions, runs, masks);
          layers
              .withoutLast()
              .loop(
                  forward,
                  (i, b) ->
                      m.assign(
                          h,
                          m.call(layer, h, positions, runs, looks, rows, cache.select(0, i), b)));
          int last = config.layers() - 1;
          Sym made =
              m.call(
                  lastLayer,
                  h,
                  positions,
                  runs,
                  looks,
                  rows,
                  cache.select(0, last),
                  layers.weights(forward, last));
          m.returns(head(forward, made).slice(0, 0, rows.size(0)));
        });
  }

  /**
   * @param last whether the layer is the last one, of which the tokens that no logits are asked for
   *     leave keys and values in the cache, and nothing else is made
   */
  private void writeLayer(ScriptWriter script, String name, Numerics numerics, boolean last) {
    script.method(
        name,
        m -> {
          Sym h = m.tensor("h");
          Sym positions = m.tensor("positions");
          Sym runs = m.integers("runs");
          Sym looks = m.tensors("looks");
          Sym rows = m.tensor("rows");
          Sym cache = m.tensor("cache"); // (2,S,H,M·d)
          Forward forward = new Forward(m, m.tensors("b"), numerics);
          m.returns(
              block.apply(
                  forward,
                  h,
                  tokens -> attendWithCache(forward, tokens, positions, runs, looks, cache),
                  all ->
                      last
                          ? enoughRows(forward, m.let(all.indexSelect(0, rows).toString()))
                          : all));
        });
  }

  /** Writes that all of {@code runs} have read a token more. */
  public static void writeAdvance(Method m, Sym runs) {
    eachRun(
        m,
        runs,
        run -> m.let("torch._set_item(%s, %s, %s + 1)".formatted(runs, run.pastAt, run.past)));
  }

  /** A run, as the script reads it. */
  private record Run(Sym first, Sym length, Sym slot, Sym slots, Sym pastAt, Sym past, Sym mask) {
    /** Whether its streams may be at different places. */
    String apart() {
      return "%s == 1 and %s > 1 and %s > 0".formatted(length, slots, past);
    }

    /** Where its streams are, of N positions, when they read one token each. */
    Sym places(Sym positions) {
      return positions.slice(0, first, "%s + %s".formatted(first, slots));
    }
  }

  private static void eachRun(Method m, Sym runs, Consumer<Run> body) {
    m.loop(
        "torch.floordiv(torch.len(%s), %s)".formatted(runs, RUN),
        r -> {
          Sym at = m.let("%s * %s".formatted(r, RUN));
          Sym pastAt = m.let(at + " + 4");
          body.accept(
              new Run(
                  runs.item(at),
                  runs.item(at + " + 1"),
                  runs.item(at + " + 2"),
                  runs.item(at + " + 3"),
                  pastAt,
                  runs.item(pastAt),
                  runs.item(at + " + 5")));
        });
  }

  /** Where the tokens of each run may look, as attention takes it; empty for everywhere. */
  private static Sym looks(Method m, Sym positions, Sym runs, Sym masks) {
    Sym looks = m.let("annotate(List[Tensor], [])");
    eachRun(
        m,
        runs,
        run -> {
          Sym look = m.let("torch.new_empty(%s, [0])".formatted(positions));
          m.when(run.mask + " >= 0", () -> m.assign(look, masks.item(run.mask)));
          m.when(
              run.apart(),
              () ->
                  m.assign(
                      look,
                      m.let(
                          "torch.arange(%s + 1, device=ops.prim.device(%s)) <= %s"
                              .formatted(
                                  run.past, positions, run.places(positions).view(-1, 1, 1, 1)))));
          m.line("torch.append(%s, %s)".formatted(looks, look));
        });
    return looks;
  }

  /** The attention of {@link #writeCached}, run by run: (N,3·D) → (N,D). */
  private Sym attendWithCache(
      Forward forward, Sym tokens, Sym positions, Sym runs, Sym looks, Sym cache) {
    Method m = forward.method();
    Sym parts = m.let("annotate(List[Tensor], [])");
    eachRun(
        m,
        runs,
        run -> {
          Sym own =
              tokens.slice(
                  0, run.first, "%s + %s * %s".formatted(run.first, run.slots, run.length));
          Sym look = looks.item("torch.len(%s)".formatted(parts));
          Sym mask = m.let("annotate(Optional[Tensor], None)");
          m.when("torch.numel(%s) > 0".formatted(look), () -> m.assign(mask, look));
          Sym places = m.let("annotate(Optional[Tensor], None)");
          m.when(run.apart(), () -> m.assign(places, run.places(positions)));
          Sym heads = block.heads(own, run.slots, run.length);
          Sym found = attention.apply(forward, heads, cache, run.slot, run.past, places, mask);
          m.line("torch.append(%s, %s)".formatted(parts, block.merge(found)));
        });
    Sym all = m.let(parts.item(0).toString());
    m.when(
        "torch.len(%s) > 1".formatted(parts),
        () -> m.assign(all, m.let("torch.cat(%s, 0)".formatted(parts))));
    return enoughRows(forward, all);
  }

  /** Rows (N,D) with rows of zeros behind them where there are too few to be fast. */
  private Sym enoughRows(Forward forward, Sym rows) {
    Method m = forward.method();
    if (forward.numerics().packedProducts() && !config.narrow()) {
      m.when(
          "%s < %s".formatted(rows.size(0), LEAST_ROWS),
          () ->
              m.assign(
                  rows,
                  m.let(
                      "torch.constant_pad_nd(%s, [0, 0, 0, %s - %s])"
                          .formatted(rows, LEAST_ROWS, rows.size(0)))));
    }
    return rows;
  }

  /** Vectors (…,D) of ids (…), where -1-i is vector i of {@code uncond_embedding}. */
  private Sym embed(Forward forward, Sym ids) {
    Sym table = forward.weight(tokenTable);
    if (config.conditionTokens() == 0) {
      return table.embedding(ids);
    }
    Method m = forward.method();
    Sym known = table.embedding(m.let("torch.clamp(%s, 0)".formatted(ids)));
    Sym standIns =
        forward.weight(unconditional).embedding(m.let("torch.clamp(-1 - %s, 0)".formatted(ids)));
    return m.let(
        "torch.where(torch.unsqueeze(%s < 0, -1), %s, %s)".formatted(ids, standIns, known));
  }

  private Sym logits(Forward forward, Sym h, Sym last) {
    return head(forward, h.from(1, h.size(1) + " - " + last));
  }

  private Sym head(Forward forward, Sym h) {
    return forward.leave(head.apply(forward, finalNorm.apply(forward, h)));
  }
}
