package dev.blockreel.generator.var;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.nn.Attention;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.Init;
import dev.blockreel.nn.Linear;
import dev.blockreel.nn.Linear.Activation;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Repeated;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightScope;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * The transformer of Visual Autoregressive Modeling (arXiv 2404.02905): all tokens of a scale come
 * out of one step, which sees all coarser scales and a hint of its own.
 *
 * <p>Letters: B batch (2B with guidance), n tokens of this step, L tokens of an image, S scales, H
 * heads, d width of a head, D width, C channels of the tokenizer's feature map, V codes. Weights
 * carry the names of the published checkpoints.
 */
public final class Var {
  /** Queries and keys are unit vectors; the learned factor of their products stays below this. */
  private static final double LARGEST_FACTOR = Math.log(100);

  /** Parts of a modulation: gamma, scale and shift for the attention and for the MLP. */
  private static final int PARTS = 6;

  /** What published files hold beside weights: masks, and a bias of keys that is always zero. */
  private static final Set<String> BUFFERS =
      Set.of("lvl_1L", "attn_bias_for_masking", "zero_k_bias");

  private final VarConfig config;
  private final WeightScope scope = WeightScope.root("");
  private final Linear hintEmbedding;
  private final Weight classTable;
  private final Weight start;
  private final Weight positions;
  private final Weight levels;
  private final Linear sharedModulation;
  private final Block block;
  private final Repeated layers;
  private final Linear headModulation;
  private final Linear head;

  /** Builds the layers, and with them the list of weights. */
  public Var(VarConfig config) {
    this.config = config;
    int width = config.width();
    Init normal = normal(config);
    hintEmbedding = new Linear(scope.child("word_embed"), config.channels(), width, true, normal);
    classTable = table("class_emb.weight", normal, config.classes() + 1, width);
    start = table("pos_start", normal, 1, config.firstToken(1), width);
    positions = table("pos_1LC", normal, 1, config.tokens(), width);
    levels = table("lvl_embed.weight", normal, config.scales().size(), width);
    sharedModulation =
        config.sharedModulation() ? modulationLayer(scope.child("shared_ada_lin.1"), width) : null;
    WeightScope one = WeightScope.root("");
    block = new Block(one, config);
    layers = scope.repeat("blocks", config.layers(), one);
    headModulation = new Linear(scope.child("head_nm.ada_lin.1"), width, 2 * width, true, normal);
    head = new Linear(scope.child("head"), width, config.codes(), true, Init.normal(0.02));
  }

  private static Init normal(VarConfig config) {
    return Init.normal(Math.sqrt(1.0 / config.width() / 3));
  }

  private Weight table(String name, Init init, long... shape) {
    return scope.declare(name, Weight.Role.TABLE, init, shape);
  }

  /** Starts near nothing: a block that adds nothing is the best one to start learning from. */
  private static Linear modulationLayer(WeightScope at, int width) {
    return new Linear(at, width, PARTS * width, true, Init.normal(1e-4));
  }

  /** Tensors of a published file under the names used here. */
  public static TensorFile publishedNames(TensorFile published) {
    return published.renamed(
        name -> BUFFERS.contains(name.substring(name.lastIndexOf('.') + 1)) ? null : name);
  }

  /** Sizes. */
  public VarConfig config() {
    return config;
  }

  /** The weights that the script's methods take, in order. */
  public List<Weight> weights() {
    return scope.weights();
  }

  /**
   * One layer: h += gamma1·proj(attention(modulated h)); h += gamma2·fc2(gelu(fc1(modulated h))).
   */
  private static final class Block {
    private final VarConfig config;
    private final Linear queryKeyValue;
    private final Weight queryBias;
    private final Weight valueBias;
    private final Weight factor;
    private final Linear proj;
    private final Linear expand;
    private final Linear contract;
    private final Linear ownModulation;
    private final Weight modulationOffset;

