package dev.blockreel.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.measure.BenchReport;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchTest {
  @TempDir private Path folder;

  @Test
  void everythingIsMeasuredWrittenAndCompared() {
    Path model = TinyModel.write(folder.resolve("tiny"));
    Path json = folder.resolve("report.json");
    CommandLineRun run =
        CommandLineRun.of("bench", "--model", model, "--quick", "--json", json).worked();
    assertThat(run.out())
        .contains("load ", "step ", "prefill ", "sampling ", "encode ", "decode ", "stream ")
        .contains("GFLOP/s, ", "5x16x16 to tokens", "commit ");
    BenchReport report = BenchReport.read(json);
    assertThat(report.peaks().bytesPerSecond()).isGreaterThan(1e8);
    assertThat(report.rows()).allSatisfy(row -> assertThat(row.seconds()).isPositive());
    assertThat(
            CommandLineRun.of(
                    "bench", "--model", model, "--quick", "--only", "decode", "--compare", json)
                .worked()
                .out())
        .containsPattern("decode .*x as fast")
        .doesNotContain("encode ");
  }

  @Test
  void unknownNamesAreAnsweredWithTheKnownOnes() {
    CommandLineRun.of("bench", "--only", "speed")
        .failedWith(2, "\"speed\"", "there are step, prefill, sampling");
    CommandLineRun.of("bench", "--compare", folder.resolve("no.json")).failedWith(1, "no.json");
  }
}
