package dev.blockreel.sampler;

import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import java.util.List;

/** Watches a generation, on the thread that generates. */
public interface GenerationListener {
  /** Watches nothing. */
  GenerationListener NONE = new GenerationListener() {};

  /** Called for each step when it is over; {@code done} of {@code total} steps are over. */
  default void step(int done, int total) {}

  /**
   * Called each time another latent frame of every clip is complete, with all complete ones, one
   * grid a clip.
   */
  default void latentFrames(List<TokenGrid> complete) {}

  /**
   * Called after {@link #latentFrames} with the frames that the new latent frames bring, one clip a
   * grid; they are final. All calls together give every frame once, in order. Given frames come
   * before the first step.
   */
  default void frames(List<Clip> next) {}

  /**
   * Whether {@link #preview} is wanted: decoding what is unfinished costs time. For models whose
   * entities are not whole frames.
   */
  default boolean wantsPreviews() {
    return false;
  }

  /**
   * Called, where wanted, each time another entity of every image is finished, with what there is
   * so far, one clip an image; places that are not predicted yet look like nothing in particular.
   */
  default void preview(List<Clip> unfinished) {}

  /**
   * Called before each step, or before several short ones that are made at once, for about a
   * hundredth of a second: true ends the generation with CANCELLED.
   */
  default boolean cancelled() {
    return false;
  }
}
