package dev.blockreel.bench;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Warmup;

/** What comes before and after the steps: prefill, drawing, encoding, decoding. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 3, time = 4)
@Fork(1)
public class NetworkBenchmark {
  /** 512 given tokens at once. */
  @Benchmark
  public void prefill(ModelState model) {
    model.workloads().prefill().work().run();
  }

  /** One token from its logits. */
  @Benchmark
  public void drawOne(ModelState model) {
    model.workloads().sampling(1).work().run();
  }

  /** A row of 16 tokens from their logits. */
  @Benchmark
  public void drawRow(ModelState model) {
    model.workloads().sampling(16).work().run();
  }

  /** A clip to tokens. */
  @Benchmark
  public void encode(ModelState model) {
    model.workloads().encode().work().run();
  }

  /** Tokens to a clip. */
  @Benchmark
  public void decode(ModelState model) {
    model.workloads().decode().work().run();
  }

  /** The first latent frame to the first frame. */
  @Benchmark
  public void firstFrame(ModelState model) {
    model.workloads().firstFrame().work().run();
  }
}
