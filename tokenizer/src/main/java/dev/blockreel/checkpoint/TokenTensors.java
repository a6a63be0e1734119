package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.grid.TokenScales;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Token grids as raw tensors: {@code tokens}, int32 (B, t, h, w), code indices without any offset;
 * of images at several scales {@code tokens.0}, {@code tokens.1}, …, each int32 (B, h, w).
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

  /**
   * Adds images of the same scales to a file that is being put together.
   *
   * @param images B images, at least one
   * @return the writer
   */
  public static SafetensorsWriter addScales(SafetensorsWriter writer, List<TokenScales> images) {
    TokenScales first = images.get(0);
    for (TokenScales image : images) {
      if (!image.sizes().equals(first.sizes())) {
        throw EngineFailure.badRequest(
            "the images of token tensors must have the same scales: got %s and %s",
            first.sizes(), image.sizes());
      }
    }
    for (int scale = 0; scale < first.maps().size(); scale++) {
      TokenGrid map = first.maps().get(scale);
      int at = scale;
      int[] codes =
          images.stream().flatMapToInt(i -> Arrays.stream(i.maps().get(at).codes())).toArray();
      writer.addInts(
          TOKENS + "." + scale, new long[] {images.size(), map.height(), map.width()}, codes);
    }
    return writer;
  }

  /** Whether a file holds tokens at several scales. */
  public static boolean hasScales(TensorFile file) {
    return file.names().contains(TOKENS + ".0");
  }

  /**
   * The images of a file with tokens at several scales; whether scales and codes fit a model is for
   * its tokenizer to say.
   *
   * @return B images
   * @throws EngineFailure MEDIA when the file has no {@code tokens.0}, or one of {@code tokens.0},
   *     {@code tokens.1}, … is no tensor of integers (B, h, w) with the B of the first
   */
  public static List<TokenScales> readScales(TensorFile file) {
    List<List<TokenGrid>> scales = new ArrayList<>();
    do {
      String name = TOKENS + "." + scales.size();
      scales.add(readScale(file, name));
      if (scales.get(scales.size() - 1).size() != scales.get(0).size()) {
        throw media(
            "%s: %s has %d images, %s.0 has %d"
                .formatted(
                    file.path(),
                    name,
                    scales.get(scales.size() - 1).size(),
                    TOKENS,
                    scales.get(0).size()));
      }
    } while (file.names().contains(TOKENS + "." + scales.size()));
    List<TokenScales> images = new ArrayList<>();
    for (int b = 0; b < scales.get(0).size(); b++) {
      int image = b;
      images.add(new TokenScales(scales.stream().map(scale -> scale.get(image)).toList()));
    }
    return images;
  }

  private static List<TokenGrid> readScale(TensorFile file, String name) {
    long[] shape = requireIntegers(file, name, 3, "B, h, w");
    return grids(file, name, (int) shape[0], 1, (int) shape[1], (int) shape[2]);
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
    long[] shape = requireIntegers(file, TOKENS, 4, "B, t, h, w");
    return grids(file, TOKENS, (int) shape[0], (int) shape[1], (int) shape[2], (int) shape[3]);
  }

  private static long[] requireIntegers(TensorFile file, String name, int rank, String sizes) {
    if (!file.names().contains(name)) {
      throw media(
          "%s has no tensor \"%s\"; it has %s"
              .formatted(file.path(), name, Quoted.list(file.names())));
    }
    TensorInfo info = file.info(name);
    long[] shape = info.shape();
    if (info.type().isFloat()
        || shape.length != rank
        || Arrays.stream(shape).anyMatch(size -> size < 1)) {
      throw media("%s: expected %s I32 [%s], got %s".formatted(file.path(), name, sizes, info));
    }
    return shape;
  }

  private static List<TokenGrid> grids(
      TensorFile file, String name, int batch, int time, int height, int width) {
    long[] codes = file.integers(name);
    int length = codes.length / batch;
    List<TokenGrid> grids = new ArrayList<>();
    for (int b = 0; b < batch; b++) {
      int[] grid = new int[length];
      for (int i = 0; i < length; i++) {
        long code = codes[b * length + i];
        if (code != (int) code) {
          throw media("%s: token %d of clip %d is %d".formatted(file.path(), i, b, code));
        }
        grid[i] = (int) code;
      }
      grids.add(new TokenGrid(grid, time, height, width));
    }
    return grids;
  }

  private static EngineFailure media(String message) {
    return new EngineFailure(FailureCode.MEDIA, message);
  }
}
