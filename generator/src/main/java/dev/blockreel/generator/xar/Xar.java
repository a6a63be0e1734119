package dev.blockreel.generator.xar;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.nn.Attention;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.Init;
import dev.blockreel.nn.Linear;
import dev.blockreel.nn.Linear.Activation;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Repeated;
import dev.blockreel.nn.RmsNorm;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightScope;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import java.util.List;

/**
 * The transformer of xAR, next-X prediction (arXiv 2502.20388): given what is known and the next
 * entity with noise, it says in which direction the noise lies, so that a flow solver can remove
 * it.
 *
 * <p>Letters: B batch (2B with guidance), N tokens of all entities in the order of {@link
 * EntityOrder}, T tokens of this call, G groups of tokens with a condition of their own, C channels
 * of the latents, D width, H heads, d width of a head, L layers. Weights carry the names of the
 * published checkpoint.
 */
public final class Xar {
  private static final int FREQUENCIES = 128;

  private final XarConfig config;
  private final int tokens;
  private final WeightScope scope = WeightScope.root("");
  private final Weight encoderPositions;
  private final Weight decoderPositions;
  private final Weight classTable;
  private final Linear timeExpand;
  private final Linear timeContract;
  private final Linear latentEmbedding;
  private final RmsNorm latentNorm;
  private final Block block;
  private final Repeated encoder;
  private final RmsNorm encoderNorm;
  private final Linear decoderEmbedding;
  private final Repeated decoder;
  private final RmsNorm decoderNorm;
  private final Linear prediction;

  /**
   * Builds the layers, and with them the list of weights.
   *
   * @param tokens N
   */
  public Xar(XarConfig config, int tokens) {
    this.config = config;
    this.tokens = tokens;
    int width = config.width();
    Init small = Init.normal(0.02);
    encoderPositions = table("encoder_pos_embed_learned", 1, tokens, width);
    decoderPositions = table("decoder_pos_embed_learned", 1, tokens, width);
    classTable = table("class_emb.weight", config.classes() + 1, width);
    timeExpand = new Linear(scope.child("time_embed.mlp.0"), 2 * FREQUENCIES, width, true, small);
    timeContract = new Linear(scope.child("time_embed.mlp.2"), width, width, true, small);
    latentEmbedding = linear("z_proj", config.channels(), width);
    latentNorm = new RmsNorm(scope.child("z_proj_ln"), width);
    WeightScope one = WeightScope.root("");
    block = new Block(one, config);
    encoder = scope.repeat("encoder_blocks", config.encoderLayers(), one);
    encoderNorm = new RmsNorm(scope.child("encoder_norm"), width);
    decoderEmbedding = linear("decoder_embed", width, width);
    decoder = scope.repeat("decoder_blocks", config.decoderLayers(), one);
    decoderNorm = new RmsNorm(scope.child("decoder_norm"), width);
    prediction = new Linear(scope.child("pred"), width, config.channels(), true, Init.constant(0));
  }

  private Weight table(String name, long... shape) {
    return scope.declare(name, Weight.Role.TABLE, Init.normal(0.02), shape);
  }

  private Linear linear(String name, int in, int out) {
    return new Linear(scope.child(name), in, out, true, spread(in, out));
  }

  /** Keeps the spread of what goes through a layer, forwards and backwards (Glorot). */
  private static Init spread(int in, int out) {
    return Init.normal(Math.sqrt(2.0 / (in + out)));
  }

  /**
   * Tensors of a published file under the names used here: the mask and the rotations, which follow
   * from the order, are left out.
   */
  public static TensorFile publishedNames(TensorFile published) {
    return published.renamed(
        name -> name.equals("mask") || name.contains(".attn.rope.") ? null : name);
  }

  /** Sizes. */
  public XarConfig config() {
    return config;
  }

  /** The weights that the script's methods take, in order. */
  public List<Weight> weights() {
    return scope.weights();
  }

  /**
   * One layer: h += gamma1·attention(modulated h); h += gamma2·mlp(modulated h), where the class
   * and the time of a token modulate.
   */
  private static final class Block {
    private static final int PARTS = 6;

    private final XarConfig config;
    private final RmsNorm norm;
    private final Linear queryKeyValue;
    private final Linear proj;
    private final Linear gate;
    private final Linear expand;
    private final Linear contract;
    private final Linear modulation;

    Block(WeightScope scope, XarConfig config) {
      this.config = config;
      int width = config.width();
      int hidden = config.hidden();
      norm = RmsNorm.plain(width);
      queryKeyValue = linear(scope.child("attn.qkv"), width, 3 * width);
      proj = linear(scope.child("attn.proj"), width, width);
      gate = linear(scope.child("mlp.fc1_g"), width, hidden);
      expand = linear(scope.child("mlp.fc1_x"), width, hidden);
      contract = linear(scope.child("mlp.fc2"), hidden, width);
      // Starts as nothing: a block that adds nothing is the best one to start learning from.
      modulation =
          new Linear(scope.child("ada_lin.1"), width, PARTS * width, true, Init.constant(0));
    }

