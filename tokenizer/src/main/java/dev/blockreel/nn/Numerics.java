package dev.blockreel.nn;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;

/**
 * In which numbers a model computes and how its weights lie in memory.
 *
 * @param compute format of activations and products
 * @param castWeights whether weights are kept in fp32, receive gradients, and are cast at each use,
 *     as training does
 * @param products how the weights of linear layers lie in memory
 * @param stacked whether linear layers of one input become one product
 * @param kernels how convolutions work
 */
public record Numerics(
    Dtype compute, boolean castWeights, Products products, boolean stacked, Kernels kernels) {
  /** How the weights of linear layers lie in memory. */
  public enum Products {
    /** As in the file. */
    PLAIN,
    /** Packed for oneDNN. */
    PACKED,
    /** Packed for FBGEMM, in fp16, with fp32 for all else. */
    HALVES
  }

  /** How the kernels of convolutions lie in memory. */
  public enum Kernels {
    /** As in the file. */
    PLAIN,
    /** With the channels innermost, as those of the activations then are too. */
    CHANNELS_LAST,
    /**
     * The same, and 3-D kernels are packed for oneDNN, which else does that at each use: for the
     * few small frames of a chunk, that would take as long as the convolution itself.
     */
    PACKED
  }

  /** The plain twin: everything in fp32, nothing rearranged. */
  public static Numerics plain() {
    return new Numerics(Dtype.FLOAT32, false, Products.PLAIN, false, Kernels.PLAIN);
  }

  /** The fast way to infer in {@code dtype} on this device. */
  public static Numerics inference(Dtype dtype) {
    boolean packs = dtype == Dtype.BFLOAT16 && Torch.packsBfloat16();
    Products products = packs ? Products.PACKED : Products.PLAIN;
    Kernels kernels =
        packs ? Kernels.PACKED : dtype == Dtype.FLOAT32 ? Kernels.PLAIN : Kernels.CHANNELS_LAST;
    return new Numerics(Torch.requireComputable(dtype), false, products, true, kernels);
  }

  /**
   * For calls with a single row where these numerics pack for oneDNN, which takes almost twice as
   * long for one where weights come from a cache of the processor. Weights are rounded to fp16,
   * which is finer than bf16 between 8e-6 and 65504, where it ends, and coarser below.
   */
  public Numerics forSingleRows() {
    return new Numerics(Dtype.FLOAT32, false, Products.HALVES, stacked, Kernels.PLAIN);
  }

  /** Training: fp32 weights, computing in {@code dtype}. */
  public static Numerics training(Dtype dtype) {
    return new Numerics(dtype, true, Products.PLAIN, false, Kernels.CHANNELS_LAST);
  }

  /** Whether activations of convolutions have their channels innermost. */
  public boolean channelsLast() {
    return kernels != Kernels.PLAIN;
  }

  /** Whether linear weights are packed for oneDNN. */
  public boolean packedProducts() {
    return products == Products.PACKED;
  }

  /** Whether 3-D kernels are packed. */
  public boolean packedKernels() {
    return kernels == Kernels.PACKED;
  }

  /** Whether {@link CachedAttention} is written as products, as it is where a CPU infers. */
  public boolean attentionByProducts() {
    return stacked && !Torch.onGpu();
  }
}
