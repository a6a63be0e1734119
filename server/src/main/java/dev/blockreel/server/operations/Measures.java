package dev.blockreel.server.operations;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/** The measures of the server, by the names under which Prometheus reads them. Any thread. */
public final class Measures {
  private final MeterRegistry registry;
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger viewers = new AtomicInteger();
  private final AtomicLong residentBytes = new AtomicLong();
  private final Counter frames;
  private final Counter blocks;
  private final DistributionSummary batch;
  private final Timer queued;
  private final Timer firstFrame;
  private final Timer clip;

  /** Adds the measures to a registry. */
  public Measures(MeterRegistry registry) {
    this.registry = registry;
    Gauge.builder("blockreel.jobs.running", running, AtomicInteger::get)
        .description("Clips and images that are being generated")
        .register(registry);
    Gauge.builder("blockreel.viewers", viewers, AtomicInteger::get)
        .description("Open live streams")
        .register(registry);
    Gauge.builder("blockreel.native.memory.bytes", residentBytes, AtomicLong::get)
        .description("Memory of the process outside of the Java heap")
        .baseUnit("bytes")
        .register(registry);
    Gauge.builder("blockreel.heap.live.bytes", Measures::liveHeap)
        .description("Objects that the last garbage collection left")
        .baseUnit("bytes")
        .register(registry);
    frames = counter("blockreel.frames", "Frames that were generated");
    blocks =
        counter("blockreel.blocks", "Blocks (steps) that were generated, counted for each clip");
    batch =
        DistributionSummary.builder("blockreel.batch.size")
            .description("Clips that a step worked on")
            .serviceLevelObjectives(1, 2, 4, 8, 16, 32)
            .register(registry);
    queued = timer("blockreel.queue.time", "From acceptance to the first block");
    firstFrame = timer("blockreel.time.to.first.frame", "From acceptance to the first frame");
    clip = timer("blockreel.job.time", "From acceptance to the finished file");
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
  }

  private static long liveHeap() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP && pool.getCollectionUsage() != null)
        .mapToLong(pool -> pool.getCollectionUsage().getUsed())
        .sum();
  }

  private Counter counter(String name, String description) {
    return Counter.builder(name).description(description).register(registry);
  }

  private Timer timer(String name, String description) {
    return Timer.builder(name)
        .description(description)
        .publishPercentileHistogram()
        .minimumExpectedValue(Duration.ofMillis(10))
        .maximumExpectedValue(Duration.ofMinutes(5))
        .register(registry);
  }

  /** Shows how much work waits. */
  public void watchQueue(Supplier<Number> depth) {
    Gauge.builder("blockreel.queue.depth", depth)
        .description("Clips and images that wait")
        .register(registry);
  }

  /** Shows how many slots of the caches clips hold. */
  public void watchSlots(Supplier<Number> taken) {
    Gauge.builder("blockreel.slots.taken", taken)
        .description("Slots of the caches of keys and values that clips hold")
        .register(registry);
  }

  /** A job left the queue. */
  public void began(Duration waited) {
    running.incrementAndGet();
    queued.record(waited);
  }

  /** A job that had begun is over, well or not. */
  public void ended() {
    running.decrementAndGet();
  }

  /** Some clips went on together, by this many blocks in all. */
  public void step(int clips, int made) {
    batch.record(clips);
    blocks.increment(made);
  }

  /** Frames became final. */
  public void frames(int count) {
    frames.increment(count);
  }

  /** The first frame of a job became final. */
  public void firstFrame(Duration sinceAccepted) {
    firstFrame.record(sinceAccepted);
  }

  /** A job was finished. */
  public void completed(Duration sinceAccepted) {
    clip.record(sinceAccepted);
  }

  /** A job or a request failed. */
  public void failed(String code) {
    registry.counter("blockreel.failures", "code", code).increment();
  }

  /** A live stream was opened. */
  public void viewerCame() {
    viewers.incrementAndGet();
  }

  /** A live stream was closed. */
  public void viewerLeft() {
    viewers.decrementAndGet();
  }

  /** Looks how much memory the process has; reads a file, so not for the event loop. */
  public void sampleMemory() {
    try {
      // Pages: size, resident, …; other systems than Linux have no such file.
      String[] pages = Files.readString(Path.of("/proc/self/statm")).split(" ", -1);
      long heap = Runtime.getRuntime().totalMemory();
      residentBytes.set(Math.max(0, Long.parseLong(pages[1]) * 4096 - heap));
    } catch (IOException e) {
      residentBytes.set(0);
    }
  }
}