    Block(WeightScope scope, VarConfig config) {
      this.config = config;
      int width = config.width();
      Init normal = normal(config);
      Init last = Init.normal(Math.sqrt(1.0 / width / 3) / Math.sqrt(2.0 * config.layers()));
      WeightScope attention = scope.child("attn");
      queryKeyValue = new Linear(attention.child("mat_qkv"), width, 3 * width, false, normal);
      queryBias = attention.declare("q_bias", Weight.Role.VECTOR, Init.constant(0), width);
      valueBias = attention.declare("v_bias", Weight.Role.VECTOR, Init.constant(0), width);
      factor =
          attention.declare(
              "scale_mul_1H11",
              Weight.Role.VECTOR,
              Init.constant(Math.log(4)),
              1,
              config.heads(),
              1,
              1);
      proj = new Linear(attention.child("proj"), width, width, true, last);
      expand = new Linear(scope.child("ffn.fc1"), width, 4 * width, true, normal);
      contract = new Linear(scope.child("ffn.fc2"), 4 * width, width, true, last);
      boolean shared = config.sharedModulation();
      ownModulation = shared ? null : modulationLayer(scope.child("ada_lin.1"), width);
      modulationOffset =
          shared
              ? scope.declare("ada_gss", Weight.Role.TABLE, Init.normal(1e-4), 1, 1, PARTS, width)
              : null;
    }

    /** How a class modulates this layer: (B,6,D), of SiLU(class vector) or of what all share. */
    Sym modulation(Forward forward, Sym activated, Sym shared) {
      return shared == null
          ? ownModulation.apply(forward, activated).view(-1, PARTS, config.width())
          : shared.add(forward.weight(modulationOffset).view(1, PARTS, config.width()));
    }

    /**
     * @param modulation (B,6,D): gammas, scales, shifts, each of the attention first
     * @param attend turns queries, keys and values (B,H,n,d) into (B,H,n,d)
     */
    Sym apply(Forward forward, Sym h, Sym modulation, Attend attend) {
      Sym normal = modulated(h, part(modulation, 2), part(modulation, 4));
      Sym middle = h.add(attention(forward, normal, attend).mul(part(modulation, 0)));
      Sym wide =
          expand.pointwise(
              forward,
              modulated(middle, part(modulation, 3), part(modulation, 5)),
              Activation.GELU_TANH);
      return middle.add(contract.apply(forward, wide).mul(part(modulation, 1)));
    }

    private static Sym part(Sym modulation, int index) {
      return modulation.slice(1, index, index + 1); // (B, 1, D)
    }

    private Sym modulated(Sym h, Sym scale, Sym shift) {
      return normal(h, config.width()).mul(scale.add(1)).add(shift);
    }

    private Sym attention(Forward forward, Sym x, Attend attend) {
      Sym projected = queryKeyValue.apply(forward, x); // (B, n, 3D)
      int width = config.width();
      Sym bounded = factor(forward);
      Sym queries =
          heads(projected.slice(2, 0, width).add(forward.weight(queryBias))).unit().mul(bounded);
      Sym keys = heads(projected.slice(2, width, 2 * width)).unit();
      Sym values = heads(projected.slice(2, 2 * width, 3 * width).add(forward.weight(valueBias)));
      Sym merged = attend.apply(queries, keys, values).transpose(1, 2);
      return proj.apply(forward, merged.reshape(x.size(0), x.size(1), width));
    }

    private Sym factor(Forward forward) {
      return forward
          .method()
          .let(
              "torch.exp(torch.clamp_max(%s, %s))"
                  .formatted(forward.weight(factor), LARGEST_FACTOR));
    }

    private Sym heads(Sym x) { // (B, n, D) → (B, H, n, d)
      return x.view(x.size(0), x.size(1), config.heads(), config.width() / config.heads())
          .transpose(1, 2);
    }

    private interface Attend {
      Sym apply(Sym queries, Sym keys, Sym values);
    }
  }

  /** Keys are of length 1, and queries as long as each head has learned. */
  private static Attention unscaled(Numerics numerics) {
    return new Attention(numerics, 1);
  }

  /** Mean 0 and variance 1, without anything learned. */
  private static Sym normal(Sym h, int width) {
    return h.layerNorm(width, null, null, 1e-6);
  }

