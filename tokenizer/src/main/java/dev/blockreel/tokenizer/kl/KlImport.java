package dev.blockreel.tokenizer.kl;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.PublishedNetwork;
import dev.blockreel.tokenizer.image.PublishedImageNetwork;

/**
 * A published KL autoencoder, opened to become part of a model directory. All sizes follow from the
 * tensors; the scale of the latents is that of MAR.
 */
public final class KlImport {
  private static final String MOMENTS = "quant_conv.weight";

  private KlImport() {}

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
   * @throws EngineFailure CHECKPOINT_MISMATCH when tensors of the encoder or the decoder are
   *     missing, unexpected or of a shape that fits no autoencoder
   */
  public static PublishedNetwork<KlConfig> open(TensorFile published) {
    try {
      long[] moments = published.info(MOMENTS).shape();
      if (moments.length != 4 || moments[0] % 2 != 0 || moments[0] > 1 << 16) {
        throw published.mismatch(
            "tensor %s: expected means and variances of latents", published.info(MOMENTS));
      }
      // A training keeps the networks of its loss beside them.
      TensorFile file =
          published.renamed(
              name ->
                  name.matches("(encoder|decoder|quant_conv|post_quant_conv)\\..*") ? name : null);
      Kl network =
          new Kl(
              new KlConfig(
                  PublishedImageNetwork.sizes(published),
                  (int) moments[0] / 2,
                  KlConfig.OFFICIAL.scale()));
      return new PublishedNetwork<>(network.config(), network.weights(), file);
    } catch (RuntimeException e) {
      published.close();
      throw e;
    }
  }
}
