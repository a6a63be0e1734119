package dev.blockreel.cli;

import dev.blockreel.grid.Clip;
import dev.blockreel.progress.ProgressLine;
import dev.blockreel.sampler.GenerationListener;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Follows a generation: shows how far it is, and keeps account of where the time goes. */
final class GenerationWatch implements GenerationListener {
  private final ProgressLine progress;
  private final int clips;
  private final Consumer<List<Clip>> sink;
  private final boolean previews;
  private final long began = System.nanoTime();
  private final List<String> made = new ArrayList<>();
  private int from;
  private int batch;
  private int steps;
  private double stepSeconds;
  private double decodeSeconds;
  private double encodeSeconds;
  private double firstFrame = -1;
  private long mark = began;

  /**
   * @param progress where to show how far it is
   * @param clips how many there will be
   * @param sink takes frames as soon as they exist
   * @param previews whether it takes unfinished images, too
   */
  GenerationWatch(ProgressLine progress, int clips, Consumer<List<Clip>> sink, boolean previews) {
    this.progress = progress;
    this.clips = clips;
    this.sink = sink;
    this.previews = previews;
  }

  /** A batch begins with clip number {@code first}, counted from 0. */
  void begin(int first, int size) {
    from = first;
    batch = size;
    mark = System.nanoTime();
  }

  @Override
  public void step(int done, int total) {
    steps++;
    stepSeconds += lap();
    progress.show("%s: step %d of %d", clipNumbers(), done, total);
  }

  @Override
  public void frames(List<Clip> next) {
    decodeSeconds += lap();
    sink.accept(next);
    encodeSeconds += lap();
    if (firstFrame < 0) {
      firstFrame = secondsSince(began);
    }
  }

  @Override
  public boolean wantsPreviews() {
    return previews;
  }

  @Override
  public void preview(List<Clip> unfinished) {
    frames(unfinished);
  }

  private String clipNumbers() {
    if (clips == 1) {
      return "clip";
    }
    return batch == 1
        ? "clip %d of %d".formatted(from + 1, clips)
        : "clips %d to %d of %d".formatted(from + 1, from + batch, clips);
  }

  /** The batch is decoded. */
  void decoded() {
    decodeSeconds += lap();
  }

  /** What was decoded is written. */
  void encoded() {
    encodeSeconds += lap();
  }

  /** Keeps a line about a file until the progress line is over. */
  void made(String line) {
    made.add(line);
  }

  private double lap() {
    double seconds = secondsSince(mark);
    mark = System.nanoTime();
    return seconds;
  }

  /** Ends the progress line; prints what was made and how long all took. */
  void end(PrintStream out) {
    progress.close();
    made.forEach(out::println);
    out.printf("%d clip%s in %.1f s%n", clips, clips == 1 ? "" : "s", secondsSince(began));
  }

  /** Prints where the time went. */
  void report(PrintStream out, int frames, double fps) {
    double all = stepSeconds + decodeSeconds + encodeSeconds;
    out.printf("first frame         %.2f s%n", firstFrame);
    out.printf(
        "steps               %.2f s, %d steps, %.1f steps/s%n",
        stepSeconds, steps, steps / stepSeconds);
    out.printf("decode              %.2f s%n", decodeSeconds);
    out.printf("encode              %.2f s%n", encodeSeconds);
    out.printf(
        "all                 %.2f s, %.1f frames/s: %.1f times real time at %.0f fps%n",
        all, clips * frames / all, clips * frames / all / fps, fps);
  }

  static double secondsSince(long nanos) {
    return (System.nanoTime() - nanos) / 1e9;
  }
}
