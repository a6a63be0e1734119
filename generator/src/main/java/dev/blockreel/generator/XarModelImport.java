package dev.blockreel.generator;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.xar.XarConfig;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.generator.xar.XarImport;
import dev.blockreel.generator.xar.XarPreset;
import dev.blockreel.tokenizer.kl.KlImport;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The published files of xAR: the autoencoder under {@code model}; the transformer as a flat
 * dictionary, or as training leaves it, under {@code model_ema}. Or safetensors.
 */
record XarModelImport(KlImport tokenizer, XarImport generator) implements AutoCloseable {
  private static final String ATTRIBUTION =
      "xAR (arXiv 2502.20388) with the autoencoder of MAR (arXiv 2406.11838), weights as published"
          + " by their authors";

  /** Whether these files, each of which may be null, are of this family. */
  static boolean recognises(Path tokenizer, Path generator) {
    return looksLike(tokenizer, KlImport::recognises)
        || looksLike(generator, XarImport::recognises);
  }

  private static boolean looksLike(Path path, Predicate<TensorFile> family) {
    if (path == null) {
      return false;
    }
    try (TensorFile file = tensors(path)) {
      return family.test(file);
    } catch (EngineFailure e) {
      return false; // whoever opens it in earnest says why
    }
  }

  /** The averaged weights of a training, else the only ones there are. */
  private static TensorFile tensors(Path path) {
    if (Safetensors.looksLike(path)) {
      return Safetensors.open(path);
    }
    String dictionary;
    try (TorchFile file = TorchFile.read(path)) {
      dictionary =
          file.root() instanceof Map<?, ?> root
              ? List.of("model_ema", "model").stream()
                  .filter(root::containsKey)
                  .findFirst()
                  .orElse(null)
              : null;
    }
    return dictionary == null ? TorchFile.open(path) : TorchFile.open(path, dictionary);
  }

  static XarModelImport open(Path tokenizer, Path generator) {
    KlImport first = tokenizer == null ? null : KlImport.open(tensors(tokenizer));
    XarImport second = null;
    try {
      second = generator == null ? null : XarImport.open(tensors(generator));
      if (first != null
          && second != null
          && first.config().channels() != second.description().network().channels()) {
        throw new EngineFailure(
            FailureCode.CHECKPOINT_MISMATCH,
            "the generator is for latents of %d channels, the tokenizer has %d"
                .formatted(second.description().network().channels(), first.config().channels()));
      }
      return new XarModelImport(first, second);
    } catch (RuntimeException e) {
      new XarModelImport(first, second).close();
      throw e;
    }
  }

  /** A {@code model.json} of all that was opened. */
  ObjectNode describe() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (tokenizer != null) {
      int rows = generator == null ? 16 : generator.description().height();
      int side = rows * tokenizer.config().factor();
      json = KlTokenizer.describe(tokenizer.config(), 1, side, side, 1);
    }
    if (generator != null) {
      XarGenerator.describe(json, generator.description());
      XarPreset usual = preset(generator.description().network());
      json.putObject("sampling")
          .put("temperature", 1.0)
          .put("cfg", usual.cfg())
          .put("steps", usual.steps())
          .put("solver", "euler-maruyama")
          .put("times", "published")
          .put("guidance", "linear");
    }
    return json.put("attribution", ATTRIBUTION);
  }

  /** The published model of this depth, whose recommendations hold; the smallest for others. */
  private static XarPreset preset(XarConfig network) {
    return XarPreset.ALL.stream()
        .filter(p -> p.generator().network().encoderLayers() == network.encoderLayers())
        .findFirst()
        .orElse(XarPreset.ALL.get(0));
  }

  /** Writes the weights. */
  void write(Path draft, ElementType type) {
    if (tokenizer != null) {
      tokenizer.write(draft, type);
    }
    if (generator != null) {
      generator.write(draft, type);
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
