package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.sampler.FlowOptions;
import dev.blockreel.sampler.FlowSolver;
import dev.blockreel.train.XarRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainTest {
  private static final String SCHEDULE =
      """
      {"steps": 2, "batch": 2, "learningRate": 0.001, "warmup": 1, "weightDecay": 0.01,
       "beta1": 0.9, "beta2": 0.99, "clip": 1, "ema": 0.9, "dtype": "fp32", "seed": 1,
       "saveMinutes": 5, "previewSteps": 2, "optimizer": "adamw"}""";

  private static final String TOKENIZER =
      """
      {"kind": "magvit2", "tokenizer": {"patch": 1, "levels": [5, 4], "groups": 2, "stages": [
         {"width": 4, "units": 1, "strideTime": 2, "strideSpace": 2},
         {"width": 4, "units": 1, "strideTime": 2, "strideSpace": 2},
         {"width": 4, "units": 1, "strideTime": 1, "strideSpace": 1}]},
       "clips": {"frames": 5, "height": 16, "width": 16, "fps": 8},
       "trainFrames": 5,
       "initial": null,
       "decoderOnly": false,
       "losses": {"absolute": 1, "squared": 1, "gradient": 1},
       "training": %s}"""
          .formatted(SCHEDULE);

  @TempDir private Path folder;
  private Path data;

  @BeforeEach
  void writeClips() {
    data = folder.resolve("data");
    for (String name : new String[] {"black/a.mkv", "black/b.mkv", "grey/a.mkv"}) {
      float[] pixels = new float[3 * 5 * 16 * 16];
      Arrays.fill(pixels, name.startsWith("grey") ? 0.5f : 0);
      ClipWriter.write(data.resolve(name), new Clip(pixels, 5, 16, 16, 8));
    }
  }

  @Test
  void trainedModelsGenerate() throws IOException {
    train("tokenizer", TOKENIZER, folder.resolve("tok")).worked();
    Path tokenizer = folder.resolve("tok/model");
    Path clip = data.resolve("grey/a.mkv");
    CommandLineRun.of("reconstruct", clip, "--model", tokenizer).worked();
    String generator =
        """
        {"tokenizer": "%s",
         "generator": {"layers": 1, "heads": 2, "width": 8, "blockSize": 4, "singleTokens": 8},
         "trainFrames": 1, "firstBlocks": 0, "initial": null, "teacher": null, "conditionDropout": 0.1,
         "sampling": {"temperature": 1, "topK": 0, "topP": 1},
         "training": %s,
         "licence": "CC0", "attribution": "nobody"}"""
            .formatted(tokenizer, SCHEDULE);
    train("generator", generator, folder.resolve("gen")).worked();
    assertThat(folder.resolve("gen/previews")).isDirectoryContaining("glob:**.png");
    Path model = folder.resolve("gen/model");
    CommandLineRun.of("generate", "--model", model, "--class", "grey", "--out", folder).worked();
    assertThat(folder.resolve("grey_seed00001.mp4")).exists();

    CommandLineRun again = train("tokenizer", TOKENIZER, folder.resolve("tok"));
    assertThat(again.code()).isEqualTo(2);
    assertThat(again.err()).hasLineCount(1).contains("give --resume to go on");
  }

  @Test
  void classifiersAreTrainedAndInspected() throws IOException {
    String recipe =
        """
        {"classifier": {"patch": 4, "widths": [4], "groups": 2, "features": 4},
         "clips": {"frames": 5, "height": 16, "width": 16, "fps": 8},
         "augmentation": {"shift": 1, "colour": 0.1},
         "training": %s,
         "licence": "CC0", "attribution": "nobody"}"""
            .formatted(SCHEDULE);
    train("classifier", recipe, folder.resolve("judge")).worked();
    CommandLineRun inspected = CommandLineRun.of("inspect", folder.resolve("judge/model")).worked();
    assertThat(inspected.out()).contains("2: [black, grey]", "classifier.safetensors");
  }

  @Test
  void recipesThatCannotBeRead() throws IOException {
    refused(
        TOKENIZER.replace("\"batch\": 2", "\"batch\": 2, \"bach\": 2"),
        "unknown field \"training.bach\", near are batch");
    refused(TOKENIZER.replace("\"batch\": 2,", ""), "training.batch: is missing");
    refused(TOKENIZER.replace("\"batch\": 2", "\"batch\": \"two\""), "training.batch", "two");
    refused(TOKENIZER.replace("\"batch\": 2", "\"batch\": 0"), "training: ", "batch");
    refused(
        TOKENIZER.replace("\"batch\": 2", "\"batch\": null"), "training.batch: must not be null");
    refused(TOKENIZER.replace("\"fps\": 8", "\"fps\": 1e999"), "clips.fps: is too large");
    refused("{\"tokenizer\": \"runs/tokenizer\"}", "tokenizer: expected an object, got something");
    refused("{\"kind\": \"pixels\"}", "unknown kind \"pixels\": there are magvit2, kl, vq");
    refused(TOKENIZER.replace("\"groups\": 2", "\"groups\": 3"), "tokenizer: tokenizer stage 0");
    refused(
        TOKENIZER.replace("\"frames\": 5", "\"frames\": 6"), "clips.frames", "near are 5 and 9");
    refused(
        TOKENIZER.replace("\"width\": 4", "\"width\": 10000000"),
        "width of a stage must lie between 1 and 8192: got 10000000");
    refused(TOKENIZER.replace("\"fps\": 8", "\"fps\": "), "no valid JSON at line ");
    refused(TOKENIZER + "{}", "recipe.json");
    refused("", "recipe.json");
    refused("[]", "recipe.json");
    CommandLineRun.of(
            "train",
            "tokenizer",
            "--config",
            folder.resolve("none.json"),
            "--data",
            data,
            "--out",
            folder.resolve("run"))
        .failedWith(1, "none.json does not exist");
    assertThat(folder.resolve("run")).doesNotExist();
  }

  /** Those of the recipe, which are written down there once more. */
  @Test
  void allWaysToSampleCanBeTrained() {
    for (FlowSolver.Kind solver : FlowSolver.Kind.values()) {
      for (FlowOptions.TimeGrid times : FlowOptions.TimeGrid.values()) {
        for (FlowOptions.Guidance guidance : FlowOptions.Guidance.values()) {
          assertThatCode(
                  () -> new XarRecipe.Sampling(1, 1, 4, "" + solver, "" + times, "" + guidance))
              .doesNotThrowAnyException();
        }
      }
    }
  }

  private void refused(String recipe, String... parts) throws IOException {
    String[] all = Arrays.copyOf(parts, parts.length + 1);
    all[parts.length] = "recipe.json: ";
    train("tokenizer", recipe, folder.resolve("run")).failedWith(2, all);
  }

  private CommandLineRun train(String what, String recipe, Path out) throws IOException {
    Path config = Files.writeString(folder.resolve("recipe.json"), recipe);
    return CommandLineRun.of("train", what, "--config", config, "--data", data, "--out", out);
  }
}
