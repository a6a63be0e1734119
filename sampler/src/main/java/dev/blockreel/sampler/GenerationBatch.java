package dev.blockreel.sampler;

import dev.blockreel.failure.EngineFailure;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Generations of one model that run side by side or one after the other, made by {@link
 * Pipeline#batch} and used by one thread at a time. That thread calls {@link #step} over and over:
 *
 * <pre>{@code
 * try (GenerationBatch batch = pipeline.batch(8)) {
 *   while (open) {
 *     for (Job job = jobs.poll(); job != null; job = jobs.poll()) {
 *       batch.submit(job.request(), job).whenComplete(job::end);
 *     }
 *     if (!batch.step()) {
 *       jobs.awaitNext();
 *     }
 *   }
 * }
 * }</pre>
 *
 * <p>Everything is called back on that thread, from within {@code step}, between native calls:
 * listeners and what hangs on the futures must return soon. A listener that throws fails its own
 * generation and no other.
 */
public interface GenerationBatch extends AutoCloseable {
  /** Slots that a request takes. */
  int slots(GenerationRequest request);

  /** Slots of the batch. */
  int slots();

  /** Slots that are free now. */
  int freeSlots();

  /** Generations that have their slots. */
  int running();

  /** Generations that wait for slots. */
  int waiting();

  /**
   * Adds a generation; it begins in one of the next {@link #step}s. The queue has no bound: callers
   * that want one look at {@link #waiting} first.
   *
   * @param request its clips join, step and leave together
   * @param listener as for {@link Pipeline#generate}; {@link GenerationListener#cancelled} is asked
   *     before each step, also while the generation waits, and may be answered by another thread's
   *     flag
   * @return completed from within {@code step} with one clip for each class of the request, or with
   *     an {@link EngineFailure}, CANCELLED when the listener said so; whoever completes or cancels
   *     it first cancels the generation
   * @throws EngineFailure BAD_REQUEST, at once, when the request does not fit the model or the
   *     batch
   */
  CompletableFuture<List<GeneratedClip>> submit(
      GenerationRequest request, GenerationListener listener);

  /**
   * Takes what runs further.
   *
   * @return whether there is anything left to do
   */
  boolean step();

  /** Cancels what is unfinished. */
  @Override
  void close();
}
