package dev.blockreel.tokenizer.vq;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.PublishedNetwork;
import dev.blockreel.tokenizer.image.PublishedImageNetwork;
import java.util.List;

/**
 * A published multi-scale VQ autoencoder, opened to become part of a model directory. All sizes
 * follow from the tensors but for the scales, which its file does not hold.
 */
public final class VqImport {
  private static final String CODEBOOK = "quantize.embedding.weight";
  private static final String HITS = "quantize.ema_vocab_hit_SV";

  private VqImport() {}

  /** Whether a file's tensors look like one. */
  public static boolean recognises(TensorFile published) {
    return published.names().contains(CODEBOOK);
  }

  /**
   * Checks that a file is a whole autoencoder.
   *
   * @param published closed with the result, or before this fails
   * @param scales sides of the token maps, or an empty list for the published ones of 256 pixels
   * @return to be closed by the caller
   * @throws EngineFailure CHECKPOINT_MISMATCH when tensors are missing, unexpected or of a shape
   *     that fits no autoencoder; BAD_REQUEST when {@code scales} are needed
   */
  public static PublishedNetwork<VqConfig> open(TensorFile published, List<Integer> scales) {
    try {
      List<Integer> known = scales.isEmpty() ? publishedScales(published) : scales;
      TensorFile file = Vq.publishedNames(published);
      Vq network = new Vq(config(file, known));
      return new PublishedNetwork<>(network.config(), network.weights(), file);
    } catch (RuntimeException e) {
      published.close();
      throw e;
    }
  }

  /** The count of used codes has a row a scale; ten of them are those of the published file. */
  private static List<Integer> publishedScales(TensorFile published) {
    List<Integer> official = VqConfig.OFFICIAL.scales();
    if (published.names().contains(HITS) && published.size(HITS, 0, 2) == official.size()) {
      return official;
    }
    throw EngineFailure.badRequest(
        "%s does not say its scales: give its --generator, or --hyper patch_nums=1,2,3,… (the"
            + " published tokenizer has %s)",
        published.path(), official);
  }

  private static VqConfig config(TensorFile file, List<Integer> scales) {
    return PublishedNetwork.sizes(
        file,
        () ->
            new VqConfig(
                PublishedImageNetwork.sizes(file),
                file.size(CODEBOOK, 1, 2),
                file.size(CODEBOOK, 0, 2),
                scales,
                file.count("quantize.quant_resi.qresi_ls.%d.weight")));
  }
}
