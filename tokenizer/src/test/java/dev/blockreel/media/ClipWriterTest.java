package dev.blockreel.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClipWriterTest {
  private static final Clip CLIP = Pictures.moving(9, 32, 48, 8);

  @TempDir Path folder;

  private Clip thereAndBack(Clip clip, String name) {
    ClipWriter.write(folder.resolve(name), clip);
    return ClipReader.read(folder.resolve(name), ClipSampling.ALL);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.mkv", "a.avi", "a.apng", "a.safetensors"})
  void losslessFilesGiveBackEveryValue(String name) {
    Clip back = thereAndBack(CLIP, name);
    assertThat(back.pixels()).isEqualTo(CLIP.pixels());
    assertThat(back.frames()).isEqualTo(9);
    assertThat(back.fps()).isEqualTo(8, within(0.01));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.mp4", "a.m4s", "a.webm", "a.gif"})
  void lossyFilesStayClose(String name) {
    Clip back = thereAndBack(CLIP, name);
    assertThat(back.frames()).isEqualTo(9);
    assertThat(back.fps()).isEqualTo(8, within(0.05));
    assertThat(Pictures.psnr(CLIP, back)).isGreaterThan(28);
  }

  @Test
  void mp4IsH264WithItsIndexInFront() throws Exception {
    thereAndBack(CLIP, "a.mp4");
    assertThat(ClipReader.probe(folder.resolve("a.mp4")))
        .isEqualTo(new ClipInfo(48, 32, 8, 9, "h264"));
    String bytes = Files.readString(folder.resolve("a.mp4"), StandardCharsets.ISO_8859_1);
    assertThat(bytes.indexOf("moov")).isPositive().isLessThan(bytes.indexOf("mdat"));
  }

  @Test
  void oddSizesGrowByTheirOwnEdge() {
    Clip odd = Pictures.moving(2, 33, 47, 8);
    Clip back = thereAndBack(odd, "odd.mp4");
    assertThat(back.height()).isEqualTo(34);
    assertThat(back.width()).isEqualTo(48);
    for (int y = 0; y < 33; y++) {
      float last = odd.pixels()[y * 47 + 46];
      assertThat(back.pixels()[y * 48 + 47]).isEqualTo(last, within(0.08f));
    }
  }

  @Test
  void anAnimatedWebpIsWrittenWholeAndNamedWhenItCannotBeRead() throws Exception {
    ClipWriter.write(folder.resolve("a.webp"), CLIP);
    byte[] bytes = Files.readAllBytes(folder.resolve("a.webp"));
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    assertThat(text).startsWith("RIFF").contains("WEBP", "ANIM", "ANMF");
    assertThatThrownBy(() -> ClipReader.probe(folder.resolve("a.webp")))
        .hasMessageContaining("animated WebP");
  }

  @Test
  void aSingleImageIsJustTheImage() {
    Clip image = CLIP.slice(0, 1);
    assertThat(thereAndBack(image, "a.png").pixels()).isEqualTo(image.pixels());
    assertThat(Pictures.psnr(image, thereAndBack(image, "a.jpg"))).isGreaterThan(30);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.jpg", "a.webp"})
  void anImageOfLowerQualityIsSmallerAndFurtherOff(String name) throws Exception {
    Clip image = Pictures.moving(1, 64, 48, 8);
    Path file = folder.resolve(name);
    long size = 0;
    double likeness = 0;
    for (int quality : new int[] {0, 50, 100}) {
      ClipWriter.writeImage(file, image, quality);
      double found = Pictures.psnr(image, ClipReader.read(file, ClipSampling.ALL));
      assertThat(Files.size(file)).isGreaterThan(size);
      assertThat(found).isGreaterThan(likeness);
      size = Files.size(file);
      likeness = found;
    }
    assertThatThrownBy(() -> ClipWriter.writeImage(file, image, 101))
        .hasMessageContaining("from 0 to 100: got 101");
    assertThat(folder).isDirectoryNotContaining("glob:**.part*");
  }

  @Test
  void aClipAsPngIsANearlySquareSheet() {
    Clip sheet = thereAndBack(CLIP.slice(0, 5), "a.png");
    assertThat(sheet.frames()).isEqualTo(1);
    assertThat(sheet.width()).isEqualTo(3 * 48 + 2);
    assertThat(sheet.height()).isEqualTo(2 * 32 + 1);
    // Frame 3 begins the second row.
    assertThat(sheet.pixels()[33 * sheet.width()]).isEqualTo(CLIP.slice(3, 4).pixels()[0]);
  }

  @Test
  void severalClipsGetARowEach() {
    Path out = folder.resolve("sheet.png");
    ClipWriter.writeSheet(out, List.of(CLIP, CLIP.slice(0, 4)), 2);
    Clip sheet = ClipReader.read(out, ClipSampling.ALL);
    assertThat(sheet.width()).isEqualTo(2 * (9 * 49 - 1));
    assertThat(sheet.height()).isEqualTo(2 * (2 * 33 - 1));
    assertThatThrownBy(
            () -> ClipWriter.writeSheet(out, List.of(CLIP, Pictures.moving(1, 16, 16, 8))))
        .hasMessage("the clips of a sheet must have one size: got 48x32 and 16x16");
    assertThatThrownBy(() -> ClipWriter.writeSheet(folder.resolve("a.mp4"), List.of(CLIP)))
        .hasMessageContaining("png or jpg");
  }

  @Test
  void scaleDrawsSquares() {
    ClipWriter.write(folder.resolve("a.mkv"), CLIP, 3);
    Clip large = ClipReader.read(folder.resolve("a.mkv"), ClipSampling.ALL);
    assertThat(large.width()).isEqualTo(144);
    assertThat(large.height()).isEqualTo(96);
    assertThat(large.pixels()[5 * 144 + 7]).isEqualTo(CLIP.pixels()[48 + 2]);
  }

  @Test
  void aNameWithoutEndingIsAFolderOfFrames() throws Exception {
    assertThat(thereAndBack(CLIP, "frames").pixels()).isEqualTo(CLIP.pixels());
    Clip shorter = thereAndBack(CLIP.slice(0, 2), "frames");
    assertThat(shorter.frames()).as("no frame of the longer clip is left").isEqualTo(2);
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(folder.resolve("frames"));
    }
  }

  @Test
  void tensorsHoldSeveralClips() {
    Path out = folder.resolve("new/batch.safetensors");
    ClipWriter.writeTensors(out, List.of(CLIP, CLIP));
    assertThat(ClipReader.probe(out)).isEqualTo(new ClipInfo(48, 32, 8, 9, "safetensors"));
    assertThatThrownBy(() -> ClipReader.read(out, ClipSampling.ALL))
        .hasMessage(out + " holds 2 clips: expected 1");
  }

  @Test
  void anUnknownEndingNamesTheKnownOnes() {
    assertThatThrownBy(() -> ClipWriter.write(folder.resolve("a.xyz"), CLIP))
        .hasMessageContaining("got the ending 'xyz', expected one of mp4")
        .extracting(error -> ((EngineFailure) error).code())
        .isEqualTo(FailureCode.BAD_REQUEST);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.mp4", "a.safetensors", "frames"})
  void anUnwritablePlaceIsOneLine(String name) throws Exception {
    Path inTheWay = Files.createFile(folder.resolve("file"));
    assertThatThrownBy(() -> ClipWriter.write(inTheWay.resolve(name), CLIP))
        .hasMessageContaining("cannot write")
        .hasMessageContaining(inTheWay.resolve(name) + ": ")
        .hasMessageNotContaining("\n")
        .extracting(error -> ((EngineFailure) error).code())
        .isEqualTo(FailureCode.MEDIA);
  }

  @Test
  void pathsMayHoldColonsSpacesAndPercentSigns() {
    assertThat(thereAndBack(CLIP, "a: 100%d b.mkv").frames()).isEqualTo(9);
  }

  @Test
  void aRateOfUnevenDelaysIsTheirMean() {
    // A GIF counts in hundredths of a second: delays of 2 and 3 take turns.
    Path path = folder.resolve("uneven.gif");
    ClipWriter.write(path, new Clip(new float[3 * 29 * 16 * 16], 29, 16, 16, 48));
    assertThat(ClipReader.read(path, ClipSampling.ALL).fps()).isCloseTo(48, within(3.0));
  }
}
