package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.TokenGrid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Token grids as a raw tensor: {@code tokens}, int32 (B, t, h, w), code indices without any offset.
 */
public final class TokenTensors {
  /** Name of the tensor. */
  public static final String TOKENS = "tokens";

  private TokenTensors() {}

  /**
   * Adds grids of one size to a file that is being put together.
   *
   * @param grids B grids, at least one
   * @return the writer
   */
  public static SafetensorsWriter add(SafetensorsWriter writer, List<TokenGrid> grids) {
    TokenGrid first = grids.get(0);
    int length = first.codes().length;
    int[] codes = new int[Math.multiplyExact(grids.size(), length)];
    for (int b = 0; b < grids.size(); b++) {
      if (!size(grids.get(b)).equals(size(first))) {
        throw EngineFailure.badRequest(
            "the grids of a token tensor must have one size: got %s and %s",
            size(first), size(grids.get(b)));
      }
      System.arraycopy(grids.get(b).codes(), 0, codes, b * length, length);
    }
    long[] shape = {grids.size(), first.time(), first.height(), first.width()};
    return writer.addInts(TOKENS, shape, codes);
  }

  private static String size(TokenGrid grid) {
    return "%dx%dx%d".formatted(grid.time(), grid.height(), grid.width());
  }

  /**
   * The grids of a tensor file; whether their codes fit a codebook is for its tokenizer to say.
   *
   * @return B grids
   * @throws EngineFailure MEDIA when the file has no {@code tokens} tensor of integers (B, t, h, w)
   */
  public static List<TokenGrid> read(TensorFile file) {
    if (!file.names().contains(TOKENS)) {
      throw media(
          "%s has no tensor \"%s\"; it has %s"
              .formatted(file.path(), TOKENS, Quoted.list(file.names())));
    }
    TensorInfo info = file.info(TOKENS);
    long[] shape = info.shape();
    if (info.type().isFloat()
        || shape.length != 4
        || Arrays.stream(shape).anyMatch(size -> size < 1)) {
      throw media("%s: expected tokens I32 [B, t, h, w], got %s".formatted(file.path(), info));
    }
    long[] codes = file.integers(TOKENS);
    int length = codes.length / (int) shape[0];
    List<TokenGrid> grids = new ArrayList<>();
    for (int b = 0; b < shape[0]; b++) {
      int[] grid = new int[length];
      for (int i = 0; i < length; i++) {
        long code = codes[b * length + i];
        if (code != (int) code) {
          throw media("%s: token %d of clip %d is %d".formatted(file.path(), i, b, code));
        }
        grid[i] = (int) code;
      }
      grids.add(new TokenGrid(grid, (int) shape[1], (int) shape[2], (int) shape[3]));
    }
    return grids;
  }

  private static EngineFailure media(String message) {
    return new EngineFailure(FailureCode.MEDIA, message);
  }
}
