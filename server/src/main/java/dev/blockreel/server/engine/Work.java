package dev.blockreel.server.engine;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;

/**
 * One clip to generate. {@link #model}, {@link #owner} and {@link #cancelled} may be called on any
 * thread, all else on one engine thread. After {@link #begin} exactly one of {@link #finished} and
 * {@link #failed} follows.
 */
public interface Work {
  /** Name of the model that generates it. */
  String model();

  /** Who asked for it: owners take turns. */
  String owner();

  /** Slots of the batch that it takes: two with guidance, else one. */
  default int slots() {
    return 1;
  }

  /**
   * The engine has taken it.
   *
   * @return what to generate: a batch of one
   * @throws EngineFailure when it cannot be done; {@link #failed} follows
   */
  GenerationRequest begin(Pipeline pipeline);

  /** After each step; {@code done} of {@code total} are over. */
  void step(int done, int total);

  /** Asked after each step: whether what there is of an incomplete image shall be decoded. */
  default boolean wantsPreview() {
    return false;
  }

  /** What there is of an incomplete image; comes only where it was wanted. */
  default void preview(Clip unfinished) {}

  /** Further frames are final. All calls together give every frame once, in order. */
  void frames(Clip next);

  /** Looked at before each step: true ends it with CANCELLED. */
  boolean cancelled();

  /** Looked at before each step: true ends it as finished, as no more frames are wanted. */
  default boolean enough() {
    return false;
  }

  /** All frames were given. */
  void finished();

  /**
   * It ended early; nothing more comes.
   *
   * @param cause an {@link EngineFailure}; anything else is a fault of this program
   */
  void failed(Throwable cause);
}
