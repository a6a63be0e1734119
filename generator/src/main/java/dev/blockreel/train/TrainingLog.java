package dev.blockreel.train;

import dev.blockreel.checkpoint.PartFile;
import dev.blockreel.failure.EngineFailure;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** {@code log.tsv}, one row per few steps, and {@code loss.png}, drawn from it. */
final class TrainingLog implements AutoCloseable {
  private final Path folder;
  private final Path file;
  private final List<String> measures;
  private final BufferedWriter writer;
  private final List<Double> steps = new ArrayList<>();
  private final List<Double> losses = new ArrayList<>();

  /**
   * Opens the log, keeping the rows up to {@code step}: those after it are repeated by a resumed
   * run.
   */
  TrainingLog(Path folder, List<String> measures, int step) {
    this.folder = folder;
    this.file = folder.resolve("log.tsv");
    this.measures = measures;
    try {
      List<String> kept = new ArrayList<>();
      kept.add("step\tlearningRate\t" + String.join("\t", measures) + "\tgradientNorm");
      if (step > 0 && Files.exists(file)) {
        for (String row : Files.readAllLines(file)) {
          String[] cells = row.split("\t", -1);
          // A run that was killed may have left half a row.
          boolean whole = cells.length == measures.size() + 3 && !cells[0].equals("step");
          if (whole && Integer.parseInt(cells[0]) <= step) {
            kept.add(row);
            steps.add(Double.parseDouble(cells[0]));
            losses.add(Double.parseDouble(cells[2]));
          }
        }
      }
      PartFile.write(file, String.join("\n", kept) + "\n");
      this.writer = Files.newBufferedWriter(file, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** Adds the means of {@code count} steps. */
  void add(int step, double learningRate, double[] sums, int count) {
    StringBuilder row =
        new StringBuilder(String.format(Locale.ROOT, "%d\t%.3e", step, learningRate));
    for (double sum : sums) {
      row.append(String.format(Locale.ROOT, "\t%.6f", sum / count));
    }
    try {
      writer.write(row.append('\n').toString());
      writer.flush();
    } catch (IOException e) {
      throw failure(e);
    }
    steps.add((double) step);
    losses.add(sums[0] / count);
  }

  /** Draws the loss so far. */
  void drawCurve() {
    if (steps.size() < 2) {
      return;
    }
    XYChart chart =
        new XYChartBuilder()
            .width(900)
            .height(500)
            .xAxisTitle("step")
            .yAxisTitle(measures.get(0))
            .build();
    chart.getStyler().setYAxisLogarithmic(losses.stream().allMatch(l -> l > 0));
    chart.getStyler().setLegendVisible(false);
    chart.addSeries(measures.get(0), steps, losses).setMarker(SeriesMarkers.NONE);
    try (PartFile picture = new PartFile(folder.resolve("loss.png"))) {
      Files.write(
          picture.part(), BitmapEncoder.getBitmapBytes(chart, BitmapEncoder.BitmapFormat.PNG));
      picture.commit();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private EngineFailure failure(IOException e) {
    return EngineFailure.media(e, "cannot write the training log %s", file);
  }

  @Override
  public void close() {
    try {
      writer.close();
    } catch (IOException e) {
      throw failure(e);
    }
  }
}
