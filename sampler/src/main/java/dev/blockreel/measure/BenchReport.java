package dev.blockreel.measure;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What was measured on one machine in one run, as it is kept in a JSON file.
 *
 * @param model what was measured
 * @param machine where
 * @param peaks what the machine can do at most
 * @param rows one for each workload
 */
public record BenchReport(String model, Machine machine, Peaks peaks, List<Row> rows) {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final Set<String> CONVOLUTIONAL = Set.of("encode", "decode");

  /**
   * Where something was measured.
   *
   * @param device the processor or GPU
   * @param threads of libtorch on the CPU
   * @param dtype numbers that were computed in
   * @param torch versions of libtorch and DJL
   * @param commit of Blockreel, or {@code unknown}
   */
  public record Machine(String device, int threads, String dtype, String torch, String commit) {}

  /**
   * A measured workload.
   *
   * @param seconds of the run in the middle
   * @param best seconds of the fastest run
   * @param flops operations a second of the run in the middle; 0 for unknown, as below
   * @param bytesPerSecond that it read
   * @param framesPerSecond of video
   */
  public record Row(
      String name,
      String what,
      double seconds,
      double best,
      int runs,
      double flops,
      double bytesPerSecond,
      double framesPerSecond) {
    /** The rates of a workload that took this long. */
    public static Row of(Workload workload, Workload.Timing timing) {
      double seconds = timing.median();
      return new Row(
          workload.name(),
          workload.what(),
          seconds,
          timing.best(),
          timing.runs(),
          workload.flops() / seconds,
          workload.bytes() / seconds,
          workload.frames() / seconds);
    }
  }

  /**
   * Reads an earlier report.
   *
   * @throws EngineFailure MEDIA when it cannot be read, BAD_REQUEST when it is no report
   */
  public static BenchReport read(Path file) {
    try {
      return JSON.readValue(Files.readString(file), BenchReport.class);
    } catch (JsonProcessingException e) {
      throw EngineFailure.badRequest(
          "%s is no report of bench --json: %s", file, e.getOriginalMessage());
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", file);
    }
  }

  /** As JSON. */
  public String json() {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The same work in this report. */
  public Optional<Row> like(Row row) {
    return rows.stream()
        .filter(other -> other.name.equals(row.name) && other.what.equals(row.what))
        .findFirst();
  }

  /**
   * As a table for people.
   *
   * @param earlier a report to compare with, or null
   */
  public List<String> table(BenchReport earlier) {
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s, %s on %s, %d threads; %s; commit %s"
            .formatted(
                model,
                machine.dtype,
                machine.device,
                machine.threads,
                machine.torch,
                machine.commit));
    lines.add(
        "peaks of this run: %.0f GFLOP/s, %.1f GB/s"
            .formatted(peaks.flops() / 1e9, peaks.bytesPerSecond() / 1e9));
    if (rows.stream().anyMatch(row -> CONVOLUTIONAL.contains(row.name))) {
      lines.add(
          "GFLOP/s of a tokenizer are those of direct convolutions; where rows are paired, it saves a"
              + " third of them");
    }
    lines.add("");
    lines.add(
        "%-9s %-42s %9s %9s %8s %8s %5s %7s %5s%s"
            .formatted(
                "name",
                "what",
                "ms",
                "best",
                "frames/s",
                "GFLOP/s",
                "peak",
                "GB/s",
                "peak",
                earlier == null ? "" : "  earlier"));
    for (Row row : rows) {
      String before =
          earlier == null
              ? ""
              : "  "
                  + earlier
                      .like(row)
                      .map(old -> "%.2fx as fast".formatted(old.seconds / row.seconds))
                      .orElse("not there");
      lines.add(
          "%-9s %-42s %9.2f %9.2f %8s %8s %5s %7s %5s%s"
              .formatted(
                  row.name,
                  row.what,
                  1e3 * row.seconds,
                  1e3 * row.best,
                  known(row.framesPerSecond, "%.2f"),
                  known(row.flops / 1e9, "%.0f"),
                  known(100 * row.flops / peaks.flops(), "%.0f%%"),
                  known(row.bytesPerSecond / 1e9, "%.1f"),
                  known(100 * row.bytesPerSecond / peaks.bytesPerSecond(), "%.0f%%"),
                  before)
              .stripTrailing());
    }
    return lines;
  }

  private static String known(double value, String format) {
    return value > 0 ? format.formatted(value) : "";
  }
}
