package dev.blockreel.samples.sprites;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipWriter;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MakeGalleryTest {
  private static final int CELL = 64;

  @TempDir private Path folder;

  @Test
  void sheetsShowRealClipsBesideGeneratedOnes() {
    Path real = folder.resolve("real");
    for (String name : new String[] {"walk-left", "cast-up"}) {
      float[] pixels = new float[3 * 17 * CELL * CELL];
      Arrays.fill(pixels, 1);
      ClipWriter.write(
          real.resolve(name).resolve("white.mkv"), new Clip(pixels, 17, CELL, CELL, 8));
    }
    Path out = folder.resolve("gallery");
    int code =
        MakeGallery.run(
            "--model",
            "models/sprites-nbp",
            "--real",
            real.toString(),
            "--out",
            out.toString(),
            "--rows",
            "1",
            "--class",
            "walk-left,cast-up");
    assertThat(code).isZero();
    Clip sheet = ClipReader.read(out.resolve("walk-left.png"), ClipSampling.ALL);
    assertThat(sheet.width()).isEqualTo(11 * (CELL + 1) - 1);
    // Row of pixels in the middle: white on the left, a picture on the right.
    assertThat(red(sheet, 2 * (CELL + 1) + 20)).isEqualTo(1);
    assertThat(red(sheet, 8 * (CELL + 1) + 20)).isLessThan(0.9f);
    Clip prediction = ClipReader.read(out.resolve("prediction.png"), ClipSampling.ALL);
    assertThat(prediction.height()).isEqualTo(4 * (CELL + 1) - 1);
    assertThat(ClipReader.read(out.resolve("classes.gif"), ClipSampling.ALL).frames())
        .isEqualTo(17);
  }

  private static float red(Clip sheet, int x) {
    return sheet.pixels()[CELL / 2 * sheet.width() + x];
  }

  @Test
  void tooFewRealClipsAreToldInOneLine() {
    assertThat(
            MakeGallery.run(
                "--model",
                "models/sprites-nbp",
                "--real",
                folder.toString(),
                "--out",
                folder.resolve("gallery").toString()))
        .isEqualTo(1);
    assertThat(folder.resolve("gallery")).doesNotExist();
  }
}
