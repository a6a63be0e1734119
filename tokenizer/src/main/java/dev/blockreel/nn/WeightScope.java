package dev.blockreel.nn;

import java.util.ArrayList;
import java.util.List;

/**
 * Collects the weights of a model while its layers are built. A scope is a prefix of names ({@code
 * blocks.3.attn}) over one shared list; the place of a weight in that list is its index in the
 * script.
 */
public final class WeightScope {
  private final String prefix;
  private final List<Weight> weights;

  private WeightScope(String prefix, List<Weight> weights) {
    this.prefix = prefix;
    this.weights = weights;
  }

  /** A new, empty list, whose names start with {@code prefix} (may be empty). */
  public static WeightScope root(String prefix) {
    return new WeightScope(prefix, new ArrayList<>());
  }

  /** The part of this model under {@code name}. */
  public WeightScope child(String name) {
    return new WeightScope(join(prefix, name), weights);
  }

  /** Declares a weight. */
  public Weight declare(String name, Weight.Role role, Init init, long... shape) {
    Weight weight = new Weight(join(prefix, name), shape, role, init, weights.size());
    weights.add(weight);
    return weight;
  }

  /** Lets a declared weight be stacked under the rows of an earlier one of this model. */
  void stack(Weight weight, Weight leader) {
    weights.set(
        weight.index(),
        new Weight(
            weight.name(),
            weight.shape(),
            weight.role(),
            weight.init(),
            weight.index(),
            leader.index()));
  }

  /**
   * Declares {@code count} copies of a block's weights, named {@code name.0}, {@code name.1}, …,
   * one after the other.
   *
   * @param block a {@link #root} scope with an empty prefix in which the block was built once
   */
  public Repeated repeat(String name, int count, WeightScope block) {
    int start = weights.size();
    for (int i = 0; i < count; i++) {
      WeightScope copy = child(name + "." + i);
      for (Weight weight : block.weights) {
        int first = start + i * block.weights.size();
        weights.add(
            new Weight(
                join(copy.prefix, weight.name()),
                weight.shape(),
                weight.role(),
                weight.init(),
                weights.size(),
                first + weight.leader()));
      }
    }
    return new Repeated(start, count, block.weights.size());
  }

  /** The prefix, which names a layer in error messages. */
  public String name() {
    return prefix;
  }

  /** All weights declared so far, in order. */
  public List<Weight> weights() {
    return List.copyOf(weights);
  }

  private static String join(String prefix, String name) {
    return prefix.isEmpty() ? name : prefix + "." + name;
  }
}
