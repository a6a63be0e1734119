package dev.blockreel.generator;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.var.VarConfig;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.generator.var.VarImport;
import dev.blockreel.tokenizer.vq.VqConfig;
import dev.blockreel.tokenizer.vq.VqImport;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** The published files of VAR: flat dictionaries of tensors, or safetensors. */
record VarModelImport(VqImport tokenizer, VarImport generator) implements AutoCloseable {
  private static final String ATTRIBUTION =
      "Visual Autoregressive Modeling (arXiv 2404.02905), weights as published by its authors";

  /** Whether these files, each of which may be null, are of this family. */
  static boolean recognises(Path tokenizer, Path generator) {
    return looksLike(tokenizer, VqImport::recognises)
        || looksLike(generator, VarImport::recognises);
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

  private static TensorFile tensors(Path path) {
    return Safetensors.looksLike(path) ? Safetensors.open(path) : TorchFile.open(path);
  }

  static VarModelImport open(Path tokenizer, Path generator, Map<String, String> hyperParameters) {
    hyperParameters.keySet().stream()
        .filter(name -> !name.equals("patch_nums"))
        .findFirst()
        .ifPresent(
            name -> {
              throw EngineFailure.badRequest(
                  "VAR has no hyper-parameter %s to be given: its files say all but patch_nums",
                  name);
            });
    List<Integer> scales = scales(hyperParameters.get("patch_nums"));
    VarImport second = generator == null ? null : VarImport.open(tensors(generator), scales);
    VqImport first = null;
    try {
      if (tokenizer != null) {
        first =
            VqImport.open(tensors(tokenizer), second == null ? scales : second.config().scales());
      }
      if (first != null && second != null) {
        requirePair(first.config(), second.config());
      }
      return new VarModelImport(first, second);
    } catch (RuntimeException e) {
      new VarModelImport(first, second).close();
      throw e;
    }
  }

  private static void requirePair(VqConfig codes, VarConfig network) {
    if (codes.channels() != network.channels() || codes.codes() != network.codes()) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "the generator is for %d codes of %d channels, the tokenizer has %d of %d"
              .formatted(network.codes(), network.channels(), codes.codes(), codes.channels()));
    }
  }

  private static List<Integer> scales(String text) {
    if (text == null) {
      return List.of();
    }
    if (!text.matches("[1-9]\\d{0,3}(,[1-9]\\d{0,3})*")) {
      throw EngineFailure.badRequest(
          "patch_nums are sides of token maps, such as 1,2,3,4: got \"%s\"",
          text.replaceAll("\\p{Cntrl}", "?"));
    }
    List<Integer> scales = Arrays.stream(text.split(",")).map(Integer::valueOf).toList();
    VqConfig.requireGrowing(scales);
    return scales;
  }

  /** A {@code model.json} of all that was opened. */
  ObjectNode describe() {
    ObjectNode json =
        tokenizer == null
            ? JsonNodeFactory.instance.objectNode()
            : VqTokenizer.describe(tokenizer.config());
    if (generator != null) {
      VarGenerator.describe(json, generator.config());
      json.putObject("sampling")
          .put("temperature", 1.0)
          .put("topK", 900)
          .put("topP", 0.96)
          .put("cfg", 1.5)
          .put("scaleCfg", true);
    }
    return json.put("attribution", ATTRIBUTION);
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
