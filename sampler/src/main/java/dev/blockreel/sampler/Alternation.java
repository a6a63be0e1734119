package dev.blockreel.sampler;

/**
 * Whose turn it is, of streams that make whole blocks and streams that make single tokens. A kind
 * keeps its turn for a while, rather than step by step: what began apart comes to its first block
 * together and goes on together, and a step of many streams costs less than many steps. In the long
 * run each kind gets time in proportion to its streams. For one thread.
 */
final class Alternation {
  /**
   * How far a kind may run ahead, in seconds of all streams: newcomers wait no longer than this.
   */
  private static final double TURN = 1;

  private boolean blocksTurn;
  private double ahead; // seconds a stream of blocks had more than one of single tokens

  /**
   * Decides whose turn it is now.
   *
   * @param blocks how many streams could make a block
   * @param tokens how many could make a single token
   * @return true for blocks
   */
  boolean isForBlocks(int blocks, int tokens) {
    if (blocks == 0 || tokens == 0) {
      blocksTurn = tokens == 0;
      ahead = 0; // whoever was alone until now owes nothing
    } else if (Math.abs(ahead) * (blocks + tokens) >= TURN) {
      blocksTurn = ahead < 0;
    }
    return blocksTurn;
  }

  /**
   * Those whose turn it was have had it.
   *
   * @param seconds how long
   * @param streams how many they were
   */
  void spent(double seconds, int streams) {
    ahead += (blocksTurn ? seconds : -seconds) / streams;
  }
}
