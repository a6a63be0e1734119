package dev.blockreel.sampler;

/** Watches a generation, on the thread that generates. */
public interface GenerationListener {
  /** Watches nothing. */
  GenerationListener NONE = new GenerationListener() {};

  /** Called after each step; {@code done} of {@code total} steps are over. */
  default void step(int done, int total) {}

  /** Called before each step: true ends the generation with CANCELLED. */
  default boolean cancelled() {
    return false;
  }
}
