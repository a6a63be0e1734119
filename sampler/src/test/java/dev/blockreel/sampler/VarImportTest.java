package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.ModelImport;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.golden.GoldenCase;
import dev.blockreel.grid.TokenScales;
import dev.blockreel.nn.Numerics;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Published VAR files become model directories, or are refused in one line. */
class VarImportTest {
  @TempDir private Path folder;
  private GoldenCase golden;

  @BeforeEach
  void open() {
    golden = new GoldenCase("var");
  }

  @AfterEach
  void close() {
    golden.close();
  }

  private static ModelImport importer(Path tokenizer, Path generator, String... patchNums) {
    Map<String, String> hyper =
        patchNums.length == 0 ? Map.of() : Map.of("patch_nums", patchNums[0]);
    return new ModelImport(tokenizer, generator, null, null, 0, List.of(), hyper, ElementType.F32);
  }

  @Test
  void bothFilesMakeTheAuthorsImages() {
    Path out = folder.resolve("model");
    importer(golden.file("vae_public.pth"), golden.file("var_public.pth")).to(out);
    ModelDirectory model = ModelDirectory.open(out);
    model.verify();
    assertThat(model.description().at("/sampling/cfg").asDouble()).isEqualTo(1.5);
    assertThat(model.description().at("/imported/generator/file").asText())
        .isEqualTo("var_public.pth");
    try (VqTokenizer tokenizer = VqTokenizer.load(model, Numerics.plain());
        VarGenerator generator = VarGenerator.load(model, Numerics.plain(), VarDecoding::write)) {
      GenerationRequest request =
          new GenerationRequest(
              List.of(3, 5),
              1,
              new SamplingOptions(0, 0, 1, 1.5, true),
              GenerationRequest.Mode.NBP,
              List.of());
      List<TokenScales> tokens =
          new VarDecoding(generator, tokenizer)
              .decode(
                  request.classes(),
                  request,
                  GenerationListener.NONE,
                  new VarDecoding.ScaleWatcher() {});
      assertThat(
              tokens.stream().flatMapToInt(t -> Arrays.stream(t.codes())).asLongStream().toArray())
          .containsExactly(golden.expected().integers("gen.idx"));
    }
  }

  @Test
  void aTokenizerAloneNeedsItsScales() {
    Path file = golden.file("vae_public.pth");
    refused(
        importer(file, null),
        FailureCode.BAD_REQUEST,
        "does not say its scales: give its --generator, or --hyper patch_nums");
    refused(
        importer(file, null, "1,one"), FailureCode.BAD_REQUEST, "patch_nums are sides", "1,one");
    refused(importer(file, null, "1,3,2"), FailureCode.BAD_REQUEST, "ever larger", "[1, 3, 2]");
    importer(file, null, "1,2,3,4").to(folder.resolve("alone"));
    ModelDirectory model = ModelDirectory.open(folder.resolve("alone"));
    assertThat(VqTokenizer.describe(model).network().scales()).containsExactly(1, 2, 3, 4);
    assertThat(model.description().has("generator")).isFalse();
  }

  @Test
  void generatorsWithTensorsTooFewTooManyOrMisshapedAreRefused() {
    String bias = "blocks.1.attn.v_bias";
    refused(
        importer(null, changed("var_public.pth", n -> n.equals(bias) ? null : n, "odd")),
        FailureCode.CHECKPOINT_MISMATCH,
        "1 missing: " + bias,
        "1 unexpected: odd");
    refused(
        importer(null, changed("var_public.pth", n -> n.equals(bias) ? null : n, bias)),
        FailureCode.CHECKPOINT_MISMATCH,
        bias + " is [3] instead of [64]");
    refused(
        importer(null, changed("var_public.pth", n -> n.equals("lvl_1L") ? null : n, "odd")),
        FailureCode.BAD_REQUEST,
        "has no lvl_1L");
    String keyBias = "blocks.1.attn.zero_k_bias";
    refused(
        importer(null, changed("var_public.pth", n -> n.equals(keyBias) ? null : n, keyBias)),
        FailureCode.CHECKPOINT_MISMATCH,
        "tensor " + keyBias + ": got 1.0, expected zeros alone");
    refused(
        importer(null, golden.file("var_public.pth"), "1,2,3,5"),
        FailureCode.CHECKPOINT_MISMATCH,
        "pos_1LC is [1, 30, 64] instead of [1, 39, 64]");
  }

