package dev.blockreel.sampler;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.ModelImport;
import dev.blockreel.golden.GoldenCase;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What cannot be imported is refused in one line, and nothing is left behind. */
class ModelImportRefusalTest {
  private static final Map<String, String> PREDICT =
      Map.of("n_head", "4", "token_number_per_step", "8", "unconditional", "True");

  @TempDir private Path folder;
  @TempDir private Path models;

  @AfterEach
  void nothingIsLeft() throws IOException {
    try (Stream<Path> entries = Files.list(models)) {
      assertThat(entries).isEmpty();
    }
  }

  private void refused(ModelImport request, FailureCode code, String... parts) {
    EngineFailure failure =
        catchThrowableOfType(EngineFailure.class, () -> request.to(models.resolve("model")));
    assertThat(failure).hasMessageContainingAll(parts);
    assertThat(failure.code()).isEqualTo(code);
    assertThat(failure.getMessage()).hasLineCount(1);
  }

  private static ModelImport generator(Path file, Map<String, String> hyperParameters) {
    return new ModelImport(
        null,
        file,
        null,
        new ModelImport.Grid(5, 4, 4),
        0,
        List.of(),
        hyperParameters,
        ElementType.F32);
  }

  private static ModelImport tokenizer(Path file) {
    return new ModelImport(file, null, null, null, 0, List.of(), Map.of(), ElementType.F32);
  }

  /** Some golden tensors as safetensors, renamed or left out, and one more. */
  private Path changed(
      String golden,
      String file,
      String dictionary,
      UnaryOperator<String> rename,
      String extra,
      long... shape) {
    Path target = folder.resolve("changed.safetensors");
    try (GoldenCase data = new GoldenCase(golden);
        TensorFile tensors = TorchFile.open(data.file(file), dictionary)) {
      SafetensorsWriter writer = SafetensorsWriter.to(target);
      TensorFile renamed = tensors.renamed(rename);
      renamed.names().forEach(name -> writer.add(renamed, name, ElementType.F32));
      int elements = 1;
      for (long size : shape) {
        elements *= (int) size;
      }
      writer.addFloats(extra, shape, new float[elements]);
      writer.write();
    }
    return target;
  }

  private Path predict(UnaryOperator<String> rename, String extra, long... shape) {
    return changed(
        "nbp-gpt-predict", "nbp-gpt-predict-public.ckpt", "state_dict", rename, extra, shape);
  }

  private Path magvit2(UnaryOperator<String> rename, String extra, long... shape) {
    return changed("nbp-tokenizer", "magvit2_public.pt", "model_state_dict", rename, extra, shape);
  }

  @Test
  void generatorsWithTensorsTooFewTooManyOrMisshapedAreRefused() {
    String ln = "transformer.blocks.1.ln1.weight";
    refused(
        generator(predict(n -> n.equals(ln) ? null : n, "transformer.odd", 3), PREDICT),
        FailureCode.CHECKPOINT_MISMATCH,
        "1 missing: " + ln,
        "1 unexpected: transformer.odd");
    refused(
        generator(predict(n -> n.equals(ln) ? null : n, ln, 3), PREDICT),
        FailureCode.CHECKPOINT_MISMATCH,
        ln + " is [3] instead of [64]");
    refused(
        generator(
            predict(n -> n.endsWith("tok_emb.weight") ? null : n, "transformer.odd", 3), PREDICT),
        FailureCode.CHECKPOINT_MISMATCH,
        "holds no NBP transformer");
  }

  @Test
  void tokenizersWithTensorsTooFewTooManyOrMisshapedAreRefused() {
    String conv = "module.decoder_layers.3.fn.2.conv.weight";
    refused(
        tokenizer(magvit2(n -> n.equals(conv) ? null : n, "module.quantizer.codebook", 3)),
        FailureCode.CHECKPOINT_MISMATCH,
        "1 missing: " + conv.substring(7),
        "1 unexpected: quantizer.codebook");
    refused(
        tokenizer(magvit2(n -> n.equals(conv) ? null : n, conv, 3)),
        FailureCode.CHECKPOINT_MISMATCH,
        "is [3] instead of [32, 32, 3, 3, 3]");
    String unit = "module.encoder_layers.3.fn.2.conv.weight";
    refused(
        tokenizer(magvit2(n -> n.equals(unit) ? null : n, "module.odd", 3)),
        FailureCode.CHECKPOINT_MISMATCH,
        "has no tensor");
    refused(
        tokenizer(magvit2(n -> n.contains("decoder") ? null : n, "module.odd", 3)),
        FailureCode.CHECKPOINT_MISMATCH,
        "has no decoder");
  }

  @ParameterizedTest
  @CsvSource({
    "n_layer=3, CHECKPOINT_MISMATCH, 'n_layer is 3, the tensors have 2'",
    "hybrid=True, CHECKPOINT_MISMATCH, contradict",
    "cond_token_num=1, CHECKPOINT_MISMATCH, 'uncond_embedding has 0 rows'",
    "unconditional=False, UNSUPPORTED, only hybrid models",
    "n_head=5, CHECKPOINT_MISMATCH, heads that divide the width",
    "n_head=many, CHECKPOINT_MISMATCH, 'n_head is many: expected a whole number'",
    "n_heads=2, BAD_REQUEST, 'unknown hyper-parameter \"n_heads\": near n_head'",
    "token_number_per_step=7, BAD_REQUEST, whole number of blocks"
  })
  void hyperParametersThatContradictTheTensorsAreRefused(
      String pair, FailureCode code, String part) {
    Map<String, String> parameters = new LinkedHashMap<>(PREDICT);
    parameters.put(pair.substring(0, pair.indexOf('=')), pair.substring(pair.indexOf('=') + 1));
    refused(generator(predict(n -> n, "first_stage_model.odd", 3), parameters), code, part);
  }

