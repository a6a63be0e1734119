package dev.blockreel.tokenizer.magvit2;

import dev.blockreel.nn.Forward;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Sym;
import java.util.List;
import java.util.function.IntToDoubleFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Finite scalar quantisation (arXiv 2309.15505): each of d numbers is squashed and rounded to one
 * of L values, and the values count as digits of one index. Works on (…, d), in fp32.
 */
final class Fsq {
  private final List<Integer> levels;

  Fsq(List<Integer> levels) {
    this.levels = levels;
  }

  private double half(int i) {
    return (levels.get(i) - 1) * (1 - 1e-3) / 2;
  }

  private double offset(int i) {
    return levels.get(i) % 2 == 0 ? 0.5 : 0;
  }

  /** Squashes to the range of the levels: tanh(z + shift)·half - offset. */
  Sym bound(Forward forward, Sym z) {
    // The published code takes the tangent here where the paper has atanh; checkpoints were trained
    // with it.
    Sym shift = row(forward, i -> Math.tan(offset(i) / half(i)));
    return z.add(shift).tanh().mul(row(forward, this::half)).sub(row(forward, this::offset));
  }

  /** Whole numbers to values in [-1, 1]. */
  Sym scale(Forward forward, Sym whole) {
    return whole.div(row(forward, i -> levels.get(i) / 2));
  }

  /** Indices (…) of latents (…, d). */
  Sym indices(Forward forward, Sym z) {
    Sym digits = bound(forward, z).round().add(row(forward, i -> levels.get(i) / 2));
    return digits.mul(row(forward, this::basis)).sum(-1).to(Dtype.INT64);
  }

  /** Values (…, d) of indices (…). */
  Sym values(Forward forward, Sym indices) {
    Sym digits =
        indices
            .unsqueeze(-1)
            .floorDivide(whole(forward, this::basis))
            .remainder(whole(forward, i -> levels.get(i)));
    Sym centre = row(forward, i -> levels.get(i) / 2);
    return digits.to(Dtype.FLOAT32).sub(centre).div(centre);
  }

  private double basis(int i) {
    return levels.subList(0, i).stream().mapToInt(Integer::intValue).reduce(1, (a, b) -> a * b);
  }

  private Sym row(Forward forward, IntToDoubleFunction value) {
    return constant(
        forward,
        IntStream.range(0, levels.size()).mapToObj(i -> "" + value.applyAsDouble(i)),
        Dtype.FLOAT32);
  }

  private Sym whole(Forward forward, IntToDoubleFunction value) {
    return constant(
        forward,
        IntStream.range(0, levels.size()).mapToObj(i -> "" + (long) value.applyAsDouble(i)),
        Dtype.INT64);
  }

  private static Sym constant(
      Forward forward, java.util.stream.Stream<String> values, Dtype dtype) {
    // Made beside the weights, hence on their device.
    return forward
        .method()
        .let(
            "torch.tensor(%s, dtype=%s, device=ops.prim.device(%s[0]))"
                .formatted(
                    values.collect(Collectors.joining(", ", "[", "]")),
                    dtype.number(),
                    forward.weights()));
  }
}
