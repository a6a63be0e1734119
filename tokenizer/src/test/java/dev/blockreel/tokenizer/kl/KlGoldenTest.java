package dev.blockreel.tokenizer.kl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.golden.GoldenCase;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.LatentGrid;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.image.ImageNetwork;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The authors' KL-16 with narrow layers. */
class KlGoldenTest {
  private static GoldenCase golden;
  private static KlTokenizer tokenizer;

  @BeforeAll
  static void load() {
    golden = new GoldenCase("xar-vae");
    tokenizer = load(Numerics.plain());
  }

  @AfterAll
  static void close() {
    tokenizer.close();
    golden.close();
  }

  private static KlTokenizer load(Numerics numerics) {
    JsonNode config = golden.config();
    List<Integer> multipliers = new ArrayList<>();
    config.get("ch_mult").forEach(m -> multipliers.add(m.asInt()));
    KlConfig sizes =
        new KlConfig(
            new ImageNetwork.Sizes(
                1,
                config.get("ch").asInt(),
                multipliers,
                config.get("num_res_blocks").asInt(),
                List.of(4),
                List.of(),
                false,
                config.get("group_norm_groups").asInt()),
            config.get("z_channels").asInt(),
            config.get("latent_scale").asDouble());
    try (TensorFile file = TorchFile.open(golden.file("kl16-public.ckpt"), "model")) {
      return KlTokenizer.load(
          new KlTokenizer.Description("kl", sizes, 1, 64, 64, 1), file, numerics);
    }
  }

  private static Clip image() {
    float[] pixels = golden.inputs().floats("image");
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (pixels[i] + 1) / 2;
    }
    return new Clip(pixels, 1, 64, 64, 1);
  }

  private static LatentGrid grid(int index) {
    float[] all = golden.inputs().floats("latents");
    int size = all.length / 2;
    return new LatentGrid(Arrays.copyOfRange(all, index * size, (index + 1) * size), 16, 1, 4, 4);
  }

  private static float[] centred(float[] pixels) {
    float[] centred = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      centred[i] = 2 * pixels[i] - 1;
    }
    return centred;
  }

  @Test
  void momentsAgree() {
    KlTokenizer.Moments moments = tokenizer.moments(image());
    golden.assertClose("mean", moments.means());
    golden.assertClose("logvar", moments.logVariances());
  }

  @Test
  void samplesAgree() {
    golden.assertClose(
        "sample", tokenizer.sample(image(), golden.inputs().floats("noise")).values());
  }

  @Test
  void theMeansAreTheSampleWithoutNoise() {
    assertThat(tokenizer.encode(image()).values())
        .containsExactly(tokenizer.sample(image(), new float[16 * 4 * 4]).values());
  }

  @Test
  void decodedImagesAgree() {
    float[] both = new float[2 * 3 * 64 * 64];
    for (int i = 0; i < 2; i++) {
      System.arraycopy(centred(tokenizer.decodeRaw(grid(i))), 0, both, i * 12288, 12288);
    }
    golden.assertClose("decoded", both);
  }

  @Test
  void framesOfAClipDoNotDependOnEachOther() {
    LatentGrid first = grid(0);
    LatentGrid second = grid(1);
    float[] values = new float[2 * first.values().length];
    for (int c = 0; c < 16; c++) {
      System.arraycopy(first.values(), c * 16, values, 2 * c * 16, 16);
      System.arraycopy(second.values(), c * 16, values, (2 * c + 1) * 16, 16);
    }
    Clip clip = tokenizer.decode(new LatentGrid(values, 16, 2, 4, 4));
    assertThat(clip.frames()).isEqualTo(2);
    assertClose(clip.slice(0, 1), tokenizer.decode(first), 1e-5);
    assertClose(clip.slice(1, 2), tokenizer.decode(second), 1e-5);
    LatentGrid again = tokenizer.encode(clip);
    assertThat(again.time()).isEqualTo(2);
    float[] alone = tokenizer.encode(clip.slice(1, 2)).values();
    float[] together = again.slice(1, 2).values();
    for (int i = 0; i < alone.length; i++) {
      assertThat(together[i]).isCloseTo(alone[i], org.assertj.core.data.Offset.offset(1e-4f));
    }
  }

  private static void assertClose(Clip got, Clip wanted, double most) {
    for (int i = 0; i < wanted.pixels().length; i++) {
      assertThat((double) got.pixels()[i])
          .isCloseTo(wanted.pixels()[i], org.assertj.core.data.Offset.offset(most));
    }
  }

  @Test
  void fastNumbersStayCloseToPlainOnes() {
    try (KlTokenizer fast = load(Numerics.inference(Dtype.BFLOAT16))) {
      float[] plain = centred(tokenizer.decodeRaw(grid(0)));
      float[] rough = centred(fast.decodeRaw(grid(0)));
      double squared = 0;
      double power = 0;
      for (int i = 0; i < plain.length; i++) {
        squared += Math.pow(plain[i] - rough[i], 2);
        power += Math.pow(plain[i], 2);
      }
      assertThat(Math.sqrt(squared / power)).isLessThan(0.05);
    }
  }

  @Test
  void clipsAndLatentsThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> tokenizer.encode(new Clip(new float[3 * 20 * 16], 1, 20, 16, 1)))
        .hasMessageContaining("multiples of 16: got a clip of 16x20");
    assertThatThrownBy(() -> tokenizer.decode(new LatentGrid(new float[8 * 16], 8, 1, 4, 4)))
        .hasMessageContaining("latents of 8 channels were given, this tokenizer has 16");
  }
}
