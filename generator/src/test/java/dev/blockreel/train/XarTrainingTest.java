package dev.blockreel.train;

import static dev.blockreel.train.SmallTraining.SIDE;
import static dev.blockreel.train.SmallTraining.SILENT;
import static dev.blockreel.train.SmallTraining.losses;
import static dev.blockreel.train.SmallTraining.schedule;
import static dev.blockreel.train.SmallTraining.square;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.nn.Numerics;
import dev.blockreel.tokenizer.image.ImageNetwork;
import dev.blockreel.tokenizer.kl.KlConfig;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** KL autoencoders and xAR generators learn. */
class XarTrainingTest {
  @TempDir static Path folder;
  private static Path data;

  @BeforeAll
  static void makeClips() throws IOException {
    data = SmallTraining.clips(folder.resolve("clips"), "left", "right", SmallTraining::square);
  }

  private static KlRecipe tokenizerRecipe(String initial, int steps) {
    return new KlRecipe(
        "kl",
        new KlConfig(
            new ImageNetwork.Sizes(2, 8, List.of(1, 2), 1, List.of(), List.of(), false, 4), 4, 1),
        new TokenizerRecipe.ClipShape(2, SIDE, SIDE, 8),
        1,
        initial,
        /* decoderOnly: */ initial != null,
        new TokenizerRecipe.Losses(0.5, 4, 0.1),
        0.001,
        schedule(steps, 4, 100));
  }

  private static XarRecipe generatorRecipe(Path tokenizer, String entity, int frames, int steps) {
    return new XarRecipe(
        "xar",
        tokenizer.toString(),
        new XarRecipe.Sizes(1, 1, 2, 32, entity, frames),
        1,
        null,
        0.1,
        new XarRecipe.Sampling(1, 2, 4, "heun", "even", "constant"),
        schedule(steps, 8, 100),
        "CC0",
        "nobody");
  }

  private static Map<String, float[]> tensors(Path out) {
    Path file = out.resolve("model").resolve(ModelDirectory.TOKENIZER_FILE);
    try (TensorFile tensors = Safetensors.open(file)) {
      return tensors.names().stream().collect(Collectors.toMap(name -> name, tensors::floats));
    }
  }

  @Test
  void anAutoencoderLearnsAndGeneratorsLearnItsLatents() throws IOException {
    Path codes = folder.resolve("codes");
    TokenizerTraining.run(tokenizerRecipe(null, 100), data, codes, false, SILENT);
    double[] losses = losses(codes);
    assertThat(losses[losses.length - 1]).isLessThan(0.6 * losses[0]);

    Path sharper = folder.resolve("sharper");
    String learned = codes.resolve("model").toString();
    TokenizerTraining.run(tokenizerRecipe(learned, 3), data, sharper, false, SILENT);
    Map<String, float[]> before = tensors(codes);
    Map<String, float[]> after = tensors(sharper);
    assertThat(before.keySet()).isEqualTo(after.keySet());
    for (String name : before.keySet()) {
      boolean kept = name.startsWith("encoder.") || name.startsWith("quant_conv.");
      assertThat(Arrays.equals(before.get(name), after.get(name))).as(name).isEqualTo(kept);
    }

    Path images = folder.resolve("images");
    XarTraining.run(
        generatorRecipe(codes.resolve("model"), "cell:2", 1, 120),
        data,
        images,
        false,
        (model, picture) -> "",
        SILENT);
    losses = losses(images);
    assertThat(losses[losses.length - 1]).isLessThan(0.8 * losses[0]);
    ModelDirectory model = ModelDirectory.open(images.resolve("model"));
    model.verify();
    XarGenerator.load(model, Numerics.plain()).close();
    assertThat(model.description().path("sampling").path("solver").asText()).isEqualTo("heun");
    assertThat(model.description().at("/training/generator/data").asText())
        .isEqualTo("6 examples of 2 classes");
    assertThat(model.description().at("/training/generator/steps").asInt()).isEqualTo(120);
    assertThat(model.description().at("/training/tokenizer/steps").asInt()).isEqualTo(100);
    try (KlTokenizer tokenizer = KlTokenizer.load(model, Numerics.plain())) {
      // The scale makes latents spread by about 1.
      double squares = 0;
      float[] latents = tokenizer.encode(square(true, 1)).values();
      for (float value : latents) {
        squares += value * value / latents.length;
      }
      assertThat(Math.sqrt(squares)).isBetween(0.3, 3.0);
    }

    // Clips of two frames, in scales of different sizes.
    Path clips = folder.resolve("video");
    XarTraining.run(
        generatorRecipe(codes.resolve("model"), "scale", 2, 4),
        data,
        clips,
        false,
        (made, picture) -> "",
        SILENT);
    assertThat(XarGenerator.describe(ModelDirectory.open(clips.resolve("model"))).time())
        .isEqualTo(2);
    assertThatThrownBy(
            () ->
                XarTraining.run(
                    generatorRecipe(codes.resolve("model"), "scale", 3, 4),
                    data,
                    folder.resolve("long"),
                    false,
                    (made, picture) -> "",
                    SILENT))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("6 of 6 clips cannot be used: ")
        .hasMessageContaining("clip0.mkv is too short: it has 2 frames, 3 are needed; ");
    assertThatThrownBy(
            () ->
                XarTraining.run(
                    generatorRecipe(codes.resolve("model"), "cell:3", 1, 4),
                    data,
                    folder.resolve("odd"),
                    false,
                    (made, picture) -> "",
                    SILENT))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("the entity cell:3 does not fit a latent grid of 1x4x4");
  }
}
