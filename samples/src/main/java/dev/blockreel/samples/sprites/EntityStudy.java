package dev.blockreel.samples.sprites;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.evaluate.ClassScores;
import dev.blockreel.evaluate.ClipsEvaluation;
import dev.blockreel.evaluate.ClipsReport;
import dev.blockreel.evaluate.FrechetDistance;
import dev.blockreel.evaluate.GeneratedFolder;
import dev.blockreel.evaluate.OwnClassifier;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import java.awt.Color;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Compares xAR models that differ in what they predict together: quality against speed, as {@code
 * entities.md}, {@code entities.json} and {@code entities.png}. A run that was stopped goes on
 * where it was.
 */
@Command(
    name = "entity-study",
    mixinStandardHelpOptions = true,
    description = "Compares xAR models by their entity: a table and a plot.")
public final class EntityStudy extends SampleProgram {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** Images made together where speed is measured. */
  private static final int BATCH = 8;

  @Option(
      names = "--models",
      required = true,
      description = "Folder of training folders: every NAME/model in it is judged.")
  private Path models;

  @Option(names = "--real", required = true, description = "Real images or clips, CLASS/CLIP.")
  private Path real;

  @Option(names = "--classifier", required = true, description = "Judge of single images.")
  private String classifier;

  @Option(
      names = "--count",
      defaultValue = "20",
      description = "Images of each class (default: ${DEFAULT-VALUE}).")
  private int count;

  @Option(names = "--out", required = true, description = "Folder to fill.")
  private Path out;

  /**
   * What is found of one entity.
   *
   * @param entity such as {@code cell:4}
   * @param entities how many make an image
   * @param steps of the solver for each of them
   * @param trainingSteps how long it was trained, as {@code model.json} tells; 0 where it does not
   * @param trainingMinutes likewise
   * @param accuracy share of images whose class is recognised
   * @param inceptionScore of the images
   * @param distance Fréchet distance to real images
   * @param ratio that distance over the one between two real sets of the same size, or null
   * @param imagesPerSecond when {@value #BATCH} are made together
   */
  record Row(
      String entity,
      int entities,
      int steps,
      int trainingSteps,
      double trainingMinutes,
      double accuracy,
      double inceptionScore,
      double distance,
      Double ratio,
      double imagesPerSecond) {}

  /** Runs the program and ends the virtual machine. */
  public static void main(String[] arguments) {
    System.exit(run(arguments));
  }

  /** Runs the program and returns its exit code. */
  static int run(String... arguments) {
    return run(new EntityStudy(), arguments);
  }

  @Override
  void run() {
    List<Row> rows = new ArrayList<>();
    try (OwnClassifier judge =
        OwnClassifier.load(ModelDirectory.open(ModelDirectory.resolve(classifier)))) {
      for (Path model : found()) {
        rows.add(judge(model, judge));
      }
    }
    rows.sort(Comparator.comparingDouble(Row::imagesPerSecond));
    write(rows);
  }

  private List<Path> found() {
    try (Stream<Path> entries = Files.list(models)) {
      List<Path> found =
          entries
              .map(folder -> folder.resolve("model"))
              .filter(Files::isDirectory)
              .sorted()
              .toList();
      if (found.isEmpty()) {
        throw EngineFailure.badRequest("%s holds no NAME/model", models);
      }
      return found;
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", models);
    }
  }

  private Row judge(Path directory, OwnClassifier judge) {
    ModelDirectory model = ModelDirectory.open(directory);
    XarGenerator.Description shape = XarGenerator.describe(model);
    Path work = out.resolve(shape.entity().replace(':', '-'));
    try (Pipeline pipeline = Pipeline.load(directory, null)) {
      GeneratedFolder folder =
          new GeneratedFolder(count, 1, pipeline.defaults(), GenerationRequest.Mode.NBP, null);
      Path made = folder.fill(pipeline, model, work, this::tell);
      // Random frames: the models learned all frames of the clips, not only those in the middle.
      ClipSampling sampling = judge.sampling(ClipSampling.Window.RANDOM, ClipSampling.Fit.SQUASH);
      ClipsReport report =
          new ClipsEvaluation(sampling, judge, judge.classes(), List.of())
              .run(made, real, work, this::tell);
      ClassScores scores = report.made().scores();
      FrechetDistance distance = report.distances().get(0);
      JsonNode trained = model.description().at("/training/generator");
      return new Row(
          shape.entity(),
          shape.order().entities().size(),
          model.description().at("/sampling/steps").asInt(),
          trained.path("steps").asInt(),
          trained.path("minutes").asDouble(),
          scores.accuracy(),
          scores.inceptionScore(),
          distance.distance(),
          distance.yardstick() == null ? null : distance.yardstick().ratio(),
          speed(pipeline));
    }
  }

  /** Images per second, the best of three batches after a warm one. */
  private static double speed(Pipeline pipeline) {
    GenerationRequest request =
        new GenerationRequest(
            Collections.nCopies(BATCH, 0),
            1,
            pipeline.defaults(),
            GenerationRequest.Mode.NBP,
            List.of());
    pipeline.generate(request, GenerationListener.NONE);
    long best = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      long begin = System.nanoTime();
      pipeline.generate(request, GenerationListener.NONE);
      best = Math.min(best, System.nanoTime() - begin);
    }
    return BATCH * 1e9 / best;
  }

  private void tell(String work, int done, int total) {
    terminal().print("\r%-40s %d of %d ".formatted(work, done, total));
    terminal().flush();
  }

  private void write(List<Row> rows) {
    try {
      Files.createDirectories(out);
      Files.write(out.resolve("entities.json"), JSON.writeValueAsBytes(rows));
      Files.writeString(out.resolve("entities.md"), table(rows));
      draw(rows, out.resolve("entities"));
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write to %s", out);
    }
    terminal().printf("%n%s", table(rows));
    terminal().flush();
  }

  private static String table(List<Row> rows) {
    StringBuilder table =
        new StringBuilder(
            """
            | entity | entities | solver steps | trained | class accuracy | inception score \
            | Fréchet, to real sets | images/s |
            |---|---:|---:|---:|---:|---:|---:|---:|
            """);
    for (Row row : rows) {
      table.append(
          String.format(
              Locale.ROOT,
              "| %s | %d | %d | %d steps, %.1f min | %.1f %% | %.2f | %s | %.2f |%n",
              row.entity,
              row.entities,
              row.entities * row.steps,
              row.trainingSteps,
              row.trainingMinutes,
              100 * row.accuracy,
              row.inceptionScore,
              row.ratio == null ? "-" : String.format(Locale.ROOT, "%.1fx", row.ratio),
              row.imagesPerSecond));
    }
    return table.toString();
  }

  private static void draw(List<Row> rows, Path file) throws IOException {
    XYChart chart =
        new XYChartBuilder()
            .width(800)
            .height(500)
            .title("What is predicted together: right is faster, low is better")
            .xAxisTitle("images per second")
            .yAxisTitle("Fréchet distance to real images")
            .build();
    chart.getStyler().setChartBackgroundColor(Color.WHITE);
    chart.getStyler().setXAxisMin(0.0);
    chart.getStyler().setYAxisMin(0.0);
    chart.getStyler().setDefaultSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Scatter);
    chart.getStyler().setMarkerSize(14);
    chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideE);
    for (Row row : rows) {
      chart.addSeries(row.entity, List.of(row.imagesPerSecond), List.of(row.distance));
    }
    BitmapEncoder.saveBitmap(chart, file.toString(), BitmapEncoder.BitmapFormat.PNG);
  }
}
