package dev.blockreel.tokenizer.magvit2;

import dev.blockreel.nn.CausalConv3d;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.FrameGroupNorm;
import dev.blockreel.nn.History;
import dev.blockreel.nn.Init;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightScope;
import dev.blockreel.script.Sym;
import dev.blockreel.tokenizer.magvit2.Magvit2Config.Stage;
import java.util.ArrayList;
import java.util.List;

/**
 * The network of the NBP video tokenizer (after MAGVIT-v2, arXiv 2310.05737; used by arXiv
 * 2502.07737): causal 3-D convolutions down to a small grid, FSQ, and the mirrored way up.
 *
 * <p>Letters: B batch, C channels, T frames, H height, W width; t, h, w the same of the grid; d FSQ
 * dimensions. Layers carry the names of the published checkpoint: {@code encoder_layers.I…} and
 * {@code decoder_layers.I…}.
 */
public final class Magvit2 {
  private final Magvit2Config config;
  private final WeightScope scope = WeightScope.root("");
  private final Fsq fsq;
  private final List<Layer> encoder;
  private final List<Layer> decoder;

  /** One entry of the published layer lists. */
  @FunctionalInterface
  private interface Layer {
    Sym apply(Forward forward, Sym x);
  }

  /** Builds the layers, and with them the list of weights. */
  public Magvit2(Magvit2Config config) {
    this.config = config;
    this.fsq = new Fsq(config.levels());
    this.encoder = encoder();
    this.decoder = decoder();
  }

  public Magvit2Config config() {
    return config;
  }

  /** The weights that the script's methods take, in order. */
  public List<Weight> weights() {
    return scope.weights();
  }

  private List<Layer> encoder() {
    Layers layers = new Layers("encoder_layers");
    int width = config.stages().get(0).width();
    layers.add(at -> conv(at, 3 * config.patch() * config.patch(), width));
    int channels = width;
    for (Stage stage : config.stages()) {
      for (int i = 0; i < stage.units(); i++) {
        int in = channels;
        layers.add(at -> residual(at, in, stage.width()));
        channels = stage.width();
      }
      if (stage.strideTime() * stage.strideSpace() > 1) {
        layers.add(
            at ->
                new CausalConv3d(
                        at.child("conv"),
                        stage.width(),
                        stage.width(),
                        3,
                        stage.strideTime(),
                        stage.strideSpace())
                    ::apply);
      }
    }
    int last = channels;
    layers.add(at -> new FrameGroupNorm(at, last, config.groups())::apply);
    layers.add(at -> swish(at, last));
    // Latents that start with a spread of about 1 use all levels at once; smaller ones drown in the
    // rounding.
    Init spread = Init.normal(1.7 / Math.sqrt(last));
    layers.add(at -> new CausalConv3d(at, last, config.levels().size(), 1, 1, 1, spread)::apply);
    return layers.built;
  }

  private List<Layer> decoder() {
    Layers layers = new Layers("decoder_layers");
    List<Stage> stages = config.stages();
    int channels = stages.get(stages.size() - 1).width();
    int inner = channels;
    layers.add(at -> conv(at, config.levels().size(), inner));
    for (int s = stages.size() - 1; s >= 0; s--) {
      Stage stage = stages.get(s);
      if (stage.strideTime() * stage.strideSpace() > 1) {
        int in = channels;
        int blocks = stage.strideTime() * stage.strideSpace() * stage.strideSpace();
        layers.add(at -> conv(at, in, blocks * in));
        layers.add(
            at ->
                (forward, x) ->
                    depthToSpace(forward, x, stage.strideTime(), stage.strideSpace(), in));
      }
      for (int i = 0; i < stage.units(); i++) {
        int in = channels;
        layers.add(at -> residual(at, in, stage.width()));
        channels = stage.width();
      }
    }
    int last = channels;
    layers.add(at -> new FrameGroupNorm(at, last, config.groups())::apply);
    layers.add(at -> swish(at, last));
    layers.add(at -> conv(at, last, 3 * config.patch() * config.patch()));
    return layers.built;
  }

  /** Counts positions as the published layer lists do: layers without weights take one too. */
  private final class Layers {
    private final String list;
    private final List<Layer> built = new ArrayList<>();

    Layers(String list) {
      this.list = list;
    }

    void add(java.util.function.Function<WeightScope, Layer> layer) {
      built.add(layer.apply(scope.child(list + "." + built.size())));
    }
  }

  private static Layer conv(WeightScope at, int in, int out) {
    return new CausalConv3d(at.child("conv"), in, out, 3, 1, 1)::apply;
  }

  /** x·sigmoid(beta·x) with a learned beta per channel. */
  private static Layer swish(WeightScope at, int channels) {
    Weight beta = at.declare("beta", Weight.Role.VECTOR, Init.constant(1), 1, channels, 1, 1, 1);
    return (forward, x) ->
        forward
            .method()
            .inLayer(
                at.name(),
                () -> {
                  Sym y = x.mul(forward.weight(beta));
                  // In place where no gradient needs the values in between.
                  return forward.numerics().castWeights()
                      ? x.mul(y.sigmoid())
                      : y.sigmoidInPlace().mulInPlace(x);
                });
  }

