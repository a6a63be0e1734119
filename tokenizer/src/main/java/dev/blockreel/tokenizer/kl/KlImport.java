package dev.blockreel.tokenizer.kl;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.nn.WeightCopy;
import dev.blockreel.nn.WeightList;
import dev.blockreel.tokenizer.image.PublishedImageNetwork;
import java.nio.file.Path;

/**
 * A published KL autoencoder, opened to become part of a model directory. All sizes follow from the
 * tensors; the scale of the latents is that of MAR.
 */
public final class KlImport implements AutoCloseable {
  private static final String MOMENTS = "quant_conv.weight";

  private final TensorFile file;
  private final Kl network;

  private KlImport(TensorFile file, Kl network) {
    this.file = file;
    this.network = network;
  }

  /** Whether a file's tensors look like one. */
  public static boolean recognises(TensorFile published) {
    return published.names().contains(MOMENTS)
        && published.names().contains("encoder.conv_in.weight")
        && !published.names().contains("quantize.embedding.weight");
  }

  /**
   * Checks that a file is a whole autoencoder.
   *
   * @param published closed with the result, or before this fails
   * @return to be closed by the caller
   * @throws EngineFailure CHECKPOINT_MISMATCH when tensors are missing, unexpected or of a shape
   *     that fits no autoencoder
   */
  public static KlImport open(TensorFile published) {
    try {
      long[] moments = published.info(MOMENTS).shape();
      if (moments.length != 4 || moments[0] % 2 != 0 || moments[0] > 1 << 16) {
        throw new EngineFailure(
            FailureCode.CHECKPOINT_MISMATCH,
            "%s: tensor %s: expected means and variances of latents"
                .formatted(published.path(), published.info(MOMENTS)));
      }
      Kl network =
          new Kl(
              new KlConfig(
                  PublishedImageNetwork.sizes(published),
                  (int) moments[0] / 2,
                  KlConfig.OFFICIAL.scale()));
      WeightList.requireFit(network.weights(), published);
      return new KlImport(published, network);
    } catch (RuntimeException e) {
      published.close();
      throw e;
    }
  }

  /** The sizes that the tensors have. */
  public KlConfig config() {
    return network.config();
  }

  /** Writes the weights as {@link ModelDirectory#TOKENIZER_FILE}; BF16, F16 or F32. */
  public void write(Path directory, ElementType type) {
    WeightCopy.write(
        network.weights(), file, type, directory.resolve(ModelDirectory.TOKENIZER_FILE));
  }

  @Override
  public void close() {
    file.close();
  }
}
