package dev.blockreel.nn;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;

/**
 * In which numbers a model computes and how its weights lie in memory.
 *
 * @param compute format of activations and products
 * @param castWeights whether weights are kept in fp32, receive gradients, and are cast at each use,
 *     as training does
 * @param packedRows rows of the inputs for which linear weights are packed for oneDNN, or 0 for
 *     plain weights
 * @param stacked whether linear layers of one input become one product
 * @param channelsLast whether convolutions work with the channels innermost
 */
public record Numerics(
    Dtype compute, boolean castWeights, int packedRows, boolean stacked, boolean channelsLast) {
  /** The plain twin: everything in fp32, nothing rearranged. */
  public static Numerics plain() {
    return new Numerics(Dtype.FLOAT32, false, 0, false, false);
  }

  /**
   * The fast way to infer in {@code dtype} on this device.
   *
   * @param rows rows of the usual input of a linear layer: the tokens of a block times the batch
   */
  public static Numerics inference(Dtype dtype, int rows) {
    boolean packs = dtype == Dtype.BFLOAT16 && Torch.packsBfloat16();
    return new Numerics(
        Torch.requireComputable(dtype), false, packs ? rows : 0, true, dtype != Dtype.FLOAT32);
  }

  /** Training: fp32 weights, computing in {@code dtype}. */
  public static Numerics training(Dtype dtype) {
    return new Numerics(dtype, true, 0, false, true);
  }
}
