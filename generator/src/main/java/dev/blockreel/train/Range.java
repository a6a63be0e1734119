package dev.blockreel.train;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.media.ClipReader;

/**
 * Bounds of the numbers in a recipe. They lie far above what can be trained, and low enough that no
 * product of two or three of them overflows.
 */
final class Range {
  /** Of clips, frames, layers and whatever else is counted. */
  static final int COUNT = 1 << 16;

  /** Channels: a kernel of 3x3x3 between two such layers is just one array. */
  static final int WIDTH = 1 << 13;

  /** Different codes of a tokenizer. */
  static final int CODES = 1 << 20;

  private Range() {}

  /**
   * Checks one number.
   *
   * @throws EngineFailure BAD_REQUEST unless it lies between the two others
   */
  static void require(String name, long value, long least, long most) {
    if (value < least || value > most) {
      throw EngineFailure.badRequest(
          "%s must lie between %d and %d: got %d", name, least, most, value);
    }
  }

  /**
   * Checks that a batch is one array.
   *
   * @param count of its members, which {@code what} names
   * @param values of each
   * @throws EngineFailure BAD_REQUEST when it is too large
   */
  static void requireBatch(int count, String what, long values) {
    if (values > ClipReader.MAX_CLIP_VALUES / count) {
      throw EngineFailure.badRequest(
          "a batch of %d %s of %d values is too large: expected at most %d values in all",
          count, what, values, ClipReader.MAX_CLIP_VALUES);
    }
  }
}