    private static Linear linear(WeightScope at, int in, int out) {
      return new Linear(at, in, out, true, spread(in, out));
    }

    /** Of SiLU(condition), (…,D): (…,6D), gammas, scales, shifts, each of the attention first. */
    Sym modulation(Forward forward, Sym activated) {
      return modulation.apply(forward, activated);
    }

    /**
     * @param h (B,T,D)
     * @param modulations (B,G,6D), of tokens in G groups of T/G each
     * @param places rotations of these T tokens, (T,d/2,2)
     */
    Sym apply(Forward forward, Sym h, Sym modulations, Sym places, Attend attend) {
      Sym parts = modulations.view(h.size(0), modulations.size(1), PARTS, config.width());
      Sym x = modulated(forward, h, parts, 0);
      Sym middle = gated(h, attention(forward, x, places, attend), parts, 0);
      Sym y = modulated(forward, middle, parts, 1);
      Sym wide = expand.times(forward, y, gate.pointwise(forward, y, Activation.GELU));
      return gated(middle, contract.apply(forward, wide), parts, 1);
    }

    private static Sym part(Sym parts, int index) { // (B, G, 1, D)
      return parts.slice(2, index, index + 1);
    }

    private Sym grouped(Sym x, Sym parts) { // (B, T, D) → (B, G, T/G, D)
      return x.view(x.size(0), parts.size(1), -1, config.width());
    }

    private Sym modulated(Forward forward, Sym h, Sym parts, int half) {
      Sym normal = grouped(norm.apply(forward, h), parts);
      Sym scale = part(parts, 2 + half).add(1);
      return part(parts, 4 + half).addProduct(normal, scale).view(h.size(0), -1, config.width());
    }

    private Sym gated(Sym h, Sym x, Sym parts, int half) {
      Sym sum = grouped(h, parts).addProduct(grouped(x, parts), part(parts, half));
      return sum.view(h.size(0), -1, config.width());
    }

    private Sym attention(Forward forward, Sym x, Sym places, Attend attend) {
      Sym all =
          queryKeyValue
              .apply(forward, x)
              .view(x.size(0), x.size(1), 3, config.heads(), config.headWidth());
      Sym turned = rotated(forward.method(), all.slice(2, 0, 2), places);
      Sym attended =
          attend.apply(
              forward.enter(turned.select(2, 0)).transpose(1, 2),
              forward.enter(turned.select(2, 1)).transpose(1, 2),
              all.select(2, 2).transpose(1, 2));
      Sym merged = attended.transpose(1, 2).reshape(x.size(0), x.size(1), config.width());
      return proj.apply(forward, merged);
    }

    /** Turns neighbouring channels of queries and keys, (B,T,2,H,d), by angles of the place. */
    private Sym rotated(Method m, Sym x, Sym places) {
      Sym pairs = x.to(Dtype.FLOAT32).reshape(x.size(0), x.size(1), 2, config.heads(), -1, 2);
      Sym angles =
          m.let("torch.view_as_complex(%s)".formatted(places))
              .view(-1, 1, 1, config.headWidth() / 2);
      Sym turned = m.let("torch.view_as_complex(%s) * %s".formatted(pairs, angles));
      return m.let("torch.flatten(torch.view_as_real(%s), -2)".formatted(turned));
    }

    private interface Attend {
      Sym apply(Sym queries, Sym keys, Sym values);
    }
  }

  /**
   * Writes {@code conditions(labels (S,R), times (S,R), w)}: how a class and a time, in
   * thousandths, modulate each layer, (L,S,R,6D); and {@code full(x (B,N,C), labels (B), times
   * (B,E), groups (N) or (0), mask (N,N), places (N,d/2,2), w)}: one pass over all entities, each
   * with its own time, the plain twin of {@link #writeCached}; fp32 velocities (B,N,C). {@code
   * groups} is the number of each token's entity, or empty where all entities have one size.
   */
  public void writeFull(ScriptWriter script, Numerics numerics) {
    script.method("conditions", m -> conditions(m, numerics));
    script.method(
        "layer",
        m -> {
          Sym h = m.tensor("h");
          Sym modulations = m.tensor("modulations");
          Sym places = m.tensor("places");
          Sym mask = m.tensor("mask");
          Forward forward = new Forward(m, m.tensors("b"), numerics);
          m.returns(
              block.apply(
                  forward,
                  h,
                  modulations,
                  places,
                  (q, k, v) -> softmax(numerics).apply(m, q, k, v, mask)));
        });
    script.method(
        "full",
        m -> {
          Sym x = m.tensor("x");
          Sym labels = m.tensor("labels");
          Sym times = m.tensor("times");
          Sym groups = m.tensor("groups");
          Sym mask = m.tensor("mask");
          Sym places = m.tensor("places");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym each = labels.unsqueeze(1).expand(times.size(0), times.size(1));
          Sym all = m.call("conditions", each, times, forward.weights());
          m.when(
              groups.size(0) + " > 0",
              () -> m.assign(all, m.let("torch.index_select(%s, 2, %s)".formatted(all, groups))));
          m.returns(
              velocity(
                  forward,
                  x,
                  m.literal(0),
                  m.literal(0),
                  (h, i, b) -> m.call("layer", h, all.select(0, i), places, mask, b)));
        });
  }

