package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpLayout;
import dev.blockreel.golden.GoldenCase;
import dev.blockreel.nn.Numerics;
import dev.blockreel.sampler.GenerationRequest.Mode;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorList;
import dev.blockreel.script.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * NBP against the authors' code: training layout, logits, greedy decoding, filters and guidance.
 */
class NbpGoldenTest {
  private GoldenCase golden;
  private NbpGenerator generator;
  private NbpConfig config;
  private int batch;

  private void open(String name) {
    golden = new GoldenCase(name);
    JsonNode c = golden.config();
    config =
        new NbpConfig(
            c.get("n_layer").asInt(),
            c.get("n_head").asInt(),
            c.get("n_embd").asInt(),
            c.get("block_size").asInt(),
            c.get("token_number_per_step").asInt(),
            c.get("first_stage_vocab_size").asInt(),
            c.get("cond_token_num").asInt(),
            c.get("cond_stage_vocab_size").asInt(),
            c.get("hybrid").asBoolean(),
            0);
    assertThat(config.vocabulary()).isEqualTo(c.get("gpt_vocab_size").asInt());
    JsonNode latent = c.get("latent");
    NbpGenerator.Description description =
        new NbpGenerator.Description(
            "nbp", config, latent.get(0).asInt(), latent.get(1).asInt(), latent.get(2).asInt());
    String file = golden.description().at("/checkpoints/gpt/file").asText();
    try (TorchFile checkpoint = TorchFile.read(golden.file(file))) {
      TensorFile tensors = Nbp.publishedNames(checkpoint.tensors("state_dict").unwrapped());
      generator =
          NbpGenerator.load(
              description,
              tensors,
              Numerics.plain(),
              script -> {
                new Nbp(config).writeLoss(script, "", false);
                TokenSampling.write(script);
              });
    }
    batch = (int) golden.inputs().info("z_indices").shape()[0];
  }

