package dev.blockreel.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.grid.Clip;
import java.util.List;
import org.junit.jupiter.api.Test;

class IdentityTest {
  private static final float[] RED = {1, 0, 0};
  private static final float[] GREEN = {0, 0.8f, 0};
  private static final float[] BLUE = {0, 0, 1};

  /** A square of one colour on grey, at another place in each frame. */
  private static Clip walker(float[]... colours) {
    int side = 12;
    float[] pixels = new float[3 * colours.length * side * side];
    for (int c = 0; c < 3; c++) {
      for (int t = 0; t < colours.length; t++) {
        for (int i = 0; i < side * side; i++) {
          int y = i / side;
          int x = i % side - t;
          boolean inside = y >= 3 && y < 7 && x >= 2 && x < 6;
          pixels[(c * colours.length + t) * side * side + i] = inside ? colours[t][c] : 0.47f;
        }
      }
    }
    return new Clip(pixels, colours.length, side, side, 8);
  }

  private static Identity of(int[] labels, Clip... clips) {
    return Identity.of(
        labels,
        List.of(clips).stream().map(clip -> Palette.of(clip, 0)).toList(),
        List.of(clips).stream().map(clip -> Palette.of(clip, clip.frames() - 1)).toList());
  }

  @Test
  void whoMovesStaysTheSame() {
    Identity identity = of(new int[] {0, 0}, walker(RED, RED, RED), walker(BLUE, BLUE, BLUE));
    assertThat(identity.same()).isCloseTo(0, within(1e-6));
    assertThat(identity.strangers()).isCloseTo(1, within(1e-6));
    assertThat(identity.found()).isEqualTo(1);
  }

  @Test
  void whoTurnsIntoAnotherIsNotFound() {
    Identity identity =
        of(
            new int[] {0, 0, 1},
            walker(RED, BLUE), // ends as the other one of its class begins
            walker(BLUE, BLUE),
            walker(RED, GREEN)); // alone in its class: nobody to be taken for
    assertThat(identity.found()).isCloseTo(2 / 3.0, within(1e-9));
    assertThat(identity.same()).isCloseTo(2 / 3.0, within(0.02));
  }

  @Test
  void aLittleNoiseChangesLittle() {
    Clip clip = walker(RED, BLUE);
    float[] noisy = clip.pixels().clone();
    for (int i = 0; i < noisy.length; i++) {
      noisy[i] = Math.min(1, Math.max(0, noisy[i] + (i % 3 - 1) * 0.02f));
    }
    Clip changed = new Clip(noisy, clip.frames(), clip.height(), clip.width(), clip.fps());
    assertThat(Palette.distance(Palette.of(clip, 0), Palette.of(changed, 0))).isLessThan(0.2);
    assertThat(Palette.distance(Palette.of(clip, 0), Palette.of(clip, 1))).isGreaterThan(0.9);
  }

  @Test
  void aFrameOfOneColourHasAPaletteToo() {
    Clip blank = new Clip(new float[3 * 16], 1, 4, 4, 8);
    float sum = 0;
    for (float share : Palette.of(blank, 0)) {
      sum += share;
    }
    assertThat(sum).isCloseTo(1, within(1e-5f));
  }
}
