package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TokenTensors;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerateTest {
  @TempDir private static Path models;
  private static Path model;

  @TempDir private Path folder;

  @BeforeAll
  static void writeModel() {
    model = TinyModel.write(models.resolve("tiny"));
  }

  @Test
  void oneClipBecomesOneFile() {
    Path out = folder.resolve("new/walk.mp4");
    assertThat(generate("--class", "walk-left", "--seed", 7, "--out", out).worked().out())
        .contains("walk.mp4: 5 frames of 16x16 at 8 fps, walk-left, seed 7, ", "1 clip in ");
    assertThat(ClipReader.read(out, ClipSampling.ALL).frames()).isEqualTo(TinyModel.FRAMES);
  }

  @Test
  void progressIsToldApartFromResults() {
    CommandLineRun run = generate("--class", "0", "--out", folder.resolve("walk.mp4")).worked();
    assertThat(run.err()).isEqualTo("clip: step 11 of 11" + System.lineSeparator());
  }

  @Test
  void sameSeedSameTokensOtherSeedOtherTokens() {
    assertThat(tokens("one", 1)).isEqualTo(tokens("again", 1)).isNotEqualTo(tokens("other", 2));
  }

  private List<Integer> tokens(String name, int seed) {
    Path out = folder.resolve(name + ".safetensors");
    generate("--class", "slash-up", "--seed", seed, "--out", out).worked();
    return Arrays.stream(grids(out).get(0).codes()).boxed().toList();
  }

  @Test
  void severalClassesFillAFolder() {
    generate("--class", "walk-left,2", "--count", 2, "--out", folder.resolve("all")).worked();
    assertThat(names(folder.resolve("all")))
        .containsExactlyInAnyOrder(
            "walk-left_seed00001.mp4",
            "walk-left_seed00002.mp4",
            "slash-up_seed00003.mp4",
            "slash-up_seed00004.mp4");
  }

  @Test
  void oneClipInAFolderIsAFileToo() {
    generate("--class", "1", "--out", folder).worked();
    assertThat(names(folder)).containsExactly("walk-right_seed00001.mp4");
  }

  @Test
  void severalClipsFillASheet() {
    assertThat(generate("--class", "0,1,2", "--out", folder.resolve("a.png")).worked().out())
        .contains("a.png: 3 clips, seeds 1 to 3");
    // A row for each clip.
    Clip sheet = ClipReader.read(folder.resolve("a.png"), ClipSampling.ALL);
    assertThat(sheet.width()).isGreaterThan(sheet.height());
  }

  @Test
  void tensorsHoldTokensAndVideoOfAll() {
    Path out = folder.resolve("all.safetensors");
    // More than one batch.
    generate("--class", "0,1,2", "--count", 3, "--dtype", "fp32", "--out", out).worked();
    try (TensorFile file = Safetensors.open(out)) {
      assertThat(file.info("tokens").shape()).containsExactly(9, 2, 4, 4);
      assertThat(file.info("video").shape()).containsExactly(9, 3, 5, 16, 16);
    }
    // A clip depends on its seed alone, not on its batch, be that full or not.
    for (int clip : new int[] {7, 8}) {
      Path alone = folder.resolve("alone.safetensors");
      generate("--class", "2", "--seed", 1 + clip, "--dtype", "fp32", "--out", alone).worked();
      assertThat(grids(out).get(clip).codes()).isEqualTo(grids(alone).get(0).codes());
    }
  }

  @Test
  void streamedFramesAreThoseOfTheWholeClip() {
    Path whole = folder.resolve("whole.mkv");
    Path live = folder.resolve("live.mkv");
    generate("--class", "0", "--out", whole).worked();
    assertThat(generate("--class", "0", "--out", live, "--stream").worked().out())
        .contains("live.mkv: 5 frames of 16x16 at 8 fps, walk-left, seed 1, ", "1 clip in ");
    assertThat(ClipReader.read(live, ClipSampling.ALL).pixels())
        .isEqualTo(ClipReader.read(whole, ClipSampling.ALL).pixels());
  }

  @Test
  void theStandardOutputGetsTheClipAndNothingElse() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            new String[] {
              "generate", "--model", model.toString(), "--class", "0", "--verbose", "--out", "-"
            },
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    assertThat(code).isZero();
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("first frame ", "walk-left, seed 1");
    Path file = Files.write(folder.resolve("out.mp4"), out.toByteArray());
    assertThat(ClipReader.read(file, ClipSampling.ALL).frames()).isEqualTo(TinyModel.FRAMES);
    // One fragment a frame: a player need not wait.
    assertThat(out.toString(StandardCharsets.ISO_8859_1).split("moof", -1)).hasSize(6);
  }

  @Test
  void theFirstFrameLeavesWhileOthersAreStillToCome() {
    int[] bytes = new int[1];
    try (LiveOutput output =
        LiveOutput.open(
            LiveOutput.STANDARD,
            1,
            new PrintStream(
                new OutputStream() {
                  @Override
                  public void write(int b) {
                    bytes[0]++;
                  }
                }))) {
      output.begin(List.of("clip"));
      Clip clip = new Clip(new float[3 * 5 * 16 * 16], 5, 16, 16, 8);
      int before = 0;
      for (int t = 0; t < 5; t++) {
        output.frames(List.of(clip.slice(t, t + 1)));
        assertThat(bytes[0]).isGreaterThan(before);
        before = bytes[0];
      }
    }
  }

  @Test
  void aReaderThatLeavesEndsTheGenerationWithOneLine() {
    PrintStream closed =
        new PrintStream(
            new OutputStream() {
              @Override
              public void write(int b) throws IOException {
                throw new IOException("Broken pipe");
              }
            });
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            new String[] {"generate", "--model", model.toString(), "--class", "0", "--out", "-"},
            closed,
            new PrintStream(err, true, StandardCharsets.UTF_8));
    assertThat(code).isEqualTo(1);
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("nobody reads it any more");
  }

  @Test
  void severalStreamsFillAFolder() {
    Path out = folder.resolve("live");
    generate("--class", "0,1", "--count", 5, "--stream", "--out", out).worked();
    assertThat(names(out)).hasSize(10).contains("walk-right_seed00010.mp4");
    assertThat(ClipReader.read(out.resolve("walk-left_seed00001.mp4"), ClipSampling.ALL).frames())
        .isEqualTo(TinyModel.FRAMES);
  }

  @Test
  void whatCannotBeStreamedIsRefusedBeforeTheWork() {
    generate("--class", "0", "--stream", "--out", folder.resolve("a.gif"))
        .failedWith(2, "--stream writes mp4, webm, mkv or mjpeg: a .gif cannot be played");
    generate("--class", "0", "--out", "").failedWith(2, "'--out'", "an empty path was given");
    generate("--class", "0", "--condition-frames", "1").failedWith(2, "give it too");
    generate("--class", "0,1", "--out", "-").failedWith(2, "- takes one clip at a time: for 2");
    assertThat(names(folder)).isEmpty();
  }

  @Test
  void aStreamThatFailsLeavesNoFile() {
    generate("--class", "99", "--stream", "--out", folder.resolve("a.mp4")).failedWith(2, "99");
    LiveOutput output = LiveOutput.open(folder.resolve("b.mp4"), 1, System.out);
    output.begin(List.of("clip"));
    output.frames(List.of(new Clip(new float[3 * 16 * 16], 1, 16, 16, 8)));
    assertThat(folder.resolve("b.mp4")).isNotEmptyFile();
    output.close();
    assertThat(names(folder)).isEmpty();
  }

  @Test
  void tokenByTokenIsAMode() {
    assertThat(generate("--class", "0", "--mode", "NTP", "--out", folder).worked().err())
        .contains("step 32 of 32");
  }

  @Test
  void verboseTellsWhereTheTimeGoes() {
    assertThat(generate("--class", "0", "--verbose", "--out", folder).worked().out())
        .contains("load ", "warm-up ", "first frame ", " steps/s", "decode ", "encode ")
        .contains("times real time at 8 fps");
  }

  @Test
  void clipsGoOnFromTokens() {
    Path given = given(new TokenGrid(filled(11, 16), 1, 4, 4));
    Path out = folder.resolve("out.safetensors");
    generate("--class", "0", "--count", 2, "--condition", given, "--out", out).worked();
    assertThat(grids(out)).allSatisfy(grid -> assertThat(grid.leading(1).codes()).containsOnly(11));
  }

  @Test
  void clipsGoOnFromAClip() {
    Path clip = folder.resolve("clip.mkv");
    ClipWriter.write(clip, new Clip(new float[3 * 5 * 16 * 16], 5, 16, 16, 8));
    generate("--class", "0", "--condition", clip, "--condition-frames", 1, "--out", folder)
        .worked();
    generate("--class", "0", "--condition", clip, "--out", folder)
        .failedWith(2, "5 frames are no whole number of latent frames", "expected one of [1]");
  }

  @Test
  void conditionsThatDoNotFit() {
    Path given = given(new TokenGrid(filled(TinyModel.CODES, 16), 1, 4, 4));
    generate("--class", "0", "--condition", given).failedWith(2, "codes 0 to 19");
    given = given(new TokenGrid(filled(0, 32), 2, 4, 4));
    generate("--class", "0", "--condition", given).failedWith(2, "the condition is 2x4x4 tokens");
    given = given(new TokenGrid(filled(0, 8), 1, 2, 4));
    generate("--class", "0", "--condition", given).failedWith(2, "the condition is 1x2x4 tokens");
    TokenGrid right = new TokenGrid(filled(0, 16), 1, 4, 4);
    given = given(right, right);
    generate("--class", "0", "--condition", given).failedWith(2, "2 beginnings for 1 clips");
  }

  @Test
  void unknownClassListsNearNames() {
    generate("--class", "walk-lefd").failedWith(2, "unknown class \"walk-lefd\"", "walk-left");
    generate("--class", "3").failedWith(2, "class 3 does not exist", "0 to 2");
    generate().failedWith(2, "needs --class: walk-left, walk-right, slash-up");
  }

  @Test
  void severalClipsDoNotFitOneVideo() {
    generate("--class", "0,1", "--out", folder.resolve("a.mp4"))
        .failedWith(2, "a.mp4 holds one clip", "folder");
    assertThat(names(folder)).isEmpty();
  }

  @Test
  void unwritableOutputIsNoticedBeforeAnythingIsLoaded() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    CommandLineRun.of("generate", "--model", "none", "--out", file.resolve("a.mp4"))
        .failedWith(1, "cannot write", "a.mp4");
    generate("--class", "0", "--out", folder.resolve("a.xyz")).failedWith(2, "xyz");
    assertThat(names(folder)).containsExactly("file");
  }

  @Test
  void halfAModelSaysSo() {
    Path half = TinyModel.writeTokenizer(folder.resolve("half"));
    CommandLineRun.of("generate", "--model", half, "--class", "0", "--out", folder)
        .failedWith(2, "has no generator");
  }

  @Test
  void numbersOutsideTheirRange() {
    generate("--class", "0", "--temperature", "-1").failedWith(2, "temperature must be 0 or more");
    generate("--class", "0", "--top-p", "2").failedWith(2, "top-p must lie in (0, 1]");
    generate("--class", "0", "--count", "0").failedWith(2, "--count must be 1 or more: got 0");
    generate("--class", "0", "--dtype", "fp8").failedWith(2, "unknown dtype \"fp8\"");
    generate("--class", "0", "--seed", "x").failedWith(2, "'--seed'", "'x'");
  }

  private CommandLineRun generate(Object... options) {
    Stream<Object> output =
        List.of(options).contains("--out") ? Stream.of() : Stream.of("--out", folder);
    return CommandLineRun.of(
        Stream.of(Stream.of("generate", "--model", model), Stream.of(options), output)
            .flatMap(part -> part)
            .toArray());
  }

  private Path given(TokenGrid... grids) {
    Path file = folder.resolve("given.safetensors");
    TokenTensors.add(SafetensorsWriter.to(file), List.of(grids)).write();
    return file;
  }

  private static int[] filled(int code, int count) {
    int[] codes = new int[count];
    Arrays.fill(codes, code);
    return codes;
  }

  private static List<TokenGrid> grids(Path path) {
    try (TensorFile file = Safetensors.open(path)) {
      return TokenTensors.read(file);
    }
  }

  private static List<String> names(Path directory) {
    try (Stream<Path> files = Files.list(directory)) {
      return files.map(file -> file.getFileName().toString()).toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
