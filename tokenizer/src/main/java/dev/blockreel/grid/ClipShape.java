package dev.blockreel.grid;

import dev.blockreel.failure.EngineFailure;

/**
 * Length, size and rate of the clips that a model is for.
 *
 * @param frames T; 1 for images
 * @param height H in pixels
 * @param width W in pixels
 * @param fps frames per second
 */
public record ClipShape(int frames, int height, int width, double fps) {
  /** Checks the ranges. */
  public ClipShape {
    if (Math.min(frames, Math.min(height, width)) < 1 || !(fps > 0) || Double.isInfinite(fps)) {
      throw EngineFailure.badRequest(
          "clips need frames, pixels and frames per second above 0: got %d, %dx%d, %s",
          frames, width, height, fps);
    }
  }
}
