package dev.blockreel.checkpoint;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes sure that an unpickled tree can be walked: no list or map contains itself, none is nested
 * too deep for recursion, and sharing does not blow a small graph up into an endless tree. Walkers
 * treat {@link Opaque} as a leaf, so each one counts as a tree of its own.
 */
final class ObjectTree {
  private static final int DEEPEST = 256;
  private static final long MOST_VALUES = 16_000_000;

  private final Path file;
  private final IdentityHashMap<Object, Measure> measured = new IdentityHashMap<>();
  private final Set<Object> open = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Set<Opaque> seen = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Deque<Opaque> waiting = new ArrayDeque<>();

  private ObjectTree(Path file) {
    this.file = file;
  }

  /**
   * Checks a tree.
   *
   * @throws dev.blockreel.failure.EngineFailure UNSAFE_CHECKPOINT when it cannot be walked
   */
  static void check(Path file, Object root) {
    ObjectTree tree = new ObjectTree(file);
    tree.measure(Collections.singletonList(root));
    while (!tree.waiting.isEmpty()) {
      tree.waiting.pop().containers().forEach(tree::measure);
    }
  }

  private record Measure(long values, int depth) {}

  private static final class Frame {
    private final Object container;
    private final Iterator<?> children;
    private long values = 1;
    private int depth = 1;

    Frame(Object container) {
      this.container = container;
      this.children =
          (container instanceof Map<?, ?> map ? map.values() : (Collection<?>) container)
              .iterator();
    }
  }

  private void measure(Object root) {
    if (measured.containsKey(root)) {
      return;
    }
    Deque<Frame> path = new ArrayDeque<>();
    path.push(new Frame(root));
    while (!path.isEmpty()) {
      Frame frame = path.peek();
      if (!frame.children.hasNext()) {
        path.pop();
        open.remove(frame.container);
        Measure measure = new Measure(frame.values, frame.depth);
        measured.put(frame.container, measure);
        if (!path.isEmpty()) {
          add(path.peek(), measure);
        }
        continue;
      }
      Object child = frame.children.next();
      if (child instanceof Opaque opaque && seen.add(opaque)) {
        waiting.push(opaque);
      }
      if (!(child instanceof List || child instanceof Map)) {
        add(frame, new Measure(1, 0));
      } else if (measured.containsKey(child)) {
        add(frame, measured.get(child));
      } else if (!open.add(child)) {
        throw Refusal.unsafe(file, "its pickle has a list or dictionary that contains itself");
      } else {
        path.push(new Frame(child));
      }
    }
  }

  private void add(Frame frame, Measure child) {
    frame.values += child.values();
    frame.depth = Math.max(frame.depth, child.depth() + 1);
    if (frame.depth > DEEPEST) {
      throw Refusal.unsafe(
          file, "its pickle is nested more than %d levels deep".formatted(DEEPEST));
    }
    if (frame.values > MOST_VALUES) {
      throw Refusal.unsafe(
          file, "its pickle unfolds to more than %d values".formatted(MOST_VALUES));
    }
  }
}
