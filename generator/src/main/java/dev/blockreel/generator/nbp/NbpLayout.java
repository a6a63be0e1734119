package dev.blockreel.generator.nbp;

import dev.blockreel.nn.PrefixAttention.Prefix;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How an {@link NbpConfig} lays tokens out for training, and who may look at whom.
 *
 * <p>Hybrid: condition, begin-of-video, the tokens that come one by one, P-1 middle tokens (P is
 * the block size), the blocks; causal up to the end of the former, then causal by blocks.
 * Unconditional: the codes alone, causal by blocks. The last block is only ever a target.
 */
public final class NbpLayout {
  /**
   * The published code keeps the condition's tokens with this id from being looked at by those
   * before them. Where tokens are predicted one by one that is the id of the padding of a text,
   * {@code </s>}; with larger blocks ids are shifted beyond it.
   */
  private static final long PADDING = 3;

  private final NbpConfig config;
  private final int block;
  private final int singles;

  /** The layout that the model was trained with. */
  public NbpLayout(NbpConfig config) {
    this(config, config.blockSize());
  }

  /**
   * The layout with another number of tokens per step; 1 is the layout of next-token prediction.
   */
  public NbpLayout(NbpConfig config, int block) {
    this.config = config;
    this.block = block;
    this.singles = config.singles(block);
  }

  /**
   * Ids that the transformer reads while it is trained.
   *
   * @param condition condition numbers without offset, or none
   * @param codes video codes without offset, a multiple of the block size
   */
  public long[] input(int[] condition, int[] codes) {
    long[] ids = new long[inputLength(codes.length)];
    int at = 0;
    for (int c : condition) {
      ids[at++] = c + config.specialTokens();
    }
    if (config.hybrid()) {
      ids[at++] = 0;
    }
    for (int i = 0; at < ids.length; i++) {
      ids[at++] = codes[i] + config.videoOffset();
      if (config.hybrid() && i == singles - 1) {
        for (int middle = 1; middle < block && at < ids.length; middle++) {
          ids[at++] = middle;
        }
      }
    }
    return ids;
  }

  /** An {@link #input} with stand-ins for its condition, ids that {@link Nbp} knows. */
  public long[] withoutCondition(long[] input) {
    long[] ids = input.clone();
    for (int i = 0; i < config.conditionTokens(); i++) {
      ids[i] = -1 - i;
    }
    return ids;
  }

  /** Length of {@link #input}. */
  public int inputLength(int codes) {
    return config.hybrid() ? config.conditionTokens() + codes : codes - block;
  }

  /** Ids that the last positions of the input are to predict. */
  public long[] target(int[] codes) {
    int from = config.hybrid() ? 0 : block;
    return Arrays.stream(codes, from, codes.length)
        .mapToLong(code -> code + config.videoOffset())
        .toArray();
  }

  /** Whether position {@code row} may look at position {@code column}. */
  public boolean sees(int row, int column) {
    if (!config.hybrid()) {
      return column / block <= row / block;
    }
    int blocksStart = config.conditionTokens() + singles;
    return column < config.conditionTokens()
        || column <= row
        || (row >= blocksStart
            && column >= blocksStart
            && (column - blocksStart) / block <= (row - blocksStart) / block);
  }

  /** {@link #sees} for the first {@code length} positions, (length, length), row-major. */
  public boolean[] mask(int length) {
    return mask(new long[length]);
  }

  /** {@link #mask(int)} for positions that read these ids; padding is seen by later ones alone. */
  public boolean[] mask(long[] ids) {
    int length = ids.length;
    boolean[] mask = new boolean[length * length];
    for (int row = 0; row < length; row++) {
      for (int column = 0; column < length; column++) {
        boolean hidden =
            row < column && column < config.conditionTokens() && ids[column] == PADDING;
        mask[row * length + column] = sees(row, column) && !hidden;
      }
    }
    return mask;
  }

  /**
   * The parts of {@code length} positions that see nothing beyond their own ends.
   *
   * @param least positions of each
   */
  public List<Prefix> closedPrefixes(int length, int least) {
    List<Prefix> prefixes = new ArrayList<>();
    int start = 0;
    int sight = 0; // one beyond the last position that a row so far may look at
    for (int row = 0; row < length; row++) {
      for (int column = length - 1; column >= sight; column--) {
        if (sees(row, column)) {
          sight = column + 1;
        }
      }
      int end = row + 1;
      if (end == length || (sight <= end && end - start >= least && length - end >= least)) {
        prefixes.add(new Prefix(start, end, seeAll(start, end)));
        start = end;
      }
    }
    return prefixes;
  }

  private boolean seeAll(int start, int end) {
    return IntStream.range(start, end)
        .allMatch(row -> IntStream.range(0, end).allMatch(column -> sees(row, column)));
  }
}
