package dev.blockreel.samples.sprites;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.sampler.GeneratedClip;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Fills a folder with pictures of what a model generates: for each class a sheet with real clips on
 * the left and generated ones on the right, {@code prediction.png} with real clips and how the
 * model goes on from their first frames, and {@code classes.gif} (of images: {@code classes.png})
 * with a generated clip of every class.
 */
@Command(
    name = "make-gallery",
    mixinStandardHelpOptions = true,
    description = "Draws sheets of real and generated clips, class by class.")
public final class MakeGallery extends SampleProgram {
  /** Frames of a clip that a sheet shows. */
  private static final int SHOWN = 5;

  /** Frames that are given where the model goes on from real ones, as in NBP's paper. */
  private static final int GIVEN = 5;

  private static final int PREDICTIONS = 5;
  private static final float GAP = 0.125f;

  @Option(
      names = "--model",
      defaultValue = "sprites-nbp",
      description = "Default: ${DEFAULT-VALUE}.")
  private String model;

  @Option(
      names = "--real",
      required = true,
      description = "Real clips that were not trained on, CLASS/CLIP.")
  private Path real;

  @Option(
      names = "--out",
      defaultValue = "samples/gallery",
      description = "Folder to fill (default: ${DEFAULT-VALUE}).")
  private Path out;

  @Option(names = "--class", split = ",", description = "Classes to draw (default: all).")
  private List<String> wanted = List.of();

  @Option(
      names = "--rows",
      defaultValue = "4",
      description = "Clips of each class (default: ${DEFAULT-VALUE}).")
  private int rows;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Seed of the first clip of each class (default: ${DEFAULT-VALUE}).")
  private long seed;

  /** Runs the program and ends the virtual machine. */
  public static void main(String[] arguments) {
    System.exit(run(arguments));
  }

  /** Runs the program and returns its exit code. */
  static int run(String... arguments) {
    return run(new MakeGallery(), arguments);
  }

  @Override
  void run() {
    if (rows < 1) {
      throw EngineFailure.badRequest("--rows must be 1 or more: got %d", rows);
    }
    try (Pipeline pipeline = Pipeline.load(ModelDirectory.resolve(model), null)) {
      // A row shows moments of one clip, or several images.
      int row = pipeline.frames() == 1 ? SHOWN : 1;
      List<Clip> oneOfEach = new ArrayList<>();
      for (int label : labels(pipeline)) {
        String name = pipeline.classes().get(label);
        List<Clip> originals = originals(pipeline, name, rows * row);
        List<Clip> generated =
            generate(pipeline, Collections.nCopies(rows * row, label), List.of());
        List<Clip> sheet = new ArrayList<>();
        for (int i = 0; i < rows * row; i += row) {
          sheet.add(
              Clip.join(
                  List.of(
                      shown(Clip.join(originals.subList(i, i + row))),
                      gap(generated.get(i)),
                      shown(Clip.join(generated.subList(i, i + row))))));
        }
        write(name + ".png", sheet);
        // The same seed is the same figure in every class.
        oneOfEach.add(generated.get(label % generated.size()));
      }
      Path classes = out.resolve(pipeline.frames() == 1 ? "classes.png" : "classes.gif");
      ClipWriter.write(classes, mosaic(oneOfEach));
      tell(classes);
      if (pipeline.frames() > GIVEN) {
        predict(pipeline);
      }
    }
  }

  private List<Integer> labels(Pipeline pipeline) {
    return wanted.isEmpty()
        ? IntStream.range(0, pipeline.classes().size()).boxed().toList()
        : wanted.stream().map(pipeline::classNumber).toList();
  }

