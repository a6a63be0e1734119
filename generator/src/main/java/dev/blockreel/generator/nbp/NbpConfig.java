package dev.blockreel.generator.nbp;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import dev.blockreel.failure.EngineFailure;

/**
 * Sizes and token layout of an NBP transformer.
 *
 * <p>Ids run over special tokens (0 begins the video, 1 … P-1 stand between the tokens that come
 * one by one and the blocks), then condition ids, then video codes.
 *
 * @param layers transformer blocks
 * @param heads attention heads
 * @param width D, divisible by {@code heads}
 * @param contextLength rows of the position table
 * @param blockSize P, tokens predicted together; 1 is next-token prediction
 * @param codes video codes
 * @param conditionTokens condition ids in front of the video; 0 for unconditional models
 * @param conditionVocabulary number of condition ids, for instance classes
 * @param hybrid whether the first tokens come one by one after a begin-of-video token
 * @param singleTokens how many do, whole blocks; one block in the published models, which 0 stands
 *     for
 */
public record NbpConfig(
    int layers,
    int heads,
    int width,
    int contextLength,
    int blockSize,
    int codes,
    int conditionTokens,
    int conditionVocabulary,
    boolean hybrid,
    @JsonSetter(nulls = Nulls.AS_EMPTY) int singleTokens) {
  /** From this width on, weights come from memory, and narrower ones from a processor's cache. */
  private static final int WIDE = 1024;

  /** So many weights stay in a processor's cache from step to step. */
  private static final long FEW_WEIGHTS = 16_000_000;

  /** Checks that the sizes fit together. */
  public NbpConfig {
    singleTokens = singleTokens == 0 ? blockSize : singleTokens;
    if (layers < 1 || heads < 1 || width < 1 || width % heads != 0 || blockSize < 1 || codes < 2) {
      throw EngineFailure.badRequest(
          "an NBP model needs layers, heads that divide the width, a block size and codes: got %d layers, %d heads, width %d, block %d, %d codes",
          layers, heads, width, blockSize, codes);
    }
    if (hybrid != conditionTokens > 0 || hybrid != conditionVocabulary > 0) {
      throw EngineFailure.badRequest(
          "NBP models with a condition are hybrid and those without are not: got hybrid %s with %d condition tokens out of %d",
          hybrid, conditionTokens, conditionVocabulary);
    }
    if (singleTokens < 1 || singleTokens % blockSize != 0) {
      throw EngineFailure.badRequest(
          "tokens that come one by one must be whole blocks of %d: got %d",
          blockSize, singleTokens);
    }
    if (contextLength < conditionTokens + blockSize) {
      throw EngineFailure.badRequest(
          "a context of %d positions is too short for one block", contextLength);
    }
  }

  /** Whether two models read and predict the same ids in the same order, whatever their sizes. */
  public boolean sharesTokensWith(NbpConfig other) {
    return blockSize == other.blockSize
        && codes == other.codes
        && conditionTokens == other.conditionTokens
        && conditionVocabulary == other.conditionVocabulary
        && hybrid == other.hybrid
        && singleTokens == other.singleTokens;
  }

  /** Whether its layers are so narrow that a step of few tokens does not wait for memory. */
  public boolean narrow() {
    return width < WIDE;
  }

  /** Whether a step of few tokens has too little to do for more than one core. */
  public boolean small() {
    long layer = 12L * width * width;
    return layers * layer + (long) vocabulary() * width < FEW_WEIGHTS;
  }

  /** Special ids in front of the vocabulary. */
  public int specialTokens() {
    return hybrid ? blockSize : 0;
  }

  /** The id of video code 0. */
  public int videoOffset() {
    return specialTokens() + conditionVocabulary;
  }

  /** V, all ids. */
  public int vocabulary() {
    return videoOffset() + codes;
  }

  /**
   * Video tokens that come one by one when {@code block} tokens are predicted together: with
   * another number than the model's, one block.
   */
  public int singles(int block) {
    return block == blockSize ? singleTokens : block;
  }

  /** Positions in front of the first video token: the condition and begin-of-video. */
  public int prefixTokens() {
    return hybrid ? conditionTokens + 1 : 0;
  }

  /** Positions that a clip of {@code tokens} video tokens takes while it is generated. */
  public int positions(int tokens) {
    return prefixTokens() + tokens + (hybrid ? blockSize - 1 : 0);
  }
}
