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
import java.util.List;
import java.util.function.Predicate;

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
  /**
   * Where PyTorch files have their tensors: the averaged weights of a training before its last
   * ones, and both halves of one of VAR, which keeps them in one file.
   */
  private static final List<List<String>> DICTIONARIES =
      List.of(
          List.of("model_ema"),
          List.of("model"),
          List.of("state_dict"),
          List.of("trainer", "var_wo_ddp"),
          List.of("trainer", "vae_local"));

  /** Whether a file, which may be null or none at all, has the tensors of a family. */
  static boolean holds(Path path, Predicate<TensorFile> family) {
    if (path == null) {
      return false;
    }
    try (TensorFile file = tensors(path, family)) {
      return family.test(file);
    } catch (EngineFailure e) {
      return false; // whoever opens it in earnest says why
    }
  }

  /**
   * Opens safetensors, or of a PyTorch file the first of {@link #DICTIONARIES} that holds such
   * tensors, or its root. They are {@link TensorFile#unwrapped}.
   */
  static TensorFile tensors(Path path, Predicate<TensorFile> family) {
    if (Safetensors.looksLike(path)) {
      return Safetensors.open(path).unwrapped();
    }
    String[] dictionary;
    try (TorchFile file = TorchFile.read(path)) {
      dictionary =
          DICTIONARIES.stream()
              .map(keys -> keys.toArray(String[]::new))
              .filter(keys -> holds(file, keys, family))
              .findFirst()
              .orElse(new String[0]);
    }
    return TorchFile.open(path, dictionary).unwrapped();
  }

  private static boolean holds(TorchFile file, String[] keys, Predicate<TensorFile> family) {
    try (TensorFile tensors = file.tensors(keys).unwrapped()) {
      return family.test(tensors);
    } catch (EngineFailure e) {
      return false;
    }
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
