package dev.blockreel.generator;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.PublishedNetwork;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The published files of a model, opened.
 *
 * @param description what {@code model.json} shall say of them
 * @param tokenizer or null
 * @param generator or null
 */
record PublishedModel(
    ObjectNode description, PublishedNetwork<?> tokenizer, PublishedNetwork<?> generator)
    implements AutoCloseable {
  /** Whether a file, which may be null or none at all, has the tensors of a family. */
  static boolean holds(Path path, Predicate<TensorFile> family) {
    if (path == null) {
      return false;
    }
    try (TensorFile file = tensors(path)) {
      return family.test(file);
    } catch (EngineFailure e) {
      return false; // whoever opens it in earnest says why
    }
  }

  /**
   * Opens safetensors, or a PyTorch file: of a training the averaged weights, {@code model_ema},
   * else {@code model}, else a flat dictionary.
   */
  static TensorFile tensors(Path path) {
    if (Safetensors.looksLike(path)) {
      return Safetensors.open(path);
    }
    String[] dictionary;
    try (TorchFile file = TorchFile.read(path)) {
      dictionary =
          Stream.of("model_ema", "model")
              .filter(key -> file.root() instanceof Map<?, ?> root && root.containsKey(key))
              .limit(1)
              .toArray(String[]::new);
    }
    return TorchFile.open(path, dictionary);
  }

  /** Writes the weights. */
  void write(Path draft, ElementType type) {
    if (tokenizer != null) {
      tokenizer.write(draft.resolve(ModelDirectory.TOKENIZER_FILE), type);
    }
    if (generator != null) {
      generator.write(draft.resolve(ModelDirectory.GENERATOR_FILE), type);
    }
  }

  @Override
  public void close() {
    if (tokenizer != null) {
      tokenizer.close();
    }
    if (generator != null) {
      generator.close();
    }
  }
}
