package dev.blockreel.tokenizer;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipCodes;
import dev.blockreel.grid.ClipShape;

/**
 * A loaded tokenizer of any kind: clips to what a generator works on, and back. Holds native memory
 * until closed. Several threads may call at the same time.
 */
public interface ClipTokenizer extends AutoCloseable {
  /** The clips that it was made for. */
  ClipShape shape();

  /**
   * Turns a clip into tokens, tokens of several scales, or latents.
   *
   * @throws EngineFailure BAD_REQUEST when the clip's size does not fit
   */
  ClipCodes toCodes(Clip clip);

  /**
   * Turns codes into a clip.
   *
   * @throws EngineFailure BAD_REQUEST when they are of another kind or size, or lie outside the
   *     codebook
   */
  Clip toClip(ClipCodes codes);

  /** Bits that hold these codes; a latent takes 16. */
  double bits(ClipCodes codes);

  /** The TorchScript that runs. */
  String script();

  /**
   * These codes as the kind that a tokenizer takes.
   *
   * @throws EngineFailure BAD_REQUEST when they are of another kind
   */
  static <C extends ClipCodes> C require(Class<C> kind, ClipCodes codes) {
    if (!kind.isInstance(codes)) {
      throw EngineFailure.badRequest(
          "this tokenizer decodes %s: got %s",
          ClipCodes.name(kind), ClipCodes.name(codes.getClass()));
    }
    return kind.cast(codes);
  }

  @Override
  void close();
}
