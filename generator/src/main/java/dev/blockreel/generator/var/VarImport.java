package dev.blockreel.generator.var;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.nn.WeightCopy;
import dev.blockreel.nn.WeightList;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A published VAR transformer, opened to become part of a model directory. All sizes follow from
 * the tensors; the scales from {@code lvl_1L}, which numbers the scale of every token.
 */
public final class VarImport implements AutoCloseable {
  private static final String HINTS = "word_embed.weight";
  private static final String CLASSES = "class_emb.weight";
  private static final String LEVELS = "lvl_1L";

  private final TensorFile file;
  private final Var network;

  private VarImport(TensorFile file, Var network) {
    this.file = file;
    this.network = network;
  }

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
  public static VarImport open(TensorFile published, List<Integer> scales) {
    try {
      List<Integer> known = scales.isEmpty() ? scales(published) : scales;
      TensorFile file = Var.publishedNames(published);
      Var network = new Var(config(file, known));
      WeightList.requireFit(network.weights(), file);
      return new VarImport(file, network);
    } catch (RuntimeException e) {
      published.close();
      throw e;
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
        throw mismatch(
            published,
            "%s is no list of rising scales: %d after %d".formatted(LEVELS, level, last));
      }
      counts.set(last, counts.get(last) + 1);
    }
    List<Integer> sides = new ArrayList<>();
    for (int count : counts) {
      int side = (int) Math.round(Math.sqrt(count));
      if (side * side != count) {
        throw mismatch(
            published, "scale %d has %d tokens: expected a square".formatted(sides.size(), count));
      }
      sides.add(side);
    }
    return sides;
  }

  private static VarConfig config(TensorFile file, List<Integer> scales) {
    int layers = 0;
    while (file.names().contains("blocks." + layers + ".attn.mat_qkv.weight")) {
      layers++;
    }
    boolean shared = file.names().contains("shared_ada_lin.1.weight");
    try {
      return new VarConfig(
          layers,
          layers == 0 ? 0 : size(file, "blocks.0.attn.scale_mul_1H11", 1, 4),
          size(file, HINTS, 0, 2),
          size(file, CLASSES, 0, 2) - 1,
          size(file, HINTS, 1, 2),
          size(file, "head.weight", 0, 2),
          scales,
          shared);
    } catch (EngineFailure e) {
      throw e.code() == FailureCode.BAD_REQUEST ? mismatch(file, e.getMessage()) : e;
    }
  }

  private static int size(TensorFile file, String tensor, int dimension, int rank) {
    long[] shape = file.info(tensor).shape();
    if (shape.length != rank || shape[dimension] > 1 << 24) {
      throw mismatch(file, "tensor %s: expected %d dimensions".formatted(file.info(tensor), rank));
    }
    return (int) shape[dimension];
  }

  private static EngineFailure mismatch(TensorFile file, String why) {
    return new EngineFailure(FailureCode.CHECKPOINT_MISMATCH, file.path() + ": " + why);
  }

  /** The sizes that the tensors have. */
  public VarConfig config() {
    return network.config();
  }

  /** Writes the weights as {@link ModelDirectory#GENERATOR_FILE}; BF16, F16 or F32. */
  public void write(Path directory, ElementType type) {
    WeightCopy.write(
        network.weights(), file, type, directory.resolve(ModelDirectory.GENERATOR_FILE));
  }

  @Override
  public void close() {
    file.close();
  }
}
