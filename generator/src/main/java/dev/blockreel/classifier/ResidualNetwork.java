package dev.blockreel.classifier;

import dev.blockreel.nn.Forward;
import dev.blockreel.nn.FrameGroupNorm;
import dev.blockreel.nn.Init;
import dev.blockreel.nn.Linear;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightScope;
import dev.blockreel.script.Sym;
import java.util.ArrayList;
import java.util.List;

/**
 * A residual network of convolutions, alternately within a frame and along time (as in R(2+1)D,
 * arXiv 1711.11248). A linear layer sees all places of a frame at once, as figures stand in the
 * middle and what is left and right of them matters; its mean over time is the feature vector, and
 * another linear layer names the class.
 *
 * <p>Letters: B batch, C channels, T frames, H height, W width, F features, K classes.
 */
public final class ResidualNetwork {
  /** Halfway between black and white: what is subtracted from pixels. */
  private static final double GREY = 0.5;

  private final ClassifierConfig config;
  private final WeightScope scope = WeightScope.root("");
  private final Convolution stem;
  private final List<Stage> stages = new ArrayList<>();
  private final FrameGroupNorm norm;
  private final Linear summary;
  private final Linear head;

  /** Builds the layers, and with them the list of weights. */
  public ResidualNetwork(ClassifierConfig config) {
    this.config = config;
    int channels = config.widths().get(0);
    this.stem = new Convolution(scope.child("stem"), 3 * config.patch() * config.patch(), channels);
    for (int i = 0; i < config.widths().size(); i++) {
      stages.add(new Stage(scope.child("stages." + i), channels, config.widths().get(i), i > 0));
      channels = config.widths().get(i);
    }
    this.norm = new FrameGroupNorm(scope.child("norm"), channels, config.groups());
    int places = channels * config.lastHeight() * config.lastWidth();
    this.summary =
        new Linear(
            scope.child("summary"),
            places,
            config.features(),
            true,
            Init.normal(Math.sqrt(1.0 / places)));
    this.head =
        new Linear(
            scope.child("head"),
            config.features(),
            config.classes(),
            true,
            Init.fanIn(config.features()));
  }

  public ClassifierConfig config() {
    return config;
  }

  /** The weights that the script's methods take, in order. */
  public List<Weight> weights() {
    return scope.weights();
  }

  /** Convolution within a frame, 3x3, or along time, 3x1x1; zeros around it. */
  private static final class Convolution {
    private final WeightScope scope;
    private final Weight weight;
    private final Weight bias;
    private final boolean alongTime;
    private final int stride;

    /** Within a frame. */
    Convolution(WeightScope scope, int in, int out) {
      this(scope, in, out, false, 1);
    }

    Convolution(WeightScope scope, int in, int out, boolean alongTime, int stride) {
      this.scope = scope;
      this.alongTime = alongTime;
      this.stride = stride;
      int time = alongTime ? 3 : 1;
      int space = alongTime ? 1 : 3;
      this.weight =
          scope.declare(
              "weight",
              stride == 1 ? Weight.Role.CONVOLUTION : Weight.Role.STRIDED_CONVOLUTION,
              Init.normal(Math.sqrt(1.0 / (in * time * space * space))),
              out,
              in,
              time,
              space,
              space);
      this.bias = scope.declare("bias", Weight.Role.VECTOR, Init.constant(0), out);
    }

    Sym apply(Forward forward, Sym x) {
      int time = alongTime ? 1 : 0;
      int space = alongTime ? 0 : 1;
      return forward
          .method()
          .inLayer(
              scope.name(),
              () ->
                  x.channelsLast3d()
                      .conv3d(
                          forward.weight(weight),
                          forward.weight(bias),
                          List.of(1, stride, stride),
                          List.of(time, space, space)));
    }
  }

  /** The step down to a resolution, and one residual unit there. */
  private final class Stage {
    private final Convolution down;
    private final FrameGroupNorm norm1;
    private final Convolution within;
    private final FrameGroupNorm norm2;
    private final Convolution along;

    Stage(WeightScope at, int in, int out, boolean halves) {
      this.down =
          halves || in != out
              ? new Convolution(at.child("down"), in, out, false, halves ? 2 : 1)
              : null;
      this.norm1 = new FrameGroupNorm(at.child("norm1"), out, config.groups());
      this.within = new Convolution(at.child("within"), out, out);
      this.norm2 = new FrameGroupNorm(at.child("norm2"), out, config.groups());
      this.along = new Convolution(at.child("along"), out, out, config.frames() > 1, 1);
    }

    Sym apply(Forward forward, Sym x) {
      Sym y = down == null ? x : down.apply(forward, x);
      Sym inner = within.apply(forward, norm1.apply(forward, y).silu());
      return y.add(along.apply(forward, norm2.apply(forward, inner).silu()));
    }
  }

  /** Pixels (B,3,T,H,W) in [0,1], fp32, to features (B,F), fp32. */
  public Sym features(Forward forward, Sym pixels) {
    Sym x = stem.apply(forward, forward.enter(fold(pixels.sub(GREY))));
    for (Stage stage : stages) {
      x = stage.apply(forward, x);
    }
    Sym places = norm.apply(forward, x).silu().permute(0, 2, 1, 3, 4); // (B, T, C, h, w)
    Sym flat = places.reshape(x.size(0), x.size(2), -1);
    return forward.leave(summary.apply(forward, flat).silu()).mean(1);
  }

  /** Features (B,F) to logits (B,K); both fp32, as this costs nothing. */
  public Sym logits(Forward forward, Sym features) {
    return forward.leave(head.apply(forward, forward.enter(features)));
  }

  /** Squares of pixels become channels: (B,3,T,H,W) → (B,3p²,T,H/p,W/p). */
  private Sym fold(Sym x) {
    int p = config.patch();
    Sym height = x.size(3).floorDiv(p);
    Sym width = x.size(4).floorDiv(p);
    return x.reshape(x.size(0), 3, x.size(2), height, p, width, p)
        .permute(0, 1, 4, 6, 2, 3, 5) // (B, 3, p, p, T, H/p, W/p)
        .reshape(x.size(0), 3 * p * p, x.size(2), height, width);
  }
}
