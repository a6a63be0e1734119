package dev.blockreel.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.media.ClipSampling.Fit;
import dev.blockreel.media.ClipSampling.Window;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ClipSamplingTest {
  private static ClipSampling frames(int frames, double fps, Window window) {
    return new ClipSampling(frames, fps, 0, 0, Fit.SQUASH, window);
  }

  @Test
  void zeroKeepsEveryFrame() {
    assertThat(ClipSampling.ALL.select(4, 25, "clip")).containsExactly(0, 1, 2, 3);
  }

  @Test
  void resamplingFollowsTruncatedLinspace() {
    // int(10 / 25 * 8) = 3 frames, linspace(0, 9, 3) = 0, 4.5, 9.
    assertThat(frames(0, 8, Window.START).select(10, 25, "clip")).containsExactly(0, 4, 9);
    assertThat(frames(0, 8, Window.START).resultFps(25)).isEqualTo(8);
  }

  @Test
  void aLowerRateIsLeftAlone() {
    assertThat(frames(0, 8, Window.START).select(3, 5, "clip")).containsExactly(0, 1, 2);
    assertThat(frames(0, 8, Window.START).resultFps(5)).isEqualTo(5);
  }

  @Test
  void evenTheShortestClipKeepsAFrame() {
    assertThat(frames(0, 1, Window.START).select(2, 25, "clip")).containsExactly(0);
  }

  @Test
  void theCenterWindowOfSeventeenIsEightToEachSide() {
    int[] picked = frames(17, 0, Window.CENTER).select(40, 25, "clip");
    assertThat(picked).hasSize(17).startsWith(12).endsWith(28);
  }

  @Test
  void theCenterWindowFitsWhereverTheClipIsLongEnough() {
    for (int length = 1; length < 40; length++) {
      for (int frames = 1; frames <= length; frames++) {
        int[] picked = frames(frames, 0, Window.CENTER).select(length, 25, "clip");
        assertThat(picked).hasSize(frames);
        assertThat(picked[0]).isNotNegative();
        assertThat(picked[frames - 1]).isLessThan(length);
      }
    }
  }

  @Test
  void theRandomWindowFollowsItsSeed() {
    ClipSampling random = frames(3, 0, Window.RANDOM);
    int[] first = random.withSeed(1).select(1000, 25, "clip");
    assertThat(random.withSeed(1).select(1000, 25, "clip")).isEqualTo(first);
    assertThat(random.withSeed(2).select(1000, 25, "clip")).isNotEqualTo(first);
    assertThat(first[2] - first[0]).isEqualTo(2);
  }

  @Test
  void aShortClipIsRefusedWithBothNumbers() {
    assertThatThrownBy(() -> frames(17, 8, Window.CENTER).select(25, 25, "a.mp4"))
        .hasMessage(
            "a.mp4 is too short: it has 8 frames at 8.0 fps (25 in the file), 17 are needed")
        .extracting(error -> ((EngineFailure) error).code())
        .isEqualTo(FailureCode.MEDIA);
  }

  @Test
  void aShortClipIsTakenWholeWhenItWillBePadded() {
    int[] picked = frames(17, 0, Window.CENTER).paddingShort().select(5, 25, "clip");
    assertThat(Arrays.toString(picked)).isEqualTo("[0, 1, 2, 3, 4]");
  }

  @Test
  void oneSideAloneIsNoSize() {
    assertThatThrownBy(() -> new ClipSampling(0, 0, 64, 0, Fit.SQUASH, Window.START))
        .hasMessage("height and width must both be above 0, or both 0: got 64 and 0");
    assertThatThrownBy(() -> new ClipSampling(-1, 0, 0, 0, Fit.SQUASH, Window.START))
        .hasMessage("frames and fps must be 0 or more: got -1 and 0.0");
  }
}
