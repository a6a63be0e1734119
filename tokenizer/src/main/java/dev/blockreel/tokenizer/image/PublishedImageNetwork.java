package dev.blockreel.tokenizer.image;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.PublishedNetwork;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

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
    int width = file.size(first, 0, 4);
    int patch = (int) Math.round(Math.sqrt(file.size(first, 1, 4) / 3.0));
    int stages = file.count("encoder.down.%d.block.0.conv1.weight");
    int units = file.count("encoder.down.0.block.%d.conv1.weight");
    Predicate<String> has = file.prefixes();
    List<Integer> multipliers = new ArrayList<>();
    for (int stage = 0; stage < stages; stage++) {
      multipliers.add(
          file.size("encoder.down." + stage + ".block.0.conv1.weight", 0, 4) / Math.max(1, width));
    }
    return PublishedNetwork.sizes(
        file,
        () ->
            new ImageNetwork.Sizes(
                Math.max(1, patch),
                width,
                multipliers,
                units,
                attention(has, "encoder.down", stages),
                attention(has, "decoder.up", stages),
                has.test("encoder.mid.attn_1.qkv."),
                GROUPS));
  }

  private static List<Integer> attention(Predicate<String> has, String way, int stages) {
    List<Integer> found = new ArrayList<>();
    for (int stage = 0; stage < stages; stage++) {
      if (has.test(way + "." + stage + ".attn.0.")) {
        found.add(stage);
      }
    }
    return found;
  }
}
