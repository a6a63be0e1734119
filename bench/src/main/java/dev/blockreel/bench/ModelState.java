package dev.blockreel.bench;

import dev.blockreel.measure.Workloads;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.script.Dtype;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A model of a published size, and the work that is measured of it. */
@State(Scope.Benchmark)
public class ModelState {
  /** As {@code --random-weights}. */
  @Param("nbp-ucf-base")
  public String preset;

  /** As {@code --dtype}. */
  @Param("bf16")
  public String dtype;

  private Pipeline pipeline;
  private Workloads workloads;

  /** Makes the model. */
  @Setup(Level.Trial)
  public void load() {
    Dtype compute = Dtype.parse(dtype);
    pipeline = Pipeline.standIn(preset, compute, 1);
    workloads = new Workloads(pipeline, compute);
  }

  Workloads workloads() {
    return workloads;
  }

  /** Frees it. */
  @TearDown(Level.Trial)
  public void close() {
    workloads.close();
    pipeline.close();
  }
}
