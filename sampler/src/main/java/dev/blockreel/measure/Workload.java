package dev.blockreel.measure;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;

/**
 * Something to be measured.
 *
 * @param name how users pick it, such as {@code step}; several may share one
 * @param what in words, such as {@code 16 tokens on 512 cached}
 * @param flops arithmetic of a run: a multiplication and an addition count as two; 0 where that
 *     says nothing
 * @param bytes memory that a run must read at least: weights and cache, each once; 0 where that
 *     says nothing
 * @param frames of video that a run makes or takes; 0 where it does not
 * @param work one run, over when it returns
 */
public record Workload(
    String name, String what, double flops, double bytes, double frames, Runnable work) {
  public Workload {
    requireNonNull(name, "name is null");
    requireNonNull(what, "what is null");
    requireNonNull(work, "work is null");
  }

  /**
   * How long it took.
   *
   * @param median seconds of the run in the middle
   * @param best seconds of the fastest run: closest to the machine alone, where others use it too
   * @param runs how many there were, without those that warmed up
   */
  public record Timing(double median, double best, int runs) {}

  /**
   * Runs it until it is warm, then measures it.
   *
   * @param seconds how long to go on measuring; there are at least {@code least} runs
   * @param least 1 or more
   */
  public Timing time(double seconds, int least) {
    // libtorch profiles a method at its first call and optimises it at the second.
    double first = Math.min(run(), run());
    if (first < seconds / 10) {
      run();
    }
    List<Double> times = new ArrayList<>();
    double spent = 0;
    while (times.size() < least || spent < seconds && times.size() < 1000) {
      double time = run();
      times.add(time);
      spent += time;
    }
    double[] sorted = times.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return new Timing(sorted[sorted.length / 2], sorted[0], sorted.length);
  }

  /**
   * Measures what is too long to be run more than once, and was warmed up by shorter work.
   *
   * @return the time of the only run
   */
  public Timing timeOnce() {
    double time = run();
    return new Timing(time, time, 1);
  }

  private double run() {
    long began = System.nanoTime();
    work.run();
    return (System.nanoTime() - began) / 1e9;
  }
}
