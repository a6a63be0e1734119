package dev.blockreel.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipSampling.Fit;
import dev.blockreel.media.ClipSampling.Window;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClipReaderTest {
  @TempDir Path folder;

  private Path file(String name, Clip clip) {
    Path path = folder.resolve(name);
    ClipWriter.write(path, clip);
    return path;
  }

  private static void assertRefused(Path path, String message) {
    assertThatThrownBy(() -> ClipReader.read(path, ClipSampling.ALL))
        .hasMessageContaining(path.toString())
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n")
        .extracting(error -> ((EngineFailure) error).code())
        .isEqualTo(FailureCode.MEDIA);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.mkv", "a.safetensors", "frames"})
  void framesAreThoseOfTheSampling(String name) {
    Path path = file(name, Pictures.counting(30, 24));
    ClipSampling centre = new ClipSampling(4, 0, 0, 0, Fit.SQUASH, Window.CENTER);
    assertThat(Pictures.numbers(ClipReader.read(path, centre))).containsExactly(13, 14, 15, 16);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.mkv", "a.avi", "a.safetensors"})
  void aHigherRateIsLoweredByLinspace(String name) {
    Path path = file(name, Pictures.counting(30, 24));
    Clip clip = ClipReader.read(path, new ClipSampling(0, 8, 0, 0, Fit.SQUASH, Window.START));
    // int(linspace(0, 29, 10))
    assertThat(Pictures.numbers(clip)).containsExactly(0, 3, 6, 9, 12, 16, 19, 22, 25, 29);
    assertThat(clip.fps()).isEqualTo(8);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.mkv", "a.safetensors", "frames"})
  void shortClipsFailOrEndInBlack(String name) {
    Path path = file(name, Pictures.moving(3, 16, 16, 8));
    ClipSampling five = new ClipSampling(5, 0, 0, 0, Fit.SQUASH, Window.CENTER);
    assertThatThrownBy(() -> ClipReader.read(path, five))
        .hasMessage(path + " is too short: it has 3 frames, 5 are needed");
    Clip padded = ClipReader.read(path, five.paddingShort());
    assertThat(padded.frames()).isEqualTo(5);
    assertThat(padded.slice(0, 3).pixels()).isEqualTo(Pictures.moving(3, 16, 16, 8).pixels());
    assertThat(padded.slice(3, 5).pixels()).containsOnly(0f);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.mkv", "a.safetensors"})
  void squashKeepsTheSidesAndCropCutsThemOff(String name) {
    // Left third black, middle third grey, right third white.
    float[] pixels = new float[3 * 16 * 48];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i % 48 / 16 * 51 / 255f;
    }
    Path path = file(name, new Clip(pixels, 1, 16, 48, 8));
    Clip squashed = ClipReader.read(path, new ClipSampling(0, 0, 6, 6, Fit.SQUASH, Window.START));
    float grey = 51 / 255f;
    assertThat(Arrays.copyOf(squashed.pixels(), 6))
        .usingComparatorWithPrecision(1e-6f)
        .containsExactly(0, 0, grey, grey, 2 * grey, 2 * grey);
    Clip cropped = ClipReader.read(path, new ClipSampling(0, 0, 8, 8, Fit.CROP, Window.START));
    assertThat(cropped.height()).isEqualTo(8);
    assertThat(cropped.width()).isEqualTo(8);
    for (float value : cropped.pixels()) {
      assertThat(value).isEqualTo(grey, within(1e-6f));
    }
  }

  @Test
  void enlargingIsSmooth() {
    Path path = file("a.mkv", Pictures.moving(1, 16, 16, 8));
    Clip large = ClipReader.read(path, new ClipSampling(0, 0, 32, 32, Fit.SQUASH, Window.START));
    assertThat(large.pixels()[0]).isEqualTo(60 / 255f, within(0.01f));
  }

  @Test
  void theContentCountsAndNotTheName() throws Exception {
    Path path = file("a.mkv", Pictures.counting(3, 8));
    Path renamed = Files.move(path, folder.resolve("a.txt"));
    assertThat(ClipReader.read(renamed, ClipSampling.ALL).frames()).isEqualTo(3);
  }

  @Test
  void missingAndEmptyFilesAreNamed() throws Exception {
    assertRefused(folder.resolve("none.mp4"), "does not exist");
    assertRefused(Files.createFile(folder.resolve("empty.mp4")), "is empty");
    assertRefused(Files.createDirectory(folder.resolve("bare")), "holds no png");
  }

  @Test
  void textIsNoVideoWhateverItsName() throws Exception {
    Path text = Files.writeString(folder.resolve("a.mp4"), "Once upon a time. ".repeat(100));
    assertRefused(text, "is not a video or image that can be read");
  }

  @Test
  void playlistsThatPointElsewhereAreNotFollowed() throws Exception {
    Path clip = file("a.mkv", Pictures.counting(3, 8));
    Path list = folder.resolve("list.ffconcat");
    Files.writeString(list, "ffconcat version 1.0\nfile " + clip + "\n");
    assertRefused(list, "is not a video");
    Path hls = folder.resolve("list.m3u8");
    Files.writeString(hls, "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:" + clip + "\n");
    assertRefused(hls, "is not a video");
  }

  @ParameterizedTest
  @ValueSource(strings = {"mp4", "webm", "mkv", "avi", "apng", "png", "jpg", "safetensors"})
  void cutOffFilesAreRefused(String ending) throws Exception {
    int frames = ending.equals("png") || ending.equals("jpg") ? 1 : 12;
    Path path = file("a." + ending, Pictures.moving(frames, 64, 64, 8));
    byte[] bytes = Files.readAllBytes(path);
    for (double part : new double[] {0.05, 0.5}) {
      Files.write(path, Arrays.copyOf(bytes, (int) (bytes.length * part)));
      assertThatThrownBy(() -> ClipReader.read(path, ClipSampling.ALL))
          .isInstanceOf(EngineFailure.class)
          .hasMessageContaining(path.toString())
          .hasMessageNotContaining("\n");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mp4", "png", "apng"})
  void scrambledFilesAreRefused(String ending) throws Exception {
    int frames = ending.equals("png") ? 1 : 12;
    Path path = file("a." + ending, Pictures.moving(frames, 64, 64, 8));
    byte[] bytes = Files.readAllBytes(path);
    for (int i = bytes.length / 2; i < bytes.length; i += 7) {
      bytes[i] ^= 0x55;
    }
    Files.write(path, bytes);
    assertRefused(path, "damaged");
  }

  @Test
  void anImageBombIsRefusedBeforeItIsDecoded() throws Exception {
    ByteBuffer png = ByteBuffer.allocate(8 + 25 + 16);
    png.putLong(0x89504E470D0A1A0AL);
    byte[] header =
        ByteBuffer.allocate(17)
            .put("IHDR".getBytes(StandardCharsets.US_ASCII))
            .putInt(60000)
            .putInt(60000)
            .put(new byte[] {8, 2, 0, 0, 0})
            .array();
    CRC32 crc = new CRC32();
    crc.update(header);
    png.putInt(13).put(header).putInt((int) crc.getValue());
    png.putInt(4).put("IDAT".getBytes(StandardCharsets.US_ASCII)).putInt(0).putInt(0);
    Path bomb = Files.write(folder.resolve("bomb.png"), png.array());
    assertThatThrownBy(() -> ClipReader.read(bomb, ClipSampling.ALL))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining(bomb.toString());
  }

  @Test
  void clipsThatWouldFillTheMemoryAreRefused() {
    Path path = file("a.mkv", Pictures.counting(3, 8));
    ClipSampling huge = new ClipSampling(0, 0, 20000, 20000, Fit.SQUASH, Window.START);
    assertThatThrownBy(() -> ClipReader.read(path, huge))
        .hasMessageContaining("ask for fewer frames or a smaller size");
  }

  @Test
  void tensorFilesWithoutAVideoSayWhatTheyHold() {
    Path path = folder.resolve("a.safetensors");
    SafetensorsWriter.to(path).addInts("tokens", new long[] {1, 2}, new int[2]).write();
    assertRefused(path, "has no tensor 'video': got \"tokens\"");
    SafetensorsWriter.to(path).addFloats("video", new long[] {3, 2}, new float[6]).write();
    assertRefused(path, "expected 'video' to be float32 (B, 3, T, H, W)");
  }

  @Test
  void tensorsKeepValuesThatNoByteCanHold() {
    float[] pixels = new float[3 * 2 * 2];
    Arrays.fill(pixels, 0.12345679f);
    Path path = file("a.safetensors", new Clip(pixels, 1, 2, 2, 12.5));
    Clip back = ClipReader.read(path, ClipSampling.ALL);
    assertThat(back.pixels()).isEqualTo(pixels);
    assertThat(back.fps()).isEqualTo(12.5);
  }

  @Test
  void imagesAndFoldersPlayAtTheAskedRate() {
    Path image = file("a.png", Pictures.counting(1, 3));
    assertThat(ClipReader.probe(image)).isEqualTo(new ClipInfo(16, 16, 0, 1, "png"));
    assertThat(ClipReader.read(image, ClipSampling.ALL).fps()).isEqualTo(ClipReader.DEFAULT_FPS);
    Path frames = file("frames", Pictures.counting(4, 3));
    ClipSampling slow = new ClipSampling(0, 2, 0, 0, Fit.SQUASH, Window.START);
    Clip clip = ClipReader.read(frames, slow);
    assertThat(clip.frames()).isEqualTo(4);
    assertThat(clip.fps()).isEqualTo(2);
    assertThat(ClipReader.probe(frames)).isEqualTo(new ClipInfo(16, 16, 0, 4, "png"));
  }
}
