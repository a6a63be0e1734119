package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.var.Var;
import dev.blockreel.generator.var.VarConfig;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.golden.GoldenCase;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenScales;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.tokenizer.image.ImageNetwork;
import dev.blockreel.tokenizer.vq.ScaleStream;
import dev.blockreel.tokenizer.vq.Vq;
import dev.blockreel.tokenizer.vq.VqConfig;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** VAR against the authors' code: logits, greedy tokens of every scale, the image. */
class VarGoldenTest {
  private static GoldenCase golden;
  private static VarConfig config;
  private static VqTokenizer tokenizer;
  private static VarGenerator generator;

  @BeforeAll
  static void load() {
    golden = new GoldenCase("var");
    JsonNode c = golden.config();
    config =
        new VarConfig(
            c.get("depth").asInt(),
            c.get("heads").asInt(),
            c.get("embed").asInt(),
            c.get("num_classes").asInt(),
            c.get("z_channels").asInt(),
            c.get("vocab").asInt(),
            integers(c.get("patch_nums")),
            c.get("shared_aln").asBoolean());
    generator = loadGenerator(Numerics.plain());
    List<Integer> multipliers = integers(c.get("ch_mult"));
    List<Integer> last = List.of(multipliers.size() - 1);
    VqConfig codes =
        new VqConfig(
            new ImageNetwork.Sizes(
                1,
                c.get("ch").asInt(),
                multipliers,
                c.get("num_res_blocks").asInt(),
                last,
                last,
                true,
                32),
            config.channels(),
            config.codes(),
            config.scales(),
            c.get("share_quant_resi").asInt());
    try (TorchFile file = TorchFile.read(golden.file("vae_public.pth"))) {
      tokenizer =
          VqTokenizer.load(
              new VqTokenizer.Description("vq", codes),
              Vq.publishedNames(file.tensors()),
              Numerics.plain());
    }
  }

  private static VarGenerator loadGenerator(Numerics numerics) {
    try (TorchFile file = TorchFile.read(golden.file("var_public.pth"))) {
      return VarGenerator.load(
          new VarGenerator.Description("var", config),
          Var.publishedNames(file.tensors()),
          numerics,
          VarDecoding::write);
    }
  }

  @AfterAll
  static void close() {
    generator.close();
    tokenizer.close();
    golden.close();
  }

  private static List<Integer> integers(JsonNode array) {
    List<Integer> values = new ArrayList<>();
    array.forEach(value -> values.add(value.asInt()));
    return values;
  }

  private static List<Integer> labels() {
    return Arrays.stream(golden.inputs().integers("labels")).mapToObj(Math::toIntExact).toList();
  }

  private static GenerationRequest request(double temperature, double cfg) {
    return new GenerationRequest(
        labels(),
        1,
        new SamplingOptions(temperature, 0, 1, cfg, true),
        GenerationRequest.Mode.NBP,
        List.of());
  }

  /** Logits of all scales, (B,L,V). */
  private static final class Logits implements VarDecoding.ScaleWatcher {
    private final List<float[]> scales = new ArrayList<>();
    private List<Clip> images;

    @Override
    public void logits(Tensor logits) {
      scales.add(logits.toFloats());
    }

    @Override
    public void scale(List<TokenScales> tokens, ScaleStream stream) {
      images = stream.images();
    }

    float[] all(int batch) {
      float[] all = new float[scales.stream().mapToInt(s -> s.length).sum()];
      int at = 0;
      for (int b = 0; b < batch; b++) {
        for (float[] scale : scales) {
          int length = scale.length / batch;
          System.arraycopy(scale, b * length, all, at, length);
          at += length;
        }
      }
      return all;
    }
  }

  @Test
  void guidedGreedyDecodingAgrees() {
    Logits logits = new Logits();
    List<TokenScales> tokens =
        new VarDecoding(generator, tokenizer)
            .decode(
                labels(),
                request(0, golden.config().get("cfg").asDouble()),
                GenerationListener.NONE,
                logits);
    assertThat(tokens.stream().flatMapToInt(t -> Arrays.stream(t.codes())).asLongStream().toArray())
        .containsExactly(golden.expected().integers("gen.idx"));
    golden.assertClose("gen.logits", logits.all(2));
    float[] images = new float[2 * logits.images.get(0).pixels().length];
    for (int b = 0; b < 2; b++) {
      float[] pixels = logits.images.get(b).pixels();
      System.arraycopy(pixels, 0, images, b * pixels.length, pixels.length);
    }
    golden.assertClose("gen.image", images);
    assertThat(tokenizer.decode(tokens).get(1).pixels())
        .containsExactly(logits.images.get(1).pixels(), within(1e-5f));
  }

  @Test
  void logitsOfTrainingAgree() {
    try (TensorScope scope = TensorScope.open()) {
      Tensor ids = scope.longs(golden.expected().integers("enc.idx"), 1, config.tokens());
      Tensor hints = tokenizer.hints(scope, ids);
      Tensor label = scope.longs(new long[] {labels().get(0)}, 1);
      golden.assertClose("train.logits", generator.call(scope, "full", label, hints).toFloats());
    }
  }

