package dev.blockreel.tokenizer.image;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.util.ArrayList;
import java.util.List;

/**
 * The sizes of an {@link ImageNetwork} as the tensors of a published file have them. All follow
 * from names and shapes but for the number of GroupNorm groups, which is always 32.
 */
public final class PublishedImageNetwork {
  private static final int GROUPS = 32;

  private PublishedImageNetwork() {}

  /**
   * Reads sizes; whether every tensor is there is for {@link
   * dev.blockreel.nn.WeightList#requireFit} to say.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH when there are none, or they fit no network
   */
  public static ImageNetwork.Sizes sizes(TensorFile file) {
    String first = "encoder.conv_in.weight";
    int width = size(file, first, 0);
    int patch = (int) Math.round(Math.sqrt(size(file, first, 1) / 3.0));
    int stages = count(file, "encoder.down.%d.");
    int units = count(file, "encoder.down.0.block.%d.");
    List<Integer> multipliers = new ArrayList<>();
    for (int stage = 0; stage < stages; stage++) {
      multipliers.add(size(file, "encoder.down." + stage + ".block.0.conv1.weight", 0) / width);
    }
    try {
      return new ImageNetwork.Sizes(
          Math.max(1, patch),
          width,
          multipliers,
          units,
          attention(file, "encoder.down", stages),
          attention(file, "decoder.up", stages),
          has(file, "encoder.mid.attn_1.qkv."),
          GROUPS);
    } catch (EngineFailure e) {
      throw e.code() == FailureCode.BAD_REQUEST
          ? mismatch(file, "fits no image network: " + e.getMessage())
          : e;
    }
  }

  private static List<Integer> attention(TensorFile file, String way, int stages) {
    List<Integer> found = new ArrayList<>();
    for (int stage = 0; stage < stages; stage++) {
      if (has(file, way + "." + stage + ".attn.0.")) {
        found.add(stage);
      }
    }
    return found;
  }

  /** How many of 0, 1, … make a prefix of a tensor's name. */
  private static int count(TensorFile file, String prefix) {
    int count = 0;
    while (has(file, prefix.formatted(count))) {
      count++;
    }
    return count;
  }

  private static boolean has(TensorFile file, String prefix) {
    return file.names().stream().anyMatch(name -> name.startsWith(prefix));
  }

  private static int size(TensorFile file, String tensor, int dimension) {
    long[] shape = file.info(tensor).shape();
    if (shape.length != 4 || shape[dimension] < 1 || shape[dimension] > 1 << 20) {
      throw mismatch(
          file, "has tensor %s: expected a 4-dimensional kernel".formatted(file.info(tensor)));
    }
    return (int) shape[dimension];
  }

  private static EngineFailure mismatch(TensorFile file, String why) {
    return new EngineFailure(FailureCode.CHECKPOINT_MISMATCH, file.path() + " " + why);
  }
}
