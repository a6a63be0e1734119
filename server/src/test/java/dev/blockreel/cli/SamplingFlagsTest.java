package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.sampler.FlowOptions;
import dev.blockreel.sampler.SamplingOptions;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class SamplingFlagsTest {
  private static final SamplingOptions MODEL = new SamplingOptions(0.8, 100, 0.95, 1.5, true);

  @Test
  void theModelDecidesWhatIsNotGiven() {
    assertThat(parsed().over(MODEL)).isEqualTo(MODEL);
  }

  @Test
  void whatIsGivenDecides() {
    SamplingFlags flags =
        parsed("--temperature", "0.5", "--top-k", "7", "--top-p", "0.6", "--cfg", "2");
    assertThat(flags.over(MODEL)).isEqualTo(new SamplingOptions(0.5, 7, 0.6, 2, true));
  }

  @Test
  void zerosAreGivenToo() {
    SamplingFlags flags = parsed("--temperature", "0", "--top-k", "0", "--cfg", "0");
    assertThat(flags.over(MODEL)).isEqualTo(new SamplingOptions(0, 0, 0.95, 0, true));
  }

  @Test
  void guidanceGrowsOrDoesNotForAllKindsOfModels() {
    assertThat(parsed("--guidance", "constant").over(MODEL).scaleCfg()).isFalse();
    assertThat(parsed("--guidance", "linear").over(MODEL).scaleCfg()).isTrue();
    assertThat(parsed("--guidance", "constant").over(MODEL).flow().guidance())
        .isEqualTo(FlowOptions.Guidance.CONSTANT);
  }

  private static SamplingFlags parsed(String... arguments) {
    SamplingFlags flags = new SamplingFlags();
    new CommandLine(flags).setCaseInsensitiveEnumValuesAllowed(true).parseArgs(arguments);
    return flags;
  }
}
