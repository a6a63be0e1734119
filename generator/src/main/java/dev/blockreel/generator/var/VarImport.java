package dev.blockreel.generator.var;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.PublishedNetwork;
import java.util.ArrayList;
import java.util.List;

/**
 * A published VAR transformer, opened to become part of a model directory. All sizes follow from
 * the tensors; the scales from {@code lvl_1L}, which numbers the scale of every token.
 */
public final class VarImport {
  private static final String HINTS = "word_embed.weight";
  private static final String CLASSES = "class_emb.weight";
  private static final String LEVELS = "lvl_1L";

  private VarImport() {}

  /** Whether a file's tensors look like one. */
  public static boolean recognises(TensorFile published) {
    return published.names().contains(HINTS) && published.names().contains("lvl_embed.weight");
  }

  /**
   * Checks that a file is a whole transformer.
   *
   * @param published closed with the result, or before this fails
   * @param scales sides of the token maps, or an empty list for those that the file says
   * @return to be closed by the caller
   * @throws EngineFailure CHECKPOINT_MISMATCH when tensors are missing, unexpected or of a shape
   *     that fits no transformer; BAD_REQUEST when {@code scales} are needed
   */
  public static PublishedNetwork<VarConfig> open(TensorFile published, List<Integer> scales) {
    try {
      requireNoKeyBias(published);
      List<Integer> known = scales.isEmpty() ? scales(published) : scales;
      TensorFile file = Var.publishedNames(published);
      Var network = new Var(config(file, known));
      return new PublishedNetwork<>(network.config(), network.weights(), file);
    } catch (RuntimeException e) {
      published.close();
      throw e;
    }
  }

  /** It is a buffer, which the authors made to be zero for ever. */
  private static void requireNoKeyBias(TensorFile published) {
    for (String name : published.names()) {
      if (name.endsWith("attn.zero_k_bias")) {
        for (float bias : published.floats(name)) {
          if (bias != 0) {
            throw published.mismatch("tensor %s: got %s, expected zeros alone", name, bias);
          }
        }
      }
    }
  }

  private static List<Integer> scales(TensorFile published) {
    if (!published.names().contains(LEVELS)) {
      throw EngineFailure.badRequest(
          "%s has no %s, which says its scales: give --hyper patch_nums=1,2,3,…",
          published.path(), LEVELS);
    }
    List<Integer> counts = new ArrayList<>();
    for (long level : published.integers(LEVELS)) {
      if (level == counts.size()) {
        counts.add(0);
      }
      int last = counts.size() - 1;
      if (level != last) {
        throw published.mismatch(
            "%s is no list of rising scales: %d after %d", LEVELS, level, last);
      }
      counts.set(last, counts.get(last) + 1);
    }
    List<Integer> sides = new ArrayList<>();
    for (int count : counts) {
      int side = (int) Math.round(Math.sqrt(count));
      if (side * side != count) {
        throw published.mismatch("scale %d has %d tokens: expected a square", sides.size(), count);
      }
      sides.add(side);
    }
    return sides;
  }

  private static VarConfig config(TensorFile file, List<Integer> scales) {
    int layers = file.count("blocks.%d.attn.mat_qkv.weight");
    return PublishedNetwork.sizes(
        file,
        () ->
            new VarConfig(
                layers,
                layers == 0 ? 0 : file.size("blocks.0.attn.scale_mul_1H11", 1, 4),
                file.size(HINTS, 0, 2),
                file.size(CLASSES, 0, 2) - 1,
                file.size(HINTS, 1, 2),
                file.size("head.weight", 0, 2),
                scales,
                file.names().contains("shared_ada_lin.1.weight")));
  }
}
