package dev.blockreel.cli;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.PartFile;
import dev.blockreel.evaluate.ClassScores;
import dev.blockreel.evaluate.ClipsEvaluation;
import dev.blockreel.evaluate.ClipsReport;
import dev.blockreel.evaluate.EvaluationProgress;
import dev.blockreel.evaluate.FrechetDistance;
import dev.blockreel.evaluate.GeneratedFolder;
import dev.blockreel.evaluate.Identity;
import dev.blockreel.evaluate.Network;
import dev.blockreel.evaluate.OwnClassifier;
import dev.blockreel.evaluate.ReconstructionEvaluation;
import dev.blockreel.evaluate.ReconstructionReport;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.ClipShape;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.progress.ProgressLine;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.tokenizer.ClipTokenizer;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Measures how good models and clips are. */
@Command(
    name = "evaluate",
    description = "Measures what a tokenizer loses, and how made clips compare with real ones.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "reconstruct|generate|clips",
    subcommands = {Evaluate.Reconstruct.class, Evaluate.Generate.class, Evaluate.Clips.class})
final class Evaluate {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** What all evaluations are told. */
  abstract static class Evaluation extends EngineCommand {
    @Mixin NetworkFlags networks;

    @Option(
        names = "--fit",
        paramLabel = "squash|crop",
        defaultValue = "squash",
        description = "Where a file has another shape than wanted. Default: ${DEFAULT-VALUE}.")
    ClipSampling.Fit fit;

    @Option(
        names = "--window",
        paramLabel = "center|start|random",
        defaultValue = "center",
        description =
            "Which frames of a longer file; random is the same in every run."
                + " Default: ${DEFAULT-VALUE}.")
    ClipSampling.Window window;

    @Option(
        names = "--out",
        required = true,
        paramLabel = "DIR",
        description =
            "Folder for report.json and for all that was computed: a second run goes on there.")
    Path out;

    private ProgressLine progress;

    /** Shows progress; {@link #report} ends it. */
    final EvaluationProgress progress() {
      OutputFiles.requireWritable(out.resolve("report.json"));
      OutputFiles.createParent(out.resolve("report.json"));
      progress = ProgressLine.onError(err());
      return new EvaluationProgress() {
        @Override
        public void show(String work, int done, int total) {
          progress.show("%s: %d of %d", work, done, total);
        }

        @Override
        public void note(String line) {
          progress.note(line);
        }
      };
    }

    /** Writes the report beside what it came from. */
    final void report(Object report) {
      progress.close();
      Path file = out.resolve("report.json");
      PartFile.write(file, JSON.valueToTree(report).toPrettyString());
      out().println(file);
      networks.doubt().ifPresent(err()::println);
    }

    final void print(String fact, String format, Object... values) {
      out().printf("%-28s %s%n", fact, format.formatted(values));
    }

    final void printScores(String whose, ClassScores scores) {
      if (scores == null) {
        return;
      }
      if (scores.accuracy() != null) {
        print(whose + " class accuracy", "%.2f %%", 100 * scores.accuracy());
        print(
            "  weakest class",
            "%s, %.1f %%",
            scores.weakest().name(),
            100 * scores.weakest().accuracy());
        scores.confusions().stream()
            .limit(8)
            .forEach(
                c ->
                    print("  taken for another", "%s for %s: %d", c.meant(), c.taken(), c.clips()));
      }
      print(whose + " inception score", "%.2f", scores.inceptionScore());
    }

    final void printDistance(FrechetDistance distance) {
      print(
          "Fréchet distance, " + distance.network(),
          "%.4f (%d made, %d real, %d features)",
          distance.distance(),
          distance.made(),
          distance.real(),
          distance.features());
      FrechetDistance.Yardstick yardstick = distance.yardstick();
      if (yardstick == null) {
        print("  ratio to real sets", "none: too few real clips for two sets of the same size");
      } else {
        print(
            "  ratio to real sets",
            "%.2f (%.4f to %.4f between two real sets; %d clips in each)",
            yardstick.ratio(),
            yardstick.madeToReal(),
            yardstick.realToReal(),
            yardstick.clips());
      }
    }
  }

  /** Measures a tokenizer. */
  @Command(
      name = "reconstruct",
      description = "Sends clips through a tokenizer and back: PSNR, SSIM, distances.")
  static final class Reconstruct extends Evaluation {
    @Parameters(paramLabel = "DIR", description = "A folder of CLASS/CLIP, or of clips alone.")
    private Path folder;

    @Mixin private ModelOptions model;

    @Override
    void run() {
      EvaluationProgress progress = progress();
      try (ClipTokenizer tokenizer = model.loadTokenizer();
          NetworkFlags flags = networks) {
        ClipShape shape = tokenizer.shape();
        Network classifier = flags.loadClassifier();
        ReconstructionReport report =
            new ReconstructionEvaluation(
                    new ClipSampling(
                        shape.frames(), shape.fps(), shape.height(), shape.width(), fit, window),
                    clip -> tokenizer.toClip(tokenizer.toCodes(clip)),
                    model.identity(),
                    classifier,
                    flags.names(classifier),
                    flags.loadOthers())
                .run(folder, out, progress);
        report(report);
        print("clips", "%d", report.clips());
        print("PSNR", "%.2f dB", report.psnr());
        print("SSIM", "%.4f", report.ssim());
        for (ReconstructionReport.Row row : report.classes()) {
          print("  " + row.name(), "PSNR %.2f dB, SSIM %.4f", row.psnr(), row.ssim());
        }
        for (ReconstructionReport.Row row : report.worst()) {
          print("worst", "%s: PSNR %.2f dB, SSIM %.4f", row.name(), row.psnr(), row.ssim());
        }
        printScores("reconstructed", report.madeScores());
        for (FrechetDistance distance : report.distances()) {
          print("Fréchet distance, " + distance.network(), "%.4f", distance.distance());
        }
      }
    }
  }

