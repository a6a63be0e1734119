package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.Opaque;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.generator.ModelImport;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.golden.GoldenCase;
import dev.blockreel.golden.LegacyCheckpoint;
import dev.blockreel.grid.Clip;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.sampler.GenerationRequest.Mode;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Official files become model directories that give what the authors' code gave. */
class ModelImportTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "nbp-gpt-hybrid, 0, zip",
    "nbp-gpt-hybrid, 0, legacy",
    "nbp-gpt-hybrid, 0, safetensors",
    "nbp-gpt-hybrid-text, 100, zip",
    "nbp-gpt-predict, 0, zip",
    "nbp-gpt-predict, 0, safetensors",
    "nbp-gpt-ntp, 0, zip",
    "nbp-gpt-ntp-class, 0, legacy"
  })
  void generatorsTakeTheAuthorsTokens(String name, int codes, String format) {
    try (GoldenCase golden = new GoldenCase(name)) {
      Path file = inFormat(format, golden.file(name + "-public.ckpt"));
      importer(null, file, codes, Map.of(), ElementType.F32).to(folder.resolve("model"));

      ModelDirectory model = ModelDirectory.open(folder.resolve("model"));
      model.verify();
      try (NbpGenerator generator =
          NbpGenerator.load(model, Numerics.plain(), TokenSampling::write)) {
        NbpGenerator.Description description = generator.description();
        JsonNode latent = golden.config().get("latent");
        // The grid follows from the hyper-parameters, or else comes with the request.
        assertThat(List.of(description.time(), description.height(), description.width()))
            .containsExactly(latent.get(0).asInt(), latent.get(1).asInt(), latent.get(2).asInt());
        assertThat(greedyCodes(generator, golden))
            .containsExactlyElementsOf(longs(golden.expected(), "sample.codes"));
      }
    }
  }

  private ModelImport importer(
      Path tokenizer,
      Path generator,
      int codes,
      Map<String, String> hyperParameters,
      ElementType type) {
    return new ModelImport(
        tokenizer, generator, null, null, codes, List.of(), hyperParameters, type);
  }

  private static List<Long> greedyCodes(NbpGenerator generator, GoldenCase golden) {
    NbpConfig config = generator.description().network();
    List<int[]> given = rows(golden.inputs(), "sample.x");
    List<int[]> conditions = given.stream().map(row -> new int[0]).toList();
    if (config.hybrid()) {
      given = conditions;
      conditions = rows(golden.inputs(), "c_indices");
    }
    List<NbpStream> streams = new ArrayList<>();
    for (int i = 0; i < given.size(); i++) {
      streams.add(
          new NbpStream(
              generator.description(),
              conditions.get(i),
              given.get(i),
              SamplingOptions.GREEDY,
              Mode.NBP,
              1));
    }
    return Streams.decode(generator, streams, null).stream()
        .flatMapToInt(Arrays::stream)
        .mapToObj(code -> (long) code)
        .toList();
  }

  private static List<int[]> rows(TensorFile file, String tensor) {
    long[] all = file.integers(tensor);
    int width = (int) file.info(tensor).shape()[1];
    List<int[]> rows = new ArrayList<>();
    for (int at = 0; at < all.length; at += width) {
      rows.add(Arrays.stream(all, at, at + width).mapToInt(Math::toIntExact).toArray());
    }
    return rows;
  }

  private static List<Long> longs(TensorFile file, String tensor) {
    return Arrays.stream(file.integers(tensor)).boxed().toList();
  }

  private Path inFormat(String format, Path checkpoint) {
    return switch (format) {
      case "legacy" -> LegacyCheckpoint.of(checkpoint, folder.resolve("old.ckpt"));
      case "safetensors" -> safetensors(checkpoint, name -> name.replace("module.", ""));
      default -> checkpoint;
    };
  }

  /** The tensors of a Lightning checkpoint, with what they do not show as metadata. */
  private Path safetensors(Path checkpoint, UnaryOperator<String> rename) {
    Path target = folder.resolve("published.safetensors");
    try (TorchFile torch = TorchFile.read(checkpoint)) {
      TensorFile tensors = torch.tensors("state_dict");
      SafetensorsWriter writer = SafetensorsWriter.to(target);
      metadata(torch).forEach(writer::metadata);
      TensorFile renamed = tensors.renamed(rename);
      renamed.names().forEach(name -> writer.add(renamed, name, ElementType.F32));
      writer.write();
    }
    return target;
  }

  private static Map<String, String> metadata(TorchFile torch) {
    Map<?, ?> parameters = (Map<?, ?>) ((Map<?, ?>) torch.root()).get("hyper_parameters");
    Map<String, Object> stored = ((Opaque) parameters.get("args")).state();
    Map<String, String> metadata = new LinkedHashMap<>(Map.of("format", "pt"));
    stored.forEach(
        (name, value) -> {
          if (value != null) {
            metadata.put(name, String.valueOf(value));
          }
        });
    return metadata;
  }

  @ParameterizedTest
  @CsvSource({"zip", "legacy"})
  void theTokenizerFindsTheAuthorsCodes(String format) {
    try (GoldenCase golden = new GoldenCase("nbp-tokenizer")) {
      Path file = golden.file("magvit2_public.pt");
      importer(inFormat(format, file), null, 0, Map.of(), ElementType.F32)
          .to(folder.resolve("model"));

      ModelDirectory model = ModelDirectory.open(folder.resolve("model"));
      try (Magvit2Tokenizer tokenizer = Magvit2Tokenizer.load(model, Numerics.plain())) {
        long[] shape = golden.inputs().info("video_1f").shape(); // (B, 3, 1, H, W)
        float[] pixels = golden.inputs().floats("video_1f");
        int size = pixels.length / (int) shape[0];
        List<Long> codes = new ArrayList<>();
        for (int b = 0; b < shape[0]; b++) {
          float[] one = Arrays.copyOfRange(pixels, b * size, (b + 1) * size);
          Clip clip = new Clip(one, 1, (int) shape[3], (int) shape[4], 8);
          Arrays.stream(tokenizer.encode(clip).codes()).forEach(code -> codes.add((long) code));
        }
        assertThat(codes).containsExactlyElementsOf(longs(golden.expected(), "codes_1f"));
      }
    }
  }

  /** The published layout with text conditions, made narrow: 32000 pieces, 64000 codes. */
  private Path textConditioned() {
    NbpConfig sizes = new NbpConfig(1, 2, 8, 64, 16, 64_000, 8, 32_000, true, 0);
    SafetensorsWriter writer =
        SafetensorsWriter.to(folder.resolve("text.safetensors"))
            .metadata("n_head", "2")
            .metadata("token_number_per_step", "16")
            .metadata("hybrid", "True")
            .metadata("cond_token_num", "8")
            .metadata("cond_stage_key", "text");
    SplittableRandom random = new SplittableRandom(3);
    for (Weight weight : new Nbp(sizes).weights()) {
      float[] values = new float[(int) weight.elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextGaussian();
      }
      writer.addFloats(weight.name(), weight.shape(), values);
    }
    writer.write();
    return folder.resolve("text.safetensors");
  }

  @Test
  void textConditionedModelsAreAskedByClass() {
    Path out = folder.resolve("model");
    try (GoldenCase golden = new GoldenCase("nbp-tokenizer")) {
      new ModelImport(
              golden.file("magvit2_public.pt"),
              textConditioned(),
              null,
              new ModelImport.Grid(1, 4, 4),
              0,
              List.of(),
              Map.of(),
              ElementType.BF16)
          .to(out);
    }
    JsonNode json = ModelDirectory.open(out).description();
    assertThat(json.path("classes")).hasSize(101);
    assertThat(json.at("/conditions/0").toString()).isEqualTo("[1,3394,10977,1207,786,2,2,2]");
    assertThat(json.at("/imported/generator/sha256").asText()).hasSize(64);
    try (TensorFile weights = ModelDirectory.open(out).tensors(ModelDirectory.GENERATOR_FILE)) {
      assertThat(weights.names()).allMatch(name -> weights.info(name).type() == ElementType.BF16);
    }
    try (Pipeline pipeline = Pipeline.load(out, Dtype.FLOAT32)) {
      assertThat(pipeline.defaults()).isEqualTo(new SamplingOptions(1, 16_000, 0.9, 0, true));
      assertThat(pipeline.classNumber("apply eye makeup")).isZero();
      assertThat(pipeline.classNumber("ApplyEyeMakeup")).isZero();
      assertThat(pipeline.classNumber("yo yo")).isEqualTo(100);
      Clip clip = sample(pipeline, 0).clip();
      assertThat(List.of(clip.frames(), clip.height(), clip.width())).containsExactly(1, 32, 32);
      int[] codes = sample(pipeline, 0).tokens().codes();
      assertThat(codes).isEqualTo(sample(pipeline, 0).tokens().codes());
      assertThat(codes).isNotEqualTo(sample(pipeline, 100).tokens().codes());
    }
  }

  private static GeneratedClip sample(Pipeline pipeline, int label) {
    GenerationRequest request =
        new GenerationRequest(List.of(label), 1, pipeline.defaults(), Mode.NBP, List.of());
    return pipeline.generate(request, GenerationListener.NONE).get(0);
  }
}
