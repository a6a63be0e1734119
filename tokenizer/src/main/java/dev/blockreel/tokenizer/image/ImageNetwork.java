package dev.blockreel.tokenizer.image;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.Attention;
import dev.blockreel.nn.Conv2d;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.GroupNorm;
import dev.blockreel.nn.WeightScope;
import dev.blockreel.script.Sym;
import java.util.ArrayList;
import java.util.List;

/**
 * The encoder and the decoder of latent diffusion (arXiv 2112.10752) for images: residual units at
 * ever lower resolutions and the mirrored way up. Layers carry the names of the published
 * checkpoints, {@code encoder.down.I.block.J…} and {@code decoder.up.I.block.J…}.
 *
 * <p>Letters: B batch, C channels, H height, W width; h, w the same after all steps down.
 */
public final class ImageNetwork {
  private static final double EPSILON = 1e-6;

  private final Sizes sizes;
  private final List<Layer> encoder;
  private final List<Layer> decoder;

  /**
   * Sizes of both ways.
   *
   * @param patch side of the square of pixels that is folded into channels before the first and
   *     unfolded after the last convolution; 1 as published
   * @param width channels at the first stage
   * @param multipliers channels of each stage in multiples of {@code width}, from the pixels
   *     inwards; there is a step down to half the sides between two stages
   * @param units residual units of a stage; the decoder has one more
   * @param encoderAttention stages with attention after each unit on the way down
   * @param decoderAttention the same on the way up
   * @param fusedAttention whether queries, keys and values come out of one convolution
   * @param groups groups of every GroupNorm
   */
  public record Sizes(
      int patch,
      int width,
      List<Integer> multipliers,
      int units,
      List<Integer> encoderAttention,
      List<Integer> decoderAttention,
      boolean fusedAttention,
      int groups) {
    /** Checks that every size makes sense. */
    public Sizes {
      multipliers = List.copyOf(multipliers);
      encoderAttention = List.copyOf(encoderAttention);
      decoderAttention = List.copyOf(decoderAttention);
      if (patch < 1 || width < 1 || units < 1 || groups < 1 || multipliers.isEmpty()) {
        throw EngineFailure.badRequest(
            "an image network needs a patch, width, units and groups of at least 1 and stages: got %s, %s, %s, %s and %s stages",
            patch, width, units, groups, multipliers.size());
      }
      if (width % groups != 0) { // as wide is what enters the first stage
        throw EngineFailure.badRequest(
            "an image network needs a width that its %s groups divide: got %s", groups, width);
      }
      for (int multiplier : multipliers) {
        if (multiplier < 1 || width * multiplier % groups != 0) {
          throw EngineFailure.badRequest(
              "an image network needs widths that %s groups divide: got %s times %s",
              groups, width, multiplier);
        }
      }
      List<Integer> stages = new ArrayList<>(encoderAttention);
      stages.addAll(decoderAttention);
      for (int stage : stages) {
        if (stage < 0 || stage >= multipliers.size()) {
          throw EngineFailure.badRequest(
              "attention at stage %s: this image network has stages 0 to %s",
              stage, multipliers.size() - 1);
        }
      }
    }

    int channels(int stage) {
      return width * multipliers.get(stage);
    }

    int last() {
      return multipliers.size() - 1;
    }

    /** Pixels per cell of the feature map, per side. */
    public int factor() {
      return patch << last();
    }
  }

  private interface Layer {
    Sym apply(Forward forward, Sym x);
  }

  /**
   * Builds the layers, and with them the weights.
   *
   * @param scope the root of names
   * @param out channels that the encoder ends with
   * @param in channels that the decoder begins with
   */
  public ImageNetwork(WeightScope scope, Sizes sizes, int out, int in) {
    this.sizes = sizes;
    this.encoder = encoder(scope.child("encoder"), out);
    this.decoder = decoder(scope.child("decoder"), in);
  }

  /** (B,3,H,W) → (B,out,h,w), in the compute format. */
  public Sym encode(Forward forward, Sym pixels) {
    Sym x = forward.enter(pixels);
    if (sizes.patch > 1) {
      x = forward.method().let("torch.pixel_unshuffle(%s, %s)".formatted(x, sizes.patch));
    }
    return apply(encoder, forward, x);
  }

  /** (B,in,h,w) → (B,3,H,W), in the compute format. */
  public Sym decode(Forward forward, Sym features) {
    Sym x = apply(decoder, forward, forward.enter(features));
    return sizes.patch > 1
        ? forward.method().let("torch.pixel_shuffle(%s, %s)".formatted(x, sizes.patch))
        : x;
  }

  private static Sym apply(List<Layer> layers, Forward forward, Sym x) {
    Sym y = x;
    for (Layer layer : layers) {
      y = layer.apply(forward, y);
    }
    return y;
  }

