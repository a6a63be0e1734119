package dev.blockreel.samples.sprites;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EntityStudyTest {
  private static final int CELL = 64;

  @TempDir private Path folder;

  private int study(Path models) {
    return EntityStudy.run(
        "--models",
        models.toString(),
        "--real",
        folder.resolve("real").toString(),
        "--classifier",
        "models/sprites-frame-classifier",
        "--count",
        "1",
        "--out",
        folder.resolve("out").toString());
  }

  @Test
  void everyModelBecomesARowOfTheTableAndAPointOfThePlot() throws IOException {
    for (int i = 0; i < 3; i++) {
      float[] pixels = new float[3 * CELL * CELL];
      Arrays.fill(pixels, i / 2f);
      ClipWriter.write(
          folder.resolve("real/cast-up").resolve(i + ".mkv"), new Clip(pixels, 1, CELL, CELL, 8));
    }
    Files.createDirectories(folder.resolve("models/shipped"));
    Files.createSymbolicLink(
        folder.resolve("models/shipped/model"), Path.of("models/sprites-xar").toAbsolutePath());
    assertThat(study(folder.resolve("models"))).isZero();
    JsonNode row = new ObjectMapper().readTree(folder.resolve("out/entities.json").toFile()).get(0);
    assertThat(row.path("entity").asText()).isEqualTo("cell:4");
    assertThat(row.path("entities").asInt()).isEqualTo(4);
    assertThat(row.path("accuracy").asDouble()).isGreaterThan(0.8);
    assertThat(row.path("distance").asDouble()).isPositive();
    assertThat(folder.resolve("out/entities.md")).content().contains("| cell:4 | 4 | 120 |");
    Path plot = folder.resolve("out/entities.png");
    assertThat(ClipReader.read(plot, ClipSampling.ALL).width()).isEqualTo(800);
  }

  @Test
  void aFolderWithoutModelsIsWrongUsage() {
    assertThat(study(folder)).isEqualTo(2);
    assertThat(folder.resolve("out")).doesNotExist();
  }
}
