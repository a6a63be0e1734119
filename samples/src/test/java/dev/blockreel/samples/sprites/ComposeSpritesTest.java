package dev.blockreel.samples.sprites;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.LongStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComposeSpritesTest {
  @TempDir static Path artwork;
  @TempDir Path out;

  /** Bodies whose cells tell their own row and column; everything else is one pixel. */
  @BeforeAll
  static void drawArtwork() throws IOException {
    for (String sex : List.of("female", "male")) {
      for (String kind : List.of("body", "legs", "feet", "torso", "hair")) {
        Path shelf = Files.createDirectories(artwork.resolve(kind).resolve(sex));
        for (int choice = 0; choice < 3; choice++) {
          BufferedImage sheet = new BufferedImage(832, 1344, BufferedImage.TYPE_INT_ARGB);
          for (int row = 0; row < 21; row++) {
            for (int column = 0; column < 13; column++) {
              int opaque = 0xff000000 | row << 16 | column << 8 | choice;
              sheet.setRGB(64 * column + 10, 64 * row + 20, kind.equals("body") ? opaque : 0);
              sheet.setRGB(64 * column + 30, 64 * row + 30, 0x80ff0000);
            }
          }
          ImageIO.write(sheet, "png", shelf.resolve(kind + choice + ".png").toFile());
        }
      }
    }
  }

  private static int pixel(Clip clip, int channel, int frame, int y, int x) {
    int index = ((channel * clip.frames() + frame) * 64 + y) * 64 + x;
    return Math.round(clip.pixels()[index] * 255);
  }

  private int run(String... more) {
    String[] arguments = {"--layers", artwork.toString(), "--out", out.toString()};
    String[] all = new String[arguments.length + more.length];
    System.arraycopy(arguments, 0, all, 0, arguments.length);
    System.arraycopy(more, 0, all, arguments.length, more.length);
    return ComposeSprites.run(all);
  }

  @Test
  void thereAreTwentyClasses() {
    assertThat(SpriteClass.ALL)
        .extracting(SpriteClass::label)
        .hasSize(20)
        .doesNotHaveDuplicates()
        .contains("walk-left", "shoot-down", "cast-up", "thrust-right", "slash-left");
  }

  @Test
  void aNumberIsAlwaysTheSameCharacterAndNumbersDiffer() {
    SpriteLayers layers = new SpriteLayers(artwork);
    assertThat(SpriteCharacter.of(7, layers))
        .isEqualTo(SpriteCharacter.of(7, new SpriteLayers(artwork)));
    long different =
        LongStream.range(0, 200)
            .mapToObj(number -> SpriteCharacter.of(number, layers).layers())
            .distinct()
            .count();
    assertThat(different).isGreaterThan(100);
  }

  @Test
  void nineOfTenHaveHairAndNobodyMixesSexes() {
    SpriteLayers layers = new SpriteLayers(artwork);
    int hair = 0;
    for (int number = 0; number < 1000; number++) {
      List<Path> drawn = SpriteCharacter.of(number, layers).layers();
      hair += drawn.size() - 4;
      assertThat(drawn.stream().map(Path::getParent).map(Path::getFileName).distinct()).hasSize(1);
      assertThat(drawn.get(0).getFileName().toString()).startsWith("body");
      assertThat(drawn.get(3).getFileName().toString()).startsWith("torso");
    }
    assertThat(hair).isBetween(860, 940);
  }

  @Test
  void framesLoopThroughTheColumnsOfTheRightRow() {
    SpriteLayers layers = new SpriteLayers(artwork);
    SpriteClass walkLeft = new SpriteClass(SpriteAction.WALK, SpriteAction.Direction.LEFT);
    Clip clip = new SpriteComposer(layers).compose(SpriteCharacter.of(1, layers), walkLeft, 0, 17);
    assertThat(clip.frames()).isEqualTo(17);
    assertThat(clip.fps()).isEqualTo(8);
    for (int t = 0; t < 17; t++) {
      assertThat(pixel(clip, 0, t, 20, 10)).as("row").isEqualTo(9);
      assertThat(pixel(clip, 1, t, 20, 10)).as("column").isEqualTo(1 + t % 8);
      assertThat(pixel(clip, 2, t, 0, 0)).as("background").isEqualTo(120);
    }
  }

  @Test
  void aClipMayBeginLaterInTheLoop() {
    assertThat(run("--characters", "3", "--first", "1", "--frames", "5")).isZero();
    assertThat(run("--characters", "4", "--frames", "6")).isZero();
    Clip later = read("cast-up/cast-up_c00003.mkv");
    Clip whole = read("cast-up/cast-up_c00004.mkv");
    assertThat(later.frames()).isEqualTo(5);
    for (int t = 0; t < 5; t++) {
      assertThat(pixel(later, 1, t, 20, 10)).isEqualTo(pixel(whole, 1, t + 1, 20, 10));
    }
  }

  @Test
  void layersAreBlendedByTheirAlpha() {
    SpriteLayers layers = new SpriteLayers(artwork);
    SpriteCharacter body = new SpriteCharacter(0, layers.choices("body", "male").subList(0, 1));
    Clip clip = new SpriteComposer(layers).compose(body, SpriteClass.ALL.get(0), 0, 1);
    // 120 under half-transparent pure red.
    assertThat(pixel(clip, 0, 0, 30, 30)).isEqualTo((255 * 128 + 120 * 127 + 127) / 255);
    assertThat(pixel(clip, 1, 0, 30, 30)).isEqualTo((120 * 127 + 127) / 255);
  }

  @Test
  void testCharactersAreThoseDivisibleByTen() {
    assertThat(run("--characters", "9..11", "--only", "test")).isZero();
    assertThat(out.resolve("walk-left")).isDirectoryContaining("glob:**_c00010.mkv");
    assertThat(out.resolve("walk-left").toFile().list()).hasSize(1);
    assertThat(run("--characters", "9..11", "--only", "train")).isZero();
    assertThat(out.resolve("walk-left").toFile().list()).hasSize(3);
    assertThat(out.toFile().list()).hasSize(20);
  }

  @Test
  void clipsComeBackExactlyAndExistingOnesAreLeftAlone() throws IOException {
    assertThat(run("--characters", "3")).isZero();
    Path file = out.resolve("shoot-up/shoot-up_c00003.mkv");
    SpriteLayers layers = new SpriteLayers(artwork);
    Clip composed =
        new SpriteComposer(layers)
            .compose(
                SpriteCharacter.of(3, layers),
                new SpriteClass(SpriteAction.SHOOT, SpriteAction.Direction.UP),
                0,
                17);
    assertThat(read("shoot-up/shoot-up_c00003.mkv").pixels()).isEqualTo(composed.pixels());
    Files.setLastModifiedTime(file, FileTime.fromMillis(0));
    assertThat(run("--characters", "3")).isZero();
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(FileTime.fromMillis(0));
  }

  private Clip read(String file) {
    return ClipReader.read(out.resolve(file), ClipSampling.ALL);
  }

  @Test
  void wrongUsageIsToldByTheExitCode() {
    assertThat(run("--characters", "5..2")).isEqualTo(2);
    assertThat(run("--characters", "some")).isEqualTo(2);
    assertThat(run("--frames", "0")).isEqualTo(2);
    assertThat(run("--first", "-1")).isEqualTo(2);
    assertThat(run("--format", "xyz", "--characters", "0")).isEqualTo(2);
    assertThat(ComposeSprites.run("--layers", "nowhere", "--out", out.toString())).isEqualTo(1);
  }

  @Test
  void aSheetOfAnotherSizeIsNamed() throws IOException {
    Path small = out.resolve("small.png");
    ImageIO.write(new BufferedImage(64, 64, BufferedImage.TYPE_INT_ARGB), "png", small.toFile());
    assertThatThrownBy(() -> new SpriteSheet(small))
        .hasMessage("the layer " + small + " must be an image of 832x1344: got 64x64");
  }
}
