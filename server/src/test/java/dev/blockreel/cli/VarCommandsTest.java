package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A VQ autoencoder and a VAR generator from data to images, by commands alone. */
class VarCommandsTest {
  private static final String SCHEDULE =
      """
      {"steps": 2, "batch": 2, "learningRate": 0.001, "warmup": 1, "weightDecay": 0.01,
       "beta1": 0.9, "beta2": 0.99, "clip": 1, "ema": 0.9, "dtype": "fp32", "seed": 1,
       "saveMinutes": 5, "previewSteps": 2, "optimizer": "adamw"}\
      """;

  private static final String TOKENIZER =
      """
      {"kind": "vq",
       "tokenizer": {
         "network": {"patch": 2, "width": 8, "multipliers": [1, 1], "units": 1,
           "encoderAttention": [], "decoderAttention": [], "fusedAttention": true, "groups": 4},
         "channels": 4, "codes": 8, "scales": [1, 2, 4], "refinements": 2},
       "clips": {"frames": 2, "height": 16, "width": 16, "fps": 8},
       "trainFrames": 1, "initial": null, "decoderOnly": false,
       "losses": {"absolute": 1, "squared": 1, "gradient": 1}, "quantisation": 1,
       "training": %s}\
      """
          .formatted(SCHEDULE);

  private static final String GENERATOR =
      """
      {"kind": "var", "tokenizer": "%s",
       "generator": {"layers": 1, "heads": 2, "width": 8},
       "images": 2, "initial": null, "conditionDropout": 0.1,
       "sampling": {"temperature": 1, "topK": 0, "topP": 1, "cfg": 1.5},
       "training": %s, "licence": "CC0", "attribution": "nobody"}\
      """;

  @TempDir private Path folder;

  @Test
  void aTrainedModelEncodesDecodesAndGenerates() throws IOException {
    Path data = folder.resolve("data");
    for (String name : new String[] {"black/a.mkv", "grey/a.mkv"}) {
      float[] pixels = new float[3 * 2 * 16 * 16];
      Arrays.fill(pixels, name.startsWith("grey") ? 0.5f : 0);
      ClipWriter.write(data.resolve(name), new Clip(pixels, 2, 16, 16, 8));
    }
    train("tokenizer", TOKENIZER, data, folder.resolve("codes")).worked();
    Path tokenizer = folder.resolve("codes/model");
    Path clip = data.resolve("grey/a.mkv");
    assertThat(CommandLineRun.of("reconstruct", clip, "--model", tokenizer).worked().out())
        // 21 tokens of 3 bits for 256 pixels
        .contains("0.2461 bits per pixel");
    Path tokens = folder.resolve("tokens.safetensors");
    assertThat(
            CommandLineRun.of("encode", clip, "--model", tokenizer, "--out", tokens).worked().out())
        .contains("1 grid of 1x1, 2x2, 4x4 tokens from 1 frame");
    try (TensorFile file = Safetensors.open(tokens)) {
      assertThat(file.names()).containsExactly("tokens.0", "tokens.1", "tokens.2");
    }
    CommandLineRun.of(
            "decode", tokens, "--model", tokenizer, "--out", folder.resolve("decoded.png"))
        .worked();
    refusesWhatDoesNotFit(tokenizer);

    train("generator", GENERATOR.formatted(tokenizer, SCHEDULE), data, folder.resolve("var"))
        .worked();
    assertThat(folder.resolve("var/previews")).isDirectoryContaining("glob:**.png");
    Path model = folder.resolve("var/model");
    Path out = folder.resolve("made.safetensors");
    CommandLineRun.of(
            "generate", "--model", model, "--class", "grey,black", "--count", 2, "--out", out)
        .worked();
    try (TensorFile file = Safetensors.open(out)) {
      assertThat(file.info("tokens.2").shape()).containsExactly(4, 4, 4);
      assertThat(file.info("video").shape()).containsExactly(4, 3, 1, 16, 16);
    }
    CommandLineRun.of("generate", "--model", model, "--class", "grey", "--out", folder).worked();
    assertThat(folder.resolve("grey_seed00001.png")).exists();
    CommandLineRun.of("generate", "--model", model, "--class", "pink")
        .failedWith(2, "unknown class \"pink\"");
    CommandLineRun.of("generate", "--model", model, "--class", "grey", "--mode", "ntp")
        .failedWith(2, "it has no mode ntp");
    assertThat(CommandLineRun.of("inspect", model, "--script").worked().out())
        .contains("class Vq(Module)", "class Var(Module)");
  }

  private void refusesWhatDoesNotFit(Path tokenizer) {
    Path few = folder.resolve("few.safetensors");
    SafetensorsWriter.to(few)
        .addInts("tokens.0", new long[] {1, 1, 1}, new int[1])
        .addInts("tokens.1", new long[] {1, 2, 2}, new int[4])
        .write();
    CommandLineRun.of("decode", few, "--model", tokenizer, "--out", folder.resolve("x.png"))
        .failedWith(2, "tokens of 1x1, 2x2: this model has scales of sides [1, 2, 4]");
    Path outside = folder.resolve("outside.safetensors");
    SafetensorsWriter.to(outside)
        .addInts("tokens.0", new long[] {1, 1, 1}, new int[] {8})
        .addInts("tokens.1", new long[] {1, 2, 2}, new int[4])
        .addInts("tokens.2", new long[] {1, 4, 4}, new int[16])
        .write();
    CommandLineRun.of("decode", outside, "--model", tokenizer, "--out", folder.resolve("x.png"))
        .failedWith(2, "token 0 of scale 0 is 8: this model has codes 0 to 7");
    Path flat = folder.resolve("flat.safetensors");
    SafetensorsWriter.to(flat).addInts("tokens", new long[] {1, 1, 4, 4}, new int[16]).write();
    CommandLineRun.of("decode", flat, "--model", tokenizer, "--out", folder.resolve("x.png"))
        .failedWith(2, "this tokenizer decodes tokens of several scales: got tokens");
    assertThat(folder.resolve("x.png")).doesNotExist();
  }

  private CommandLineRun train(String what, String recipe, Path data, Path out) throws IOException {
    Path config = Files.writeString(folder.resolve("recipe.json"), recipe);
    return CommandLineRun.of("train", what, "--config", config, "--data", data, "--out", out);
  }
}