  /**
   * Writes {@code full(labels (B), hints (B,L-1,C), w)}: one pass over all scales of known images,
   * the plain twin of {@link #writeCached}; fp32 logits (B,L,V). A scale sees itself and the
   * coarser ones.
   */
  public void writeFull(ScriptWriter script, Numerics numerics) {
    writeConditions(script, numerics);
    script.method(
        "layer",
        m -> {
          Sym h = m.tensor("h");
          Sym mask = m.tensor("mask");
          Sym modulation = m.tensor("modulation");
          Forward forward = new Forward(m, m.tensors("b"), numerics);
          m.returns(
              block.apply(
                  forward, h, modulation, (q, k, v) -> unscaled(numerics).apply(m, q, k, v, mask)));
        });
    script.method(
        "full",
        m -> {
          Sym labels = m.tensor("labels");
          Sym hints = m.tensor("hints");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym vectors = m.call("classVectors", labels, forward.weights());
          Sym level = levelOfToken(m, forward);
          Sym first = vectors.unsqueeze(1).add(forward.weight(start));
          Sym others = hintEmbedding.apply(forward, forward.enter(hints));
          Sym places =
              forward.weight(positions).add(forward.weight(levels).embedding(level).unsqueeze(0));
          Sym h = m.let(m.concat(1, first, others).add(places).toString());
          Sym mask = m.let("%s >= %s".formatted(level.unsqueeze(1), level.unsqueeze(0)));
          Sym modulations = m.call("modulations", vectors, forward.weights());
          layers.loop(
              forward,
              (i, b) -> m.assign(h, m.call("layer", h, mask, modulations.select(0, i), b)));
          m.returns(logits(forward, h, vectors));
        });
  }

  /**
   * Writes {@code loss(labels (B), hints (B,L-1,C), ids (B,L), w)} after {@link #writeFull}: mean
   * cross-entropy of all tokens, then the share of tokens that are the likeliest.
   */
  public void writeLoss(ScriptWriter script) {
    script.method(
        "loss",
        m -> {
          Sym labels = m.tensor("labels");
          Sym hints = m.tensor("hints");
          Sym ids = m.tensor("ids");
          // Hints come from another script, which makes tensors that no gradient may touch.
          Sym own = m.let("torch.clone(" + hints + ")");
          Sym logits = m.call("full", labels, own, m.tensors("w"));
          Sym flat = logits.reshape(-1, config.codes());
          Sym targets = ids.reshape(-1);
          Sym hits =
              m.let("torch.mean((torch.argmax(%s, -1) == %s).to(6))".formatted(flat, targets));
          m.returns(m.stack(0, flat.crossEntropy(targets), hits.detach()));
        });
  }

