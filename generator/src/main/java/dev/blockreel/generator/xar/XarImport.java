package dev.blockreel.generator.xar;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.PublishedNetwork;
import java.util.Optional;

/**
 * A published xAR transformer, opened to become part of a model directory. All sizes follow from
 * the tensors; the number of heads from the rotations that are stored beside them. As published, it
 * predicts four cells.
 */
public final class XarImport {
  private static final String LATENTS = "z_proj.weight";
  private static final String POSITIONS = "encoder_pos_embed_learned";
  private static final String ROTATIONS = "encoder_blocks.0.attn.rope.freqs";
  private static final String DECODER_ROTATIONS = "decoder_blocks.0.attn.rope.freqs";

  private XarImport() {}

  /** Whether a file's tensors look like one. */
  public static boolean recognises(TensorFile published) {
    return published.names().contains(LATENTS) && published.names().contains(POSITIONS);
  }

  /**
   * Checks that a file is a whole transformer.
   *
   * @param published closed with the result, or before this fails
   * @return to be closed by the caller
   * @throws EngineFailure CHECKPOINT_MISMATCH when tensors are missing, unexpected or of a shape
   *     that fits no transformer
   */
  public static PublishedNetwork<XarGenerator.Description> open(TensorFile published) {
    try {
      XarConfig config = config(published);
      int tokens = published.size(POSITIONS, 1, 3);
      int side = (int) Math.round(Math.sqrt(tokens));
      if (side * side != tokens || side % 2 != 0) {
        throw published.mismatch("has %d positions: expected a square of four cells", tokens);
      }
      TensorFile file = Xar.publishedNames(published);
      Xar network = new Xar(config, tokens);
      return new PublishedNetwork<>(
          new XarGenerator.Description(
              XarGenerator.KIND, config, "cell:" + side / 2, 1, side, side),
          network.weights(),
          file);
    } catch (RuntimeException e) {
      published.close();
      throw e;
    }
  }

  private static XarConfig config(TensorFile file) {
    int encoder = file.count("encoder_blocks.%d.attn.qkv.weight");
    int decoder = file.count("decoder_blocks.%d.attn.qkv.weight");
    int width = file.size(LATENTS, 0, 2);
    return PublishedNetwork.sizes(
        file,
        () ->
            new XarConfig(
                encoder,
                decoder,
                heads(file, encoder, width),
                width,
                encoder == 0 ? 0 : file.size("encoder_blocks.0.mlp.fc1_g.weight", 0, 2),
                file.size(LATENTS, 1, 2),
                file.size("class_emb.weight", 0, 2) - 1));
  }

  private static int heads(TensorFile file, int layers, int width) {
    if (file.names().contains(ROTATIONS)) {
      int frequencies = file.size(ROTATIONS, 0, 1);
      if (file.names().contains(DECODER_ROTATIONS)
          && file.size(DECODER_ROTATIONS, 0, 1) != frequencies) {
        throw file.mismatch(
            "heads of the decoder have %d frequencies, those of the encoder %d: expected the same",
            file.size(DECODER_ROTATIONS, 0, 1), frequencies);
      }
      // A head has two channels for each frequency of rows, and as many for columns.
      return width / Math.max(1, 4 * frequencies);
    }
    Optional<XarConfig> published =
        XarPreset.ALL.stream()
            .map(preset -> preset.generator().network())
            .filter(network -> network.encoderLayers() == layers && network.width() == width)
            .findFirst();
    return published
        .map(XarConfig::heads)
        .orElseThrow(
            () ->
                file.mismatch(
                    "has no %s, which says its number of heads, and no published model has %d"
                        + " layers of width %d",
                    ROTATIONS, layers, width));
  }
}
