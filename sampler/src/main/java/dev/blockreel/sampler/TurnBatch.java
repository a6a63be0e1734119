package dev.blockreel.sampler;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/**
 * A batch for models whose generations share no steps: each {@link #step} makes one whole
 * generation, whose clips are made together; the others wait their turn. Images take seconds, so a
 * turn is short.
 */
final class TurnBatch implements GenerationBatch {
  private final Consumer<GenerationRequest> check;
  private final BiFunction<GenerationRequest, GenerationListener, List<GeneratedClip>> make;
  private final int slots;
  private final Deque<Waiting> waiting = new ArrayDeque<>();
  private boolean running;

  private record Waiting(
      GenerationRequest request,
      GenerationListener listener,
      CompletableFuture<List<GeneratedClip>> result) {}

  /**
   * @param check fails for requests that do not fit the model
   * @param make makes the clips of a request; asks the listener before each step whether it is
   *     cancelled
   */
  TurnBatch(
      int slots,
      Consumer<GenerationRequest> check,
      BiFunction<GenerationRequest, GenerationListener, List<GeneratedClip>> make) {
    if (slots < 1) {
      throw EngineFailure.badRequest("a batch needs at least one slot: got %d", slots);
    }
    this.slots = slots;
    this.check = check;
    this.make = make;
  }

  @Override
  public int slots(GenerationRequest request) {
    return (request.options().cfg() > 0 ? 2 : 1) * request.classes().size();
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
    waiting.add(new Waiting(request, listener, result));
    return result;
  }

  @Override
  public boolean step() {
    for (Waiting one : List.copyOf(waiting)) {
      if (one.result.isDone() || one.listener.cancelled()) {
        cancel(one);
      }
    }
    Waiting next = waiting.poll();
    if (next != null) {
      make(next);
    }
    return !waiting.isEmpty();
  }

  private void make(Waiting next) {
    running = true;
    try {
      List<GeneratedClip> clips = make.apply(next.request, next.listener);
      running = false;
      next.result.complete(clips);
    } catch (RuntimeException e) {
      running = false;
      next.result.completeExceptionally(e);
    }
  }

  private void cancel(Waiting one) {
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
