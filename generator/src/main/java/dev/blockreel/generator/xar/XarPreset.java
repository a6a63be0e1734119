package dev.blockreel.generator.xar;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.kl.KlConfig;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A published model by name: its sizes, without its weights. All make images of 256x256 pixels of
 * one of the 1000 classes of ImageNet in four cells.
 *
 * @param name what users write, such as {@code xar-b}
 * @param generator sizes of the transformer and the grid
 * @param cfg guidance that its authors recommend
 * @param steps of the solver that they recommend
 */
public record XarPreset(String name, XarGenerator.Description generator, double cfg, int steps) {
  /** All published models. */
  public static final List<XarPreset> ALL =
      List.of(
          preset("xar-b", 8, 12, 768, 2.7, 40),
          preset("xar-l", 16, 16, 1024, 2.3, 50),
          preset("xar-h", 20, 16, 1280, 2.2, 50));

  private static XarPreset preset(
      String name, int layers, int heads, int width, double cfg, int steps) {
    XarConfig network = new XarConfig(layers, layers, heads, width, width * 8 / 3, 16, 1000);
    return new XarPreset(
        name,
        new XarGenerator.Description(XarGenerator.KIND, network, "cell:8", 1, 16, 16),
        cfg,
        steps);
  }

  /**
   * Finds a preset.
   *
   * @throws EngineFailure BAD_REQUEST with all names when there is none of this one
   */
  public static XarPreset named(String name) {
    return ALL.stream()
        .filter(preset -> preset.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                EngineFailure.badRequest(
                    "no published model \"%s\"; there are %s",
                    name, ALL.stream().map(XarPreset::name).collect(Collectors.joining(", "))));
  }

  /** The autoencoder that it was published with. */
  public KlTokenizer.Description tokenizer() {
    return new KlTokenizer.Description(KlTokenizer.KIND, KlConfig.OFFICIAL, 1, 256, 256, 1);
  }
}
