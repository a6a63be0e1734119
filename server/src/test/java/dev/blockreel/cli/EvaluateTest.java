package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.script.TorchScriptArchive;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluateTest {
  private static final String MEAN_COLOUR =
      """
      x: Tensor,
      return_features: bool=False) -> Tensor:
        return torch.mean(x.to(6), [2, 3])
      """;

  @TempDir private static Path folder;
  private static Path model;
  private static Path real;
  private static Path network;

  @BeforeAll
  static void write() {
    model = TinyModel.write(folder.resolve("model"));
    network = TorchScriptArchive.write(folder.resolve("net.pt"), MEAN_COLOUR);
    real = folder.resolve("real");
    SplittableRandom random = new SplittableRandom(1);
    for (String kind : List.of("walk-left", "walk-right", "slash-up")) {
      for (int i = 0; i < 4; i++) {
        float[] pixels = new float[3 * TinyModel.FRAMES * TinyModel.SIDE * TinyModel.SIDE];
        for (int p = 0; p < pixels.length; p++) {
          pixels[p] = (float) random.nextDouble();
        }
        ClipWriter.write(
            real.resolve(kind).resolve("c" + i + ".mkv"),
            new Clip(pixels, TinyModel.FRAMES, TinyModel.SIDE, TinyModel.SIDE, 8));
      }
    }
  }

  private static JsonNode report(Path out) throws IOException {
    return new ObjectMapper().readTree(out.resolve("report.json").toFile());
  }

  @Test
  void aModelAgainstAFolderGoesOnWhereItWas() throws IOException {
    Path out = folder.resolve("generated");
    Object[] command = {
      "evaluate",
      "generate",
      "--model",
      model,
      "--real",
      real,
      "--count",
      2,
      "--out",
      out,
      "--dtype",
      "fp32",
      "--fid",
      network,
      "--fid-input",
      "images=2",
      "--classifier",
      network,
      "--classifier-input",
      "range=unit,gives=probabilities"
    };
    CommandLineRun first = CommandLineRun.of(command).worked();
    assertThat(first.out())
        .contains("6 made, 12 real", "Fréchet distance, fid", "ratio to real sets")
        .contains("made class accuracy", "identity kept");
    JsonNode before = report(out);
    assertThat(before.at("/distances/0/made").asInt()).isEqualTo(12);
    assertThat(before.at("/distances/0/yardstick/clips").asInt()).isEqualTo(6);
    assertThat(before.at("/made/scores/classes").size()).isEqualTo(3);

    // Seeds go by the order of the model's classes, not by the alphabet.
    assertThat(out.resolve("clips/slash-up/slash-up_seed00005.mkv")).exists();
    Path kept = out.resolve("clips/walk-left/walk-left_seed00001.mkv");
    Path lost = out.resolve("clips/walk-left/walk-left_seed00002.mkv");
    FileTime time = Files.getLastModifiedTime(kept);
    float[] pixels = ClipReader.read(lost, ClipSampling.ALL).pixels();
    Files.delete(lost);
    CommandLineRun.of(command).worked();
    assertThat(ClipReader.read(lost, ClipSampling.ALL).pixels()).isEqualTo(pixels);
    assertThat(Files.getLastModifiedTime(kept)).isEqualTo(time);
    assertThat(report(out)).isEqualTo(before);

    Object[] otherNumbers = command.clone();
    otherNumbers[Arrays.asList(command).indexOf("fp32")] = "bf16";
    CommandLineRun.of(otherNumbers).failedWith(2, "other options: name another folder");
    command[7] = 3;
    CommandLineRun.of(command).failedWith(2, "other options: name another folder");
  }

  @Test
  void classesMayHaveAnyNameThatAFolderMayHave() throws IOException {
    Path named = TinyModel.write(folder.resolve("named"));
    Path file = named.resolve("model.json");
    Files.writeString(file, Files.readString(file).replace("slash-up", "drübe r"));
    Path clips = folder.resolve("named-real").resolve("drübe r");
    Files.createDirectories(clips);
    Files.copy(real.resolve("slash-up").resolve("c0.mkv"), clips.resolve("c0.mkv"));
    for (String other : List.of("walk-left", "walk-right")) {
      Files.createDirectories(clips.resolveSibling(other));
      Files.copy(real.resolve(other).resolve("c0.mkv"), clips.resolveSibling(other + "/c0.mkv"));
    }
    Object[] command = {
      "evaluate",
      "generate",
      "--model",
      named,
      "--real",
      clips.getParent(),
      "--count",
      1,
      "--out",
      folder.resolve("named-out"),
      "--fid",
      network,
      "--fid-input",
      "images=1"
    };
    CommandLineRun.of(command).worked();
    Files.writeString(file, Files.readString(file).replace("drübe r", "dr/be r"));
    command[9] = folder.resolve("named-out2");
    CommandLineRun.of(command).failedWith(2, "\"dr/be r\" cannot name one");
    assertThat(folder.resolve("named-out2/clips")).doesNotExist();
  }

  private static CommandLineRun generate(Path out, Path real, Path fvd, String... more) {
    List<Object> command = new ArrayList<>(List.of("evaluate", "generate", "--model", model));
    command.addAll(List.of("--real", real, "--fvd", fvd, "--out", out));
    command.addAll(List.of(more));
    return CommandLineRun.of(command.toArray());
  }

  @Test
  void nothingIsGeneratedThatCouldNotBeCompared() throws IOException {
    Path out = folder.resolve("in-vain");
    generate(out, real, network, "--fvd-input", "frames=64")
        .failedWith(2, "5 frames of each clip are compared: the network of fvd takes 64");
    generate(out, real, network, "--fvd-input", "frames=4", "--frames", "3")
        .failedWith(2, "3 frames of each clip are compared: the network of fvd takes 4");
    generate(out, folder.resolve("nowhere"), network, "--fvd-input", "frames=4")
        .failedWith(1, "nowhere");
    generate(out, real, folder.resolve("nothing.pt")).failedWith(1, "nothing.pt");
    Path some = folder.resolve("some");
    for (String kind : List.of("walk-left", "slash-up")) {
      Files.createDirectories(some.resolve(kind));
      Files.copy(real.resolve(kind).resolve("c0.mkv"), some.resolve(kind).resolve("c0.mkv"));
    }
    generate(out, some, network, "--fvd-input", "frames=4")
        .failedWith(2, "the model has classes that are not known: walk-right; known are");
    assertThat(out.resolve("clips")).doesNotExist();
  }

  @Test
  void realClipsNeedNoClassesForDistances() throws IOException {
    Path flat = Files.createDirectories(folder.resolve("flat"));
    for (int i = 0; i < 4; i++) {
      Files.copy(real.resolve("walk-left/c" + i + ".mkv"), flat.resolve("c" + i + ".mkv"));
    }
    Path out = folder.resolve("flat-out");
    CommandLineRun run =
        CommandLineRun.of(
                "evaluate",
                "generate",
                "--model",
                model,
                "--real",
                flat,
                "--count",
                2,
                "--out",
                out,
                "--fid",
                network,
                "--fid-input",
                "images=2")
            .worked();
    assertThat(run.out()).contains("6 made, 4 real", "Fréchet distance, fid");
    assertThat(report(out).at("/distances/0/real").asInt()).isEqualTo(8);
  }

  @Test
  void reconstructionsAreMeasuredByClass() throws IOException {
    Path out = folder.resolve("reconstructed");
    CommandLineRun run =
        CommandLineRun.of(
                "evaluate", "reconstruct", real, "--model", model, "--out", out, "--fid", network)
            .worked();
    assertThat(run.out()).contains("12", "PSNR", "slash-up", "Fréchet distance, fid");
    CommandLineRun one = CommandLineRun.of("reconstruct", real, "--model", model).worked();
    double psnr = report(out).path("psnr").asDouble();
    assertThat(one.out()).contains("PSNR %.2f dB".formatted(psnr));
    assertThat(report(out).path("worst").size()).isEqualTo(5);
    // Nothing is left to do.
    CommandLineRun again =
        CommandLineRun.of(
                "evaluate", "reconstruct", real, "--model", model, "--out", out, "--fid", network)
            .worked();
    assertThat(again.err()).doesNotContain("reconstructing");
    assertThat(report(out).path("psnr").asDouble()).isEqualTo(psnr);
  }

  @Test
  void whatIsNoClipIsSkippedAndTold() throws IOException {
    Path mixed = folder.resolve("mixed");
    Files.createDirectories(mixed);
    for (int i = 0; i < 2; i++) {
      Files.copy(real.resolve("walk-left/c" + i + ".mkv"), mixed.resolve("c" + i + ".mkv"));
    }
    Files.writeString(mixed.resolve("notes.txt"), "");
    Files.writeString(mixed.resolve("LICENSE"), "");
    Path out = folder.resolve("mixed-out");
    CommandLineRun run =
        CommandLineRun.of("evaluate", "clips", mixed, "--real", real, "--out", out).worked();
    assertThat(run.err()).contains(mixed + ": skipped 2 that are no clips: LICENSE, notes.txt");
    assertThat(run.out()).contains("2 made, 12 real");
    assertThat(report(out).at("/made/skipped/1").asText()).isEqualTo("notes.txt");
    assertThat(report(out).at("/real/skipped").size()).isZero();
  }

  @Test
  void foldersMadeByOthersAreCompared() {
    CommandLineRun run =
        CommandLineRun.of(
                "evaluate",
                "clips",
                real,
                "--real",
                real,
                "--out",
                folder.resolve("same"),
                "--fid",
                network,
                "--size",
                "8",
                "--frames",
                "2")
            .worked();
    assertThat(run.out()).contains("0.0000 (12 made, 12 real, 3 features)");
  }

  @Test
  void misuseIsOneLine() throws IOException {
    Path out = folder.resolve("none");
    CommandLineRun.of("evaluate", "clips", real, "--real", folder.resolve("nowhere"), "--out", out)
        .failedWith(1, "nowhere");
    CommandLineRun.of(
            "evaluate", "clips", real, "--real", real, "--out", out, "--classifier", network)
        .failedWith(2, "--classifier-input");
    CommandLineRun.of(
            "evaluate", "clips", real, "--real", real, "--out", out, "--classifier", model)
        .failedWith(2, "has no classifier");
    CommandLineRun.of(
            "evaluate",
            "clips",
            real,
            "--real",
            real,
            "--out",
            out,
            "--fid",
            network,
            "--fid-input",
            "range=loud")
        .failedWith(2, "range cannot be loud");
    Path text = Files.writeString(folder.resolve("text.pt"), "text");
    CommandLineRun.of("evaluate", "clips", real, "--real", real, "--out", out, "--fvd", text)
        .failedWith(1, "text.pt is no network that can be used");
    CommandLineRun.of("evaluate", "clips", real, "--real", real, "--out", text)
        .failedWith(1, "text.pt");
    assertThat(out.resolve("report.json")).doesNotExist();
  }
}
