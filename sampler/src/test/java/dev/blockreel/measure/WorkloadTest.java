package dev.blockreel.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpPreset;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WorkloadTest {
  private static final NbpConfig BASE = NbpPreset.named("nbp-k600-base").generator().network();

  @TempDir Path folder;

  @Test
  void workIsWarmedUpAndThenRunAsOftenAsAsked() {
    AtomicInteger runs = new AtomicInteger();
    Workload workload = new Workload("step", "nothing", 0, 0, 0, runs::incrementAndGet);
    Workload.Timing timing = workload.time(0, 5);
    assertThat(timing.runs()).isEqualTo(5);
    assertThat(runs.get()).isBetween(7, 8);
    assertThat(timing.best()).isLessThanOrEqualTo(timing.median());
  }

  @Test
  void aStepReadsEveryMatrixOnce() {
    // All parameters but the tables of tokens and positions and the small vectors.
    double matrices = 24 * 12 * 1536.0 * 1536 + 64_000 * 1536.0;
    assertThat(Cost.stepBytes(BASE, 0, 2)).isEqualTo(2 * matrices);
    assertThat(Cost.stepBytes(BASE, 512, 2) - 2 * matrices).isEqualTo(2 * 24 * 2 * 512 * 1536.0);
    // A token is multiplied with each of them.
    assertThat(Cost.stepFlops(BASE, 1, 0, 1)).isCloseTo(2 * matrices, within(1e6));
    assertThat(Cost.stepFlops(BASE, 4, 0, 4) - Cost.stepFlops(BASE, 4, 0, 1))
        .isEqualTo(2 * 3 * (9 * 1536.0 * 1536 + 1536.0 * BASE.vocabulary()));
  }

  @Test
  void convolutionsAreCountedAtTheirOwnSizes() {
    Magvit2Config narrow =
        new Magvit2Config(
            1,
            List.of(new Magvit2Config.Stage(2, 1, 2, 2), new Magvit2Config.Stage(4, 1, 1, 1)),
            List.of(5, 4, 3),
            1);
    // 3 frames of 4x4 are 2 latent frames of 2x2.
    double first = 27 * 3 * 2 * 48 + 27 * 2 * 2 * 2 * 48; // in, one unit
    double down = 27 * 2 * 2 * 8;
    double second = (27 * 2 * 4 + 27 * 4 * 4 + 2 * 4) * 8; // one unit with a shortcut
    double out = 4 * 3 * 8;
    assertThat(Cost.encodeFlops(narrow, 3, 4, 4)).isEqualTo(2 * (first + down + second + out));
    double in = 27 * 3 * 4 * 8;
    double unit = 27 * 2 * 4 * 4 * 8;
    double up = 27 * 4 * 32 * 8;
    double last = (27 * 4 * 2 + 27 * 2 * 2 + 4 * 2 + 27 * 2 * 3) * 48;
    assertThat(Cost.decodeFlops(narrow, 2, 2, 2)).isEqualTo(2 * (in + unit + up + last));
  }

  @Test
  void reportsSurviveTheirFileAndCompareThemselves() throws Exception {
    BenchReport report = report(0.5);
    Path file = Files.writeString(folder.resolve("a.json"), report.json());
    assertThat(BenchReport.read(file)).isEqualTo(report);
    assertThat(String.join("\n", report(0.25).table(report)))
        .contains("tiny, bf16 on cpu, 2 threads", "2.00x as fast", "250.00", "800", "80%")
        .contains("peaks of this run: 1000 GFLOP/s, 50.0 GB/s");
  }

  private static BenchReport report(double seconds) {
    return new BenchReport(
        "tiny",
        new BenchReport.Machine("cpu", 2, "bf16", "libtorch", "abc"),
        new Peaks(1e12, 5e10),
        List.of(
            BenchReport.Row.of(
                new Workload("step", "16 tokens", 2e11, 0, 0, () -> {}),
                new Workload.Timing(seconds, seconds, 3))));
  }

  @Test
  void otherFilesAreNoReports() throws Exception {
    Path file = Files.writeString(folder.resolve("a.json"), "{\"rows\": 3}");
    assertThatThrownBy(() -> BenchReport.read(file))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("a.json is no report of bench --json");
  }
}
