package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TorchFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.ModelImport;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.golden.GoldenCase;
import dev.blockreel.grid.LatentGrid;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class XarImportTest {
  @TempDir private Path folder;

  private Path imported(Path tokenizer, Path generator) {
    Path model = folder.resolve("model");
    new ModelImport(tokenizer, generator, null, null, 0, List.of(), Map.of(), ElementType.F32)
        .to(model);
    return model;
  }

  @ParameterizedTest
  @ValueSource(strings = {"checkpoint-last.pth", "xAR-tiny-public.pth"})
  void averagedWeightsOfATrainingAreThoseThatAreReleased(String file) {
    try (GoldenCase golden = new GoldenCase("xar-train-ckpt")) {
      ModelDirectory model = ModelDirectory.open(imported(null, golden.file(file)));
      assertThat(XarGenerator.describe(model).network().heads()).isEqualTo(2);
      try (XarGenerator generator = XarGenerator.load(model, Numerics.plain());
          TensorScope scope = TensorScope.open()) {
        int[] labels =
            Arrays.stream(golden.inputs().integers("labels")).mapToInt(Math::toIntExact).toArray();
        float[] t = golden.inputs().floats("t");
        // Both images may have their own time, which steps of a generation never have.
        for (int image = 0; image < 2; image++) {
          int[] times = {0, (int) (t[image] * 1000f)};
          Tensor conditions = generator.conditions(scope, labels, times);
          float[] velocity =
              generator.velocity(
                  golden.inputs().floats("x"), 2, conditions, 1, 0, 0, generator.cache(scope, 2));
          float[] both = golden.expected().floats("v_ema").clone();
          System.arraycopy(velocity, image * 1024, both, image * 1024, 1024);
          golden.assertClose("v_ema", both);
        }
      }
    }
  }

  @Test
  void anImportedModelRepeatsTheGuidedRunFromAFileOfNoise() {
    try (GoldenCase golden = new GoldenCase("xar");
        GoldenCase kl = new GoldenCase("xar-vae");
        Pipeline pipeline =
            Pipeline.load(
                imported(kl.file("kl16-public.ckpt"), golden.file("xAR-public.pth")),
                Dtype.FLOAT32)) {
      assertThat(pipeline.kind()).isEqualTo("xar");
      assertThat(List.of(pipeline.frames(), pipeline.height(), pipeline.width()))
          .isEqualTo(List.of(1, 256, 256));
      SamplingOptions usual = pipeline.defaults();
      SamplingOptions options = new SamplingOptions(1, 0, 1, 2.7, true, usual.flow().withSteps(5));
      assertThat(usual.flow().steps()).isEqualTo(40);
      try (TensorFile noise = Safetensors.open(noiseOf(golden))) {
        GenerationRequest request =
            new GenerationRequest(
                List.of(1, 7),
                1,
                options,
                GenerationRequest.Mode.NBP,
                List.of(),
                List.of(),
                pipeline.recordedNoise(noise, 2, options));
        List<GeneratedClip> made = pipeline.generate(request, GenerationListener.NONE);
        float[] latents = new float[2 * 16 * 16 * 16];
        for (int i = 0; i < 2; i++) {
          float[] values = ((LatentGrid) made.get(i).codes()).values();
          System.arraycopy(values, 0, latents, i * values.length, values.length);
        }
        golden.assertClose("sample.latents", latents);
        assertThatThrownBy(() -> pipeline.recordedNoise(noise, 3, options))
            .hasMessageContaining("noise.0.init")
            .hasMessageContaining("expected F32 [3, 64, 16]");
        SamplingOptions more = new SamplingOptions(1, 0, 1, 2.7, true, usual.flow());
        assertThatThrownBy(() -> pipeline.recordedNoise(noise, 2, more))
            .isInstanceOf(EngineFailure.class)
            .hasMessageContaining("noise.0.sde")
            .hasMessageContaining("expected F32 [39, 2, 64, 16]");
      }
    }
  }

  private Path noiseOf(GoldenCase golden) {
    Path file = folder.resolve("noise.safetensors");
    SafetensorsWriter writer = SafetensorsWriter.to(file);
    TensorFile noise =
        golden.inputs().renamed(name -> name.startsWith("sample.noise") ? name.substring(7) : null);
    noise.names().forEach(name -> writer.add(noise, name, ElementType.F32));
    writer.write();
    return file;
  }

  @Test
  void whatTheLossOfAnAutoencoderNeedsIsLeftOut() {
    try (GoldenCase kl = new GoldenCase("xar-vae")) {
      Path file = kl.file("kl16-public.ckpt");
      Path model = imported(changed(file, "none", "loss.logvar", "model"), null);
      try (TensorFile tensors = ModelDirectory.open(model).tensors(ModelDirectory.TOKENIZER_FILE)) {
        assertThat(tensors.names())
            .contains("encoder.conv_in.weight")
            .doesNotContain("loss.logvar");
      }
    }
  }

  @Test
  void filesThatMissTensorsOrHaveHeadsOfTwoSizesAreRefused() {
    try (GoldenCase golden = new GoldenCase("xar")) {
      Path file = golden.file("xAR-public.pth");
      refused(changed(file, "pred.bias", "mask"), "1 missing: pred.bias");
      String rotations = "decoder_blocks.0.attn.rope.freqs";
      refused(changed(file, rotations, rotations), "heads of the decoder have 5 frequencies");
    }
  }

  private void refused(Path generator, String message) {
    assertThatThrownBy(() -> imported(null, generator))
        .isInstanceOfSatisfying(
            EngineFailure.class,
            e -> assertThat(e.code()).isEqualTo(FailureCode.CHECKPOINT_MISMATCH))
        .hasMessageContaining(message);
    assertThat(folder.resolve("model")).doesNotExist();
  }

  /** The tensors of a dictionary without one of them, and with another of 5 floats. */
  private Path changed(Path file, String without, String more, String... dictionary) {
    Path target = folder.resolve("changed.safetensors");
    SafetensorsWriter writer = SafetensorsWriter.to(target);
    try (TensorFile whole = TorchFile.open(file, dictionary)) {
      TensorFile part =
          whole.renamed(name -> name.equals(without) || name.equals(more) ? null : name);
      part.names().forEach(name -> writer.add(part, name, ElementType.F32));
      writer.addFloats(more, ElementType.F32, new long[] {5}, new float[5]).write();
    }
    return target;
  }
}
