package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.ClipCodes;
import dev.blockreel.grid.LatentGrid;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.grid.TokenScales;
import java.util.List;

/** Tokens, tokens of several scales, or latents as raw tensors, whichever there are. */
public final class CodeTensors {
  private CodeTensors() {}

  /**
   * Adds codes of one kind and size to a file that is being put together.
   *
   * @param codes of B clips, at least one
   * @return the writer
   */
  public static SafetensorsWriter add(SafetensorsWriter writer, List<ClipCodes> codes) {
    ClipCodes first = codes.get(0);
    if (first instanceof TokenGrid) {
      return TokenTensors.add(writer, codes.stream().map(TokenGrid.class::cast).toList());
    }
    if (first instanceof LatentGrid) {
      return LatentTensors.add(writer, codes.stream().map(LatentGrid.class::cast).toList());
    }
    return TokenTensors.addScales(writer, codes.stream().map(TokenScales.class::cast).toList());
  }

  /**
   * What a file holds.
   *
   * @return codes of B clips
   * @throws EngineFailure MEDIA when it holds none, or in another layout
   */
  public static List<ClipCodes> read(TensorFile file) {
    if (file.names().contains(LatentTensors.LATENTS)) {
      return List.copyOf(LatentTensors.read(file));
    }
    if (TokenTensors.hasScales(file)) {
      return List.copyOf(TokenTensors.readScales(file));
    }
    if (file.names().contains(TokenTensors.TOKENS)) {
      return List.copyOf(TokenTensors.read(file));
    }
    throw new EngineFailure(
        FailureCode.MEDIA,
        "%s has neither tokens nor latents; it has %s"
            .formatted(file.path(), Quoted.list(file.names())));
  }
}
