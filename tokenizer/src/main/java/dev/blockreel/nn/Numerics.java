package dev.blockreel.nn;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;

/**
 * In which numbers a model computes and how its weights lie in memory. Kernels of convolutions, and
 * the activations that they take, have their channels innermost: left as in the file, oneDNN would
 * rearrange both, and where channels do not fill its vectors, the one of libtorch 2.7 was seen to
 * write zeros over values then, on a virtual machine that tells no sizes of its caches.
 *
 * @param compute format of activations and products
 * @param castWeights whether weights are kept in fp32, receive gradients, and are cast at each use,
 *     as training does
 * @param products how the weights of linear layers lie in memory
 * @param stacked whether linear layers of one input become one product
 * @param packedKernels whether 3-D kernels are packed for oneDNN, which else does that at each use:
 *     for the few small frames of a chunk, that would take as long as the convolution itself
 */
public record Numerics(
    Dtype compute, boolean castWeights, Products products, boolean stacked, boolean packedKernels) {
  /** Channels that oneDNN packs together. */
  private static final int LANES = 16;

  /** How the weights of linear layers lie in memory. */
  public enum Products {
    /** As in the file. */
    PLAIN,
    /** Packed for oneDNN. */
    PACKED,
    /** Packed for FBGEMM, in fp16, with fp32 for all else. */
    HALVES
  }

  /** The plain twin: everything in fp32, nothing packed. */
  public static Numerics plain() {
    return new Numerics(Dtype.FLOAT32, false, Products.PLAIN, false, false);
  }

  /** The fast way to infer in {@code dtype} on this device. */
  public static Numerics inference(Dtype dtype) {
    boolean packs = dtype == Dtype.BFLOAT16 && Torch.packsBfloat16();
    Products products = packs ? Products.PACKED : Products.PLAIN;
    return new Numerics(Torch.requireComputable(dtype), false, products, true, packs);
  }

  /**
   * For calls with a single row where these numerics pack for oneDNN, which takes almost twice as
   * long for one where weights come from a cache of the processor. Weights are rounded to fp16,
   * which is finer than bf16 between 8e-6 and 65504, where it ends, and coarser below.
   */
  public Numerics forSingleRows() {
    return new Numerics(Dtype.FLOAT32, false, Products.HALVES, stacked, false);
  }

  /** Training: fp32 weights, computing in {@code dtype}. */
  public static Numerics training(Dtype dtype) {
    return new Numerics(dtype, true, Products.PLAIN, false, false);
  }

  /** Whether linear weights are packed for oneDNN. */
  public boolean packedProducts() {
    return products == Products.PACKED;
  }

  /**
   * Whether the kernel of a convolution is packed: one whose channels fill oneDNN's vectors. With
   * others, packing has the fault that the class's comment tells of.
   */
  public boolean packs(Weight kernel) {
    long[] shape = kernel.shape();
    return packedKernels
        && kernel.role().isConvolution()
        && shape.length == 5
        && shape[0] % LANES == 0
        && (shape[1] % LANES == 0 || shape[1] < LANES);
  }

  /** Whether a kernel that is packed is so for {@link PairedRows}. */
  boolean pairsRows(Weight kernel) {
    return packs(kernel)
        && kernel.role() == Weight.Role.CONVOLUTION
        && PairedRows.suits(kernel.shape());
  }

  /** Whether {@link CachedAttention} is written as products, as it is where a CPU infers. */
  public boolean attentionByProducts() {
    return stacked && !Torch.onGpu();
  }
}
