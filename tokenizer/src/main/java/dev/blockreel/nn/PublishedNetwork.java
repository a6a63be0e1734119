package dev.blockreel.nn;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;

/**
 * A network in a published file, opened to become part of a model directory.
 *
 * @param <C> its sizes
 * @param config those that its tensors have
 * @param weights the weights of a network of these sizes
 * @param file exactly these weights, under our names; closed with this
 */
public record PublishedNetwork<C>(C config, List<Weight> weights, TensorFile file)
    implements AutoCloseable {
  /**
   * Checks that the file holds the weights and nothing else.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH, as {@link WeightList#requireFit}
   */
  public PublishedNetwork {
    WeightList.requireFit(weights, file);
  }

  /**
   * Sizes that were read from a file: where they make no network, the fault is the file's.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH where {@code config} throws BAD_REQUEST
   */
  public static <C> C sizes(TensorFile file, Supplier<C> config) {
    try {
      return config.get();
    } catch (EngineFailure e) {
      throw e.code() == FailureCode.BAD_REQUEST ? file.mismatch("%s", e.getMessage()) : e;
    }
  }

  /**
   * Copies the weights without the device, part by part: files may be larger than memory.
   *
   * @param target a safetensors file, which appears when it is whole
   * @param type F32, F16 or BF16; values are rounded to it
   * @throws EngineFailure CHECKPOINT_MISMATCH when a weight is of integers; MEDIA when a file
   *     cannot be read or written
   */
  public void write(Path target, ElementType type) {
    SafetensorsWriter writer = SafetensorsWriter.to(target);
    weights.forEach(weight -> writer.add(file, weight.name(), type));
    writer.write();
  }

  @Override
  public void close() {
    file.close();
  }
}
