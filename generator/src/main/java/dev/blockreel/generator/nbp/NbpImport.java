package dev.blockreel.generator.nbp;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.nn.PublishedNetwork;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A published NBP transformer, opened to become part of a model directory: a PyTorch file ({@link
 * TorchFile#openState}), of Lightning with {@code hyper_parameters}, or safetensors whose metadata
 * may hold the same hyper-parameters. Sizes come from the tensors; what those do not show (heads,
 * block size, the kind of condition) from the hyper-parameters, and where both speak they must
 * agree.
 */
public final class NbpImport {
  private static final Pattern BLOCK = Pattern.compile("transformer\\.blocks\\.(\\d{1,4})\\..*");
  private static final String TOKENS = "transformer.tok_emb.weight";

  private final PublishedNetwork<NbpConfig> network;
  private final NbpHyperParameters parameters;

  private NbpImport(PublishedNetwork<NbpConfig> network, NbpHyperParameters parameters) {
    this.network = network;
    this.parameters = parameters;
  }

  /**
   * Opens a file and checks that it is a whole transformer.
   *
   * @param given hyper-parameters that replace stored ones, by their published names
   * @param codes size of its tokenizer's codebook, or 0 when that is not known
   * @return whose network is to be closed by the caller
   * @throws EngineFailure CHECKPOINT_MISMATCH when it is no such file, tensors are missing,
   *     unexpected or of another shape, or its parts contradict each other; UNSAFE_CHECKPOINT when
   *     it is built to harm; UNSUPPORTED for layouts that were never published; BAD_REQUEST when
   *     something must be given; MEDIA when it cannot be read
   */
  public static NbpImport open(Path path, Map<String, String> given, int codes) {
    NbpHyperParameters parameters = new NbpHyperParameters(path.toString());
    TensorFile published = tensors(path, parameters).unwrapped();
    try {
      boolean stored = !parameters.isEmpty();
      parameters.give(given);
      boolean bare = published.names().contains("tok_emb.weight");
      TensorFile file =
          Nbp.publishedNames(bare ? published.renamed(name -> "transformer." + name) : published);
      Nbp network = new Nbp(new Sizes(file, parameters, stored, codes).config());
      return new NbpImport(
          new PublishedNetwork<>(network.config(), network.weights(), file), parameters);
    } catch (RuntimeException e) {
      published.close();
      throw e;
    }
  }

  /** Opens the tensors, and adds the hyper-parameters beside them. */
  private static TensorFile tensors(Path path, NbpHyperParameters parameters) {
    if (Safetensors.looksLike(path)) {
      TensorFile tensors = Safetensors.open(path);
      parameters.add(tensors.metadata());
      return tensors;
    }
    try (TorchFile torch = TorchFile.read(path)) {
      parameters.addLightning(torch.root());
    }
    return TorchFile.openState(path);
  }

  /** The weights, and the sizes that tensors and hyper-parameters give. */
  public PublishedNetwork<NbpConfig> network() {
    return network;
  }

  /** The sizes. */
  public NbpConfig config() {
    return network.config();
  }

  /** Frames per second of the clips it was trained with. */
  public double fps() {
    return parameters.rate("fps").orElse(8.0);
  }

  /**
   * Sizes together with the grid of the clips that it was trained with; 5x16x16 where that is not
   * stored.
   *
   * @throws EngineFailure BAD_REQUEST when that grid does not fit the model
   */
  public NbpGenerator.Description description(Magvit2Config tokenizer) {
    int side = parameters.whole("resolution").orElse(128) / tokenizer.spaceFactor();
    int frames = parameters.whole("sequence_length").orElse(17);
    return description(tokenizer.latentFrames(frames), side, side);
  }

  /**
   * Sizes together with a grid.
   *
   * @throws EngineFailure BAD_REQUEST when the grid does not fit the model
   */
  public NbpGenerator.Description description(int time, int height, int width) {
    return new NbpGenerator.Description(NbpGenerator.KIND, config(), time, height, width);
  }

  /**
   * Finds the sizes.
   *
   * @param stored whether the file itself has hyper-parameters; else those of the published model
   *     of its sizes stand for what nobody gives
   */
  private record Sizes(
      TensorFile file, NbpHyperParameters parameters, boolean stored, int knownCodes) {
    NbpConfig config() {
      if (!file.names().contains(TOKENS)) {
        throw file.mismatch(
            "holds no NBP transformer, and no model of VAR or xAR: it has no tensor %s", TOKENS);
      }
      int vocabulary = file.size(TOKENS, 0, 2);
      int width = file.size(TOKENS, 1, 2);
      int layers = layers();
      Optional<NbpConfig> published =
          NbpPreset.ofSizes(layers, width, vocabulary).map(p -> p.generator().network());
      if (parameters.isEmpty()) {
        return published.orElseThrow(
            () ->
                unknown(
                    "no hyper-parameters, and no published model has %d layers of width %d and %d ids"
                        .formatted(layers, width, vocabulary)));
      }
      Optional<NbpConfig> twin = stored ? Optional.empty() : published;
      agree("n_layer", layers);
      agree("n_embd", width);
      int context = file.size("transformer.pos_emb", 1, 3);
      agree("block_size", context);
      int heads =
          parameters
              .whole("n_head")
              .or(() -> published.map(NbpConfig::heads))
              .orElseThrow(() -> unknown("not its number of heads"));
      int block =
          parameters
              .whole("token_number_per_step")
              .or(() -> twin.map(NbpConfig::blockSize))
              .orElse(1);
      int conditionTokens =
          parameters
              .whole("cond_token_num")
              .or(() -> twin.map(NbpConfig::conditionTokens))
              .orElse(0);
      int vectors = file.size("transformer.uncond_embedding", 0, 2);
      if (vectors != conditionTokens) {
        throw file.mismatch(
            "hyper-parameter cond_token_num is %d, uncond_embedding has %d rows",
            conditionTokens, vectors);
      }
      boolean hybrid = isHybrid(conditionTokens, twin.map(NbpConfig::hybrid).orElse(false));
      int conditionVocabulary =
          hybrid ? conditionVocabulary(vocabulary - block, conditionTokens) : 0;
      int codes = vocabulary - conditionVocabulary - (hybrid ? block : 0);
      if (knownCodes > 0 && codes != knownCodes) {
        throw file.mismatch(
            "its %d ids leave %d for video codes (%d special, %d condition), the tokenizer has %d",
            vocabulary, codes, hybrid ? block : 0, conditionVocabulary, knownCodes);
      }
      return PublishedNetwork.sizes(
          file,
          () ->
              new NbpConfig(
                  layers,
                  heads,
                  width,
                  context,
                  block,
                  codes,
                  conditionTokens,
                  conditionVocabulary,
                  hybrid,
                  0));
    }

    private boolean isHybrid(int conditionTokens, boolean usual) {
      boolean hybrid = parameters.flag("hybrid").orElse(usual);
      boolean unconditional = parameters.flag("unconditional").orElse(conditionTokens == 0);
      boolean startsWithBov = parameters.flag("starts_with_bov").orElse(hybrid);
      if (hybrid && (unconditional || !startsWithBov)) {
        throw file.mismatch(
            "hyper-parameters contradict each other: hybrid with unconditional %s and"
                + " starts_with_bov %s",
            unconditional, startsWithBov);
      }
      if (!hybrid && (startsWithBov || !unconditional || conditionTokens > 0)) {
        throw new EngineFailure(
            FailureCode.UNSUPPORTED,
            "%s: only hybrid models with a condition and models without any are supported: got hybrid false with %d condition tokens, unconditional %s, starts_with_bov %s"
                .formatted(file.path(), conditionTokens, unconditional, startsWithBov));
      }
      return hybrid;
    }

    /**
     * @param ids ids that are not special: conditions and codes
     */
    private int conditionVocabulary(int ids, int conditionTokens) {
      if (parameters.isText().orElse(conditionTokens > 1)) {
        if (knownCodes == 0 && ids <= UcfClasses.VOCABULARY) {
          throw unknown("not how many of its %d ids are video codes".formatted(ids));
        }
        return knownCodes == 0 ? UcfClasses.VOCABULARY : ids - knownCodes;
      }
      if (conditionTokens != 1) {
        throw file.mismatch(
            "a class takes one condition token: hyper-parameter cond_token_num is %d",
            conditionTokens);
      }
      return parameters
          .whole("class_cond_dim")
          .orElseGet(
              () -> {
                if (knownCodes == 0) {
                  throw unknown("not its number of classes (class_cond_dim)");
                }
                return ids - knownCodes;
              });
    }

    private int layers() {
      int last = -1;
      for (String name : file.names()) {
        Matcher block = BLOCK.matcher(name);
        if (block.matches()) {
          last = Math.max(last, Integer.parseInt(block.group(1)));
        }
      }
      return last + 1;
    }

    private void agree(String name, int seen) {
      parameters
          .whole(name)
          .filter(stored -> stored != seen)
          .ifPresent(
              stored -> {
                throw file.mismatch(
                    "hyper-parameter %s is %d, the tensors have %d", name, stored, seen);
              });
    }

    private EngineFailure unknown(String what) {
      return EngineFailure.badRequest(
          "%s says %s: give its --tokenizer, --codes N, or --hyper NAME=VALUE with n_head,"
              + " token_number_per_step, hybrid, cond_token_num, cond_stage_key, class_cond_dim",
          file.path(), what);
    }
  }
}