  private void conditions(Method m, Numerics numerics) {
    Sym labels = m.tensor("labels");
    Sym times = m.tensor("times");
    Forward forward = new Forward(m, m.tensors("w"), numerics);
    Sym steps = m.let("torch.arange(%s, dtype=6, device=%s.device)".formatted(FREQUENCIES, labels));
    Sym frequencies = steps.mul(-Math.log(10_000) / FREQUENCIES).exp();
    Sym angles = times.to(Dtype.FLOAT32).unsqueeze(2).mul(frequencies);
    Sym waves = m.let("torch.cat([torch.cos(%s), torch.sin(%s)], 2)".formatted(angles, angles));
    Sym time = timeContract.apply(forward, timeExpand.apply(forward, forward.enter(waves)).silu());
    Sym condition = forward.weight(classTable).embedding(labels).add(time).silu();
    Sym all = m.let("annotate(List[Tensor], [])");
    encoder.loop(
        forward,
        (i, b) ->
            m.line(
                "torch.append(%s, %s)"
                    .formatted(all, block.modulation(forward.with(b), condition))));
    decoder.loop(
        forward,
        (i, b) ->
            m.line(
                "torch.append(%s, %s)"
                    .formatted(all, block.modulation(forward.with(b), condition))));
    m.returns(m.let("torch.stack(%s)".formatted(all)));
  }

  /**
   * Writes {@code loss(latents (B,N,C), noise (B,N,C), labels (B), times (B,E), groups, mask,
   * places, w)} after {@link #writeFull}: Noisy Context Learning. Each entity is mixed with noise
   * at its own time in (0,1); the loss is the mean squared error of the velocity, noise minus
   * latents.
   */
  public void writeLoss(ScriptWriter script) {
    script.method(
        "loss",
        m -> {
          Sym latents = m.tensor("latents");
          Sym noise = m.tensor("noise");
          Sym labels = m.tensor("labels");
          Sym times = m.tensor("times");
          Sym groups = m.tensor("groups");
          Sym mask = m.tensor("mask");
          Sym places = m.tensor("places");
          Sym each = m.let(times.toString());
          m.when(
              groups.size(0) + " > 0",
              () -> m.assign(each, m.let("torch.index_select(%s, 1, %s)".formatted(each, groups))));
          // (B, E) → (B, E, 1, 1) against (B, E, N/E, C)
          Sym share = each.view(each.size(0), each.size(1), 1, 1);
          Sym clean = latents.view(each.size(0), each.size(1), -1, config.channels());
          Sym rough = noise.view(each.size(0), each.size(1), -1, config.channels());
          Sym mixed = clean.add(share.mul(rough.sub(clean))).view(latents.size(0), tokens, -1);
          Sym velocity =
              m.call(
                  "full",
                  mixed,
                  labels,
                  times.mul(1000).to(Dtype.INT64),
                  groups,
                  mask,
                  places,
                  m.tensors("w"));
          m.returns(velocity.sub(noise.sub(latents)).square().mean().view(1));
        });
  }

