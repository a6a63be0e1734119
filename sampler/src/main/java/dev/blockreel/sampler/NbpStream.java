package dev.blockreel.sampler;

import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import java.util.SplittableRandom;

/**
 * One clip while its tokens are being generated: where it is, what it reads next, how it draws.
 *
 * <p>Unconditional models read all tokens of the prefix at once, then block by block. Hybrid models
 * make their first tokens one by one, then go on block by block; the step between the two reads the
 * last single token and P-1 middle tokens as one block. With a block size of 1 that is next-token
 * decoding.
 */
final class NbpStream {
  private final NbpConfig config;
  private final int block;
  private final int single;
  private final SamplingOptions options;
  private final SplittableRandom random;
  private final int[] codes;
  private final int total;
  private long[] input;
  private int past;
  private int done;
  private int step;

  /**
   * @param condition condition ids without offset; empty for unconditional models
   * @param given leading codes, a multiple of the block size
   * @param mode whether a step makes a block or a token
   * @param seed where the uniform numbers come from
   */
  NbpStream(
      NbpGenerator.Description model,
      int[] condition,
      int[] given,
      SamplingOptions options,
      GenerationRequest.Mode mode,
      long seed) {
    this.config = model.network();
    this.block = block(config, mode);
    this.single = config.singles(block);
    this.options = options;
    this.random = new SplittableRandom(seed);
    this.codes = new int[model.tokens()];
    this.total = steps(model, mode, given.length);
    System.arraycopy(given, 0, codes, 0, given.length);
    this.done = given.length;
    this.input = prefix(condition, given);
  }

  private static int block(NbpConfig config, GenerationRequest.Mode mode) {
    return mode == GenerationRequest.Mode.NTP ? 1 : config.blockSize();
  }

  /**
   * Steps of a generation.
   *
   * @param given video tokens that are given, a multiple of the block size
   */
  static int steps(NbpGenerator.Description model, GenerationRequest.Mode mode, int given) {
    int tokens = model.tokens();
    int block = block(model.network(), mode);
    int single = model.network().hybrid() ? model.network().singles(block) : 0;
    return Math.max(0, single - given) + (tokens - Math.max(single, given)) / block;
  }

  private long[] prefix(int[] condition, int[] given) {
    boolean middle = config.hybrid() && given.length >= single;
    int length = condition.length + (config.hybrid() ? 1 : 0) + given.length;
    long[] ids = new long[length + (middle ? block - 1 : 0)];
    int at = 0;
    for (int c : condition) {
      ids[at++] = (long) c + config.specialTokens();
    }
    at += config.hybrid() ? 1 : 0; // begin of video is 0
    for (int i = 0; i < given.length; i++) {
      ids[at++] = (long) given[i] + config.videoOffset();
      if (middle && i == single - 1) {
        at = addMiddle(ids, at);
      }
    }
    return ids;
  }

  private int addMiddle(long[] ids, int from) {
    int at = from;
    for (int middle = 1; middle < block; middle++) {
      ids[at++] = middle;
    }
    return at;
  }

  /** Whether a second stream of logits, without the condition, guides this one. */
  boolean guided() {
    return guided(options, config);
  }

  static boolean guided(SamplingOptions options, NbpConfig config) {
    return options.cfg() > 0 && config.hybrid();
  }

  /**
   * How strongly it guides.
   *
   * @param later steps after the next one
   */
  double guidance(int later) {
    return options.scaleCfg() ? options.cfg() * (step + later) : options.cfg();
  }

  /** Ids that the next step reads. */
  long[] input() {
    return input;
  }

  /** What the stream without the condition reads: stand-ins, -1-i, in place of its ids. */
  long[] unconditionalInput() {
    long[] ids = input.clone();
    for (int i = 0; past == 0 && i < config.conditionTokens(); i++) {
      ids[i] = -1 - i;
    }
    return ids;
  }

  /** Positions that earlier steps have read. */
  int past() {
    return past;
  }

  /** Tokens of a block. */
  int block() {
    return block;
  }

  /** Tokens that the next step makes; a hybrid model's first tokens come one by one. */
  int wanted() {
    return config.hybrid() && done < single ? 1 : block;
  }

  /** Steps from here on that read one token and make one, before any other does. */
  int singles() {
    boolean alone = input.length == 1 && wanted() == 1;
    return alone ? (block == 1 ? codes.length : single) - done : 0;
  }

  /**
   * Says how a token is drawn.
   *
   * @param later steps after the next one
   */
  void draw(TokenDraws draws, int later, int row) {
    draws.set(later, row, random.nextInt(), options);
  }

  /**
   * Ends a step.
   *
   * @param ids all that were drawn in it
   * @param from where the {@link #wanted} ones of this stream begin
   */
  void accept(long[] ids, int from) {
    int made = wanted();
    past += input.length;
    for (int i = 0; i < made; i++) {
      // Ids outside the video codes are not forbidden; as published they become the nearest code.
      long code = ids[from + i] - config.videoOffset();
      codes[done + i] = (int) Math.max(0, Math.min(config.codes() - 1, code));
    }
    done += made;
    step++;
    boolean middle = config.hybrid() && done == single;
    input = new long[made + (middle ? block - 1 : 0)];
    System.arraycopy(ids, from, input, 0, made);
    if (middle) {
      addMiddle(input, made);
    }
  }

  /** All codes; the first {@link #done} of them exist. */
  int[] codes() {
    return codes;
  }

  int done() {
    return done;
  }

  /** Steps that are over. */
  int step() {
    return step;
  }

  /** Steps in all. */
  int total() {
    return total;
  }

  boolean finished() {
    return step == total;
  }
}