  private Layer residual(WeightScope at, int in, int out) {
    FrameGroupNorm norm1 = new FrameGroupNorm(at.child("fn.0"), in, config.groups());
    Layer swish1 = swish(at.child("fn.1"), in);
    Layer conv1 = conv(at.child("fn.2"), in, out);
    FrameGroupNorm norm2 = new FrameGroupNorm(at.child("fn.3"), out, config.groups());
    Layer swish2 = swish(at.child("fn.4"), out);
    Layer conv2 = conv(at.child("fn.5"), out, out);
    CausalConv3d shortcut =
        in == out ? null : new CausalConv3d(at.child("residual_fn.0.conv"), in, out, 1, 1, 1);
    return (forward, x) -> {
      Sym h = conv1.apply(forward, swish1.apply(forward, norm1.apply(forward, x)));
      h = conv2.apply(forward, swish2.apply(forward, norm2.apply(forward, h)));
      return h.add(shortcut == null ? x : shortcut.apply(forward, x));
    };
  }

  /**
   * (B, t·s·s·C, T, H, W) → (B, C, T·t - (t-1), H·s, W·s): block offsets are the major channels;
   * the first t-1 frames of the clip are dropped.
   */
  private static Sym depthToSpace(Forward forward, Sym x, int t, int s, int channels) {
    Sym time = x.size(2);
    Sym height = x.size(3);
    Sym width = x.size(4);
    Sym split =
        x.reshape(x.size(0), t, s, s, channels, time, height, width); // (B, t, s, s, C, T, H, W)
    // The channels stay innermost where they are: whole runs of them are moved.
    Sym merged =
        split
            .permute(0, 5, 1, 6, 2, 7, 3, 4) // (B, T, t, H, s, W, s, C)
            .reshape(x.size(0), time + " * " + t, height + " * " + s, width + " * " + s, channels)
            .permute(0, 4, 1, 2, 3);
    if (t == 1) {
      return merged;
    }
    History history = forward.history();
    return merged.from(2, history == null ? t - 1 : history.atStart(t - 1));
  }

  /**
   * Folds squares of pixels into channels, the inverse of {@link #depthToSpace}: (B,3,T,H,W) →
   * (B,3p²,T,H/p,W/p).
   */
  private Sym fold(Sym x) {
    int p = config.patch();
    if (p == 1) {
      return x;
    }
    Sym height = x.size(3).floorDiv(p);
    Sym width = x.size(4).floorDiv(p);
    return x.reshape(x.size(0), 3, x.size(2), height, p, width, p)
        .permute(0, 4, 6, 1, 2, 3, 5) // (B, p, p, 3, T, H/p, W/p)
        .reshape(x.size(0), 3 * p * p, x.size(2), height, width);
  }

  /**
   * Pixels (B,3,T,H,W) in [0,1], fp32, to latents (B,t,h,w,d), fp32. With a {@link History} these
   * are the next frames of clips: first one frame more than a multiple of {@link
   * Magvit2Config#timeFactor}, then multiples of it.
   */
  public Sym encode(Forward forward, Sym pixels) {
    Sym x = forward.enter(fold(pixels));
    for (Layer layer : encoder) {
      x = layer.apply(forward, x);
    }
    return forward.leave(x).permute(0, 2, 3, 4, 1);
  }

  /**
   * FSQ values (B,t,h,w,d), fp32, to pixels (B,3,T,H,W), fp32 and not clamped. With a {@link
   * History} these are the next latent frames of clips and the frames that they bring.
   */
  public Sym decode(Forward forward, Sym values) {
    Sym x = forward.enter(values.permute(0, 4, 1, 2, 3));
    for (Layer layer : decoder) {
      x = layer.apply(forward, x);
    }
    return forward.leave(config.patch() == 1 ? x : depthToSpace(forward, x, 1, config.patch(), 3));
  }

  /** Latents (B,t,h,w,d) to codebook indices (B,t,h,w), int64. */
  public Sym quantize(Forward forward, Sym latents) {
    return fsq.indices(forward, latents);
  }

  /** Codebook indices (B,t,h,w), int64, to FSQ values (B,t,h,w,d). */
  public Sym lookup(Forward forward, Sym indices) {
    return fsq.values(forward, indices);
  }

  /**
   * What the decoder sees while training: quantised values whose gradient is that of the bounded
   * latents.
   */
  public Sym straightThrough(Forward forward, Sym latents) {
    Sym bounded = fsq.bound(forward, latents);
    Sym rounded = bounded.add(bounded.round().sub(bounded).detach());
    return fsq.scale(forward, rounded);
  }
}