  @Test
  void cachedStepsGiveTheLogitsOfOnePassOverAll() {
    Logits cached = new Logits();
    List<TokenScales> tokens =
        new VarDecoding(generator, tokenizer)
            .decode(labels(), request(1, 0), GenerationListener.NONE, cached);
    try (TensorScope scope = TensorScope.open()) {
      long[] codes =
          tokens.stream().flatMapToInt(t -> Arrays.stream(t.codes())).asLongStream().toArray();
      Tensor hints = tokenizer.hints(scope, scope.longs(codes, 2, config.tokens()));
      Tensor labels = scope.longs(labels().stream().mapToLong(i -> i).toArray(), 2);
      assertThat(cached.all(2))
          .containsExactly(generator.call(scope, "full", labels, hints).toFloats(), within(1e-4f));
    }
  }

  @Test
  void filteredProbabilitiesAgree() {
    JsonNode filter = golden.config().get("filter");
    try (TensorScope scope = TensorScope.open()) {
      float[] values = golden.inputs().floats("filter.logits");
      int rows = values.length / config.codes();
      float[] draws = new float[4 * rows];
      Arrays.fill(draws, rows, 2 * rows, 1); // temperature
      Arrays.fill(draws, 2 * rows, 3 * rows, filter.get("top_k").asInt());
      Arrays.fill(draws, 3 * rows, 4 * rows, (float) filter.get("top_p").asDouble());
      golden.assertClose(
          "filter.probs",
          generator
              .call(
                  scope,
                  "filtered",
                  scope.floats(values, rows, config.codes()),
                  scope.floats(draws, 4, rows))
              .toFloats());
    }
  }

  @Test
  void anImageDoesNotDependOnItsNeighbours() {
    VarDecoding decoding = new VarDecoding(generator, tokenizer);
    ScaleNothing nothing = new ScaleNothing();
    List<TokenScales> both =
        decoding.decode(labels(), request(1, 1.5), GenerationListener.NONE, nothing);
    GenerationRequest second =
        new GenerationRequest(
            labels().subList(1, 2),
            2,
            request(1, 1.5).options(),
            GenerationRequest.Mode.NBP,
            List.of());
    assertThat(
            decoding
                .decode(second.classes(), second, GenerationListener.NONE, nothing)
                .get(0)
                .codes())
        .containsExactly(both.get(1).codes());
    assertThat(
            decoding
                .decode(labels(), request(1, 1.5), GenerationListener.NONE, nothing)
                .get(0)
                .codes())
        .containsExactly(both.get(0).codes());
  }

  private static final class ScaleNothing implements VarDecoding.ScaleWatcher {}

  @Test
  void packedBfloat16StaysNear() {
    try (VarGenerator half = loadGenerator(Numerics.inference(Dtype.BFLOAT16));
        TensorScope scope = TensorScope.open()) {
      Tensor ids = scope.longs(golden.expected().integers("enc.idx"), 1, config.tokens());
      Tensor hints = tokenizer.hints(scope, ids);
      Tensor label = scope.longs(new long[] {labels().get(0)}, 1);
      float[] exact = generator.call(scope, "full", label, hints).toFloats();
      float[] near = half.call(scope, "full", label, hints).toFloats();
      double error = 0;
      for (int i = 0; i < exact.length; i++) {
        error += Math.abs(exact[i] - near[i]) / exact.length;
      }
      assertThat(error).isLessThan(0.05);
    }
  }

  @Test
  void aGenerationCanBeCancelledBetweenScales() {
    GenerationListener impatient =
        new GenerationListener() {
          private int steps;

          @Override
          public void step(int done, int total) {
            steps = done;
          }

          @Override
          public boolean cancelled() {
            return steps == 2;
          }
        };
    assertThatThrownBy(
            () ->
                new VarDecoding(generator, tokenizer)
                    .decode(labels(), request(1, 0), impatient, new ScaleNothing()))
        .isInstanceOfSatisfying(
            EngineFailure.class, e -> assertThat(e.code()).isEqualTo(FailureCode.CANCELLED))
        .hasMessage("the generation was cancelled at scale 2 of 4");
  }

  @Test
  void publishedSizesHaveThePublishedNumbersOfWeights() {
    assertThat(weights(16, false)).isEqualTo(310_283_520);
    assertThat(weights(20, false) / 1e6).isEqualTo(600.9, within(0.05));
    assertThat(weights(24, false) / 1e6).isEqualTo(1033.4, within(0.05));
    assertThat(weights(30, false) / 1e6).isEqualTo(2010.0, within(0.05));
  }

  private static long weights(int depth, boolean shared) {
    VarConfig published =
        new VarConfig(depth, depth, 64 * depth, 1000, 32, 4096, VqConfig.OFFICIAL.scales(), shared);
    return new Var(published).weights().stream().mapToLong(w -> w.elements()).sum();
  }
}
