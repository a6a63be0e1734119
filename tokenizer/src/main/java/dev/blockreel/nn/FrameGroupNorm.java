package dev.blockreel.nn;

import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;

/**
 * GroupNorm of every frame by itself (epsilon 1e-5), so that no frame sees the future: (B,C,T,H,W)
 * → the same.
 */
public final class FrameGroupNorm {
  private final WeightScope scope;
  private final int channels;
  private final int groups;
  private final Weight weight;
  private final Weight bias;

  public FrameGroupNorm(WeightScope scope, int channels, int groups) {
    this.scope = scope;
    this.channels = channels;
    this.groups = groups;
    this.weight = scope.declare("weight", Weight.Role.VECTOR, Init.constant(1), channels);
    this.bias = scope.declare("bias", Weight.Role.VECTOR, Init.constant(0), channels);
  }

  /** Writes the layer. */
  public Sym apply(Forward forward, Sym x) {
    Method method = forward.method();
    return method.inLayer(
        scope.name(),
        () -> {
          Sym batch = x.size(0);
          Sym frames = x.size(2);
          Sym height = x.size(3);
          Sym width = x.size(4);
          // With the channels innermost, folding time into the batch is a view.
          Sym folded =
              x.permute(0, 2, 1, 3, 4).reshape(batch + " * " + frames, channels, height, width);
          Sym normal = folded.groupNorm(groups, forward.weight(weight), forward.weight(bias), 1e-5);
          return normal.reshape(batch, frames, channels, height, width).permute(0, 2, 1, 3, 4);
        });
  }
}
