package dev.blockreel.generator.nbp;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.Init;
import dev.blockreel.nn.LayerNorm;
import dev.blockreel.nn.Linear;
import dev.blockreel.nn.Linear.Activation;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightScope;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import java.util.List;

/**
 * The transformer of Next-Block Prediction (arXiv 2502.07737): a GPT whose every position predicts
 * the token one block ahead, so that a whole block of P tokens comes out of one step.
 *
 * <p>Letters: B batch, T tokens of this step, M positions of the cache, H heads, d width of a head,
 * D width, V vocabulary. Weights carry the names of the published checkpoint, {@code
 * transformer.…}.
 */
public final class Nbp {
  private final NbpConfig config;
  private final WeightScope scope = WeightScope.root("transformer");
  private final Weight tokenTable;
  private final Weight positionTable;
  private final Weight unconditional;
  private final Block block;
  private final int blockWeights;
  private final int firstBlock;
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
    WeightScope one = WeightScope.root("");
    block = new Block(one, config);
    blockWeights = one.weights().size();
    firstBlock = scope.repeat("blocks", config.layers(), one);
    finalNorm = new LayerNorm(scope.child("ln_f"), config.width());
    head = Linear.head(scope.child("head"), config.width(), config.vocabulary(), normal);
  }

  /**
   * Tensors of a published checkpoint's {@code state_dict} under the names used here: {@code
   * module.} is removed wherever it stands in a name that begins with it, and what is no part of
   * the transformer (the tokenizer, masks) is left out.
   */
  public static TensorFile publishedNames(TensorFile published) {
    return published.renamed(
        name -> {
          String plain = name.startsWith("module.") ? name.replace("module.", "") : name;
          return plain.startsWith("transformer.") && !plain.contains("mask") ? plain : null;
        });
  }

  public NbpConfig config() {
    return config;
  }

  /** The weights that the script's methods take, in order. */
  public List<Weight> weights() {
    return scope.weights();
  }

  /** One layer: h += proj(attention(ln1 h)); h += mlp2(gelu(mlp0(ln2 h))). */
  private static final class Block {
    private final NbpConfig config;
    private final LayerNorm ln1;
    private final Linear key;
    private final Linear query;
    private final Linear value;
    private final Linear proj;
    private final LayerNorm ln2;
    private final Linear expand;
    private final Linear contract;

    Block(WeightScope scope, NbpConfig config) {
      this.config = config;
      int width = config.width();
      Init normal = Init.normal(0.02);
      ln1 = new LayerNorm(scope.child("ln1"), width);
      key = new Linear(scope.child("attn.key"), width, width, true, normal);
      query = new Linear(scope.child("attn.query"), width, width, true, normal);
      value = new Linear(scope.child("attn.value"), width, width, true, normal);
      proj = new Linear(scope.child("attn.proj"), width, width, true, normal);
      ln2 = new LayerNorm(scope.child("ln2"), width);
      expand = new Linear(scope.child("mlp.0"), width, 4 * width, true, normal);
      contract = new Linear(scope.child("mlp.2"), 4 * width, width, true, normal);
    }

    /**
     * @param attend turns queries, keys and values (B,H,T,d) into (B,H,T,d)
     */
    Sym apply(Forward forward, Sym h, Attend attend) {
      Sym x = ln1.apply(forward, h);
      Sym attended =
          attend.apply(
              heads(query.apply(forward, x)),
              heads(key.apply(forward, x)),
              heads(value.apply(forward, x)));
      Sym merged = attended.transpose(1, 2).reshape(h.size(0), h.size(1), config.width());
      Sym middle = h.add(proj.apply(forward, merged));
      Sym wide = expand.pointwise(forward, ln2.apply(forward, middle), Activation.GELU);
      return middle.add(contract.apply(forward, wide));
    }

    private Sym heads(Sym x) { // (B, T, D) → (B, H, T, d)
      return x.view(x.size(0), x.size(1), config.heads(), config.width() / config.heads())
          .transpose(1, 2);
    }

    private interface Attend {
      Sym apply(Sym queries, Sym keys, Sym values);
    }
  }

  /**
   * Writes {@code logits(ids (B,T), mask (T,T), last, w)}: one pass over a whole sequence without a
   * cache, the plain twin of {@link #writeCached}; fp32 logits (B,last,V) of the last positions.
   */
  public void writeFull(ScriptWriter script, Numerics numerics) {
    writeFull(script, numerics, new int[0]);
  }

  /**
   * As {@link #writeFull(ScriptWriter, Numerics)}, for sequences of one length in one layout.
   *
   * @param prefixes {@link NbpLayout#closedPrefixes}: queries up to the end of each are multiplied
   *     with the keys up to there alone, which spares nearly half of a causal attention; the result
   *     is the same
   */
  public void writeFull(ScriptWriter script, Numerics numerics, int[] prefixes) {
    script.method(
        "layer",
        m -> {
          Sym h = m.tensor("h");
          Sym mask = m.tensor("mask");
          Forward forward = new Forward(m, m.tensors("b"), numerics);
          m.returns(block.apply(forward, h, (q, k, v) -> attend(m, q, k, v, mask, prefixes)));
        });
    script.method(
        "allLayers",
        m -> {
          Sym embedded = m.tensor("embedded");
          Sym mask = m.tensor("mask");
          Sym last = m.integer("last");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym h = m.let(embedded.toString());
          layers(forward, b -> m.assign(h, m.call("layer", h, mask, b)));
          m.returns(logits(forward, h, last));
        });
    script.method(
        "logits",
        m -> {
          Sym ids = m.tensor("ids");
          Sym mask = m.tensor("mask");
          Sym last = m.integer("last");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym h = embed(forward, ids, m.literal(0));
          m.returns(m.call("allLayers", h, mask, last, forward.weights()));
        });
  }

  private static Sym attend(Method m, Sym q, Sym k, Sym v, Sym mask, int[] prefixes) {
    if (prefixes.length == 0) {
      return q.attention(k, v, mask);
    }
    Sym[] parts = new Sym[prefixes.length];
    int from = 0;
    for (int i = 0; i < prefixes.length; i++) {
      int end = prefixes[i];
      parts[i] =
          q.slice(2, from, end)
              .attention(
                  k.slice(2, 0, end),
                  v.slice(2, 0, end),
                  mask.slice(0, from, end).slice(1, 0, end));
      from = end;
    }
    return m.concat(2, parts);
  }

  /**
   * Writes {@code loss(ids, targets (B,L), dropped (B), mask, w)} after {@link #writeFull}: mean
   * cross-entropy of the last L positions. Where {@code dropped} is true, {@code uncond_embedding}
   * stands in place of the condition, as it does in the unguided half of guidance.
   */
  public void writeLoss(ScriptWriter script, Numerics numerics) {
    script.method(
        "loss",
        m -> {
          Sym ids = m.tensor("ids");
          Sym targets = m.tensor("targets");
          Sym dropped = m.tensor("dropped");
          Sym mask = m.tensor("mask");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym h = embed(forward, ids, m.literal(0));
          Sym some =
              m.let(
                  "torch.where(torch.view(%s, [-1, 1, 1]), %s, %s)"
                      .formatted(dropped, withoutCondition(forward, h), h));
          Sym logits = m.call("allLayers", some, mask, targets.size(1), forward.weights());
          Sym flat = logits.reshape(-1, config.vocabulary());
          Sym loss = flat.crossEntropy(targets.reshape(-1));
          Sym hits =
              m.let(
                  "torch.mean((torch.argmax(%s, -1) == %s).to(6))"
                      .formatted(flat, targets.reshape(-1)));
          m.returns(m.stack(0, loss, hits.detach()));
        });
  }

  /**
   * Writes the steps of generation. The cache, (layers,2,B,H,M,d), is written in place.
   *
   * <ul>
   *   <li>{@code emptyCache(layers, batch, heads, positions, width, dtype, w)}
   *   <li>{@code start(ids (B,T), guided, mask (T,T), cache, last, w)}: the prefix. With {@code
   *       guided} the batch doubles: the second half has {@code uncond_embedding} in place of the
   *       condition.
   *   <li>{@code step(ids (B,T), guided, past, cache, last, w)}: tokens that see each other and
   *       everything cached.
   * </ul>
   *
   * The last two return fp32 logits (B or 2B,last,V) of the last positions.
   */
  public void writeCached(ScriptWriter script, Numerics numerics) {
    script.method(
        "emptyCache",
        m -> {
          String sizes =
              "%s, 2, %s, %s, %s, %s"
                  .formatted(
                      m.integer("layers"),
                      m.integer("batch"),
                      m.integer("heads"),
                      m.integer("positions"),
                      m.integer("width"));
          Sym dtype = m.integer("dtype");
          m.returns(
              m.let(
                  "torch.zeros([%s], dtype=%s, device=ops.prim.device(%s[0]))"
                      .formatted(sizes, dtype, m.tensors("w"))));
        });
    script.method(
        "cachedLayer",
        m -> {
          Sym h = m.tensor("h");
          Sym mask = m.optionalTensor("mask");
          Sym past = m.integer("past");
          Sym cache = m.tensor("cache"); // (2, B, H, M, d)
          Forward forward = new Forward(m, m.tensors("b"), numerics);
          m.returns(
              block.apply(
                  forward,
                  h,
                  (q, k, v) -> {
                    Sym end = m.let(past + " + " + h.size(1));
                    cache.select(0, 0).slice(2, past, end).copyIn(k);
                    cache.select(0, 1).slice(2, past, end).copyIn(v);
                    return q.attention(
                        cache.select(0, 0).slice(2, 0, end),
                        cache.select(0, 1).slice(2, 0, end),
                        mask);
                  }));
        });
    script.method(
        "start",
        m -> {
          Sym ids = m.tensor("ids");
          Sym guided = m.bool("guided");
          Sym mask = m.tensor("mask");
          Sym cache = m.tensor("cache");
          Sym last = m.integer("last");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym h = m.let(embed(forward, ids, m.literal(0)).toString());
          m.when(
              guided.toString(), () -> m.assign(h, m.concat(0, h, withoutCondition(forward, h))));
          layers(
              forward,
              (i, b) -> m.assign(h, m.call("cachedLayer", h, mask, 0, cache.select(0, i), b)));
          m.returns(logits(forward, h, last));
        });
    script.method(
        "step",
        m -> {
          Sym ids = m.tensor("ids");
          Sym guided = m.bool("guided");
          Sym past = m.integer("past");
          Sym cache = m.tensor("cache");
          Sym last = m.integer("last");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym h = m.let(embed(forward, ids, past).toString());
          m.when(guided.toString(), () -> m.assign(h, m.concat(0, h, h)));
          layers(
              forward,
              (i, b) -> m.assign(h, m.call("cachedLayer", h, "None", past, cache.select(0, i), b)));
          m.returns(logits(forward, h, last));
        });
  }

  private Sym embed(Forward forward, Sym ids, Sym past) {
    Sym positions = forward.weight(positionTable).slice(1, past, past + " + " + ids.size(1));
    return forward.weight(tokenTable).embedding(ids).add(positions);
  }

  /** The same start, (B,T,D), with the learned stand-in for no condition. */
  private Sym withoutCondition(Forward forward, Sym h) {
    int c = config.conditionTokens();
    Sym positions = forward.weight(positionTable).slice(1, 0, c);
    Sym standIn =
        forward
            .weight(unconditional)
            .unsqueeze(0)
            .add(positions)
            .expand(h.size(0), c, config.width());
    return forward.method().concat(1, standIn, h.from(1, c));
  }

  private interface IndexedLayer {
    void write(Sym index, Sym weights);
  }

  private void layers(Forward forward, java.util.function.Consumer<Sym> layer) {
    layers(forward, (i, b) -> layer.accept(b));
  }

  /** One body for all layers: each takes its slice of the weights. */
  private void layers(Forward forward, IndexedLayer layer) {
    Method m = forward.method();
    m.loop(
        config.layers(),
        i -> {
          Sym from = m.let("%d + %s * %d".formatted(firstBlock, i, blockWeights));
          layer.write(i, forward.weights().items(from, from + " + " + blockWeights));
        });
  }

  private Sym logits(Forward forward, Sym h, Sym last) {
    Sym end = h.from(1, h.size(1) + " - " + last);
    return forward.leave(head.apply(forward, finalNorm.apply(forward, end)));
  }
}