  /** What comparisons of two folders are told. */
  abstract static class Comparison extends Evaluation {
    @Option(
        names = "--real",
        required = true,
        paramLabel = "DIR",
        description = "Real clips to compare with: a folder of CLASS/CLIP, or of clips alone.")
    Path real;

    @Option(
        names = "--frames",
        paramLabel = "N",
        description = "Frames compared of each clip. Default: what the classifier takes, else all.")
    private Integer frames;

    @Option(
        names = "--fps",
        paramLabel = "F",
        description = "Rate to which faster files are brought. Default: the classifier's.")
    private Double fps;

    @Option(
        names = "--size",
        paramLabel = "HxW",
        description = "Size to which all are brought first. Default: the classifier's, else as is.")
    private String size;

    /** Loads the networks, which are closed with {@code flags}. */
    final ClipsEvaluation evaluation(NetworkFlags flags) {
      Network classifier = flags.loadClassifier();
      return new ClipsEvaluation(
          sampling(classifier), classifier, flags.names(classifier), flags.loadOthers());
    }

    final void compare(ClipsEvaluation evaluation, Path made, EvaluationProgress progress) {
      ClipsReport report = evaluation.run(made, real, out, progress);
      report(report);
      print("clips", "%d made, %d real", report.made().clips(), report.real().clips());
      printScores("made", report.made().scores());
      printScores("real", report.real().scores());
      report.distances().forEach(this::printDistance);
      printIdentity("made", report.made().identity());
      printIdentity("real", report.real().identity());
    }

    private void printIdentity(String whose, Identity identity) {
      if (identity != null) {
        print(
            whose + " identity kept",
            "%.1f %% of %d; palette distance first to last frame %.3f, to strangers %s",
            100 * identity.found(),
            identity.clips(),
            identity.same(),
            identity.strangers() == null ? "none" : "%.3f".formatted(identity.strangers()));
      }
    }

    private ClipSampling sampling(Network classifier) {
      ClipSampling usual =
          classifier instanceof OwnClassifier own
              ? own.sampling(window, fit)
              : new ClipSampling(0, 0, 0, 0, fit, window);
      int height = usual.height();
      int width = usual.width();
      if (size != null) {
        String[] sides = size.split("x", -1);
        try {
          height = Integer.parseInt(sides[0]);
          width = Integer.parseInt(sides[sides.length - 1]);
        } catch (NumberFormatException e) {
          throw EngineFailure.badRequest("--size takes HxW or one number: got %s", size);
        }
      }
      return new ClipSampling(
          frames == null ? usual.frames() : frames,
          fps == null ? usual.fps() : fps,
          height,
          width,
          fit,
          window);
    }
  }

  /** Generates clips, then compares them. */
  @Command(
      name = "generate",
      description =
          "Generates clips of every class and compares them with real ones: class accuracy,"
              + " inception score, Fréchet distances, identity.")
  static final class Generate extends Comparison {
    @Mixin private ModelOptions model;
    @Mixin private SamplingFlags sampling;

    @Option(
        names = "--count",
        defaultValue = "20",
        paramLabel = "N",
        description = "Clips of each class. Default: ${DEFAULT-VALUE}.")
    private int count;

    @Option(
        names = "--seed",
        defaultValue = "1",
        paramLabel = "S",
        description =
            "Seed of the first clip; each further one has the next. Default: ${DEFAULT-VALUE}.")
    private long seed;

    @Override
    void run() {
      EvaluationProgress progress = progress();
      try (NetworkFlags flags = networks) {
        ClipsEvaluation evaluation = evaluation(flags);
        Path clips;
        try (Pipeline pipeline = model.loadPipeline()) {
          ModelDirectory directory = ModelDirectory.open(model.directory());
          GeneratedFolder generated =
              new GeneratedFolder(
                  count, seed, sampling.over(pipeline), sampling.mode(), model.dtype());
          GeneratedFolder.requireClasses(pipeline, directory);
          evaluation.requireComparable(
              pipeline.classes(), pipeline.shape().frames(), real, progress);
          clips = generated.fill(pipeline, directory, out, progress);
        }
        compare(evaluation, clips, progress);
      }
    }
  }

  /** Compares two folders. */
  @Command(
      name = "clips",
      description = "Compares a folder of clips or images, made by whatever, with real ones.")
  static final class Clips extends Comparison {
    @Parameters(paramLabel = "DIR", description = "A folder of CLASS/CLIP, or of clips alone.")
    private Path made;

    @Override
    void run() {
      EvaluationProgress progress = progress();
      try (NetworkFlags flags = networks) {
        compare(evaluation(flags), made, progress);
      }
    }
  }
}
