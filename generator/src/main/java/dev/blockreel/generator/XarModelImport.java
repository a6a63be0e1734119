package dev.blockreel.generator;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.xar.XarConfig;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.generator.xar.XarImport;
import dev.blockreel.generator.xar.XarPreset;
import dev.blockreel.nn.PublishedNetwork;
import dev.blockreel.tokenizer.kl.KlConfig;
import dev.blockreel.tokenizer.kl.KlImport;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import java.nio.file.Path;

/**
 * The published files of xAR: the autoencoder under {@code model}; the transformer as a flat
 * dictionary, or as training leaves it, under {@code model_ema}. Or safetensors.
 */
final class XarModelImport {
  private static final String ATTRIBUTION =
      "xAR (arXiv 2502.20388) with the autoencoder of MAR (arXiv 2406.11838), weights as published"
          + " by their authors";

  private XarModelImport() {}

  /** Whether these files, each of which may be null, are of this family. */
  static boolean recognises(Path tokenizer, Path generator) {
    return PublishedModel.holds(tokenizer, KlImport::recognises)
        || PublishedModel.holds(generator, XarImport::recognises);
  }

  static PublishedModel open(Path tokenizer, Path generator) {
    PublishedNetwork<KlConfig> first =
        tokenizer == null
            ? null
            : KlImport.open(PublishedModel.tensors(tokenizer, KlImport::recognises));
    PublishedNetwork<XarGenerator.Description> second = null;
    try {
      second =
          generator == null
              ? null
              : XarImport.open(PublishedModel.tensors(generator, XarImport::recognises));
      if (first != null
          && second != null
          && first.config().channels() != second.config().network().channels()) {
        throw new EngineFailure(
            FailureCode.CHECKPOINT_MISMATCH,
            "the generator is for latents of %d channels, the tokenizer has %d"
                .formatted(second.config().network().channels(), first.config().channels()));
      }
      return new PublishedModel(describe(first, second), first, second);
    } catch (RuntimeException e) {
      new PublishedModel(null, first, second).close();
      throw e;
    }
  }

  private static ObjectNode describe(
      PublishedNetwork<KlConfig> tokenizer, PublishedNetwork<XarGenerator.Description> generator) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (tokenizer != null) {
      int rows = generator == null ? 16 : generator.config().height();
      int side = rows * tokenizer.config().factor();
      json = KlTokenizer.describe(tokenizer.config(), 1, side, side, 1);
    }
    if (generator != null) {
      XarGenerator.describe(json, generator.config());
      XarPreset usual = preset(generator.config().network());
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
}
