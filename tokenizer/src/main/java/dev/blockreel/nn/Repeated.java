package dev.blockreel.nn;

import dev.blockreel.script.Sym;
import java.util.function.BiConsumer;

/**
 * Copies of a block in a list of weights, one after the other: what is written once serves all of
 * them, with a slice of the list each.
 *
 * @param first index of the first copy's first weight
 * @param count how many copies
 * @param size weights of each
 */
public record Repeated(int first, int count, int size) {
  /** The weights of one copy; {@code index} is a number, a variable or an expression. */
  public Sym weights(Forward forward, Object index) {
    Sym from = forward.method().let("%s + %s * %s".formatted(first, index, size));
    return forward.weights().items(from, from + " + " + size);
  }

  /** The same copies but for the last one. */
  public Repeated withoutLast() {
    return new Repeated(first, count - 1, size);
  }

  /** Writes a loop over all copies; {@code body} receives the index and the weights of one. */
  public void loop(Forward forward, BiConsumer<Sym, Sym> body) {
    forward.method().loop(count, i -> body.accept(i, weights(forward, i)));
  }
}
