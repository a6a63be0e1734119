package dev.blockreel.sampler;

import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpLayout;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorList;
import dev.blockreel.script.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Steps streams of an NBP model, any of them together, wherever each of them is. Owns the cache of
 * keys and values: a number of slots, of which a stream holds one from {@link #admit} to {@link
 * #release}, and another one when it is guided.
 */
final class NbpDecoding implements AutoCloseable {
  /**
   * Single tokens are made several in a call, about this long, since a call has its price too; long
   * enough for that to vanish, and too short for a newcomer to mind.
   */
  private static final long CALL_NANOS = 10_000_000;

  private final NbpGenerator generator;
  private final NbpConfig config;
  private final TensorScope scope = TensorScope.open();
  private final Tensor cache;
  private final int slots;
  private int singlesOfACall = 1;
  private final BitSet taken = new BitSet();
  private final Map<NbpStream, Places> places = new HashMap<>();

  /** The slots of a stream; {@code unconditional} is -1 when it is not guided. */
  private record Places(int slot, int unconditional) {}

  /**
   * @param slots of the cache; a slot that was never used takes no memory on a CPU
   */
  NbpDecoding(NbpGenerator generator, int slots) {
    this.generator = generator;
    this.config = generator.description().network();
    this.slots = slots;
    try {
      this.cache = generator.cache(scope, slots);
    } catch (RuntimeException e) {
      scope.close();
      throw e;
    }
  }

  /** What watches single steps; tests look at the logits. */
  @FunctionalInterface
  interface StepWatcher {
    /**
     * @param raw what the network gave for all tokens that are drawn in this step, fp32 (R+U,V):
     *     stream by stream, then the guided streams again, without their condition
     * @param guided what they are drawn from, (R,V)
     */
    void logits(Tensor raw, Tensor guided);
  }

  /** Slots that no stream holds. */
  int free() {
    return slots - taken.cardinality();
  }

  /**
   * Gives a stream its slots.
   *
   * @throws IllegalStateException when there are not enough
   */
  void admit(NbpStream stream) {
    int slot = take();
    places.put(stream, new Places(slot, stream.guided() ? take() : -1));
  }

  private int take() {
    int slot = taken.nextClearBit(0);
    if (slot >= slots) {
      throw new IllegalStateException("all %d slots are taken".formatted(slots));
    }
    taken.set(slot);
    return slot;
  }

  /** Takes its slots back; a stream without any is no error. */
  void release(NbpStream stream) {
    Places own = places.remove(stream);
    if (own != null) {
      taken.clear(own.slot);
      if (own.unconditional >= 0) {
        taken.clear(own.unconditional);
      }
    }
  }

  /**
   * What one slot reads in a step.
   *
   * @param mask where its first tokens may look, or null for the rest, which look everywhere
   */
  private record Reading(NbpStream stream, int slot, long[] ids, boolean[] mask) {
    /** Whether {@code next} can be in a run with this one, right behind it. */
    boolean goesWith(Reading next) {
      boolean together = next.stream.past() == stream.past() && Arrays.equals(next.mask, mask);
      boolean apart = ids.length == 1 && Math.min(stream.past(), next.stream.past()) > 0;
      return next.slot == slot + 1 && next.ids.length == ids.length && (together || apart);
    }
  }

  /**
   * Takes each of these admitted streams a step further, or several where all make single tokens,
   * in one call.
   */
  void step(List<NbpStream> streams, StepWatcher watcher) {
    List<Reading> readings = new ArrayList<>();
    for (NbpStream stream : streams) {
      Places own = places.get(stream);
      boolean[] mask =
          stream.past() > 0 ? null : new NbpLayout(config, stream.block()).mask(stream.input());
      readings.add(new Reading(stream, own.slot, stream.input(), mask));
      if (own.unconditional >= 0) {
        // The published code hides what the condition hides from those without it as well.
        readings.add(new Reading(stream, own.unconditional, stream.unconditionalInput(), mask));
      }
    }
    readings.sort(Comparator.comparingInt(Reading::slot));
    int singles = streams.stream().mapToInt(NbpStream::singles).min().orElse(0);
    // Who watches sees every step.
    int steps = watcher != null ? 1 : Math.max(1, Math.min(singles, singlesOfACall));
    long begun = System.nanoTime();
    long[] drawn = call(readings, streams, steps, watcher);
    if (singles > 0) {
      adapt(steps, System.nanoTime() - begun);
    }
    int at = 0;
    for (int i = 0; i < steps; i++) {
      for (NbpStream stream : streams) {
        int wanted = stream.wanted();
        stream.accept(drawn, at);
        at += wanted;
      }
    }
  }

  private void adapt(int steps, long nanos) {
    if (nanos > 2 * CALL_NANOS) {
      singlesOfACall = Math.max(1, steps / 2);
    } else if (nanos < CALL_NANOS / 2 && steps == singlesOfACall) {
      singlesOfACall = 2 * steps;
    }
  }

  /** The ids that all steps draw, step by step, in each stream by stream. */
  private long[] call(
      List<Reading> readings, List<NbpStream> streams, int steps, StepWatcher watcher) {
    try (TensorScope call = TensorScope.open()) {
      Batch batch = new Batch(call, readings, streams, steps);
      try (TensorList masks = new TensorList(batch.masks)) {
        List<Tensor> made =
            generator.reading(
                batch.ids.length,
                () ->
                    generator.callForList(
                        call,
                        "next",
                        call.longs(batch.ids, batch.ids.length),
                        call.longs(batch.positions, batch.ids.length),
                        batch.runs.stream().mapToLong(Integer::longValue).toArray(),
                        masks,
                        cache,
                        call.longs(batch.rows, batch.rows.length),
                        call.longs(batch.guided, batch.guided.length),
                        call.floats(batch.strengths, steps, batch.guided.length, 1),
                        call.floats(batch.draws.values(), steps, 4, batch.drawn),
                        batch.draws.few(),
                        call.longs(batch.feeds, batch.feeds.length)));
        if (watcher != null) {
          watcher.logits(made.get(2), made.get(1));
        }
        return made.get(0).toLongs();
      }
    }
  }

  /** The arguments of a call. */
  private final class Batch {
    private final long[] ids;
    private final long[] positions;
    private final List<Integer> runs = new ArrayList<>();
    private final List<Tensor> masks = new ArrayList<>();
    private final int drawn;
    private final long[] rows;
    private final long[] guided;
    private final float[] strengths;
    private final TokenDraws draws;
    private final long[] feeds;

    /**
     * @param steps above 1 only where each of the streams reads and makes one token in each
     */
    Batch(TensorScope scope, List<Reading> readings, List<NbpStream> streams, int steps) {
      int tokens = readings.stream().mapToInt(reading -> reading.ids.length).sum();
      ids = new long[tokens];
      positions = new long[tokens];
      int[] ends = read(readings);
      run(scope, readings);
      drawn = streams.stream().mapToInt(NbpStream::wanted).sum();
      int unconditional =
          streams.stream().filter(NbpStream::guided).mapToInt(NbpStream::wanted).sum();
      rows = new long[drawn + unconditional];
      guided = new long[unconditional];
      strengths = new float[steps * unconditional];
      draws = new TokenDraws(steps, drawn);
      feeds = new long[steps == 1 ? 0 : tokens];
      int row = 0;
      int pair = 0;
      for (NbpStream stream : streams) {
        Places own = places.get(stream);
        for (int i = stream.wanted(); i > 0; i--) {
          if (stream.guided()) {
            guided[pair] = row;
            for (int later = 0; later < steps; later++) {
              strengths[later * unconditional + pair] = (float) stream.guidance(later);
            }
            rows[drawn + pair++] = ends[own.unconditional] - i;
          }
          for (int later = 0; later < steps; later++) {
            stream.draw(draws, later, row);
          }
          if (steps > 1) {
            feed(own, ends, row);
          }
          rows[row++] = ends[own.slot] - i;
        }
      }
    }

    /** Lets a stream read what it drew. */
    private void feed(Places own, int[] ends, int row) {
      feeds[ends[own.slot] - 1] = row;
      if (own.unconditional >= 0) {
        feeds[ends[own.unconditional] - 1] = row;
      }
    }

    /** Fills in the tokens; returns for each slot where its own end. */
    private int[] read(List<Reading> readings) {
      int[] ends = new int[slots];
      int at = 0;
      for (Reading reading : readings) {
        for (int i = 0; i < reading.ids.length; i++) {
          ids[at] = reading.ids[i];
          positions[at++] = (long) reading.stream.past() + i;
        }
        ends[reading.slot] = at;
      }
      return ends;
    }

    private void run(TensorScope scope, List<Reading> readings) {
      int token = 0;
      for (int from = 0; from < readings.size(); ) {
        Reading first = readings.get(from);
        int to = from + 1;
        while (to < readings.size() && readings.get(to - 1).goesWith(readings.get(to))) {
          to++;
        }
        int length = first.ids.length;
        int past =
            readings.subList(from, to).stream().mapToInt(r -> r.stream.past()).max().orElse(0);
        runs.addAll(
            List.of(token, length, first.slot, to - from, past, past == 0 ? masks.size() : -1));
        if (past == 0) {
          masks.add(scope.booleans(first.mask, length, length));
        }
        token += (to - from) * length;
        from = to;
      }
    }
  }

  @Override
  public void close() {
    scope.close();
  }
}
