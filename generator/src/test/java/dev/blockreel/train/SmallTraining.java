package dev.blockreel.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the tests of trainings share: little to learn, quickly, and a look at what came of it. */
final class SmallTraining {
  static final PrintStream SILENT =
      new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
  static final int SIDE = 16;

  private SmallTraining() {}

  /** Makes a clip of the first or the second class. */
  @FunctionalInterface
  interface Maker {
    Clip clip(boolean second, int number);
  }

  /** Writes three clips of each of two classes. */
  static Path clips(Path folder, String first, String second, Maker maker) throws IOException {
    for (String name : List.of(first, second)) {
      Files.createDirectories(folder.resolve(name));
      for (int i = 0; i < 3; i++) {
        ClipWriter.write(
            folder.resolve(name).resolve("clip" + i + ".mkv"), maker.clip(name.equals(second), i));
      }
    }
    return folder;
  }

  /** Two frames of a bright square to the left or to the right on a dark ground. */
  static Clip square(boolean right, int offset) {
    float[] pixels = new float[3 * 2 * SIDE * SIDE];
    for (int i = 0; i < pixels.length; i++) {
      int x = i % SIDE - (right ? 8 : 0);
      int y = i / SIDE % SIDE - 4 * offset;
      int c = i / (2 * SIDE * SIDE);
      pixels[i] = x >= 0 && x < 8 && y >= 0 && y < 6 ? 1 - 0.3f * c : 0.2f;
    }
    return new Clip(pixels, 2, SIDE, SIDE, 8);
  }

  /** Previews come at half time. */
  static TrainingSchedule schedule(int steps, int batch, double saveMinutes) {
    return new TrainingSchedule(
        steps,
        batch,
        0.005,
        5,
        0.0001,
        0.9,
        0.95,
        1,
        0.9,
        "fp32",
        1,
        saveMinutes,
        Math.max(1, steps / 2),
        "adamw");
  }

  /** A console that ends a training of 40 steps at half time. */
  static PrintStream killer() {
    return new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8) {
      @Override
      public void println(String line) {
        if (line.startsWith("step 20:")) {
          throw new IllegalStateException("killed");
        }
      }
    };
  }

  /** Fails unless two trainings of 40 steps ended alike. */
  static void assertSameEnd(Path one, Path other) {
    try (TensorFile expected = Safetensors.open(one.resolve("state.safetensors"));
        TensorFile got = Safetensors.open(other.resolve("state.safetensors"))) {
      assertThat(got.metadata()).containsEntry("step", "40");
      for (String name : expected.names()) {
        assertThat(got.floats(name)).as(name).containsExactly(expected.floats(name), within(1e-3f));
      }
    }
  }

  /** The rows of a log. */
  static List<double[]> log(Path out) throws IOException {
    return Files.readAllLines(out.resolve("log.tsv")).stream()
        .skip(1)
        .map(row -> List.of(row.split("\t", -1)))
        .map(cells -> cells.stream().mapToDouble(Double::parseDouble).toArray())
        .toList();
  }

  /** The losses in a log. */
  static double[] losses(Path out) throws IOException {
    return log(out).stream().mapToDouble(row -> row[2]).toArray();
  }
}
