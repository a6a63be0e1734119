package dev.blockreel.tokenizer.vq;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.nn.Conv2d;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.Init;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Repeated;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightScope;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Method;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.tokenizer.image.ImageNetwork;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * The multi-scale VQ autoencoder of VAR (arXiv 2404.02905): a feature map is the sum of what token
 * maps of growing sides add to it, each of which codes what the earlier ones have left over.
 *
 * <p>Letters: B batch, C channels of the feature map, H, W pixels, h = w its side, s side of one
 * token map, S scales, L codes of an image, V codes in the codebook. Weights carry the names of the
 * published checkpoint.
 */
public final class Vq {
  /** Weight of the encoder's share of the quantisation loss. */
  private static final double COMMITMENT = 0.25;

  private final VqConfig config;
  private final WeightScope scope = WeightScope.root("");
  private final ImageNetwork network;
  private final Conv2d quantConv;
  private final Weight codebook;
  private final Conv2d refinement;
  private final Repeated refinements;
  private final Conv2d postQuantConv;

  /** Builds the layers, and with them the list of weights. */
  public Vq(VqConfig config) {
    this.config = config;
    int c = config.channels();
    network = new ImageNetwork(scope, config.network(), c, c);
    quantConv = new Conv2d(scope.child("quant_conv"), c, c, 3, 1);
    codebook =
        scope.declare(
            "quantize.embedding.weight",
            Weight.Role.TABLE,
            Init.normal(1 / Math.sqrt(c)),
            config.codes(),
            c);
    WeightScope one = WeightScope.root("");
    refinement = new Conv2d(one, c, c, 3, 1);
    refinements = scope.repeat("quantize.quant_resi.qresi_ls", config.refinements(), one);
    postQuantConv = new Conv2d(scope.child("post_quant_conv"), c, c, 3, 1);
  }

  /**
   * Tensors of a published file under the names used here, without its count of used codes. A
   * single convolution that all scales share, and those that none shares, have names of their own
   * there.
   */
  public static TensorFile publishedNames(TensorFile published) {
    return published.renamed(
        name ->
            name.equals("quantize.ema_vocab_hit_SV")
                ? null
                : name.replaceFirst("^(quantize\\.quant_resi\\.)qresi\\.", "$1qresi_ls.0.")
                    .replaceFirst("^(quantize\\.quant_resi\\.)(\\d+\\.)", "$1qresi_ls.$2"));
  }

  public VqConfig config() {
    return config;
  }

  /** The weights that the script's methods take, in order. */
  public List<Weight> weights() {
    return scope.weights();
  }

  /** Pixels (B,3,H,W) in [0,1], fp32, to the feature map (B,C,h,w), fp32. */
  public Sym encode(Forward forward, Sym pixels) {
    Sym centred = pixels.mul(2).sub(1);
    return forward.leave(quantConv.apply(forward, network.encode(forward, centred)));
  }

  /** Feature map (B,C,h,w), fp32, to pixels (B,3,H,W), fp32, about [0,1]. */
  public Sym decode(Forward forward, Sym features) {
    Sym x = postQuantConv.apply(forward, forward.enter(features));
    return forward.leave(network.decode(forward, x)).add(1).mul(0.5);
  }

  /**
   * Writes the quantiser, all in fp32 but for the convolutions. {@code scale} counts from 0.
   *
   * <ul>
   *   <li>{@code nearest(rows (N,C), w)}: the nearest code of each row, (N).
   *   <li>{@code part(ids (B,s·s), scale, w)}: what a token map adds to the feature map, (B,C,h,w).
   *   <li>{@code add(features (B,C,h,w), ids (B,s·s), scale, w)}: the feature map with that part.
   *   <li>{@code quantize(features (B,C,h,w), w)}: codes (B,L) of all scales, one after the other.
   *   <li>{@code sum(ids (B,L), w)}: the feature map that codes stand for.
   *   <li>{@code hint(features (B,C,h,w), scale, w)}: what a generator may know before it makes the
   *       token map of a scale: the feature map so far, shrunk to that scale, (B,s·s,C).
   *   <li>{@code hints(ids (B,L), w)}: the same for all scales but the first, (B,L-1,C).
   * </ul>
   */
  public void writeQuantizer(ScriptWriter script, Numerics numerics) {
    script.method(
        "nearest",
        m -> {
          Sym rows = m.tensor("rows");
          Sym distances = distances(rows, codebook(new Forward(m, m.tensors("w"), numerics)));
          m.returns(m.let("torch.argmin(" + distances + ", 1)"));
        });
    script.method(
        "part",
        m -> {
          Sym ids = m.tensor("ids");
          Sym scale = m.integer("scale");
          Forward forward = new Forward(m, m.tensors("w"), numerics);
          Sym side = side(m, scale);
          Sym vectors = codebook(forward).embedding(ids); // (B, s·s, C)
          Sym map = vectors.transpose(1, 2).reshape(ids.size(0), config.channels(), side, side);
          m.returns(refine(forward, map.bicubic2d(config.side(), config.side()), scale));
        });
    script.method(
        "add",
        m -> {
          Sym features = m.tensor("features");
          Sym ids = m.tensor("ids");
          Sym scale = m.integer("scale");
          m.returns(features.add(m.call("part", ids, scale, m.tensors("w"))));
        });
    script.method(
        "quantize",
        m -> {
          Sym features = m.tensor("features");
          Sym w = m.tensors("w");
          List<Sym> codes = new ArrayList<>();
          Sym rest = features;
          for (int scale = 0; scale < config.scales().size(); scale++) {
            Sym nearest = m.call("nearest", rows(rest, scale), w).view(features.size(0), -1);
            codes.add(nearest);
            rest = rest.sub(m.call("part", nearest, scale, w));
          }
          m.returns(m.concat(1, codes.toArray(Sym[]::new)));
        });
    script.method(
        "sum",
        m -> {
          Sym ids = m.tensor("ids");
          Sym w = m.tensors("w");
          Sym features = m.call("part", codes(ids, 0), 0, w);
          for (int scale = 1; scale < config.scales().size(); scale++) {
            features = features.add(m.call("part", codes(ids, scale), scale, w));
          }
          m.returns(features);
        });
    script.method(
        "hint",
        m -> {
          Sym features = m.tensor("features");
          Sym side = side(m, m.integer("scale"));
          m.tensors("w");
          Sym map = features.areaPool2d(side, side); // (B, C, s, s)
          m.returns(
              map.reshape(features.size(0), config.channels(), -1).transpose(1, 2).contiguous());
        });
    script.method(
        "hints",
        m -> {
          Sym ids = m.tensor("ids");
          Sym w = m.tensors("w");
          List<Sym> hints = new ArrayList<>();
          Sym features = m.call("part", codes(ids, 0), 0, w);
          for (int scale = 1; scale < config.scales().size(); scale++) {
            hints.add(m.call("hint", features, scale, w));
            features = features.add(m.call("part", codes(ids, scale), scale, w));
          }
          m.returns(
              hints.isEmpty()
                  ? features.reshape(ids.size(0), -1, config.channels()).slice(1, 0, 0)
                  : m.concat(1, hints.toArray(Sym[]::new)));
        });
  }