  private List<Layer> encoder(WeightScope scope, int out) {
    List<Layer> layers = new ArrayList<>();
    int channels = sizes.width;
    layers.add(conv(scope.child("conv_in"), 3 * sizes.patch * sizes.patch, channels));
    for (int stage = 0; stage <= sizes.last(); stage++) {
      WeightScope at = scope.child("down." + stage);
      for (int unit = 0; unit < sizes.units; unit++) {
        layers.add(residual(at.child("block." + unit), channels, sizes.channels(stage)));
        channels = sizes.channels(stage);
        if (sizes.encoderAttention.contains(stage)) {
          layers.add(attention(at.child("attn." + unit), channels));
        }
      }
      if (stage < sizes.last()) {
        layers.add(new Conv2d(at.child("downsample.conv"), channels, channels, 3, 2)::apply);
      }
    }
    middle(scope.child("mid"), channels, layers);
    end(scope, channels, out, layers);
    return layers;
  }

  private List<Layer> decoder(WeightScope scope, int in) {
    List<Layer> layers = new ArrayList<>();
    int channels = sizes.channels(sizes.last());
    layers.add(conv(scope.child("conv_in"), in, channels));
    middle(scope.child("mid"), channels, layers);
    for (int stage = sizes.last(); stage >= 0; stage--) {
      WeightScope at = scope.child("up." + stage);
      for (int unit = 0; unit <= sizes.units; unit++) {
        layers.add(residual(at.child("block." + unit), channels, sizes.channels(stage)));
        channels = sizes.channels(stage);
        if (sizes.decoderAttention.contains(stage)) {
          layers.add(attention(at.child("attn." + unit), channels));
        }
      }
      if (stage > 0) {
        Layer sharpen = conv(at.child("upsample.conv"), channels, channels);
        layers.add((forward, x) -> sharpen.apply(forward, x.enlarge2d(2)));
      }
    }
    end(scope, channels, 3 * sizes.patch * sizes.patch, layers);
    return layers;
  }

  private void middle(WeightScope at, int channels, List<Layer> layers) {
    layers.add(residual(at.child("block_1"), channels, channels));
    layers.add(attention(at.child("attn_1"), channels));
    layers.add(residual(at.child("block_2"), channels, channels));
  }

  private void end(WeightScope scope, int channels, int out, List<Layer> layers) {
    layers.add(norm(scope.child("norm_out"), channels));
    layers.add((forward, x) -> x.silu());
    layers.add(conv(scope.child("conv_out"), channels, out));
  }

  private static Layer conv(WeightScope at, int in, int out) {
    return new Conv2d(at, in, out, 3, 1)::apply;
  }

  private Layer norm(WeightScope at, int channels) {
    return new GroupNorm(at, channels, sizes.groups, EPSILON)::apply;
  }

  /** Twice norm, SiLU and convolution, added to the input. */
  private Layer residual(WeightScope at, int in, int out) {
    Layer norm1 = norm(at.child("norm1"), in);
    Layer conv1 = conv(at.child("conv1"), in, out);
    Layer norm2 = norm(at.child("norm2"), out);
    Layer conv2 = conv(at.child("conv2"), out, out);
    Conv2d shortcut = in == out ? null : new Conv2d(at.child("nin_shortcut"), in, out, 1, 1);
    return (forward, x) -> {
      Sym h = conv1.apply(forward, norm1.apply(forward, x).silu());
      h = conv2.apply(forward, norm2.apply(forward, h).silu());
      return h.add(shortcut == null ? x : shortcut.apply(forward, x));
    };
  }

  /** Each pixel attends to all others, in one head, added to the input. */
  private Layer attention(WeightScope at, int channels) {
    Layer norm = norm(at.child("norm"), channels);
    List<Conv2d> projections =
        sizes.fusedAttention
            ? List.of(new Conv2d(at.child("qkv"), channels, 3 * channels, 1, 1))
            : List.of(
                new Conv2d(at.child("q"), channels, channels, 1, 1),
                new Conv2d(at.child("k"), channels, channels, 1, 1),
                new Conv2d(at.child("v"), channels, channels, 1, 1));
    Conv2d out = new Conv2d(at.child("proj_out"), channels, channels, 1, 1);
    return (forward, x) -> {
      Sym normal = norm.apply(forward, x);
      List<Sym> parts = new ArrayList<>();
      for (Conv2d projection : projections) {
        Sym projected = projection.apply(forward, normal);
        for (int i = 0; i < 3 / projections.size(); i++) {
          Sym part = projected.slice(1, i * channels, (i + 1) * channels);
          // (B, C, H, W) → (B, 1, H·W, C)
          parts.add(part.reshape(x.size(0), 1, channels, -1).transpose(2, 3));
        }
      }
      Sym attended =
          Attention.ofWidth(forward.numerics(), channels)
              .apply(forward.method(), parts.get(0), parts.get(1), parts.get(2), null);
      Sym map = attended.transpose(2, 3).reshape(x.size(0), channels, x.size(2), x.size(3));
      return x.add(out.apply(forward, map));
    };
  }
}