  @AfterEach
  void close() {
    generator.close();
    golden.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nbp-gpt-hybrid",
        "nbp-gpt-hybrid-text",
        "nbp-gpt-predict",
        "nbp-gpt-ntp",
        "nbp-gpt-ntp-class"
      })
  void theTrainingLayoutItsLogitsAndItsLossAgree(String name) {
    open(name);
    NbpLayout layout = new NbpLayout(config);
    List<int[]> codes = rows("z_indices");
    List<Long> ids = new ArrayList<>();
    List<Long> targets = new ArrayList<>();
    for (int b = 0; b < batch; b++) {
      Arrays.stream(layout.input(conditions().get(b), codes.get(b))).forEach(ids::add);
      Arrays.stream(layout.target(codes.get(b))).forEach(targets::add);
    }
    assertThat(ids).containsExactlyElementsOf(expectedIds("train.input_ids"));
    assertThat(targets).containsExactlyElementsOf(expectedIds("train.target"));
    int length = ids.size() / batch;
    boolean[] mask = layout.mask(length);
    long[] wantedMask = golden.expected().integers("train.attn_mask");
    for (int i = 0; i < mask.length; i++) {
      assertThat(mask[i])
          .as("row %d column %d", i / length, i % length)
          .isEqualTo(wantedMask[i] == 1);
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor input = scope.longs(ids.stream().mapToLong(i -> i).toArray(), batch, length);
      Tensor seen = scope.booleans(mask, length, length);
      golden.assertClose(
          "train.logits", generator.call(scope, "logits", input, seen, length).toFloats());
      Tensor target =
          scope.longs(targets.stream().mapToLong(i -> i).toArray(), batch, targets.size() / batch);
      golden.assertClose(
          "train.loss",
          new float[] {generator.call(scope, "loss", input, target, seen).toFloats()[0]});
      if (golden.expected().names().contains("train.uncond_logits")) {
        long[] free =
            IntStream.range(0, batch)
                .mapToObj(
                    b -> layout.withoutCondition(layout.input(conditions().get(b), codes.get(b))))
                .flatMapToLong(Arrays::stream)
                .toArray();
        Tensor unconditional = scope.longs(free, batch, length);
        golden.assertClose(
            "train.uncond_logits",
            generator.call(scope, "logits", unconditional, seen, length).toFloats());
        golden.assertClose("train.uncond_logits", withoutCondition(scope, free, seen, length));
      }
    }
  }

  /** Logits of all positions, by a step of inference, when stand-ins take the condition's place. */
  private float[] withoutCondition(TensorScope scope, long[] input, Tensor seen, int length) {
    long[] positions = new long[input.length];
    long[] rows = new long[input.length];
    for (int i = 0; i < input.length; i++) {
      positions[i] = i % length;
      rows[i] = i;
    }
    try (TensorList masks = new TensorList(List.of(seen))) {
      return generator
          .call(
              scope,
              "step",
              scope.longs(input, input.length),
              scope.longs(positions, input.length),
              new long[] {0, length, 0, batch, 0, 0},
              masks,
              generator.cache(scope, batch),
              scope.longs(rows, rows.length))
          .toFloats();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nbp-gpt-hybrid",
        "nbp-gpt-hybrid-text",
        "nbp-gpt-predict",
        "nbp-gpt-ntp",
        "nbp-gpt-ntp-class"
      })
  void greedyDecodingWithTheCacheTakesTheSameTokens(String name) {
    open(name);
    Decoded decoded = decode(SamplingOptions.GREEDY);
    golden.assertClose("sample.step_logits", decoded.logits());
    assertThat(decoded.ids()).containsExactlyElementsOf(expectedIds("sample.tokens"));
    assertThat(decoded.codes).containsExactlyElementsOf(expectedIds("sample.codes"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nbp-gpt-hybrid",
        "nbp-gpt-hybrid-text",
        "nbp-gpt-predict",
        "nbp-gpt-ntp",
        "nbp-gpt-ntp-class"
      })
  void filteredProbabilitiesAgree(String name) {
    open(name);
    long[] shape = golden.expected().info("sample.step_logits").shape();
    int topK = golden.config().get("top_k").asInt();
    double topP = golden.config().get("top_p").asDouble();
    try (TensorScope scope = TensorScope.open()) {
      float[] values = golden.expected().floats("sample.step_logits");
      int vocabulary = (int) shape[shape.length - 1];
      int rows = values.length / vocabulary;
      float[] draws = new float[4 * rows];
      Arrays.fill(draws, rows, 2 * rows, 1);
      Arrays.fill(draws, 2 * rows, 3 * rows, topK);
      Arrays.fill(draws, 3 * rows, 4 * rows, (float) topP);
      Tensor logits = scope.floats(values, rows, vocabulary);
      golden.assertClose(
          "filter.probs",
          generator.call(scope, "filtered", logits, scope.floats(draws, 4, rows)).toFloats());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"nbp-gpt-hybrid", "nbp-gpt-hybrid-text", "nbp-gpt-ntp-class"})
  void guidanceAgrees(String name) {
    open(name);
    for (boolean scaled : new boolean[] {false, true}) {
      String prefix = scaled ? "cfg_scaled" : "cfg";
      Decoded decoded = decode(new SamplingOptions(0, 0, 1, 1.5, scaled));
      golden.assertClose(prefix + ".step_logits", decoded.logits());
      golden.assertClose(prefix + ".uncond_logits", decoded.unconditional());
      assertThat(decoded.ids()).containsExactlyElementsOf(expectedIds(prefix + ".tokens"));
    }
  }

  /** They differ between the clips of a batch, which have their own masks then. */
  @Test
  void thePaddingOfATextIsHiddenWhereTokensComeOneByOne() {
    open("nbp-gpt-ntp-text");
    Decoded decoded = decode(SamplingOptions.GREEDY);
    golden.assertClose("sample.step_logits", decoded.logits());
    assertThat(decoded.codes).containsExactlyElementsOf(expectedIds("sample.codes"));
    Decoded guided = decode(new SamplingOptions(0, 0, 1, 1.5, false));
    golden.assertClose("cfg.step_logits", guided.logits());
    assertThat(guided.ids()).containsExactlyElementsOf(expectedIds("cfg.tokens"));
  }

  /** Everything that a run of the decoder showed; logits step by step, (B,n,V) each. */
  private final class Decoded {
    private final List<float[]> guided = new ArrayList<>();
    private final List<float[]> raw = new ArrayList<>();
    private final List<Long> codes = new ArrayList<>();

    float[] logits() {
      return inOrder(guided, 0, batch);
    }

    float[] unconditional() {
      return inOrder(raw, batch, 2 * batch);
    }

    /** (B, all tokens, V) of the rows {@code from} to {@code to} of every step. */
    private float[] inOrder(List<float[]> steps, int from, int to) {
      int rows = steps == raw && to > batch ? 2 * batch : batch;
      int total = steps.stream().mapToInt(s -> s.length / rows).sum();
      float[] all = new float[(to - from) * total];
      for (int b = from; b < to; b++) {
        int at = (b - from) * total;
        for (float[] step : steps) {
          int size = step.length / rows;
          System.arraycopy(step, b * size, all, at, size);
          at += size;
        }
      }
      return all;
    }

    List<Long> ids() {
      float[] logits = logits();
      int vocabulary = config.vocabulary();
      List<Long> ids = new ArrayList<>();
      for (int at = 0; at < logits.length; at += vocabulary) {
        int best = 0;
        for (int v = 1; v < vocabulary; v++) {
          best = logits[at + v] > logits[at + best] ? v : best;
        }
        ids.add((long) best);
      }
      return ids;
    }
  }

  private Decoded decode(SamplingOptions options) {
    Decoded decoded = new Decoded();
    List<int[]> given = new ArrayList<>();
    for (int[] start : rows("sample.x", golden.inputs())) {
      given.add(config.hybrid() ? new int[0] : start);
    }
    List<NbpStream> streams = new ArrayList<>();
    for (int b = 0; b < batch; b++) {
      streams.add(
          new NbpStream(
              generator.description(), conditions().get(b), given.get(b), options, Mode.NBP, b));
    }
    Streams.decode(
            generator,
            streams,
            (raw, guided) -> {
              decoded.raw.add(raw.toFloats());
              decoded.guided.add(guided.toFloats());
            })
        .forEach(codes -> Arrays.stream(codes).forEach(code -> decoded.codes.add((long) code)));
    return decoded;
  }

  private List<int[]> conditions() {
    return config.hybrid() ? rows("c_indices") : List.of(new int[0], new int[0]);
  }

  private List<int[]> rows(String tensor) {
    return rows(tensor, golden.inputs());
  }

  private List<int[]> rows(String tensor, TensorFile file) {
    long[] all = file.integers(tensor);
    int size = all.length / batch;
    List<int[]> rows = new ArrayList<>();
    for (int b = 0; b < batch; b++) {
      rows.add(Arrays.stream(all, b * size, (b + 1) * size).mapToInt(Math::toIntExact).toArray());
    }
    return rows;
  }

  private List<Long> expectedIds(String tensor) {
    return Arrays.stream(golden.expected().integers(tensor)).boxed().toList();
  }
}