  @Test
  void convolutionsThatAllScalesShareOrNoneSharesHaveNamesOfTheirOwn() {
    String each = "quantize.quant_resi.qresi_ls.";
    Path shared =
        changed(
            "vae_public.pth",
            n ->
                n.startsWith(each + "0")
                    ? n.replace(each + "0", "quantize.quant_resi.qresi")
                    : n.startsWith(each) || n.endsWith("SV") ? null : n,
            "quantize.ema_vocab_hit_SV");
    importer(shared, null, "1,2,3,4").to(folder.resolve("shared"));
    assertThat(refinements("shared")).isEqualTo(1);

    Path own =
        changed(
            "vae_public.pth",
            n -> n.endsWith("SV") ? null : n.replace(each, "quantize.quant_resi."),
            "quantize.ema_vocab_hit_SV");
    importer(own, null, "1,2,3,4").to(folder.resolve("own"));
    assertThat(refinements("own")).isEqualTo(4);
  }

  private int refinements(String model) {
    return VqTokenizer.describe(ModelDirectory.open(folder.resolve(model))).network().refinements();
  }

  @Test
  void tokenizersWithTensorsTooFewTooManyOrMisshapedAreRefused() {
    String conv = "decoder.up.2.block.0.conv1.weight";
    refused(
        importer(changed("vae_public.pth", n -> n.equals(conv) ? null : n, "odd"), null, "1,2,3,4"),
        FailureCode.CHECKPOINT_MISMATCH,
        "1 missing: " + conv,
        "1 unexpected: odd");
    refused(
        importer(
            changed("vae_public.pth", n -> n.startsWith("encoder.conv_in") ? null : n, "odd"),
            null,
            "1,2,3,4"),
        FailureCode.CHECKPOINT_MISMATCH,
        "no tensor",
        "encoder.conv_in.weight");
    refused(
        importer(
            changed(
                "vae_public.pth",
                n -> n.equals("quantize.embedding.weight") ? null : n,
                "quantize.embedding.weight"),
            null,
            "1,2,3,4"),
        FailureCode.CHECKPOINT_MISMATCH,
        "expected 2 dimensions");
  }

  @Test
  void optionsOfOtherFamiliesAreRefused() {
    refused(
        new ModelImport(
            null,
            golden.file("var_public.pth"),
            null,
            null,
            0,
            List.of(),
            Map.of("n_head", "4"),
            ElementType.F32),
        FailureCode.BAD_REQUEST,
        "VAR has no hyper-parameter n_head");
    refused(
        new ModelImport(
            null,
            golden.file("var_public.pth"),
            null,
            new ModelImport.Grid(1, 4, 4),
            0,
            List.of(),
            Map.of(),
            ElementType.F32),
        FailureCode.BAD_REQUEST,
        "leave --text-tokenizer, --grid, --codes and --levels out");
  }

  private void refused(ModelImport request, FailureCode code, String... parts) {
    Path out = folder.resolve("refused");
    EngineFailure failure = catchThrowableOfType(EngineFailure.class, () -> request.to(out));
    assertThat(failure).hasMessageContainingAll(parts);
    assertThat(failure.code()).isEqualTo(code);
    assertThat(failure.getMessage()).hasLineCount(1);
    assertThat(out).doesNotExist();
  }

  /** Some golden tensors as safetensors, renamed or left out, and one more of 3 floats. */
  private Path changed(String file, UnaryOperator<String> rename, String extra) {
    Path target = folder.resolve("changed.safetensors");
    try (TensorFile tensors = TorchFile.open(golden.file(file))) {
      SafetensorsWriter writer = SafetensorsWriter.to(target);
      TensorFile renamed = tensors.renamed(rename);
      for (String name : renamed.names()) {
        if (renamed.info(name).type().isFloat()) {
          writer.add(renamed, name, ElementType.F32);
        } else {
          int[] values = Arrays.stream(renamed.integers(name)).mapToInt(Math::toIntExact).toArray();
          writer.addInts(name, renamed.info(name).shape(), values);
        }
      }
      writer.addFloats(extra, ElementType.F32, new long[] {3}, new float[] {1, 2, 3}).write();
    }
    return target;
  }
}
