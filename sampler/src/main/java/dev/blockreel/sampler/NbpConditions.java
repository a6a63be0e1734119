package dev.blockreel.sampler;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpPreset;
import dev.blockreel.generator.nbp.UcfClasses;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.tokenizer.text.TextTokenizer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What an NBP model can be asked for: numbered classes, classes that are texts, free texts, or
 * nothing.
 *
 * @param network sizes of the model
 * @param classes names of the classes, in the order of their numbers
 * @param ids condition ids of each class, where classes are texts; else empty
 * @param texts a {@code tokenizer.json} for free texts; need not exist
 */
record NbpConditions(NbpConfig network, ClassNames classes, List<int[]> ids, Path texts) {
  /**
   * Reads {@code classes} and {@code conditions} of a model.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH when they do not fit each other or the model
   */
  static NbpConditions of(ModelDirectory model, NbpConfig network) {
    ClassNames classes = ClassNames.of(model);
    List<int[]> ids = new ArrayList<>();
    for (JsonNode condition : model.description().path("conditions")) {
      int[] one = new int[condition.size()];
      for (int i = 0; i < one.length; i++) {
        one[i] = condition.get(i).asInt(-1);
      }
      ids.add(one);
    }
    boolean fits = ids.isEmpty() || ids.size() == classes.all().size();
    for (int[] one : ids) {
      fits &= one.length == network.conditionTokens() && inVocabulary(one, network);
    }
    if (!fits) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "%s/model.json: \"conditions\" must give %d ids below %d for each of the %d classes"
              .formatted(
                  model.path(),
                  network.conditionTokens(),
                  network.conditionVocabulary(),
                  classes.all().size()));
    }
    return new NbpConditions(network, classes, ids, model.path().resolve(TextTokenizer.FILE));
  }

  /** As published. */
  static NbpConditions of(NbpPreset preset) {
    NbpConfig network = preset.generator().network();
    List<UcfClasses.UcfClass> classes = network.hybrid() ? UcfClasses.all() : List.of();
    return new NbpConditions(
        network,
        new ClassNames(classes.stream().map(UcfClasses.UcfClass::name).toList()),
        classes.stream().map(c -> c.ids().stream().mapToInt(Integer::intValue).toArray()).toList(),
        Path.of(TextTokenizer.FILE));
  }

  /** Fails with BAD_REQUEST when {@code model} cannot be asked for this. */
  void check(GenerationRequest request, NbpGenerator.Description model) {
    checkCondition(request);
    if (!network.hybrid() && request.condition().isEmpty()) {
      throw EngineFailure.badRequest("this model continues clips: it needs --condition");
    }
    checkBeginnings(request.condition(), request.classes().size(), model);
  }

  /** Checks how the clips are to begin. */
  private void checkBeginnings(List<TokenGrid> given, int clips, NbpGenerator.Description model) {
    if (!given.isEmpty() && given.size() != clips) {
      throw EngineFailure.badRequest(
          "%d clips are to be made, but %d are given to continue", clips, given.size());
    }
    for (TokenGrid grid : given) {
      if (grid.height() != model.height()
          || grid.width() != model.width()
          || grid.time() >= model.time()) {
        throw EngineFailure.badRequest(
            "the condition is %dx%dx%d tokens: this model takes up to %d latent frames of %dx%d",
            grid.time(),
            grid.height(),
            grid.width(),
            model.time() - 1,
            model.height(),
            model.width());
      }
      if (grid.time() != given.get(0).time()) {
        throw EngineFailure.badRequest(
            "the conditions of a batch must have the same number of frames");
      }
      for (int code : grid.codes()) {
        if (code < 0 || code >= network.codes()) {
          throw EngineFailure.badRequest(
              "condition token %d: this model has codes 0 to %d", code, network.codes() - 1);
        }
      }
      if (grid.codes().length % network.blockSize() != 0) {
        throw EngineFailure.badRequest(
            "a condition of %d tokens is no whole number of blocks of %d",
            grid.codes().length, network.blockSize());
      }
    }
  }

  private void checkCondition(GenerationRequest request) {
    if (!network.hybrid()) {
      if (!request.prompts().isEmpty()) {
        throw EngineFailure.badRequest("this model takes no prompt: it continues clips");
      }
      return;
    }
    if (!request.prompts().isEmpty()) {
      if (network.conditionTokens() == 1) {
        throw EngineFailure.badRequest("this model takes a class, not a prompt");
      }
      if (request.prompts().size() != request.classes().size()) {
        throw EngineFailure.badRequest(
            "%d clips are to be made of %d prompts",
            request.classes().size(), request.prompts().size());
      }
      return;
    }
    int known = network.conditionTokens() == 1 ? network.conditionVocabulary() : ids.size();
    if (known == 0) {
      throw EngineFailure.badRequest("this model has no classes: it takes a prompt");
    }
    request.requireClasses(known);
  }

  /** Condition ids of each clip of a checked request, without offset; empty arrays for none. */
  List<int[]> idsOf(GenerationRequest request) {
    if (!network.hybrid()) {
      return request.classes().stream().map(label -> new int[0]).toList();
    }
    if (!request.prompts().isEmpty()) {
      return idsOf(request.prompts());
    }
    return request.classes().stream()
        .map(label -> ids.isEmpty() ? new int[] {label} : ids.get(label))
        .toList();
  }

  private List<int[]> idsOf(List<String> prompts) {
    if (!Files.isRegularFile(texts)) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "a prompt needs the tokenizer.json of the text model: there is no %s".formatted(texts));
    }
    try (TextTokenizer tokenizer = TextTokenizer.open(texts)) {
      List<int[]> all =
          prompts.stream().map(text -> tokenizer.ids(text, network.conditionTokens())).toList();
      for (int[] one : all) {
        if (!inVocabulary(one, network)) {
          throw EngineFailure.badRequest(
              "%s gives ids beyond the %d that this model knows",
              texts, network.conditionVocabulary());
        }
      }
      return all;
    }
  }

  private static boolean inVocabulary(int[] ids, NbpConfig network) {
    for (int id : ids) {
      if (id < 0 || id >= network.conditionVocabulary()) {
        return false;
      }
    }
    return true;
  }
}
