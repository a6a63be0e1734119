package dev.blockreel.nn;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import java.nio.file.Path;
import java.util.List;

/** Copies a model's weights from file to file, without the device; how published files come in. */
public final class WeightCopy {
  private WeightCopy() {}

  /**
   * Writes exactly {@code weights}, in their order, part by part: files may be larger than memory.
   *
   * @param type F32, F16 or BF16; values are rounded to it
   * @param target a safetensors file, which appears when it is whole
   * @throws dev.blockreel.failure.EngineFailure CHECKPOINT_MISMATCH when {@code source} does not
   *     fit the weights or holds integers; MEDIA when a file cannot be read or written
   */
  public static void write(List<Weight> weights, TensorFile source, ElementType type, Path target) {
    WeightList.requireFit(weights, source);
    SafetensorsWriter writer = SafetensorsWriter.to(target);
    weights.forEach(weight -> writer.add(source, weight.name(), type));
    writer.write();
  }
}
