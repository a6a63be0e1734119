package dev.blockreel.tokenizer.magvit2;

import dev.blockreel.failure.EngineFailure;
import java.util.List;

/**
 * Sizes of a MAGVIT-v2 style tokenizer.
 *
 * @param patch side of the square of pixels that is folded into channels before the first and after
 *     the last convolution; 1 as published
 * @param stages from the pixels inwards; the decoder mirrors them
 * @param levels values of each FSQ dimension, the fastest-counting first
 * @param groups groups of every GroupNorm
 */
public record Magvit2Config(int patch, List<Stage> stages, List<Integer> levels, int groups) {
  /**
   * Residual units at one resolution and the step down to the next.
   *
   * @param width channels
   * @param units residual units
   * @param strideTime 1 or 2: frames per frame of the next stage; 1 for the last stage
   * @param strideSpace 1 or 2: pixels per pixel of the next stage, per side; 1 for the last stage
   */
  public record Stage(int width, int units, int strideTime, int strideSpace) {}

  /** Beyond this the numbers of codes are no longer whole in fp32, in which they are computed. */
  private static final int MOST_CODES = 1 << 24;

  /** The published 370M tokenizer: 17x128x128 pixels become 5x16x16 codes out of 64 000. */
  public static final Magvit2Config OFFICIAL =
      new Magvit2Config(
          1,
          List.of(
              new Stage(128, 4, 1, 2),
              new Stage(256, 4, 2, 2),
              new Stage(256, 4, 2, 2),
              new Stage(512, 8, 1, 1)),
          List.of(8, 8, 8, 5, 5, 5),
          32);

  /** Checks that every size makes sense. */
  public Magvit2Config {
    stages = List.copyOf(stages);
    levels = List.copyOf(levels);
    if (patch < 1 || stages.isEmpty() || levels.isEmpty() || groups < 1) {
      throw EngineFailure.badRequest(
          "a tokenizer needs a patch of at least 1, stages, levels and groups: got patch %d, %d"
              + " stages, %d levels, %d groups",
          patch, stages.size(), levels.size(), groups);
    }
    for (int i = 0; i < stages.size(); i++) {
      Stage stage = stages.get(i);
      boolean last = i == stages.size() - 1;
      if (stage.width < 1 || stage.width % groups != 0 || stage.units < 1) {
        throw EngineFailure.badRequest(
            "tokenizer stage %d: a width that %d groups divide and at least one unit are needed,"
                + " got width %d, %d units",
            i, groups, stage.width, stage.units);
      }
      if (stage.strideTime < 1
          || stage.strideTime > 2
          || stage.strideSpace < 1
          || stage.strideSpace > 2) {
        throw EngineFailure.badRequest(
            "tokenizer stage %d: strides are 1 or 2, got %d in time and %d in space",
            i, stage.strideTime, stage.strideSpace);
      }
      if (last && (stage.strideTime != 1 || stage.strideSpace != 1)) {
        throw EngineFailure.badRequest(
            "the last tokenizer stage has no step down: its strides must be 1");
      }
    }
    requireCodebook(levels);
  }

  /**
   * Checks FSQ levels.
   *
   * @throws EngineFailure BAD_REQUEST when one is below 2, or there are too many codes
   */
  static void requireCodebook(List<Integer> levels) {
    long codes = 1;
    for (int level : levels) {
      if (level < 2) {
        throw EngineFailure.badRequest("an FSQ level of %d: at least 2 is needed", level);
      }
      codes *= level;
      if (codes > MOST_CODES) {
        throw EngineFailure.badRequest(
            "FSQ levels of %s make more than %d codes", levels, MOST_CODES);
      }
    }
  }

  /** Pixels per grid cell, per side. */
  public int spaceFactor() {
    return patch * stages.stream().mapToInt(Stage::strideSpace).reduce(1, (a, b) -> a * b);
  }

  /** Frames per latent frame, but for the first one, which stands for a single frame. */
  public int timeFactor() {
    return stages.stream().mapToInt(Stage::strideTime).reduce(1, (a, b) -> a * b);
  }

  /** Latent frames of a clip of {@code frames} frames. */
  public int latentFrames(int frames) {
    int time = frames;
    for (Stage stage : stages) {
      time = stage.strideTime == 1 ? time : (time - 1) / 2 + 1;
    }
    return time;
  }

  /** Frames that {@code latentFrames} latent frames decode to. */
  public int frames(int latentFrames) {
    int time = latentFrames;
    for (Stage stage : stages) {
      time = stage.strideTime == 1 ? time : 2 * time - 1;
    }
    return time;
  }

  /** Number of different codes. */
  public int codebookSize() {
    return levels.stream().reduce(1, (a, b) -> a * b);
  }
}
