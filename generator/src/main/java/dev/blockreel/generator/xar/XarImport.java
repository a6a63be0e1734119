package dev.blockreel.generator.xar;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.nn.WeightCopy;
import dev.blockreel.nn.WeightList;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A published xAR transformer, opened to become part of a model directory. All sizes follow from
 * the tensors; the number of heads from the rotations that are stored beside them. As published, it
 * predicts four cells.
 */
public final class XarImport implements AutoCloseable {
  private static final String LATENTS = "z_proj.weight";
  private static final String POSITIONS = "encoder_pos_embed_learned";
  private static final String ROTATIONS = "encoder_blocks.0.attn.rope.freqs";

  private final TensorFile file;
  private final XarGenerator.Description description;
  private final Xar network;

  private XarImport(TensorFile file, XarGenerator.Description description, Xar network) {
    this.file = file;
    this.description = description;
    this.network = network;
  }

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
  public static XarImport open(TensorFile published) {
    try {
      XarConfig config = config(published);
      int tokens = size(published, POSITIONS, 1, 3);
      int side = (int) Math.round(Math.sqrt(tokens));
      if (side * side != tokens || side % 2 != 0) {
        throw mismatch(published, "has %d positions: expected a square of four cells", tokens);
      }
      TensorFile file = Xar.publishedNames(published);
      Xar network = new Xar(config, tokens);
      WeightList.requireFit(network.weights(), file);
      return new XarImport(
          file,
          new XarGenerator.Description(
              XarGenerator.KIND, config, "cell:" + side / 2, 1, side, side),
          network);
    } catch (RuntimeException e) {
      published.close();
      throw e;
    }
  }

  private static XarConfig config(TensorFile file) {
    int encoder = layers(file, "encoder_blocks");
    int decoder = layers(file, "decoder_blocks");
    int width = size(file, LATENTS, 0, 2);
    try {
      return new XarConfig(
          encoder,
          decoder,
          heads(file, encoder, width),
          width,
          encoder == 0 ? 0 : size(file, "encoder_blocks.0.mlp.fc1_g.weight", 0, 2),
          size(file, LATENTS, 1, 2),
          size(file, "class_emb.weight", 0, 2) - 1);
    } catch (EngineFailure e) {
      throw e.code() == FailureCode.BAD_REQUEST ? mismatch(file, "%s", e.getMessage()) : e;
    }
  }

  private static int heads(TensorFile file, int layers, int width) {
    if (file.names().contains(ROTATIONS)) {
      // A head has two channels for each frequency of rows, and as many for columns.
      return width / Math.max(1, 4 * size(file, ROTATIONS, 0, 1));
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
                mismatch(
                    file,
                    "has no %s, which says its number of heads, and no published model has %d"
                        + " layers of width %d",
                    ROTATIONS,
                    layers,
                    width));
  }

  private static int layers(TensorFile file, String blocks) {
    int layers = 0;
    while (file.names().contains("%s.%d.attn.qkv.weight".formatted(blocks, layers))) {
      layers++;
    }
    return layers;
  }

  private static int size(TensorFile file, String tensor, int dimension, int rank) {
    long[] shape = file.info(tensor).shape();
    if (shape.length != rank || shape[dimension] > 1 << 24) {
      throw mismatch(file, "tensor %s: expected %d dimensions", file.info(tensor), rank);
    }
    return (int) shape[dimension];
  }

  private static EngineFailure mismatch(TensorFile file, String why, Object... values) {
    return new EngineFailure(
        FailureCode.CHECKPOINT_MISMATCH, file.path() + ": " + why.formatted(values));
  }

  /** The sizes that the tensors have. */
  public XarGenerator.Description description() {
    return description;
  }

  /** Writes the weights as {@link ModelDirectory#GENERATOR_FILE}; BF16, F16 or F32. */
  public void write(Path directory, ElementType type) {
    WeightCopy.write(
        network.weights(), file, type, directory.resolve(ModelDirectory.GENERATOR_FILE));
  }

  @Override
  public void close() {
    file.close();
  }
}
