package dev.blockreel.tokenizer.vq;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.nn.WeightCopy;
import dev.blockreel.nn.WeightList;
import dev.blockreel.tokenizer.image.PublishedImageNetwork;
import java.nio.file.Path;
import java.util.List;

/**
 * A published multi-scale VQ autoencoder, opened to become part of a model directory. All sizes
 * follow from the tensors but for the scales, which its file does not hold.
 */
public final class VqImport implements AutoCloseable {
  private static final String CODEBOOK = "quantize.embedding.weight";
  private static final String HITS = "quantize.ema_vocab_hit_SV";

  private final TensorFile file;
  private final Vq network;

  private VqImport(TensorFile file, Vq network) {
    this.file = file;
    this.network = network;
  }

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
  public static VqImport open(TensorFile published, List<Integer> scales) {
    try {
      List<Integer> known = scales.isEmpty() ? publishedScales(published) : scales;
      TensorFile file = Vq.publishedNames(published);
      Vq network = new Vq(config(file, known));
      WeightList.requireFit(network.weights(), file);
      return new VqImport(file, network);
    } catch (RuntimeException e) {
      published.close();
      throw e;
    }
  }

  /** The count of used codes has a row a scale; ten of them are those of the published file. */
  private static List<Integer> publishedScales(TensorFile published) {
    List<Integer> official = VqConfig.OFFICIAL.scales();
    if (published.names().contains(HITS) && published.info(HITS).shape()[0] == official.size()) {
      return official;
    }
    throw EngineFailure.badRequest(
        "%s does not say its scales: give its --generator, or --hyper patch_nums=1,2,3,… (the"
            + " published tokenizer has %s)",
        published.path(), official);
  }

  private static VqConfig config(TensorFile file, List<Integer> scales) {
    long[] codebook = file.info(CODEBOOK).shape();
    if (codebook.length != 2 || Math.max(codebook[0], codebook[1]) > 1 << 24) {
      throw mismatch(file, "tensor %s: expected a codebook".formatted(file.info(CODEBOOK)));
    }
    int refinements = 0;
    while (file.names().contains("quantize.quant_resi.qresi_ls." + refinements + ".weight")) {
      refinements++;
    }
    try {
      return new VqConfig(
          PublishedImageNetwork.sizes(file),
          (int) codebook[1],
          (int) codebook[0],
          scales,
          refinements);
    } catch (EngineFailure e) {
      throw e.code() == FailureCode.BAD_REQUEST ? mismatch(file, e.getMessage()) : e;
    }
  }

  private static EngineFailure mismatch(TensorFile file, String why) {
    return new EngineFailure(FailureCode.CHECKPOINT_MISMATCH, file.path() + ": " + why);
  }

  /** The sizes that the tensors have. */
  public VqConfig config() {
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
