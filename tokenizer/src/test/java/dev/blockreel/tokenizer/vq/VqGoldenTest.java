package dev.blockreel.tokenizer.vq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TokenTensors;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.golden.GoldenCase;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.grid.TokenScales;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.tokenizer.image.ImageNetwork;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The autoencoder of VAR against the authors' code, narrow but with every published layer. */
class VqGoldenTest {
  private static GoldenCase golden;
  private static VqConfig config;
  private static VqTokenizer tokenizer;
  private static Clip image;

  @BeforeAll
  static void load() {
    golden = new GoldenCase("var");
    JsonNode c = golden.config();
    List<Integer> multipliers = integers(c.get("ch_mult"));
    int last = multipliers.size() - 1;
    config =
        new VqConfig(
            new ImageNetwork.Sizes(
                1,
                c.get("ch").asInt(),
                multipliers,
                c.get("num_res_blocks").asInt(),
                List.of(last),
                List.of(last),
                true,
                32),
            c.get("z_channels").asInt(),
            c.get("vocab").asInt(),
            integers(c.get("patch_nums")),
            c.get("share_quant_resi").asInt());
    tokenizer = load(Numerics.plain());
    float[] centred = golden.inputs().floats("image");
    float[] pixels = new float[centred.length];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (centred[i] + 1) / 2;
    }
    image = new Clip(pixels, 1, config.imageSide(), config.imageSide(), 1);
  }

  private static VqTokenizer load(Numerics numerics) {
    try (TorchFile file = TorchFile.read(golden.file("vae_public.pth"))) {
      return VqTokenizer.load(
          new VqTokenizer.Description("vq", config), Vq.publishedNames(file.tensors()), numerics);
    }
  }

  @AfterAll
  static void close() {
    tokenizer.close();
    golden.close();
  }

  private static List<Integer> integers(JsonNode array) {
    List<Integer> values = new ArrayList<>();
    array.forEach(value -> values.add(value.asInt()));
    return values;
  }

  private static long[] expectedCodes() {
    return golden.expected().integers("enc.idx");
  }

  private static TokenScales expectedTokens() {
    int[] codes = Arrays.stream(expectedCodes()).mapToInt(Math::toIntExact).toArray();
    return TokenScales.of(codes, config.scales());
  }

  @Test
  void featuresAgree() {
    try (TensorScope scope = TensorScope.open()) {
      golden.assertClose("enc.f", tokenizer.features(scope, image).toFloats());
    }
  }

  @Test
  void codesOfEveryScaleAreEqual() {
    assertThat(tokenizer.encode(image)).isNotNull();
    assertThat(Arrays.stream(tokenizer.encode(image).codes()).asLongStream().toArray())
        .containsExactly(expectedCodes());
  }

  @Test
  void theFeatureMapGrowsScaleByScaleAsTheirs() {
    List<float[]> sums = new ArrayList<>();
    List<float[]> hints = new ArrayList<>();
    try (ScaleStream stream = tokenizer.stream(1);
        TensorScope scope = TensorScope.open()) {
      for (TokenGrid map : expectedTokens().maps()) {
        if (!sums.isEmpty()) {
          hints.add(stream.hint(scope).toFloats());
        }
        stream.push(scope.longs(map.codes(), 1, map.codes().length));
        sums.add(stream.features());
      }
      golden.assertClose("enc.f_hat_scales", concat(sums));
      golden.assertClose("enc.f_hat", sums.get(sums.size() - 1));
      golden.assertClose("enc.var_input", concat(hints));
      assertThatThrownBy(() -> stream.push(scope.longs(new long[16], 1, 16)))
          .isInstanceOf(EngineFailure.class)
          .hasMessage("all 4 scales of these images are there");
    }
  }

  @Test
  void hintsForTrainingAgree() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor ids = scope.longs(expectedCodes(), 1, expectedCodes().length);
      golden.assertClose("enc.var_input", tokenizer.hints(scope, ids).toFloats());
    }
  }

  @Test
  void decodedImagesAgree() {
    assertReconstruction(tokenizer.decode(List.of(expectedTokens())).get(0).pixels());
    try (ScaleStream stream = tokenizer.stream(1);
        TensorScope scope = TensorScope.open()) {
      for (TokenGrid map : expectedTokens().maps()) {
        stream.push(scope.longs(map.codes(), 1, map.codes().length));
      }
      assertReconstruction(stream.images().get(0).pixels());
    }
  }

  private static void assertReconstruction(float[] pixels) {
    float[] centred = new float[pixels.length];
    for (int i = 0; i < pixels.length; i++) {
      centred[i] = 2 * pixels[i] - 1;
    }
    golden.assertClose("enc.recon", centred);
  }

  @Test
  void imagesOfABatchAreThoseOfOneByOne() {
    int[] other = IntStream.range(0, config.tokens()).map(i -> i * 7 % config.codes()).toArray();
    TokenScales second = TokenScales.of(other, config.scales());
    List<Clip> both = tokenizer.decode(List.of(expectedTokens(), second));
    assertThat(both.get(1).pixels())
        .usingComparatorWithPrecision(1e-5f)
        .containsExactly(tokenizer.decode(List.of(second)).get(0).pixels());
  }

  @Test
  void bfloat16StaysNear() {
    try (VqTokenizer half = load(Numerics.inference(Dtype.BFLOAT16))) {
      float[] exact = tokenizer.decode(List.of(expectedTokens())).get(0).pixels();
      float[] near = half.decode(List.of(expectedTokens())).get(0).pixels();
      double error = 0;
      for (int i = 0; i < exact.length; i++) {
        error += Math.abs(exact[i] - near[i]) / exact.length;
      }
      assertThat(error).isLessThan(0.03);
    }
  }

  @Test
  void convolutionsAreSharedAsPublished() {
    assertThat(IntStream.range(0, 10).mapToObj(VqConfig.OFFICIAL::refinement).toList())
        .isEqualTo(List.of(0, 0, 1, 1, 1, 2, 2, 3, 3, 3));
    assertThat(IntStream.range(0, 4).mapToObj(config::refinement).toList())
        .isEqualTo(integers(golden.config().get("phi_per_scale")));
  }

  @Test
  void thePublishedSizesHaveThePublishedNumberOfWeights() {
    assertThat(new Vq(VqConfig.OFFICIAL).weights().stream().mapToLong(w -> w.elements()).sum())
        .isEqualTo(108_948_355);
    assertThat(VqConfig.OFFICIAL.tokens()).isEqualTo(680);
    assertThat(VqConfig.OFFICIAL.imageSide()).isEqualTo(256);
  }

  @Test
  void rawTensorsHoldOneTensorAScale(@TempDir Path folder) {
    Path file = folder.resolve("tokens.safetensors");
    List<TokenScales> images = List.of(expectedTokens(), expectedTokens());
    TokenTensors.addScales(SafetensorsWriter.to(file), images).write();
    try (TensorFile written = Safetensors.open(file)) {
      assertThat(written.names()).containsExactly("tokens.0", "tokens.1", "tokens.2", "tokens.3");
      assertThat(written.info("tokens.2").shape()).containsExactly(2, 3, 3);
      List<TokenScales> read = TokenTensors.readScales(written);
      assertThat(read).hasSize(2);
      assertThat(read.get(1).codes()).containsExactly(expectedTokens().codes());
    }
  }

  @Test
  void whatDoesNotFitIsRefused(@TempDir Path folder) {
    refused(
        () -> tokenizer.decode(List.of(TokenScales.of(new int[5], List.of(1, 2)))),
        "tokens of 1x1, 2x2: this model has scales of sides [1, 2, 3, 4]");
    int[] outside = expectedTokens().codes();
    outside[3] = 64;
    refused(
        () -> tokenizer.decode(List.of(TokenScales.of(outside, config.scales()))),
        "token 2 of scale 1 is 64: this model has codes 0 to 63");
    refused(
        () -> tokenizer.encode(new Clip(new float[3 * 2 * 64 * 64], 2, 64, 64, 8)),
        "this tokenizer takes images of 64x64: got a clip of 2 frames of 64x64");
    refused(
        () -> new VqConfig(config.network(), 16, 64, List.of(1, 3, 2), 4),
        "scales are sides of ever larger token maps, 1 to 1024: got [1, 3, 2]");
    Path file = folder.resolve("tokens.safetensors");
    SafetensorsWriter.to(file)
        .addInts("tokens.0", new long[] {2, 1, 1}, new int[2])
        .addInts("tokens.1", new long[] {1, 2, 2}, new int[4])
        .write();
    try (TensorFile uneven = Safetensors.open(file)) {
      refused(
          () -> TokenTensors.readScales(uneven), file + ": tokens.1 has 1 images, tokens.0 has 2");
    }
  }

  private static void refused(Runnable work, String message) {
    assertThatThrownBy(work::run).isInstanceOf(EngineFailure.class).hasMessage(message);
  }

  private static float[] concat(List<float[]> parts) {
    float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }
}
