package dev.blockreel.evaluate;

import dev.blockreel.failure.EngineFailure;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a TorchScript network wants to be given.
 *
 * @param frames frames that it takes together, the first of a clip; 0 for a network of images,
 *     which is shown {@code images} frames of each clip
 * @param images how many frames of a clip, evenly spread; used when {@code frames} is 0
 * @param side height and width in pixels that clips are brought to, bilinearly and without
 *     antialiasing; 0 leaves them as they are
 * @param range how values are written
 * @param options further arguments of its {@code forward}: Boolean, Long or Double
 * @param usual such arguments for networks whose {@code forward} takes them; {@code options} count
 *     more
 * @param gives what its result is
 */
public record NetworkInput(
    int frames,
    int images,
    int side,
    Range range,
    Map<String, Object> options,
    Map<String, Object> usual,
    Gives gives) {
  /** How pixel values are written. */
  public enum Range {
    /** From 0 to 1. */
    UNIT,
    /** From -1 to 1. */
    SIGNED,
    /** Bytes, 0 to 255, rounded. */
    UINT8
  }

  /** What a network's result is, one row an input. */
  public enum Gives {
    /** A feature vector. */
    FEATURES,
    /** Class scores before the softmax. */
    LOGITS,
    /** Class probabilities. */
    PROBABILITIES
  }

  /**
   * The Inflated 3D ConvNet of the usual Fréchet video distance, {@code i3d_torchscript.pt} as
   * StyleGAN-V's evaluation publishes it: (B,3,16,224,224) in [-1,1] to 400 features. NBP's
   * published figures use it with the first 16 of 17 frames.
   */
  public static final NetworkInput I3D =
      new NetworkInput(
          16,
          0,
          224,
          Range.SIGNED,
          Map.of(),
          Map.of("rescale", false, "resize", false, "return_features", true),
          Gives.FEATURES);

  /**
   * The Inception network of the usual Fréchet image distance, {@code inception-2015-12-05.pt} as
   * the evaluations of StyleGAN2 and StyleGAN3 publish it: bytes (B,3,H,W) of any size, which it
   * resizes itself, to 2048 features.
   */
  public static final NetworkInput INCEPTION =
      new NetworkInput(
          0, 1, 0, Range.UINT8, Map.of(), Map.of("return_features", true), Gives.FEATURES);

  /** Without {@code usual} arguments. */
  public NetworkInput(
      int frames, int images, int side, Range range, Map<String, Object> options, Gives gives) {
    this(frames, images, side, range, options, Map.of(), gives);
  }

  /** The same for a network whose {@code forward} takes these arguments: all are options then. */
  NetworkInput fitting(Set<String> arguments) {
    Map<String, Object> all = new TreeMap<>(usual);
    all.keySet().retainAll(arguments);
    all.putAll(options);
    return new NetworkInput(frames, images, side, range, all, gives);
  }

  /** Checks the ranges. */
  public NetworkInput {
    // Sorted: what an evaluation is resumed by is told from this record's text.
    options = Collections.unmodifiableMap(new TreeMap<>(options));
    usual = Collections.unmodifiableMap(new TreeMap<>(usual));
    if (frames < 0 || side < 0 || (frames == 0 && images < 1)) {
      throw EngineFailure.badRequest(
          "a network takes frames of at least 0, a side of at least 0, and at least 1 image of a clip: got %d, %d, %d",
          frames, side, images);
    }
  }
}
