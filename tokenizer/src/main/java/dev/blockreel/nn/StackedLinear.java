package dev.blockreel.nn;

import dev.blockreel.script.Sym;
import java.util.Arrays;
import java.util.List;

/**
 * Linear layers of one input, whose outputs lie side by side: (…, in) → (…, n·out). Checkpoints
 * keep them apart, as the queries, keys and values of attention; where {@link Numerics#stacked}
 * says so, their weights are stacked once at load and one product does the work of all.
 */
public final class StackedLinear {
  private final List<Linear> parts;

  /**
   * @param scope where each part has a {@code weight} (out,in) and a {@code bias} (out)
   * @param names the parts, in the order of their outputs
   */
  public StackedLinear(WeightScope scope, int in, int out, Init init, String... names) {
    parts =
        Arrays.stream(names)
            .map(name -> new Linear(scope.child(name), in, out, true, init))
            .toList();
    parts.forEach(part -> part.stackUnder(parts.get(0)));
  }

  /** Writes the layers. */
  public Sym apply(Forward forward, Sym x) {
    if (forward.numerics().stacked()) {
      return parts.get(0).apply(forward, x);
    }
    return forward
        .method()
        .concat(-1, parts.stream().map(part -> part.apply(forward, x)).toArray(Sym[]::new));
  }
}
