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
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** encode, decode and reconstruct, from files to files. */
class TokenizerCommandsTest {
  @TempDir private static Path models;
  private static Path model;

  @TempDir private Path folder;
  private Path clip;

  @BeforeAll
  static void writeModel() {
    model = TinyModel.writeTokenizer(models.resolve("tiny"));
  }

  @BeforeEach
  void writeClip() {
    clip = clip("clip.mkv", TinyModel.FRAMES);
  }

  private Path clip(String name, int frames) {
    float[] pixels = new float[3 * frames * TinyModel.SIDE * TinyModel.SIDE];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i * 7 % 256 / 255f;
    }
    Path file = folder.resolve(name);
    ClipWriter.write(file, new Clip(pixels, frames, TinyModel.SIDE, TinyModel.SIDE, 8));
    return file;
  }

  @Test
  void tokensComeBackAsAClip() {
    Path tokens = folder.resolve("new/tokens.safetensors");
    assertThat(CommandLineRun.of("encode", clip, "--model", model, "--out", tokens).worked().out())
        .contains("1 grid of 2x4x4 tokens from 5 frames of 16x16 at 8 fps");
    Path back = folder.resolve("back.mkv");
    CommandLineRun.of("decode", tokens, "--model", model, "--out", back).worked();
    Clip decoded = ClipReader.read(back, ClipSampling.ALL);
    assertThat(decoded.frames()).isEqualTo(TinyModel.FRAMES);
    assertThat(decoded.width()).isEqualTo(TinyModel.SIDE);
  }

  @Test
  void batchesOfTensorsStayBatches() {
    Path tokens = tokens(new TokenGrid(new int[32], 2, 4, 4), filled(3));
    Path raw = folder.resolve("raw.safetensors");
    CommandLineRun.of("decode", tokens, "--model", model, "--out", raw).worked();
    try (TensorFile file = Safetensors.open(raw)) {
      assertThat(file.info("video").shape()).containsExactly(2, 3, 5, 16, 16);
      assertThat(TokenTensors.read(file).get(1).codes()).containsOnly(3);
    }
    Path again = folder.resolve("again.safetensors");
    assertThat(CommandLineRun.of("encode", raw, "--model", model, "--out", again).worked().out())
        .contains("2 grids");
    CommandLineRun.of("decode", tokens, "--model", model, "--out", folder.resolve("sheet.png"))
        .worked();
    CommandLineRun.of("decode", tokens, "--model", model, "--out", folder.resolve("each")).worked();
    assertThat(folder.resolve("sheet.png")).exists();
    assertThat(folder.resolve("each/clip00001.mp4")).exists();
  }

  @Test
  void reconstructionIsMeasured() {
    assertThat(CommandLineRun.of("reconstruct", clip, "--model", model).worked().out())
        .contains("PSNR ", " dB, SSIM ")
        // 32 tokens of log2(20) bits for 5x16x16 pixels.
        .contains("0.1080 bits per pixel");
  }

  @Test
  void reconstructionsOfABatchAreAllKept() {
    Clip one = ClipReader.read(clip, ClipSampling.ALL);
    Path batch = folder.resolve("batch.safetensors");
    ClipWriter.writeTensors(batch, List.of(one, one, one));
    Path out = folder.resolve("back");
    CommandLineRun.of("reconstruct", batch, "--model", model, "--out", out).worked();
    assertThat(out).isDirectoryContaining("glob:**/clip00002.mp4");
    CommandLineRun.of("reconstruct", batch, "--model", model, "--out", folder.resolve("b.mkv"))
        .failedWith(2, "holds one clip: for 3 give");
    Path tensors = folder.resolve("back.safetensors");
    CommandLineRun.of("reconstruct", batch, "--model", model, "--out", tensors).worked();
    try (TensorFile file = Safetensors.open(tensors)) {
      assertThat(file.info("video").shape()[0]).isEqualTo(3);
    }
  }

  @Test
  void reconstructionOfAFolderGivesRowsAndMeans() throws IOException {
    Files.createDirectories(folder.resolve("set/a"));
    clip("set/a/one.mkv", 5);
    clip("set/two.mkv", 9);
    assertThat(
            CommandLineRun.of("reconstruct", folder.resolve("set"), "--model", model, "--each")
                .worked()
                .out())
        .contains("one.mkv: PSNR", "two.mkv: PSNR", "mean of 2 clips: PSNR");
  }

  @Test
  void emptyClip() throws IOException {
    Path empty = Files.createFile(folder.resolve("empty.mp4"));
    encode(empty).failedWith(1, "empty.mp4 is empty");
    nothingLeftBehind("clip.mkv", "empty.mp4");
  }

  @Test
  void textNamedAsVideo() throws IOException {
    Path text = Files.writeString(folder.resolve("text.mp4"), "not a video\n".repeat(200));
    encode(text).failedWith(1, "text.mp4");
    nothingLeftBehind("clip.mkv", "text.mp4");
  }

  @Test
  void damagedClip() throws IOException {
    byte[] bytes = Files.readAllBytes(clip);
    Arrays.fill(bytes, bytes.length / 3, bytes.length, (byte) 0x5a);
    Path damaged = Files.write(folder.resolve("damaged.mkv"), bytes);
    encode(damaged).failedWith(1, "damaged.mkv");
    nothingLeftBehind("clip.mkv", "damaged.mkv");
  }

  @Test
  void missingClip() {
    encode(folder.resolve("none.mp4")).failedWith(1, "none.mp4 does not exist");
  }

  @Test
  void clipShorterThanNeeded() {
    Path brief = clip("short.mkv", 3);
    encode(brief).failedWith(1, "short.mkv is too short: it has 3 frames, 5 are needed");
    nothingLeftBehind("clip.mkv", "short.mkv");
  }

  @Test
  void tokensOutOfRange() {
    Path tokens = tokens(filled(TinyModel.CODES));
    decode(tokens).failedWith(2, "token 0 of clip 0 is 20: this codebook has codes 0 to 19");
    nothingLeftBehind("clip.mkv", "tokens.safetensors");
  }

  @Test
  void tokensOfTheWrongShapeOrType() {
    Path tokens = folder.resolve("tokens.safetensors");
    SafetensorsWriter.to(tokens).addInts("tokens", new long[] {2, 16}, new int[32]).write();
    decode(tokens).failedWith(1, "expected tokens I32 [B, t, h, w]", "I32 [2, 16]");
    SafetensorsWriter.to(tokens).addFloats("tokens", new long[] {1, 1, 1, 1}, new float[1]).write();
    decode(tokens).failedWith(1, "expected tokens I32 [B, t, h, w]", "F32 [1, 1, 1, 1]");
    SafetensorsWriter.to(tokens).addInts("codes", new long[] {1}, new int[1]).write();
    decode(tokens).failedWith(1, "has neither tokens nor latents; it has \"codes\"");
    nothingLeftBehind("clip.mkv", "tokens.safetensors");
  }

  @Test
  void truncatedTensors() throws IOException {
    Path tokens = tokens(filled(1));
    byte[] bytes = Files.readAllBytes(tokens);
    Files.write(tokens, Arrays.copyOf(bytes, bytes.length - 20));
    decode(tokens).failedWith(1, "tokens.safetensors");
    Files.write(tokens, Arrays.copyOf(bytes, 5));
    decode(tokens).failedWith(1, "tokens.safetensors");
  }

  @Test
  void checkpointThatDoesNotFit() {
    Path wrong = TinyModel.writeMismatched(folder.resolve("wrong"));
    CommandLineRun.of("encode", clip, "--model", wrong, "--out", folder.resolve("t.safetensors"))
        .failedWith(1, "1 missing: ", "1 unexpected: stranger", "1 of another shape: ");
    nothingLeftBehind("clip.mkv", "wrong");
  }

  @Test
  void unwritableOutput() {
    CommandLineRun.of("encode", clip, "--model", model, "--out", clip.resolve("t.safetensors"))
        .failedWith(1, "cannot write", "t.safetensors");
    CommandLineRun.of("encode", clip, "--model", model, "--out", folder.resolve("t.mp4"))
        .failedWith(2, "--out takes a name that ends in .safetensors");
    CommandLineRun.of("reconstruct", clip, "--model", model, "--out", folder.resolve("t.xyz"))
        .failedWith(2, "t.xyz", "xyz");
    nothingLeftBehind("clip.mkv");
  }

  @Test
  void unknownModelListsWhatThereIs() {
    CommandLineRun.of("encode", clip, "--model", "tinny", "--out", folder.resolve("t.safetensors"))
        .failedWith(2, "no model \"tinny\"");
  }

  private CommandLineRun encode(Path source) {
    return CommandLineRun.of(
        "encode", source, "--model", model, "--out", folder.resolve("out.safetensors"));
  }

  private CommandLineRun decode(Path tokens) {
    return CommandLineRun.of("decode", tokens, "--model", model, "--out", folder.resolve("o.mkv"));
  }

  private Path tokens(TokenGrid... grids) {
    Path file = folder.resolve("tokens.safetensors");
    TokenTensors.add(SafetensorsWriter.to(file), List.of(grids)).write();
    return file;
  }

  private static TokenGrid filled(int code) {
    int[] codes = new int[32];
    Arrays.fill(codes, code);
    return new TokenGrid(codes, 2, 4, 4);
  }

  private void nothingLeftBehind(String... expected) {
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(expected);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
