package dev.blockreel.generator.xar;

import dev.blockreel.failure.EngineFailure;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * What X is in next-X prediction: an order of the latent grid in which whole entities, each a set
 * of positions, are predicted one after the other. Every position lies in exactly one entity; the
 * entities of one order may differ in size.
 *
 * <p>An entity is written as
 *
 * <ul>
 *   <li>{@code cell:K} or {@code cell:TxHxW}: neighbouring positions, K x K of one latent frame, or
 *       T x H x W. {@code token}, {@code frame} and {@code whole} are the cells of one position, of
 *       one latent frame and of all. Cells follow each other in raster order.
 *   <li>{@code subsample:S}: every S-th position of every S-th row, so S·S entities that each
 *       spread over the grid; clips are taken frame by frame.
 *   <li>{@code scale}: coarse to fine. The first entity is the middle of the grid (of a clip: with
 *       all powers of two in time, too); each further one halves the distance between known
 *       positions.
 * </ul>
 *
 * Positions inside an entity are in raster order. The paper (arXiv 2502.20388) names all of these;
 * its code has {@code cell:8} on a grid of 16x16 only, whose order this is. The order within
 * subsamples and scales is our own choice.
 *
 * @param entity what X is, as written above
 * @param time t, latent frames
 * @param height h, rows
 * @param width w, columns
 * @param entities positions of each entity, t-major, then row, then column; not to be changed
 */
public record EntityOrder(String entity, int time, int height, int width, List<int[]> entities) {
  private static final Pattern CELL = Pattern.compile("cell:(\\d{1,4})(?:x(\\d{1,4})x(\\d{1,4}))?");
  private static final Pattern SUBSAMPLE = Pattern.compile("subsample:(\\d{1,4})");

  /**
   * The order that an entity gives a grid.
   *
   * @throws EngineFailure BAD_REQUEST when there is no such entity or it does not fit the grid
   */
  public static EntityOrder of(String entity, int time, int height, int width) {
    if (Math.min(time, Math.min(height, width)) < 1 || (long) time * height * width > 1 << 20) {
      throw EngineFailure.badRequest("no latent grid of %dx%dx%d", time, height, width);
    }
    Matcher cell = CELL.matcher(entity);
    Matcher subsample = SUBSAMPLE.matcher(entity);
    EntityOrder order = new EntityOrder(entity, time, height, width, new ArrayList<>());
    if (entity.equals("token")) {
      order.addCells(1, 1, 1);
    } else if (entity.equals("frame")) {
      order.addCells(1, height, width);
    } else if (entity.equals("whole")) {
      order.addCells(time, height, width);
    } else if (entity.equals("scale")) {
      order.addScales();
    } else if (cell.matches() && cell.group(2) == null) {
      int side = Integer.parseInt(cell.group(1));
      order.addCells(1, side, side);
    } else if (cell.matches()) {
      order.addCells(
          Integer.parseInt(cell.group(1)),
          Integer.parseInt(cell.group(2)),
          Integer.parseInt(cell.group(3)));
    } else if (subsample.matches()) {
      order.addSubsamples(Integer.parseInt(subsample.group(1)));
    } else {
      throw EngineFailure.badRequest(
          "unknown entity \"%s\": expected token, cell:K, cell:TxHxW, subsample:S, scale, frame or"
              + " whole",
          entity);
    }
    return new EntityOrder(entity, time, height, width, List.copyOf(order.entities));
  }

  private void addCells(int depth, int rows, int columns) {
    requireDivides(depth, rows, columns);
    for (int t = 0; t < time; t += depth) {
      for (int y = 0; y < height; y += rows) {
        for (int x = 0; x < width; x += columns) {
          add(range(t, t + depth, 1), range(y, y + rows, 1), range(x, x + columns, 1));
        }
      }
    }
  }

  private void addSubsamples(int stride) {
    requireDivides(1, stride, stride);
    for (int t = 0; t < time; t++) {
      for (int y = 0; y < stride; y++) {
        for (int x = 0; x < stride; x++) {
          add(range(t, t + 1, 1), range(y, height, stride), range(x, width, stride));
        }
      }
    }
  }

  private void requireDivides(int depth, int rows, int columns) {
    if (Math.min(depth, Math.min(rows, columns)) < 1
        || time % depth != 0
        || height % rows != 0
        || width % columns != 0) {
      throw EngineFailure.badRequest(
          "the entity %s does not fit a latent grid of %dx%dx%d: its sides must divide those of the"
              + " grid",
          entity, time, height, width);
    }
  }

  private void add(int[] times, int[] rows, int[] columns) {
    int[] positions = new int[times.length * rows.length * columns.length];
    int i = 0;
    for (int t : times) {
      for (int y : rows) {
        for (int x : columns) {
          positions[i++] = (t * height + y) * width + x;
        }
      }
    }
    entities.add(positions);
  }

  private void addScales() {
    int distance = Integer.highestOneBit(Math.max(time, Math.max(height, width)));
    boolean[] known = new boolean[tokens()];
    for (; distance >= 1; distance /= 2) {
      EntityOrder lattice = new EntityOrder(entity, time, height, width, new ArrayList<>());
      lattice.add(
          throughMiddle(time, distance),
          throughMiddle(height, distance),
          throughMiddle(width, distance));
      int[] fresh =
          Arrays.stream(lattice.entities.get(0)).filter(position -> !known[position]).toArray();
      Arrays.stream(fresh).forEach(position -> known[position] = true);
      if (fresh.length > 0) {
        entities.add(fresh);
      }
    }
  }

  /** Every {@code distance}-th place of an axis, among them its middle. */
  private static int[] throughMiddle(int length, int distance) {
    return range(length / 2 % distance, length, distance);
  }

  private static int[] range(int from, int to, int step) {
    return IntStream.iterate(from, i -> i < to, i -> i + step).toArray();
  }

  /** Positions in all. */
  public int tokens() {
    return time * height * width;
  }

  /** Positions before entity {@code index} in this order. */
  public int start(int index) {
    return entities.subList(0, index).stream().mapToInt(positions -> positions.length).sum();
  }

  /** Whether all entities have one size. */
  public boolean even() {
    return entities.stream().allMatch(e -> e.length == entities.get(0).length);
  }

  /** All positions in this order. */
  public int[] sequence() {
    return entities.stream().flatMapToInt(Arrays::stream).toArray();
  }

  /** For each place in {@link #sequence} the number of its entity. */
  public int[] entityOfToken() {
    return IntStream.range(0, entities.size())
        .flatMap(e -> IntStream.generate(() -> e).limit(entities.get(e).length))
        .toArray();
  }

  /**
   * Latents (C, t, h, w) as tokens (N, C) in this order.
   *
   * @param values of one clip, C·t·h·w
   */
  public float[] tokens(float[] values, int channels) {
    int[] sequence = sequence();
    float[] tokens = new float[values.length];
    for (int n = 0; n < sequence.length; n++) {
      for (int c = 0; c < channels; c++) {
        tokens[n * channels + c] = values[c * sequence.length + sequence[n]];
      }
    }
    return tokens;
  }

  /** The inverse of {@link #tokens(float[], int)}: tokens (N, C) as latents (C, t, h, w). */
  public float[] latents(float[] tokens, int channels) {
    int[] sequence = sequence();
    float[] values = new float[tokens.length];
    for (int n = 0; n < sequence.length; n++) {
      for (int c = 0; c < channels; c++) {
        values[c * sequence.length + sequence[n]] = tokens[n * channels + c];
      }
    }
    return values;
  }
}
