package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import dev.blockreel.tokenizer.magvit2.Magvit2Config.Stage;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What runs on a GPU; the golden cases run there by themselves where there is one. */
class GpuPathTest {
  private static final NbpGenerator.Description GENERATOR =
      new NbpGenerator.Description(
          "nbp", new NbpConfig(2, 2, 16, 64, 4, 20, 1, 3, true, 0), 2, 4, 4);
  private static final Magvit2Tokenizer.Description TOKENIZER =
      new Magvit2Tokenizer.Description(
          "magvit2",
          new Magvit2Config(
              1, List.of(new Stage(16, 1, 2, 2), new Stage(16, 1, 1, 1)), List.of(5, 4), 2),
          3,
          8,
          8,
          8);

  /** As {@link Numerics#inference} gives them on a GPU. */
  private static Numerics numerics(Dtype dtype) {
    return new Numerics(dtype, false, Numerics.Products.PLAIN, true, false);
  }

  @Test
  void nothingThatOnlyAProcessorHasIsCalled() {
    try (NbpGenerator generator =
            NbpGenerator.standIn(GENERATOR, 1, numerics(Dtype.BFLOAT16), TokenSampling::write);
        Magvit2Tokenizer tokenizer =
            Magvit2Tokenizer.standIn(TOKENIZER, 1, numerics(Dtype.BFLOAT16))) {
      assertThat(generator.script()).doesNotContain("mkldnn", ".cpu()", "\"cpu\"");
      assertThat(tokenizer.script()).doesNotContain("mkldnn", ".cpu()", "\"cpu\"");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Dtype.class,
      names = {"FLOAT32", "BFLOAT16", "FLOAT16"})
  void everyFormatRunsOnAGpu(Dtype dtype) {
    assumeTrue(Torch.onGpu(), "libtorch sees no GPU here");
    Numerics numerics = Numerics.inference(dtype);
    assertThat(numerics.products()).isEqualTo(Numerics.Products.PLAIN);
    try (NbpGenerator generator =
            NbpGenerator.standIn(GENERATOR, 1, numerics, TokenSampling::write);
        NbpProbe probe = new NbpProbe(generator, new SamplingOptions(1, 5, 0.9, 0, false));
        Magvit2Tokenizer tokenizer = Magvit2Tokenizer.standIn(TOKENIZER, 1, numerics)) {
      assertThat(probe.clip(4)).isEqualTo(4 + 7);
      Clip clip = tokenizer.decode(new TokenGrid(new int[2 * 4 * 4], 2, 4, 4));
      assertThat(clip.pixels()).doesNotContain(Float.NaN);
      assertThat(tokenizer.encode(clip).codes()).hasSize(2 * 4 * 4);
    }
  }
}
