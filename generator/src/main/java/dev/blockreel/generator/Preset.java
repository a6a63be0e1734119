package dev.blockreel.generator;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpPreset;
import dev.blockreel.generator.var.Var;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.generator.var.VarPreset;
import dev.blockreel.generator.xar.Xar;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.generator.xar.XarPreset;
import dev.blockreel.nn.Weight;
import dev.blockreel.tokenizer.kl.Kl;
import dev.blockreel.tokenizer.magvit2.Magvit2;
import dev.blockreel.tokenizer.vq.Vq;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * A published model of any family: what there is to know of it without its files.
 *
 * @param name as it is called in full
 * @param tokenizer what {@code model.json} would say of the tokenizer: the Description of its kind
 * @param generator the same of the generator
 * @param tokenizerWeights what the tokenizer's file has
 * @param generatorWeights what the generator's file has
 */
public record Preset(
    String name,
    Record tokenizer,
    Record generator,
    List<Weight> tokenizerWeights,
    List<Weight> generatorWeights) {
  /**
   * Finds a published model.
   *
   * @param name what users write, such as {@code nbp-ucf-base}, {@code xar-b} or {@code var-d16}
   * @throws EngineFailure BAD_REQUEST with the names that there are, when there is none of this one
   */
  public static Preset named(String name) {
    return switch (name.replaceFirst("-.*", "-")) {
      case "nbp-" -> of(NbpPreset.named(name));
      case "xar-" -> of(XarPreset.named(name));
      case "var-" -> of(VarPreset.named(name));
      default ->
          throw EngineFailure.badRequest(
              "no published model \"%s\"; there are %s",
              name,
              Stream.of(
                      NbpPreset.ALL.stream().map(NbpPreset::name),
                      XarPreset.ALL.stream().map(XarPreset::name),
                      VarPreset.ALL.stream().map(VarPreset::name))
                  .flatMap(names -> names)
                  .collect(Collectors.joining(", ")));
    };
  }

  private static Preset of(NbpPreset preset) {
    return new Preset(
        preset.name(),
        preset.tokenizer(),
        preset.generator(),
        new Magvit2(preset.tokenizer().network()).weights(),
        new Nbp(preset.generator().network()).weights());
  }

  private static Preset of(XarPreset preset) {
    XarGenerator.Description generator = preset.generator();
    return new Preset(
        preset.name(),
        preset.tokenizer(),
        generator,
        new Kl(preset.tokenizer().network()).weights(),
        new Xar(generator.network(), generator.order().tokens()).weights());
  }

  private static Preset of(VarPreset preset) {
    return new Preset(
        preset.name(),
        new VqTokenizer.Description(VqTokenizer.KIND, preset.tokenizer()),
        new VarGenerator.Description(VarGenerator.KIND, preset.generator()),
        new Vq(preset.tokenizer()).weights(),
        new Var(preset.generator()).weights());
  }
}
