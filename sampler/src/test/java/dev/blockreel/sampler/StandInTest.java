package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpPreset;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.sampler.GenerationRequest.Mode;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.magvit2.Magvit2;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Published models by name, with random weights. */
class StandInTest {
  private static final NbpGenerator.Description UCF = NbpPreset.named("nbp-ucf-base").generator();

  @ParameterizedTest
  @CsvSource({
    "nbp-k600-base, 884.4",
    "nbp-ucf-base, 982.8",
    "nbp-k600-xl, 1481",
    "nbp-ucf-xl, 1612",
    "nbp-k600-3b, 4034",
    "nbp-ucf-3b, 4231"
  })
  void presetsHaveThePublishedNumberOfParameters(String name, double millions) {
    NbpPreset preset = NbpPreset.named(name);
    List<Weight> weights = new Nbp(preset.generator().network()).weights();
    double rounding = millions < 1000 ? 0.06 : 0.6;
    assertThat(parameters(weights) / 1e6).isCloseTo(millions, within(rounding));
    assertThat(parameters(new Magvit2(preset.tokenizer().network()).weights()))
        .isEqualTo(370_372_105);
  }

  @Test
  void shortNamesMeanTheModelsOfUcf() {
    assertThat(NbpPreset.named("nbp-3b")).isSameAs(NbpPreset.named("nbp-ucf-3b"));
    assertThat(NbpPreset.named("nbp-base")).isSameAs(NbpPreset.named("nbp-ucf-base"));
  }

  private static long parameters(List<Weight> weights) {
    return weights.stream().mapToLong(Weight::elements).sum();
  }

  @Test
  void unknownPresetsAreAnsweredWithTheKnownOnes() {
    assertThatThrownBy(() -> NbpPreset.named("nbp-huge"))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("nbp-huge")
        .hasMessageContaining("nbp-ucf-3b");
  }

  @Test
  void theSameSeedGivesTheSameWeights() {
    assertThat(codes(1, Numerics.plain())).isEqualTo(codes(1, Numerics.plain()));
    assertThat(codes(1, Numerics.plain())).isNotEqualTo(codes(2, Numerics.plain()));
    assertThat(codes(1, Numerics.inference(Dtype.BFLOAT16))).hasSize(2 * 48);
  }

  private static int[] codes(long seed, Numerics numerics) {
    NbpGenerator.Description description =
        new NbpGenerator.Description(
            // A table of more values than the period of random weights.
            "nbp", new NbpConfig(2, 2, 16, 64, 4, 20_000, 1, 3, true, 0), 3, 4, 4);
    try (NbpGenerator generator =
        NbpGenerator.standIn(description, seed, numerics, TokenSampling::write)) {
      List<NbpStream> streams =
          Stream.of(0, 1)
              .map(
                  label ->
                      new NbpStream(
                          description,
                          new int[] {label},
                          new int[0],
                          SamplingOptions.GREEDY,
                          Mode.NBP,
                          1))
              .toList();
      return Streams.decode(generator, streams, null).stream()
          .flatMapToInt(Arrays::stream)
          .toArray();
    }
  }

  @Test
  void classesOfUcfAreTextsOfEightIds() {
    NbpConditions conditions = NbpConditions.of(NbpPreset.named("nbp-ucf-base"));
    assertThat(conditions.classes().all()).hasSize(101).doesNotHaveDuplicates();
    int archery = conditions.classes().number("archery");
    GenerationRequest request =
        new GenerationRequest(List.of(archery), 1, SamplingOptions.GREEDY, Mode.NBP, List.of());
    conditions.check(request, UCF);
    assertThat(conditions.idsOf(request).get(0)).containsExactly(1, 3190, 708, 2, 2, 2, 2, 2);
    assertThatThrownBy(() -> conditions.classes().number("archeri"))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("Archery");
  }

  @Test
  void aPromptNeedsATextTokenizer() {
    NbpConfig network = NbpPreset.named("nbp-ucf-base").generator().network();
    NbpConditions conditions =
        new NbpConditions(
            network, new ClassNames(List.of()), List.of(), Path.of("nowhere", "tokenizer.json"));
    GenerationRequest request =
        new GenerationRequest(
            List.of(0), 1, SamplingOptions.GREEDY, Mode.NBP, List.of(), List.of("archery"));
    conditions.check(request, UCF);
    assertThatThrownBy(() -> conditions.idsOf(request))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("tokenizer.json");
  }
}
