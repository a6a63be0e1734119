package dev.blockreel.tokenizer.magvit2;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.golden.GoldenCase;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.magvit2.Magvit2Config.Stage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The tokenizer against the authors' code, narrow but with every published layer. */
class Magvit2GoldenTest {
  private static GoldenCase golden;
  private static Magvit2Tokenizer tokenizer;

  @BeforeAll
  static void load() {
    golden = new GoldenCase("nbp-tokenizer");
    tokenizer = load(Numerics.plain());
  }

  private static Magvit2Tokenizer load(Numerics numerics) {
    JsonNode widths = golden.config().get("widths");
    int a = widths.get(0).asInt();
    int b = widths.get(1).asInt();
    int c = widths.get(2).asInt();
    Magvit2Config config =
        new Magvit2Config(
            1,
            List.of(
                new Stage(a, 4, 1, 2),
                new Stage(b, 4, 2, 2),
                new Stage(b, 4, 2, 2),
                new Stage(c, 8, 1, 1)),
            List.of(8, 8, 8, 5, 5, 5),
            32);
    try (TorchFile file = TorchFile.read(golden.file("magvit2_public.pt"))) {
      TensorFile tensors = file.tensors("model_state_dict").unwrapped();
      return Magvit2Tokenizer.load(
          new Magvit2Tokenizer.Description("magvit2", config, 17, 64, 64, 8), tensors, numerics);
    }
  }

  @AfterAll
  static void close() {
    tokenizer.close();
    golden.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"17f", "1f", "5f"})
  void latentsAgree(String clip) {
    List<float[]> latents =
        clips("video_" + clip).stream().map(c -> channelsFirst(tokenizer.latents(c))).toList();
    golden.assertClose("latent_" + clip, concat(latents));
  }

  @ParameterizedTest
  @ValueSource(strings = {"17f", "1f", "5f"})
  void codesAreEqual(String clip) {
    List<Long> codes = new ArrayList<>();
    for (Clip c : clips("video_" + clip)) {
      for (int code : tokenizer.encode(c).codes()) {
        codes.add((long) code);
      }
    }
    assertThat(codes)
        .containsExactlyElementsOf(
            Arrays.stream(golden.expected().integers("codes_" + clip)).boxed().toList());
  }

  @ParameterizedTest
  @ValueSource(strings = {"17f", "1f", "5f"})
  void decodedClipsAgree(String clip) {
    golden.assertClose("recon_" + clip, tokenizer.decodeRaw(grids("codes_" + clip)));
  }

  @Test
  void streamedClipsAgree() {
    golden.assertClose(
        "recon_17f", ClipStreamTest.streamed(tokenizer, grids("codes_17f"), 1, 2, 2));
  }

  @Test
  void valuesOfIndicesAgree() {
    long[] indices = golden.inputs().integers("fsq_indices");
    golden.assertClose("fsq_codes", tokenizer.values(indices));
  }

  @Test
  void everyIndexSurvivesTheRoundTripThroughItsValues() {
    long[] all = new long[64000];
    Arrays.setAll(all, i -> i);
    assertThat(tokenizer.indices(atanhOf(tokenizer.values(all)))).containsExactly(all);
  }

  /** Latents whose bounded values are exactly these: the inverse of the squashing. */
  private static float[] atanhOf(float[] values) {
    int[] levels = {8, 8, 8, 5, 5, 5};
    float[] latents = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      int level = levels[i % 6];
      double half = (level - 1) * (1 - 1e-3) / 2;
      double offset = level % 2 == 0 ? 0.5 : 0;
      double whole = values[i] * (level / 2);
      double inside = Math.max(-0.9999999, Math.min(0.9999999, (whole + offset) / half));
      latents[i] = (float) (0.5 * Math.log((1 + inside) / (1 - inside)) - Math.tan(offset / half));
    }
    return latents;
  }

  @Test
  void fastNumbersStayCloseToPlainOnes() {
    try (Magvit2Tokenizer fast = load(Numerics.inference(Dtype.BFLOAT16))) {
      List<TokenGrid> grids = grids("codes_17f");
      float[] plain = tokenizer.decodeRaw(grids);
      float[] rough = fast.decodeRaw(grids);
      double squared = 0;
      double power = 0;
      for (int i = 0; i < plain.length; i++) {
        squared += Math.pow(plain[i] - rough[i], 2);
        power += Math.pow(plain[i], 2);
      }
      assertThat(Math.sqrt(squared / power)).isLessThan(0.03);
    }
  }

  private static List<Clip> clips(String tensor) {
    long[] shape = golden.inputs().info(tensor).shape();
    float[] all = golden.inputs().floats(tensor);
    int size = all.length / (int) shape[0];
    List<Clip> clips = new ArrayList<>();
    for (int i = 0; i < shape[0]; i++) {
      clips.add(
          new Clip(
              Arrays.copyOfRange(all, i * size, (i + 1) * size),
              (int) shape[2],
              (int) shape[3],
              (int) shape[4],
              8));
    }
    return clips;
  }

  private static List<TokenGrid> grids(String tensor) {
    long[] shape = golden.expected().info(tensor).shape();
    long[] all = golden.expected().integers(tensor);
    int size = all.length / (int) shape[0];
    List<TokenGrid> grids = new ArrayList<>();
    for (int i = 0; i < shape[0]; i++) {
      int[] codes =
          Arrays.stream(all, i * size, (i + 1) * size).mapToInt(Math::toIntExact).toArray();
      grids.add(new TokenGrid(codes, (int) shape[1], (int) shape[2], (int) shape[3]));
    }
    return grids;
  }

  private static float[] channelsFirst(float[] latents) {
    int channels = 6;
    int cells = latents.length / channels;
    float[] turned = new float[latents.length];
    for (int i = 0; i < latents.length; i++) {
      turned[i % channels * cells + i / channels] = latents[i];
    }
    return turned;
  }

  private static float[] concat(List<float[]> parts) {
    float[] all = new float[parts.stream().mapToInt(p -> p.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }
}