  @Test
  void whatTensorsDoNotShowMustBeGiven() {
    refused(
        generator(predict(n -> n, "first_stage_model.odd", 3), Map.of()),
        FailureCode.BAD_REQUEST,
        "no hyper-parameters",
        "--hyper");
    try (GoldenCase text = new GoldenCase("nbp-gpt-hybrid-text")) {
      refused(
          generator(text.file("nbp-gpt-hybrid-text-public.ckpt"), Map.of()),
          FailureCode.BAD_REQUEST,
          "--codes");
    }
  }

  @Test
  void levelsThatNobodyCanCountAreRefused() {
    Path file = magvit2(n -> n, "module.odd", 3);
    refused(
        new ModelImport(
            file,
            null,
            null,
            null,
            0,
            List.of(2000, 2000, 2000, 5, 5, 5),
            Map.of(),
            ElementType.F32),
        FailureCode.BAD_REQUEST,
        "[2000, 2000, 2000, 5, 5, 5] make more than 16777216 codes");
  }

  @Test
  void whatFp16CannotHoldIsNotMadeInfinite() {
    String bias = "transformer.ln_f.bias";
    Path target = folder.resolve("large.safetensors");
    try (GoldenCase data = new GoldenCase("nbp-gpt-predict");
        TensorFile tensors =
            TorchFile.open(data.file("nbp-gpt-predict-public.ckpt"), "state_dict").unwrapped()) {
      SafetensorsWriter writer = SafetensorsWriter.to(target);
      for (String name : tensors.names()) {
        if (name.equals(bias)) {
          float[] values = tensors.floats(name);
          values[3] = 1e6f;
          writer.addFloats(name, tensors.info(name).shape(), values);
        } else {
          writer.add(tensors, name, ElementType.F32);
        }
      }
      writer.write();
    }
    ModelImport.Grid grid = new ModelImport.Grid(5, 4, 4);
    refused(
        new ModelImport(null, target, null, grid, 0, List.of(), PREDICT, ElementType.F16),
        FailureCode.BAD_REQUEST,
        bias,
        "holds 1000000.0",
        "65504");
  }

  @Test
  void partsOfAModelDirectoryAreNoPublishedFiles() throws IOException {
    Path own =
        Files.move(
            magvit2(n -> n, "module.odd", 3),
            Files.createDirectory(folder.resolve("own")).resolve("tokenizer.safetensors"));
    Files.writeString(own.resolveSibling("model.json"), "{}");
    refused(tokenizer(own), FailureCode.BAD_REQUEST, "is part of the model directory", "--model");
  }

  @Test
  void aTokenizerAndAGeneratorOfOtherCodesAreRefused() {
    try (GoldenCase one = new GoldenCase("nbp-tokenizer");
        GoldenCase other = new GoldenCase("nbp-gpt-predict")) {
      refused(
          new ModelImport(
              one.file("magvit2_public.pt"),
              other.file("nbp-gpt-predict-public.ckpt"),
              null,
              null,
              0,
              List.of(),
              Map.of(),
              ElementType.F32),
          FailureCode.CHECKPOINT_MISMATCH,
          "leave 100 for video codes",
          "64000");
    }
  }

  @Test
  void hostilePicklesAreRefusedAndNothingRuns() throws IOException {
    Path witness = folder.resolve("ran");
    String command = "touch " + witness;
    byte[] pickle =
        ("\u0080\2}X\12\0\0\0state_dictcos\nsystem\n(X"
                + (char) command.length()
                + "\0\0\0"
                + command
                + "tRs.")
            .getBytes(ISO_8859_1);
    Path file = folder.resolve("hostile.ckpt");
    try (OutputStream out = Files.newOutputStream(file);
        ZipOutputStream zip = new ZipOutputStream(out)) {
      ZipEntry entry = new ZipEntry("archive/data.pkl");
      CRC32 crc = new CRC32();
      crc.update(pickle);
      entry.setMethod(ZipEntry.STORED);
      entry.setSize(pickle.length);
      entry.setCrc(crc.getValue());
      zip.putNextEntry(entry);
      zip.write(pickle);
    }
    refused(generator(file, Map.of()), FailureCode.UNSAFE_CHECKPOINT, "os.system");
    refused(tokenizer(file), FailureCode.UNSAFE_CHECKPOINT, "os.system");
    assertThat(witness).doesNotExist();
  }

  @Test
  void anImportThatFailsAfterItsWeightsWereWrittenLeavesNothing() throws IOException {
    Path texts = Files.writeString(folder.resolve("tokenizer.json"), "no JSON");
    try (GoldenCase golden = new GoldenCase("nbp-gpt-predict")) {
      Path file = golden.file("nbp-gpt-predict-public.ckpt");
      ModelImport request =
          new ModelImport(null, file, texts, null, 0, List.of(), Map.of(), ElementType.BF16);
      refused(request, FailureCode.BAD_REQUEST, "is no tokenizer.json");
    }
  }

  @Test
  void anInterruptedImportLeavesNothing() {
    try (GoldenCase golden = new GoldenCase("nbp-gpt-predict")) {
      ModelImport request = generator(golden.file("nbp-gpt-predict-public.ckpt"), Map.of());
      Thread.currentThread().interrupt();
      EngineFailure failure =
          catchThrowableOfType(EngineFailure.class, () -> request.to(models.resolve("model")));
      assertThat(Thread.interrupted()).isTrue();
      assertThat(failure.code()).isEqualTo(FailureCode.MEDIA);
    }
  }
}
