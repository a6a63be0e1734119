package dev.blockreel.bench;

import dev.blockreel.measure.Workload;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** One step of decoding, drawing included, for several sizes of steps and caches. */
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 4)
@Fork(1)
@State(Scope.Benchmark)
public class StepBenchmark {
  /** T, tokens that the step reads and draws. */
  @Param({"1", "16", "64", "256"})
  public int tokens;

  /** Tokens that are cached before. */
  @Param({"0", "512", "1024"})
  public int cached;

  private Runnable work;

  /** Picks the work. */
  @Setup(Level.Trial)
  public void prepare(ModelState model) {
    Workload workload = model.workloads().step(tokens, cached);
    work = workload.work();
  }

  /** A step. */
  @Benchmark
  public void step() {
    work.run();
  }
}
