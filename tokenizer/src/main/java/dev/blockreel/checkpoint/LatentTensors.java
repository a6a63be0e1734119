package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.LatentGrid;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Latents as a raw tensor: {@code latents}, float32 (B, C, h, w) of images, (B, C, t, h, w) of
 * clips.
 */
public final class LatentTensors {
  /** Name of the tensor. */
  public static final String LATENTS = "latents";

  private LatentTensors() {}

  /**
   * Adds grids of one size to a file that is being put together.
   *
   * @param grids B grids, at least one
   * @return the writer
   */
  public static SafetensorsWriter add(SafetensorsWriter writer, List<LatentGrid> grids) {
    LatentGrid first = grids.get(0);
    int length = first.values().length;
    float[] values = new float[Math.multiplyExact(grids.size(), length)];
    for (int b = 0; b < grids.size(); b++) {
      if (!size(grids.get(b)).equals(size(first))) {
        throw EngineFailure.badRequest(
            "the grids of a latent tensor must have one size: got %s and %s",
            size(first), size(grids.get(b)));
      }
      System.arraycopy(grids.get(b).values(), 0, values, b * length, length);
    }
    long[] shape =
        first.time() == 1
            ? new long[] {grids.size(), first.channels(), first.height(), first.width()}
            : new long[] {
              grids.size(), first.channels(), first.time(), first.height(), first.width()
            };
    return writer.addFloats(LATENTS, ElementType.F32, shape, values);
  }

  private static String size(LatentGrid grid) {
    return "%dx%dx%dx%d".formatted(grid.channels(), grid.time(), grid.height(), grid.width());
  }

  /**
   * The grids of a tensor file; whether their channels fit a tokenizer is for it to say.
   *
   * @return B grids
   * @throws EngineFailure MEDIA when the file has no {@code latents} tensor of floats (B, C, h, w)
   *     or (B, C, t, h, w)
   */
  public static List<LatentGrid> read(TensorFile file) {
    TensorInfo info = file.info(LATENTS);
    long[] shape = info.shape();
    if (!info.type().isFloat()
        || shape.length < 4
        || shape.length > 5
        || Arrays.stream(shape).anyMatch(size -> size < 1)) {
      throw new EngineFailure(
          FailureCode.MEDIA,
          "%s: expected latents F32 [B, C, h, w] or [B, C, t, h, w], got %s"
              .formatted(file.path(), info));
    }
    float[] values = file.floats(LATENTS);
    int length = values.length / (int) shape[0];
    int time = shape.length == 4 ? 1 : (int) shape[2];
    List<LatentGrid> grids = new ArrayList<>();
    for (int b = 0; b < shape[0]; b++) {
      grids.add(
          new LatentGrid(
              Arrays.copyOfRange(values, b * length, (b + 1) * length),
              (int) shape[1],
              time,
              (int) shape[shape.length - 2],
              (int) shape[shape.length - 1]));
    }
    return grids;
  }
}