  /**
   * Writes the steps of generation. The cache, (layers,2,B,H,L,d), is written in place.
   *
   * <ul>
   *   <li>{@code classVectors(labels (B), w)}: (B,D); a label may be the number of no class.
   *   <li>{@code modulations(vectors (B,D), w)}: (layers,B,6,D), the same for all scales.
   *   <li>{@code emptyCache(batch, dtype, w)}
   *   <li>{@code first(vectors (B,D), modulations, cache, w)}: logits of the first scale, fp32
   *       (B,n,V).
   *   <li>{@code next(hints (B or B/2,n,C), scale, past, vectors, modulations, cache, w)}: logits
   *       of a later scale, before which there are {@code past} tokens. Half as many hints as class
   *       vectors serve the guided and the unguided half of the batch.
   * </ul>
   */
  public void writeCached(ScriptWriter script, Numerics numerics) {
    script.method(
        "emptyCache",
        m -> {
          Sym batch = m.integer("batch");
          Sym dtype = m.integer("dtype");
          m.returns(
              m.let(
                  "torch.zeros([%s, 2, %s, %s, %s, %s], dtype=%s, device=ops.prim.device(%s[0]))"
                      .formatted(
                          config.layers(),
                          batch,
                          config.heads(),
                          config.tokens(),
                          config.width() / config.heads(),
                          dtype,
                          m.tensors("w"))));
        });
    script.method(
        "cachedLayer",
        m -> {
          Sym h = m.tensor("h");
          Sym past = m.integer("past");
          Sym modulation = m.tensor("modulation");
          Sym cache = m.tensor("cache"); // (2, B, H, L, d)
          Forward forward = new Forward(m, m.tensors("b"), numerics);
          m.returns(
              block.apply(
                  forward,
                  h,
                  modulation,
                  (q, k, v) -> {
                    Sym end = m.let(past + " + " + h.size(1));
                    cache.select(0, 0).slice(2, past, end).copyIn(k);
                    cache.select(0, 1).slice(2, past, end).copyIn(v);
                    Sym keys = cache.select(0, 0).slice(2, 0, end);
                    Sym values = cache.select(0, 1).slice(2, 0, end);
                    return unscaled(numerics).apply(m, q, keys, values, null);
                  }));
        });
    script.method(
        "cachedLayers",
        m -> {
          Sym embedded = m.tensor("embedded");
          Sym scale = m.integer("scale");
          Sym past = m.integer("past");
          Sym vectors = m.tensor("vectors");
          Sym modulations = m.tensor("modulations");
          Sym cache = m.tensor("cache");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym end = m.let(past + " + " + embedded.size(1));
          Sym places =
              forward
                  .weight(positions)
                  .slice(1, past, end)
                  .add(forward.weight(levels).select(0, scale));
          Sym h = m.let(embedded.add(places).toString());
          layers.loop(
              forward,
              (i, b) ->
                  m.assign(
                      h,
                      m.call(
                          "cachedLayer",
                          h,
                          past,
                          modulations.select(0, i),
                          cache.select(0, i),
                          b)));
          m.returns(logits(forward, h, vectors));
        });
    script.method(
        "first",
        m -> {
          Sym vectors = m.tensor("vectors");
          Sym modulations = m.tensor("modulations");
          Sym cache = m.tensor("cache");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym embedded = vectors.unsqueeze(1).add(forward.weight(start));
          m.returns(
              m.call(
                  "cachedLayers", embedded, 0, 0, vectors, modulations, cache, forward.weights()));
        });
    script.method(
        "next",
        m -> {
          Sym hints = m.tensor("hints");
          Sym scale = m.integer("scale");
          Sym past = m.integer("past");
          Sym vectors = m.tensor("vectors");
          Sym modulations = m.tensor("modulations");
          Sym cache = m.tensor("cache");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym embedded = m.let(hintEmbedding.apply(forward, forward.enter(hints)).toString());
          m.when(
              "%s < %s".formatted(hints.size(0), vectors.size(0)),
              () -> m.assign(embedded, m.concat(0, embedded, embedded)));
          m.returns(
              m.call(
                  "cachedLayers",
                  embedded,
                  scale,
                  past,
                  vectors,
                  modulations,
                  cache,
                  forward.weights()));
        });
  }

  private void writeConditions(ScriptWriter script, Numerics numerics) {
    script.method(
        "classVectors",
        m -> {
          Sym labels = m.tensor("labels");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          m.returns(forward.weight(classTable).embedding(labels));
        });
    script.method(
        "modulations",
        m -> {
          Sym vectors = m.tensor("vectors");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym activated = vectors.silu();
          Sym shared =
              sharedModulation == null
                  ? null
                  : sharedModulation.apply(forward, activated).view(-1, PARTS, config.width());
          Sym all = m.let("annotate(List[Tensor], [])");
          layers.loop(
              forward,
              (i, b) ->
                  m.line(
                      "torch.append(%s, %s)"
                          .formatted(all, block.modulation(forward.with(b), activated, shared))));
          m.returns(m.let("torch.stack(" + all + ", 0)"));
        });
  }

  /** The scale of each of the L tokens. */
  private Sym levelOfToken(Method m, Forward forward) {
    List<Integer> all =
        IntStream.range(0, config.scales().size())
            .boxed()
            .flatMap(
                scale ->
                    IntStream.range(config.firstToken(scale), config.firstToken(scale + 1))
                        .mapToObj(token -> scale))
            .toList();
    return m.let(
        "torch.tensor(%s, dtype=%s, device=ops.prim.device(%s[0]))"
            .formatted(all, Dtype.INT64.number(), forward.weights()));
  }

  /** The class modulates the last norm too: its scale, then its shift. */
  private Sym logits(Forward forward, Sym h, Sym vectors) {
    int width = config.width();
    Sym modulation = headModulation.apply(forward, vectors.silu()).view(-1, 2, width);
    Sym normal =
        normal(h, width).mul(modulation.slice(1, 0, 1).add(1)).add(modulation.slice(1, 1, 2));
    return forward.leave(head.apply(forward, normal));
  }
}