  /**
   * Writes {@code learn(features (B,C,h,w), w)} after {@link #writeQuantizer}, which returns a
   * list: the quantised feature map, whose gradient is that of {@code features}; the quantisation
   * loss; the share of the codebook that these images use.
   *
   * <p>The loss is the paper's, a mean over scales: the sum so far is drawn to the features, and
   * the features to it. A code that is nearest to nothing would never learn so, and is drawn to
   * what is nearest to it.
   */
  public void writeLearning(ScriptWriter script, Numerics numerics) {
    script.method(
        "learn",
        m -> {
          Sym features = m.tensor("features");
          Sym w = m.tensors("w");
          Sym target = features.detach();
          List<Sym> rows = new ArrayList<>();
          List<Sym> ids = new ArrayList<>();
          List<Sym> losses = new ArrayList<>();
          Sym sum = null;
          for (int scale = 0; scale < config.scales().size(); scale++) {
            rows.add(rows(sum == null ? target : target.sub(sum.detach()), scale));
            ids.add(m.call("nearest", rows.get(scale), w));
            Sym part = m.call("part", ids.get(scale).view(features.size(0), -1), scale, w);
            sum = sum == null ? part : sum.add(part);
            Sym drawn = sum.sub(target).square().mean();
            Sym committed = features.sub(sum.detach()).square().mean();
            losses.add(drawn.add(committed.mul(COMMITMENT)));
          }
          Sym quantised = features.add(sum.sub(features).detach());
          Sym allRows = m.concat(0, rows.toArray(Sym[]::new)); // (N, C)
          Sym table = codebook(new Forward(m, w, numerics));
          Sym idle =
              m.let(
                  "(torch.bincount(%s, None, %s) == 0).to(6)"
                      .formatted(m.concat(0, ids.toArray(Sym[]::new)), config.codes()));
          Sym nearest = m.let("torch.argmin(" + distances(allRows, table).detach() + ", 0)"); // (V)
          Sym aims = m.let("torch.index_select(%s, 0, %s)".formatted(allRows, nearest));
          Sym idleLoss = table.sub(aims).square().sum(1).mul(idle).mean();
          Sym loss = m.stack(0, losses.toArray(Sym[]::new)).mean().add(idleLoss);
          m.returnsAll(quantised, loss, idle.mean().neg().add(1));
        });
  }

  private Sym codebook(Forward forward) {
    return forward
        .method()
        .let(
            "%s[%s].to(%s)".formatted(forward.weights(), codebook.index(), Dtype.FLOAT32.number()));
  }

  /** Squared distances (N,V) of rows (N,C) to all codes. */
  private static Sym distances(Sym rows, Sym table) {
    return rows.square()
        .sum(1)
        .unsqueeze(1)
        .add(table.square().sum(1))
        .sub(rows.linear(table, null).mul(2));
  }

  /** What a scale codes: the feature map shrunk to it, a row for each of its places, (B·s·s,C). */
  private Sym rows(Sym features, int scale) {
    int side = config.scales().get(scale);
    return features.areaPool2d(side, side).permute(0, 2, 3, 1).reshape(-1, config.channels());
  }

  /** The codes of one scale, (B,s·s), out of all, (B,L). */
  private Sym codes(Sym ids, int scale) {
    int from = config.firstToken(scale);
    int side = config.scales().get(scale);
    return ids.slice(1, from, from + side * side);
  }

  /** Half of it as it is, half through the convolution of its scale. */
  private Sym refine(Forward forward, Sym map, Sym scale) {
    String own = "%s[%s]".formatted(list(config::refinement), scale);
    Sym weights = refinements.weights(forward, own);
    Sym refined = refinement.apply(forward.with(weights), forward.enter(map));
    return map.add(forward.leave(refined)).mul(0.5);
  }

  private Sym side(Method m, Sym scale) {
    return m.let("%s[%s]".formatted(list(config.scales()::get), scale));
  }

  private String list(IntFunction<Integer> ofScale) {
    return IntStream.range(0, config.scales().size()).mapToObj(ofScale).toList().toString();
  }
}
