package dev.blockreel.generator.nbp;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A published model by name: its sizes, without its weights. {@code ucf} takes a class as text,
 * {@code k600} continues clips; all make 17 frames of 128x128 pixels in rows of 16 tokens.
 *
 * @param name what users write, such as {@code nbp-ucf-base}
 * @param generator sizes of the transformer and the grid
 */
public record NbpPreset(String name, NbpGenerator.Description generator) {
  /** All published models. */
  public static final List<NbpPreset> ALL =
      List.of(
          ucf("nbp-ucf-base", 24, 16, 1536),
          k600("nbp-k600-base", 24, 16, 1536),
          ucf("nbp-ucf-xl", 24, 32, 2048),
          k600("nbp-k600-xl", 24, 32, 2048),
          ucf("nbp-ucf-3b", 32, 32, 3072),
          k600("nbp-k600-3b", 32, 32, 3072));

  private static NbpPreset ucf(String name, int layers, int heads, int width) {
    return preset(
        name, layers, heads, width, UcfClasses.TOKENS, UcfClasses.VOCABULARY, /* hybrid= */ true);
  }

  private static NbpPreset k600(String name, int layers, int heads, int width) {
    return preset(name, layers, heads, width, 0, 0, /* hybrid= */ false);
  }

  private static NbpPreset preset(
      String name,
      int layers,
      int heads,
      int width,
      int conditionTokens,
      int conditionVocabulary,
      boolean hybrid) {
    int codes = Magvit2Config.OFFICIAL.codebookSize();
    NbpConfig network =
        new NbpConfig(
            layers, heads, width, 5120, 16, codes, conditionTokens, conditionVocabulary, hybrid, 0);
    return new NbpPreset(name, new NbpGenerator.Description(NbpGenerator.KIND, network, 5, 16, 16));
  }

  /**
   * Finds a preset; {@code nbp-3b} is short for {@code nbp-ucf-3b}, and so on.
   *
   * @throws EngineFailure BAD_REQUEST with all names when there is none of this one
   */
  public static NbpPreset named(String name) {
    String whole = name.replaceFirst("^nbp-(base|xl|3b)$", "nbp-ucf-$1");
    return ALL.stream()
        .filter(preset -> preset.name.equals(whole))
        .findFirst()
        .orElseThrow(
            () ->
                EngineFailure.badRequest(
                    "no published model \"%s\"; there are %s",
                    name, ALL.stream().map(NbpPreset::name).collect(Collectors.joining(", "))));
  }

  /** The preset whose tensors have these sizes. */
  static Optional<NbpPreset> ofSizes(int layers, int width, int vocabulary) {
    return ALL.stream()
        .filter(
            preset -> {
              NbpConfig network = preset.generator.network();
              return network.layers() == layers
                  && network.width() == width
                  && network.vocabulary() == vocabulary;
            })
        .findFirst();
  }

  /** The tokenizer that it was published with. */
  public Magvit2Tokenizer.Description tokenizer() {
    return new Magvit2Tokenizer.Description(
        Magvit2Tokenizer.KIND, Magvit2Config.OFFICIAL, 17, 128, 128, 8);
  }
}
