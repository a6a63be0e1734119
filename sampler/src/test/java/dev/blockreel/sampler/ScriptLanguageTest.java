package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.var.VarConfig;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.generator.xar.XarConfig;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.image.ImageNetwork;
import dev.blockreel.tokenizer.kl.KlConfig;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import dev.blockreel.tokenizer.magvit2.Magvit2Config.Stage;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import dev.blockreel.tokenizer.vq.VqConfig;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Scripts are written in digits that libtorch reads, whatever those of the user's language are. */
class ScriptLanguageTest {
  private static final ImageNetwork.Sizes IMAGES =
      new ImageNetwork.Sizes(2, 8, List.of(1, 2), 1, List.of(), List.of(), true, 4);

  private final Locale usual = Locale.getDefault();

  @BeforeEach
  void speakArabic() {
    Locale.setDefault(Locale.forLanguageTag("ar-EG"));
    assertThat("%d".formatted(1)).isNotEqualTo("1"); // or nothing is shown
  }

  @AfterEach
  void speakAsBefore() {
    Locale.setDefault(usual);
  }

  @Test
  void everyModelLoads() {
    for (Numerics numerics : List.of(Numerics.plain(), Numerics.inference(Dtype.BFLOAT16))) {
      try (NbpGenerator nbp =
              NbpGenerator.standIn(
                  new NbpGenerator.Description(
                      "nbp", new NbpConfig(2, 2, 16, 64, 4, 20, 1, 3, true, 0), 2, 4, 4),
                  1,
                  numerics,
                  TokenSampling::write);
          VarGenerator scales =
              VarGenerator.standIn(
                  new VarGenerator.Description(
                      "var", new VarConfig(2, 2, 16, 3, 4, 16, List.of(1, 2, 4), false)),
                  1,
                  numerics,
                  VarDecoding::write);
          XarGenerator cells =
              XarGenerator.standIn(
                  new XarGenerator.Description(
                      "xar", new XarConfig(1, 1, 2, 32, 64, 4, 3), "cell:2", 1, 4, 4),
                  1,
                  numerics);
          Magvit2Tokenizer clips =
              Magvit2Tokenizer.standIn(
                  new Magvit2Tokenizer.Description(
                      "magvit2",
                      new Magvit2Config(
                          1,
                          List.of(new Stage(16, 1, 2, 2), new Stage(16, 1, 1, 1)),
                          List.of(5, 4),
                          2),
                      3,
                      8,
                      8,
                      8),
                  1,
                  numerics);
          VqTokenizer images =
              VqTokenizer.standIn(
                  new VqTokenizer.Description(
                      "vq", new VqConfig(IMAGES, 4, 16, List.of(1, 2, 4), 2)),
                  1,
                  numerics);
          KlTokenizer latents =
              KlTokenizer.standIn(
                  new KlTokenizer.Description("kl", new KlConfig(IMAGES, 4, 1), 1, 8, 8, 1),
                  1,
                  numerics)) {
        assertThat(nbp.script() + scales.script() + cells.script())
            .contains("torch.")
            .matches("\\p{ASCII}*");
        assertThat(clips.script() + images.script() + latents.script())
            .contains("torch.")
            .matches("\\p{ASCII}*");
      }
    }
  }
}
