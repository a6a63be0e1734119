package dev.blockreel.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipSampling.Fit;
import dev.blockreel.media.ClipSampling.Window;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Pictures as cameras and other programs leave them. */
class ForeignPicturesTest {
  private static final int HEIGHT = 16;
  private static final int WIDTH = 32;

  @TempDir Path folder;

  /** Quarters in red and green above blue and white. */
  private static Clip quarters() {
    float[] pixels = new float[3 * HEIGHT * WIDTH];
    String colours = "RGBW";
    for (int y = 0; y < HEIGHT; y++) {
      for (int x = 0; x < WIDTH; x++) {
        char colour = colours.charAt(2 * (2 * y / HEIGHT) + 2 * x / WIDTH);
        for (int c = 0; c < 3; c++) {
          boolean lit = colour == 'W' || colour == "RGB".charAt(c);
          pixels[(c * HEIGHT + y) * WIDTH + x] = lit ? 1 : 0;
        }
      }
    }
    return new Clip(pixels, 1, HEIGHT, WIDTH, 8);
  }

  /** The colours of the quarters' centres, read from above left to below right. */
  private static String seen(Clip clip) {
    StringBuilder colours = new StringBuilder();
    for (int quarter = 0; quarter < 4; quarter++) {
      int y = (1 + 2 * (quarter / 2)) * clip.height() / 4;
      int x = (1 + 2 * (quarter % 2)) * clip.width() / 4;
      int lit = 0;
      for (int c = 0; c < 3; c++) {
        float value = clip.pixels()[(c * clip.height() + y) * clip.width() + x];
        lit += value > 0.5 ? 1 << c : 0;
      }
      colours.append(".RG.B..W".charAt(lit));
    }
    return colours.toString();
  }

  /** What the orientations of Exif mean: where the picture's first row and column belong. */
  @ParameterizedTest
  @CsvSource({
    "1, RGBW", "2, GRWB", "3, WBGR", "4, BWRG", "5, RBGW", "6, BRWG", "7, WGBR", "8, GWRB",
  })
  void photographsAreShownAsTheCameraWasHeld(int orientation, String wanted) throws IOException {
    Path plain = folder.resolve("plain.jpg");
    ClipWriter.write(plain, quarters());
    assertThat(seen(ClipReader.read(plain, ClipSampling.ALL))).isEqualTo("RGBW");
    byte[] jpeg = Files.readAllBytes(plain);
    byte[] exif = exif(orientation);
    Path marked =
        Files.write(
            folder.resolve("marked.jpg"),
            ByteBuffer.allocate(jpeg.length + exif.length)
                .put(jpeg, 0, 2)
                .put(exif)
                .put(jpeg, 2, jpeg.length - 2)
                .array());

    Clip shown = ClipReader.read(marked, ClipSampling.ALL);
    assertThat(shown.width()).isEqualTo(orientation < 5 ? WIDTH : HEIGHT);
    assertThat(seen(shown)).isEqualTo(wanted);
  }

  /** A JPEG's segment that says how the camera was held. */
  private static byte[] exif(int orientation) {
    ByteBuffer bytes = ByteBuffer.allocate(36).putShort((short) 0xFFE1).putShort((short) 34);
    bytes.put("Exif\0\0".getBytes(StandardCharsets.US_ASCII));
    bytes.put("MM".getBytes(StandardCharsets.US_ASCII)).putShort((short) 42).putInt(8);
    bytes.putShort((short) 1);
    bytes.putShort((short) 0x0112).putShort((short) 3).putInt(1).putShort((short) orientation);
    return bytes.array();
  }

  @Test
  void tagsThatNobodyKnowsDoNotSpoilATiff() throws IOException {
    int side = 2;
    byte[] rgb = {-1, 0, 0, 0, -1, 0, 0, 0, -1, -1, -1, -1};
    ByteBuffer tiff = ByteBuffer.allocate(200).order(ByteOrder.LITTLE_ENDIAN);
    int after = 8 + 2 + 10 * 12 + 4;
    tiff.put("II".getBytes(StandardCharsets.US_ASCII)).putShort((short) 42).putInt(8);
    tiff.putShort((short) 10);
    entry(tiff, 256, 1, side);
    entry(tiff, 257, 1, side);
    entry(tiff, 258, 3, after); // bits of a sample
    entry(tiff, 259, 1, 1); // not compressed
    entry(tiff, 262, 1, 2); // RGB
    entry(tiff, 273, 1, after + 6); // where the pixels are
    entry(tiff, 277, 1, 3); // samples of a pixel
    entry(tiff, 278, 1, side);
    entry(tiff, 279, 1, rgb.length);
    entry(tiff, 65_000, 1, 7);
    tiff.putInt(0).putShort((short) 8).putShort((short) 8).putShort((short) 8).put(rgb);
    Path file = folder.resolve("a.tiff");
    Files.write(file, tiff.array());
    assertThat(seen(ClipReader.read(file, ClipSampling.ALL))).isEqualTo("RGBW");
  }

  private static void entry(ByteBuffer tiff, int tag, int count, int value) {
    tiff.putShort((short) tag).putShort((short) 3).putInt(count).putInt(value);
  }

  /** As a strip of stripes is widened a little and made a fourth as high. */
  @Test
  void theSideThatShrinksIsAveragedThoughTheOtherGrows() {
    int height = 64;
    int width = 16;
    float[] pixels = new float[3 * height * width];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = i / width % 4 == 0 ? 1 : 0;
    }
    Path file = folder.resolve("stripes.png");
    ClipWriter.write(file, new Clip(pixels, 1, height, width, 8));
    Clip squashed = ClipReader.read(file, new ClipSampling(0, 0, 16, 80, Fit.SQUASH, Window.START));
    for (float value : squashed.pixels()) {
      assertThat(value).isEqualTo(0.25f, within(0.005f));
    }
  }
}
