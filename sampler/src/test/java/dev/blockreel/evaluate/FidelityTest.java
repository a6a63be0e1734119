package dev.blockreel.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.grid.Clip;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class FidelityTest {
  private static final int FRAMES = 2;
  private static final int HEIGHT = 16;
  private static final int WIDTH = 20;

  @Test
  void sameClipIsPerfect() {
    Fidelity fidelity = Fidelity.of(pattern(0), pattern(0));
    assertThat(fidelity.psnr()).isInfinite().isPositive();
    assertThat(fidelity.ssim()).isCloseTo(1, within(1e-9));
  }

  /** The numbers are those of scikit-image 0.26 with gaussian_weights and population covariance. */
  @Test
  void agreesWithScikitImage() {
    Fidelity fidelity = Fidelity.of(pattern(0), pattern(0.2f));
    assertThat(fidelity.psnr()).isCloseTo(21.675479754210237, within(1e-5));
    assertThat(fidelity.ssim()).isCloseTo(0.9522835951940439, within(1e-5));
  }

  @Test
  void evenGreysDifferByTheirBrightnessAlone() {
    Fidelity fidelity = Fidelity.of(grey(0.5f, 8, 8), grey(0.6f, 8, 8));
    assertThat(fidelity.psnr()).isCloseTo(20, within(1e-4));
    double expected = (2 * 0.5 * 0.6 + 1e-4) / (0.5 * 0.5 + 0.6 * 0.6 + 1e-4);
    assertThat(fidelity.ssim()).isCloseTo(expected, within(1e-4));
  }

  @Test
  void clipsOfOtherSizesAreRefused() {
    assertThatThrownBy(() -> Fidelity.of(grey(0, 8, 8), grey(0, 8, 9)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1x8x8 and 1x8x9");
  }

  private static Clip pattern(float noise) {
    float[] pixels = new float[3 * FRAMES * HEIGHT * WIDTH];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (1 - noise) * (i * 37 % 101 / 100f) + noise * (i * 53 % 89 / 88f);
    }
    return new Clip(pixels, FRAMES, HEIGHT, WIDTH, 8);
  }

  private static Clip grey(float value, int height, int width) {
    float[] pixels = new float[3 * height * width];
    Arrays.fill(pixels, value);
    return new Clip(pixels, 1, height, width, 8);
  }
}