  /**
   * Writes the steps of generation. The cache, (L,2,B,H,N,d), is written in place.
   *
   * <ul>
   *   <li>{@code emptyCache(rows, dtype, w)}: for up to {@code rows} of B.
   *   <li>{@code velocity(x (B,T,C), conditions (L,S,R,6D), step, clean, past, cache, places
   *       (N,d/2,2), w)}: the tokens at places {@code past} to {@code past+T}. The first {@code
   *       clean} of them are the entity that was finished last; they are seen by all and see
   *       neither noise nor what comes later. The others are the next entity at the time of {@code
   *       step}. Row 0 of S is time 0, the time of what is clean; rows beyond B of R are left out.
   *       Returns fp32 velocities (B,T-clean,C).
   * </ul>
   */
  public void writeCached(ScriptWriter script, Numerics numerics) {
    script.method(
        "emptyCache",
        m -> {
          Sym rows = m.integer("rows");
          Sym dtype = m.integer("dtype");
          m.returns(
              m.let(
                  "torch.zeros([%s, 2, %s, %s, %s, %s], dtype=%s, device=ops.prim.device(%s[0]))"
                      .formatted(
                          config.layers(),
                          rows,
                          config.heads(),
                          tokens,
                          config.headWidth(),
                          dtype,
                          m.tensors("w"))));
        });
    script.method(
        "cachedLayer",
        m -> {
          Sym h = m.tensor("h");
          Sym modulations = m.tensor("modulations");
          Sym places = m.tensor("places");
          Sym clean = m.integer("clean");
          Sym past = m.integer("past");
          Sym cache = m.tensor("cache"); // (2, B, H, N, d)
          Forward forward = new Forward(m, m.tensors("b"), numerics);
          m.returns(
              block.apply(
                  forward,
                  h,
                  modulations,
                  places,
                  (q, k, v) -> attendCached(forward, q, k, v, clean, past, cache)));
        });
    script.method(
        "velocity",
        m -> {
          Sym x = m.tensor("x");
          Sym conditions = m.tensor("conditions");
          Sym step = m.integer("step");
          Sym clean = m.integer("clean");
          Sym past = m.integer("past");
          Sym cache = m.tensor("cache");
          Sym places = m.tensor("places");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym rows = x.size(0);
          Sym end = m.let("%s + %s".formatted(past, x.size(1)));
          Sym now = places.slice(0, past, end);
          Sym inUse = cache.slice(2, 0, rows);
          // (L, B, 1, 6D), or where there are clean tokens (L, B, T, 6D)
          Sym each = m.let(conditions.select(1, step).slice(1, 0, rows).unsqueeze(2).toString());
          m.when(
              clean + " > 0",
              () -> {
                Sym atRest = conditions.select(1, 0).slice(1, 0, rows).unsqueeze(2);
                Sym others = m.let("%s - %s".formatted(x.size(1), clean));
                m.assign(
                    each,
                    m.concat(2, atRest.expand(-1, -1, clean, -1), each.expand(-1, -1, others, -1)));
              });
          m.returns(
              velocity(
                  forward,
                  x,
                  past,
                  clean,
                  (h, i, b) ->
                      m.call(
                          "cachedLayer",
                          h,
                          each.select(0, i),
                          now,
                          clean,
                          past,
                          inUse.select(0, i),
                          b)));
        });
  }

  private Attention softmax(Numerics numerics) {
    return Attention.ofWidth(numerics, config.headWidth());
  }

  private Sym attendCached(
      Forward forward, Sym queries, Sym keys, Sym values, Sym clean, Sym past, Sym cache) {
    Method m = forward.method();
    Attention softmax = softmax(forward.numerics());
    Sym end = m.let("%s + %s".formatted(past, queries.size(2)));
    Sym cachedKeys = cache.select(0, 0);
    Sym cachedValues = cache.select(0, 1);
    cachedKeys.slice(2, past, end).copyIn(keys);
    cachedValues.slice(2, past, end).copyIn(values);
    Sym attended =
        m.let(
            softmax
                .apply(
                    m,
                    queries.from(2, clean),
                    cachedKeys.slice(2, 0, end),
                    cachedValues.slice(2, 0, end),
                    null)
                .toString());
    m.when(
        clean + " > 0",
        () -> {
          Sym known = m.let("%s + %s".formatted(past, clean));
          Sym before =
              softmax.apply(
                  m,
                  queries.slice(2, 0, clean),
                  cachedKeys.slice(2, 0, known),
                  cachedValues.slice(2, 0, known),
                  null);
          m.assign(attended, m.concat(2, before, attended));
        });
    return attended;
  }

  private interface NextLayer {
    Sym apply(Sym h, Sym index, Sym weights);
  }

  /** Encoder and decoder; the velocity of all tokens from {@code clean} on. */
  private Sym velocity(Forward forward, Sym x, Sym past, Sym clean, NextLayer layer) {
    Method m = forward.method();
    Sym end = m.let("%s + %s".formatted(past, x.size(1)));
    Sym embedded = latentEmbedding.apply(forward, forward.enter(x));
    Sym placed = embedded.add(forward.weight(encoderPositions).slice(1, past, end));
    Sym h = m.let(latentNorm.apply(forward, placed).toString());
    encoder.loop(forward, (i, b) -> m.assign(h, layer.apply(h, i, b)));
    Sym between = decoderEmbedding.apply(forward, encoderNorm.apply(forward, h));
    m.assign(h, between.add(forward.weight(decoderPositions).slice(1, past, end)));
    decoder.loop(
        forward,
        (i, b) -> m.assign(h, layer.apply(h, m.let(i + " + " + config.encoderLayers()), b)));
    Sym last = decoderNorm.apply(forward, h.from(1, clean));
    return forward.leave(prediction.apply(forward, last));
  }
}
