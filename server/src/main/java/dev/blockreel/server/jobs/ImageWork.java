package dev.blockreel.server.jobs;

import dev.blockreel.grid.Clip;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.server.engine.Work;
import dev.blockreel.server.operations.Measures;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * One image: of video models the first frame of a clip, which ends there. It is no job: it lives as
 * long as the request that waits for it.
 */
public final class ImageWork implements Work {
  private final VideoRequest request;
  private final String owner;
  private final String format;
  private final int quality;
  private final int steps;
  private final int partials;
  private final Consumer<byte[]> onPartial;
  private final ImageStore store;
  private final Measures measures;
  private final long createdNanos = System.nanoTime();
  private final CompletableFuture<byte[]> image = new CompletableFuture<>();
  private volatile RuntimeException cancelled;
  private volatile Runnable over = () -> {};
  private Clip frame; // from here on: engine thread only
  private int partialsSent;
  private int stepsDone;
  private int stepsTotal;
  private boolean begun;

  /**
   * @param format png, jpeg or webp
   * @param quality of jpeg and webp, from 0 to 100
   * @param steps until the image is whole, or 0 where it takes all that there are
   * @param partials how many incomplete images to show
   * @param onPartial gets them, encoded, on the engine thread
   */
  public ImageWork(
      VideoRequest request,
      String owner,
      String format,
      int quality,
      int steps,
      int partials,
      Consumer<byte[]> onPartial,
      ImageStore store,
      Measures measures) {
    this.request = request;
    this.owner = owner;
    this.format = format;
    this.quality = quality;
    this.steps = steps;
    this.partials = partials;
    this.onPartial = onPartial;
    this.store = store;
    this.measures = measures;
  }

  /** What it makes. */
  public VideoRequest request() {
    return request;
  }

  /** The encoded image, or what {@link #failed} was told. */
  public CompletableFuture<byte[]> image() {
    return image;
  }

  /** Ends it before its next block, and {@link #image} with this reason. */
  void cancel(RuntimeException reason) {
    cancelled = reason;
  }

  /** What is done when it is made or given up, before anybody hears of it. */
  void whenOver(Runnable task) {
    over = task;
  }

  @Override
  public String model() {
    return request.model();
  }

  @Override
  public String owner() {
    return owner;
  }

  @Override
  public int slots() {
    return request.options().cfg() > 0 ? 2 : 1;
  }

  @Override
  public GenerationRequest begin(Pipeline pipeline) {
    begun = true;
    measures.began(since());
    return GivenFrames.none(request);
  }

  private Duration since() {
    return Duration.ofNanos(System.nanoTime() - createdNanos);
  }

  @Override
  public void step(int done, int total) {
    stepsDone = done;
    stepsTotal = steps == 0 ? total : steps;
  }

  /** In even steps towards the whole image, which is no partial one any more. */
  @Override
  public boolean wantsPreview() {
    return partialsSent < partials
        && stepsDone < stepsTotal
        && stepsDone * (partials + 1) >= stepsTotal * (partialsSent + 1);
  }

  @Override
  public void preview(Clip unfinished) {
    partialsSent++;
    onPartial.accept(store.encode(unfinished, format, quality));
  }

  @Override
  public void frames(Clip next) {
    if (frame == null) {
      frame = next.slice(0, 1);
      measures.frames(1);
      measures.firstFrame(since());
    }
  }

  @Override
  public boolean cancelled() {
    return cancelled != null;
  }

  @Override
  public boolean enough() {
    return frame != null;
  }

  @Override
  public void finished() {
    byte[] bytes = store.encode(frame, format, quality);
    measures.ended();
    measures.completed(since());
    over.run();
    image.complete(bytes);
  }

  @Override
  public void failed(Throwable cause) {
    if (begun) {
      measures.ended();
    }
    RuntimeException reason = cancelled;
    Throwable told = reason == null ? store.refusedOr(cause) : reason;
    measures.failed(JobError.of(told).code());
    over.run();
    image.completeExceptionally(told);
  }
}
