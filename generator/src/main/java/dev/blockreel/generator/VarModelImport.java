package dev.blockreel.generator;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.var.VarConfig;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.generator.var.VarImport;
import dev.blockreel.nn.PublishedNetwork;
import dev.blockreel.tokenizer.vq.VqConfig;
import dev.blockreel.tokenizer.vq.VqImport;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * The published files of VAR: flat dictionaries of tensors, or what training leaves, a file with
 * both halves. Or safetensors.
 */
final class VarModelImport {
  private static final String ATTRIBUTION =
      "Visual Autoregressive Modeling (arXiv 2404.02905), weights as published by its authors";

  private VarModelImport() {}

  /** Whether these files, each of which may be null, are of this family. */
  static boolean recognises(Path tokenizer, Path generator) {
    return PublishedModel.holds(tokenizer, VqImport::recognises)
        || PublishedModel.holds(generator, VarImport::recognises);
  }

  static PublishedModel open(Path tokenizer, Path generator, Map<String, String> hyperParameters) {
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
    PublishedNetwork<VarConfig> second =
        generator == null
            ? null
            : VarImport.open(PublishedModel.tensors(generator, VarImport::recognises), scales);
    PublishedNetwork<VqConfig> first = null;
    try {
      if (tokenizer != null) {
        first =
            VqImport.open(
                PublishedModel.tensors(tokenizer, VqImport::recognises),
                second == null ? scales : second.config().scales());
      }
      if (first != null && second != null) {
        requirePair(first.config(), second.config());
      }
      return new PublishedModel(describe(first, second), first, second);
    } catch (RuntimeException e) {
      new PublishedModel(null, first, second).close();
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

  private static ObjectNode describe(
      PublishedNetwork<VqConfig> tokenizer, PublishedNetwork<VarConfig> generator) {
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
}
