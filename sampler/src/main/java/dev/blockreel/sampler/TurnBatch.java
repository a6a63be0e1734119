package dev.blockreel.sampler;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A batch for models whose generations share no steps: each {@link #step} makes one whole
 * generation, whose clips are made together; the others wait their turn. Images take seconds, so a
 * turn is short.
 */
final class TurnBatch implements GenerationBatch {
  private final Predicate<SamplingOptions> guided;
  private final Consumer<GenerationRequest> check;
  private final BiFunction<GenerationRequest, GenerationListener, List<GeneratedClip>> make;
  private final int slots;
  private final Deque<Turn> waiting = new ArrayDeque<>();
  private boolean running;

  /** A generation that waits or is made; tells its maker when nobody wants it any more. */
  private record Turn(
      GenerationRequest request,
      GenerationListener listener,
      CompletableFuture<List<GeneratedClip>> result)
      implements GenerationListener {
    @Override
    public void step(int done, int total) {
      listener.step(done, total);
    }

    @Override
    public void latentFrames(List<TokenGrid> complete) {
      listener.latentFrames(complete);
    }

    @Override
    public void frames(List<Clip> next) {
      listener.frames(next);
    }

    @Override
    public boolean wantsPreviews() {
      return listener.wantsPreviews();
    }

    @Override
    public void preview(List<Clip> unfinished) {
      listener.preview(unfinished);
    }

    @Override
    public boolean cancelled() {
      return result.isDone() || listener.cancelled();
    }
  }

  /**
   * @param guided whether a clip with these options takes two slots
   * @param check fails for requests that do not fit the model
   * @param make makes the clips of a request; asks the listener before each step whether it is
   *     cancelled
   */
  TurnBatch(
      int slots,
      Predicate<SamplingOptions> guided,
      Consumer<GenerationRequest> check,
      BiFunction<GenerationRequest, GenerationListener, List<GeneratedClip>> make) {
    if (slots < 1) {
      throw EngineFailure.badRequest("a batch needs at least one slot: got %d", slots);
    }
    this.slots = slots;
    this.guided = guided;
    this.check = check;
    this.make = make;
  }

  @Override
  public int slots(GenerationRequest request) {
    return (guided.test(request.options()) ? 2 : 1) * request.classes().size();
  }

  @Override
  public int slots() {
    return slots;
  }

  @Override
  public int freeSlots() {
    return running ? 0 : slots;
  }

  @Override
  public int running() {
    return running ? 1 : 0;
  }

  @Override
  public int waiting() {
    return waiting.size();
  }

  @Override
  public CompletableFuture<List<GeneratedClip>> submit(
      GenerationRequest request, GenerationListener listener) {
    check.accept(request);
    if (slots(request) > slots) {
      throw EngineFailure.badRequest(
          "the request takes %d slots: this batch has %d", slots(request), slots);
    }
    CompletableFuture<List<GeneratedClip>> result = new CompletableFuture<>();
    waiting.add(new Turn(request, listener, result));
    return result;
  }

  @Override
  public boolean step() {
    for (Turn one : List.copyOf(waiting)) {
      try {
        if (one.cancelled()) {
          cancel(one);
        }
      } catch (RuntimeException e) { // of its listener
        waiting.remove(one);
        one.result.completeExceptionally(e);
      }
    }
    Turn next = waiting.poll();
    if (next != null) {
      make(next);
    }
    return !waiting.isEmpty();
  }

  private void make(Turn next) {
    running = true;
    try {
      List<GeneratedClip> clips = make.apply(next.request, next);
      running = false;
      next.result.complete(clips);
    } catch (RuntimeException | Error e) { // nobody else would tell whoever waits for it
      running = false;
      next.result.completeExceptionally(e);
    }
  }

  private void cancel(Turn one) {
    waiting.remove(one);
    one.result.completeExceptionally(
        new EngineFailure(
            FailureCode.CANCELLED, "the generation was cancelled before its first step"));
  }

  @Override
  public void close() {
    List.copyOf(waiting).forEach(this::cancel);
  }
}
