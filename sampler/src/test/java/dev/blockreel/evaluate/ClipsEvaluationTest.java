package dev.blockreel.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClipsEvaluationTest {
  private static final ClipSampling SAMPLING =
      new ClipSampling(2, 0, 4, 4, ClipSampling.Fit.SQUASH, ClipSampling.Window.CENTER);

  @TempDir private Path folder;

  /** Features: mean of each colour. Classes: bright or dark. */
  private static final class MeanColour implements Network {
    private int clips;
    private int frames = 1;
    private int failAt = Integer.MAX_VALUE;

    @Override
    public String name() {
      return "colour";
    }

    @Override
    public String identity() {
      return "mean";
    }

    @Override
    public int frames() {
      return frames;
    }

    @Override
    public List<Reading> read(List<Clip> batch) {
      List<Reading> readings = new ArrayList<>();
      for (Clip clip : batch) {
        if (clips++ >= failAt) {
          throw EngineFailure.badRequest("enough");
        }
        int part = clip.pixels().length / 3;
        float[] means = new float[3];
        for (int i = 0; i < clip.pixels().length; i++) {
          means[i / part] += clip.pixels()[i] / part;
        }
        float bright = (means[0] + means[1] + means[2]) / 3;
        readings.add(new Reading(means, new float[] {bright, 1 - bright}));
      }
      return readings;
    }

    @Override
    public void close() {}
  }

  /** Clips of one colour each, {@code levels} of 255. */
  private Path clips(String name, String kind, int... levels) {
    for (int i = 0; i < levels.length; i++) {
      float[] pixels = new float[3 * 2 * 4 * 4];
      Arrays.fill(pixels, levels[i] / 255f);
      ClipWriter.write(
          folder.resolve(name).resolve(kind).resolve("clip" + i + ".mkv"),
          new Clip(pixels, 2, 4, 4, 8));
    }
    return folder.resolve(name);
  }

  private ClipsReport run(Network network, Path made, Path real) throws IOException {
    Path work = Files.createDirectories(folder.resolve("work"));
    return new ClipsEvaluation(SAMPLING, network, List.of("bright", "dark"), List.of())
        .run(made, real, work, EvaluationProgress.NONE);
  }

  @Test
  void aFolderComparedWithItself() throws IOException {
    clips("real", "bright", 200, 220, 240);
    Path real = clips("real", "dark", 10, 30, 20);
    ClipsReport report = run(new MeanColour(), real, real);
    assertThat(report.made()).isEqualTo(report.real());
    assertThat(report.made().scores().accuracy()).isEqualTo(1);
    assertThat(report.made().identity().found()).isEqualTo(1);
    FrechetDistance distance = report.distances().get(0);
    assertThat(distance.distance()).isCloseTo(0, within(1e-6));
    assertThat(distance.made()).isEqualTo(6);
    assertThat(distance.features()).isEqualTo(3);
    // Three clips of a class make two disjoint sets of one.
    assertThat(distance.yardstick().clips()).isEqualTo(2);
  }

  @Test
  void anotherDistributionIsFartherThanTheRealOnesFromEachOther() throws IOException {
    clips("real", "bright", 200, 210, 220, 230);
    Path real = clips("real", "dark", 10, 20, 30, 40);
    clips("made", "bright", 140, 150);
    Path made = clips("made", "dark", 90, 140);
    ClipsReport report = run(new MeanColour(), made, real);
    assertThat(report.distances().get(0).yardstick().clips()).isEqualTo(4);
    assertThat(report.distances().get(0).yardstick().ratio()).isGreaterThan(3);
    assertThat(report.made().scores().accuracy()).isEqualTo(0.75);
    assertThat(report.made().scores().confusions())
        .containsExactly(new ClassScores.Confusion("dark", "bright", 1));
  }

  @Test
  void aFolderWithoutClassesHasADistanceOnly() throws IOException {
    Path real = clips("real", "bright", 200, 210, 220, 230);
    Path flat = clips("flat", ".", 100, 110);
    ClipsReport report = run(new MeanColour(), flat, real);
    assertThat(report.made().scores().accuracy()).isNull();
    assertThat(report.distances().get(0).distance()).isGreaterThan(0.1);
    assertThat(report.distances().get(0).yardstick()).isNull();
  }

  @Test
  void whatWasSeenIsNotLookedAtAgain() throws IOException {
    clips("real", "bright", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    Path real = clips("real", "dark", 11, 12);
    run(new MeanColour(), real, real);
    MeanColour again = new MeanColour();
    again.failAt = 0;
    ClipsReport report = run(again, real, real);
    assertThat(again.clips).isZero();
    assertThat(report.real().clips()).isEqualTo(12);
    // Another file, and everything is looked at anew.
    clips("real", "dark", 11, 12, 13);
    assertThatThrownBy(() -> run(again, real, real)).hasMessage("enough");
  }

  @Test
  void clipsThatAreTooShortOrBrokenAreNamedBeforeAnyIsLookedAt() throws IOException {
    Path real = clips("real", "bright", 200, 210, 220);
    Files.write(real.resolve("bright/clip1.mkv"), new byte[] {1, 2, 3});
    MeanColour network = new MeanColour();
    network.frames = 3;
    ClipSampling all = new ClipSampling(0, 4, 0, 0, SAMPLING.fit(), SAMPLING.window());
    ClipsEvaluation evaluation = new ClipsEvaluation(all, null, List.of(), List.of(network));
    assertThatThrownBy(() -> evaluation.run(real, real, folder, EvaluationProgress.NONE))
        .isInstanceOf(EngineFailure.class)
        .hasMessageStartingWith("3 of 3 clips cannot be used: ")
        .hasMessageContainingAll(
            "clip0.mkv is too short: it has 1 frames at 4.0 fps (2 in the file), 3 are needed; ",
            "clip1.mkv is not a video");
    assertThat(network.clips).isZero();
  }

  @Test
  void misspeltClassesAreNamed() throws IOException {
    Path real = clips("real", "bright", 200, 210);
    Path made = clips("made", "brihgt", 200);
    assertThatThrownBy(() -> run(new MeanColour(), made, real))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("not known: brihgt; known are bright, dark");
  }
}
