package dev.blockreel.grid;

/** What a clip or image is between a tokenizer and a generator. */
public sealed interface ClipCodes permits LatentGrid, TokenGrid, TokenScales {
  /** Sizes and kind in words, such as {@code 5x16x16 tokens}. */
  String describe();

  /** The kind in words. */
  static String name(Class<? extends ClipCodes> kind) {
    if (kind == LatentGrid.class) {
      return "latents";
    }
    return kind == TokenGrid.class ? "tokens" : "tokens of several scales";
  }
}
