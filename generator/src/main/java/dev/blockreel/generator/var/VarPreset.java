package dev.blockreel.generator.var;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.tokenizer.vq.VqConfig;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A published model by name: its sizes, without its weights. All make images of 1000 classes, of
 * 256x256 pixels but for {@code var-d36}, which makes 512x512.
 *
 * @param name what users write, such as {@code var-d16}
 * @param generator sizes of the transformer
 */
public record VarPreset(String name, VarConfig generator) {
  private static final List<Integer> SCALES_OF_512 = List.of(1, 2, 3, 4, 6, 9, 13, 18, 24, 32);

  /** All published models. */
  public static final List<VarPreset> ALL =
      List.of(preset(16), preset(20), preset(24), preset(30), preset(36));

  private static VarPreset preset(int depth) {
    VqConfig codes = VqConfig.OFFICIAL;
    boolean large = depth == 36;
    return new VarPreset(
        "var-d" + depth,
        new VarConfig(
            depth,
            depth,
            64 * depth,
            1000,
            codes.channels(),
            codes.codes(),
            large ? SCALES_OF_512 : codes.scales(),
            large));
  }

  /**
   * Finds a preset.
   *
   * @throws EngineFailure BAD_REQUEST with all names when there is none of this one
   */
  public static VarPreset named(String name) {
    return ALL.stream()
        .filter(preset -> preset.name.equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                EngineFailure.badRequest(
                    "no published model \"%s\"; there are %s",
                    name, ALL.stream().map(VarPreset::name).collect(Collectors.joining(", "))));
  }

  /** The tokenizer that it was published with. */
  public VqConfig tokenizer() {
    VqConfig published = VqConfig.OFFICIAL;
    return new VqConfig(
        published.network(),
        published.channels(),
        published.codes(),
        generator.scales(),
        published.refinements());
  }
}
