package dev.blockreel.bench;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.sampler.Pipeline;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** From the files of a model to one that is ready. */
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Warmup(iterations = 1)
@Measurement(iterations = 3)
@Fork(1)
@State(Scope.Benchmark)
public class LoadBenchmark {
  /** As {@code --model}: a directory, or the name of one. */
  @Param("sprites-nbp")
  public String model;

  /** Loads and frees it. */
  @Benchmark
  public void load() {
    Pipeline.load(ModelDirectory.resolve(model), null).close();
  }
}
