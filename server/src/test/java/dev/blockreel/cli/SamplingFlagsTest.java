package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.sampler.FlowOptions;
import dev.blockreel.sampler.SamplingOptions;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class SamplingFlagsTest {
  private static final SamplingOptions MODEL = new SamplingOptions(0.8, 100, 0.95, 1.5, true);

  @Test
  void theModelDecidesWhatIsNotGiven() {
    assertThat(parsed().over("nbp", MODEL)).isEqualTo(MODEL);
  }

  @Test
  void whatIsGivenDecides() {
    SamplingFlags flags =
        parsed("--temperature", "0.5", "--top-k", "7", "--top-p", "0.6", "--cfg", "2");
    assertThat(flags.over("nbp", MODEL)).isEqualTo(new SamplingOptions(0.5, 7, 0.6, 2, true));
  }

  @Test
  void zerosAreGivenToo() {
    SamplingFlags flags = parsed("--temperature", "0", "--top-k", "0", "--cfg", "0");
    assertThat(flags.over("nbp", MODEL)).isEqualTo(new SamplingOptions(0, 0, 0.95, 0, true));
  }

  @Test
  void guidanceGrowsOrDoesNotForAllKindsOfModels() {
    assertThat(parsed("--guidance", "constant").over("nbp", MODEL).scaleCfg()).isFalse();
    assertThat(parsed("--guidance", "linear").over("nbp", MODEL).scaleCfg()).isTrue();
    assertThat(parsed("--guidance", "constant").over("xar", MODEL).flow().guidance())
        .isEqualTo(FlowOptions.Guidance.CONSTANT);
  }

  @Test
  void whatAModelHasNotIsRefused() {
    assertThatThrownBy(() -> parsed("--steps", "5").over("nbp", MODEL))
        .isInstanceOf(EngineFailure.class)
        .hasMessage("--steps is for models of latents: this one is of the kind nbp");
    assertThatThrownBy(() -> parsed("--top-p", "0.5").over("xar", MODEL))
        .isInstanceOf(EngineFailure.class)
        .hasMessage("--top-p is for models of tokens: this one is of the kind xar");
    assertThat(parsed("--steps", "5").over("xar", MODEL).flow().steps()).isEqualTo(5);
  }

  private static SamplingFlags parsed(String... arguments) {
    SamplingFlags flags = new SamplingFlags();
    new CommandLine(flags).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(arguments);
    return flags;
  }
}