  /** Real clips, and below each what the model makes of its first frames. */
  private void predict(Pipeline pipeline) {
    List<Integer> all = labels(pipeline);
    int count = Math.min(PREDICTIONS, all.size());
    List<Integer> labels = new ArrayList<>();
    List<Clip> originals = new ArrayList<>();
    List<TokenGrid> given = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int label = all.get((2 * i + 1) * all.size() / (2 * count));
      // Another character in each row, as far as there are any.
      List<Clip> some = originals(pipeline, pipeline.classes().get(label), rows);
      Clip clip = some.get(i % rows);
      labels.add(label);
      originals.add(clip);
      given.add(pipeline.beginning(clip.slice(0, GIVEN)));
    }
    List<Clip> predicted = generate(pipeline, labels, given);
    List<Clip> sheet = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      sheet.add(marked(originals.get(i)));
      sheet.add(marked(predicted.get(i)));
    }
    write("prediction.png", sheet);
  }

  private List<Clip> generate(Pipeline pipeline, List<Integer> labels, List<TokenGrid> given) {
    GenerationRequest request =
        new GenerationRequest(labels, seed, pipeline.defaults(), GenerationRequest.Mode.NBP, given);
    return pipeline.generate(request, GenerationListener.NONE).stream()
        .map(GeneratedClip::clip)
        .toList();
  }

  /** The first clips of a class. */
  private List<Clip> originals(Pipeline pipeline, String name, int count) {
    Path folder = real.resolve(name);
    try (Stream<Path> entries = Files.list(folder)) {
      List<Path> files = entries.filter(Files::isRegularFile).sorted().limit(count).toList();
      if (files.size() < count) {
        throw EngineFailure.badRequest(
            "%s holds %d clips: %d are needed", folder, files.size(), count);
      }
      ClipSampling sampling =
          new ClipSampling(
              pipeline.frames(),
              pipeline.fps(),
              pipeline.height(),
              pipeline.width(),
              ClipSampling.Fit.SQUASH,
              ClipSampling.Window.START);
      return files.stream().map(file -> ClipReader.read(file, sampling)).toList();
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot list the folder %s", folder);
    }
  }

  /** A few frames from all over a clip. */
  private static Clip shown(Clip clip) {
    int count = Math.min(SHOWN, clip.frames());
    List<Clip> frames = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int at = count == 1 ? 0 : i * (clip.frames() - 1) / (count - 1);
      frames.add(clip.slice(at, at + 1));
    }
    return Clip.join(frames);
  }

  /** The given frames, a gap, and some of those that follow. */
  private static Clip marked(Clip clip) {
    Clip later = clip.slice(GIVEN, clip.frames());
    return Clip.join(List.of(shown(clip.slice(0, GIVEN)), gap(clip), shown(later)));
  }

  private static Clip gap(Clip like) {
    float[] pixels = new float[3 * like.height() * like.width()];
    Arrays.fill(pixels, GAP);
    return new Clip(pixels, 1, like.height(), like.width(), like.fps());
  }

  /** All clips playing at once, side by side. */
  private static Clip mosaic(List<Clip> clips) {
    Clip first = clips.get(0);
    int columns = (int) Math.ceil(Math.sqrt(clips.size() * 1.25));
    int lines = (clips.size() + columns - 1) / columns;
    int height = lines * first.height();
    int width = columns * first.width();
    float[] pixels = new float[3 * first.frames() * height * width];
    Arrays.fill(pixels, GAP);
    for (int i = 0; i < clips.size(); i++) {
      int top = i / columns * first.height();
      int left = i % columns * first.width();
      for (int plane = 0; plane < 3 * first.frames(); plane++) {
        for (int y = 0; y < first.height(); y++) {
          System.arraycopy(
              clips.get(i).pixels(),
              (plane * first.height() + y) * first.width(),
              pixels,
              (plane * height + top + y) * width + left,
              first.width());
        }
      }
    }
    return new Clip(pixels, first.frames(), height, width, first.fps());
  }

  private void write(String name, List<Clip> sheet) {
    Path file = out.resolve(name);
    ClipWriter.writeSheet(file, sheet);
    tell(file);
  }

  private void tell(Path file) {
    PrintWriter console = terminal();
    console.println(file);
    console.flush();
  }
}
