package dev.blockreel.sampler;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.tokenizer.magvit2.ClipStream;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Continuous batching: generations that share the steps of one model. A generation joins between
 * two steps, as soon as it is its turn and there is room, and leaves when it is done, cancelled or
 * failed; meanwhile each has its own place in its clip, its own options, seed and listener. What it
 * generates does not depend on the company beyond rounding.
 *
 * <p><b>Room.</b> The batch has a fixed number of slots, each with the keys and values of one clip
 * in a cache that is made once. A clip takes a slot, or two with guidance ({@link
 * SamplingOptions#cfg}). Generations get slots in the order in which they were submitted: while the
 * oldest does not find enough of them, nobody overtakes it.
 *
 * <p><b>Fairness.</b> Streams that make whole blocks step together, and so do those that make
 * single tokens (a hybrid model's first, {@link GenerationRequest.Mode#NTP}). When there are
 * streams of both kinds, they take turns of up to a second ({@link Alternation}), and each gets
 * time in proportion to its streams: newcomers reach their first frame soon, together, and then
 * make their blocks together.
 */
public final class NbpBatch implements GenerationBatch {
  private final Magvit2Tokenizer tokenizer;
  private final NbpGenerator.Description model;
  private final NbpConditions conditions;
  private final NbpDecoding decoding;
  private final int slots;
  private final Deque<Generation> waiting = new ArrayDeque<>();
  private final List<Generation> running = new ArrayList<>();
  private final Alternation alternation = new Alternation();

  NbpBatch(
      Magvit2Tokenizer tokenizer, NbpGenerator generator, NbpConditions conditions, int slots) {
    if (slots < 1) {
      throw EngineFailure.badRequest("a batch needs at least one slot: got %d", slots);
    }
    this.tokenizer = tokenizer;
    this.model = generator.description();
    this.conditions = conditions;
    this.slots = slots;
    this.decoding = new NbpDecoding(generator, slots);
  }

  @Override
  public int slots(GenerationRequest request) {
    int each = NbpStream.guided(request.options(), model.network()) ? 2 : 1;
    return each * request.classes().size();
  }

  @Override
  public int slots() {
    return slots;
  }

  @Override
  public int freeSlots() {
    return decoding.free();
  }

  @Override
  public int running() {
    return running.size();
  }

  @Override
  public int waiting() {
    return waiting.size();
  }

  @Override
  public CompletableFuture<List<GeneratedClip>> submit(
      GenerationRequest request, GenerationListener listener) {
    conditions.check(request, model);
    if (slots(request) > slots) {
      throw EngineFailure.badRequest(
          "the request takes %d slots: this batch has %d", slots(request), slots);
    }
    Generation generation = new Generation(request, listener);
    waiting.add(generation);
    return generation.result;
  }

  /**
   * Lets cancelled generations go, lets waiting ones in, takes the streams whose turn it is a step
   * further, or several of single tokens, and decodes the frames that this completes.
   */
  @Override
  public boolean step() {
    for (Generation generation : generations()) {
      generation.endIfCancelled();
    }
    List<Generation> newcomers = new ArrayList<>();
    while (!waiting.isEmpty() && slots(waiting.peek().request) <= decoding.free()) {
      Generation next = waiting.remove();
      running.add(next);
      newcomers.add(next);
      next.guard(next::begin);
    }
    decodeFrames(newcomers);
    List<Generation> turn = turn();
    if (!turn.isEmpty()) {
      stepTogether(turn);
    }
    return !running.isEmpty() || !waiting.isEmpty();
  }

  private List<Generation> generations() {
    List<Generation> all = new ArrayList<>(running);
    all.addAll(waiting);
    return all;
  }

  /**
   * The running generations whose turn it is: all those that make blocks, all that begin, or all
   * others. What begins reads more than a token and would hold up and change the numbers of those
   * that read one.
   */
  private List<Generation> turn() {
    List<Generation> blocks = running.stream().filter(Generation::makesBlocks).toList();
    List<Generation> tokens = running.stream().filter(g -> !g.makesBlocks()).toList();
    List<Generation> beginners = tokens.stream().filter(Generation::begins).toList();
    if (alternation.isForBlocks(streams(blocks), streams(tokens))) {
      return blocks;
    }
    return beginners.isEmpty() ? tokens : beginners;
  }

  private static int streams(List<Generation> generations) {
    return generations.stream().mapToInt(generation -> generation.streams.size()).sum();
  }

  private void stepTogether(List<Generation> turn) {
    long begun = System.nanoTime();
    try {
      decoding.step(turn.stream().flatMap(g -> g.streams.stream()).toList(), null);
      alternation.spent((System.nanoTime() - begun) / 1e9, streams(turn));
    } catch (RuntimeException e) {
      turn.forEach(generation -> generation.fail(e));
      return;
    }
    for (Generation generation : turn) {
      generation.guard(generation::stepped);
    }
    decodeFrames(turn);
    for (Generation generation : turn) {
      generation.guard(generation::finishIfDone);
    }
  }

  /** Decodes latent frames as soon as all their tokens exist, each once, of all these together. */
  private void decodeFrames(List<Generation> generations) {
    List<Generation> due = new ArrayList<>();
    for (Generation generation : generations) {
      generation.guard(generation::announceLatentFrames);
      if (generation.due()) {
        due.add(generation);
      }
    }
    List<List<Clip>> frames;
    try {
      frames =
          ClipStream.push(
              due.stream().map(generation -> generation.decoder).toList(),
              due.stream().map(Generation::undecoded).toList());
    } catch (RuntimeException e) {
      due.forEach(generation -> generation.fail(e));
      return;
    }
    for (int i = 0; i < due.size(); i++) {
      Generation generation = due.get(i);
      List<Clip> next = frames.get(i);
      generation.guard(() -> generation.decoded(next));
    }
  }

  /** Cancels what is unfinished and frees the cache. */
  @Override
  public void close() {
    for (Generation generation : generations()) {
      generation.fail(generation.cancellation());
    }
    decoding.close();
  }

  /** A request with its streams, from submission to its end. */
  private final class Generation {
    private final GenerationRequest request;
    private final GenerationListener listener;
    private final CompletableFuture<List<GeneratedClip>> result = new CompletableFuture<>();
    private final List<NbpStream> streams = new ArrayList<>();
    private final List<List<Clip>> frames = new ArrayList<>();
    private ClipStream decoder;
    private int decoded;
    private int told;

    Generation(GenerationRequest request, GenerationListener listener) {
      this.request = request;
      this.listener = listener;
      List<int[]> ids = conditions.idsOf(request);
      for (int i = 0; i < request.classes().size(); i++) {
        streams.add(
            new NbpStream(
                model,
                ids.get(i),
                request.condition().isEmpty() ? new int[0] : request.condition().get(i).codes(),
                request.options(),
                request.mode(),
                request.seed() + i));
      }
    }

    boolean makesBlocks() {
      return streams.get(0).input().length >= model.network().blockSize();
    }

    boolean begins() {
      return streams.get(0).past() == 0;
    }

    /** Runs a part of this generation, whose failure is its own. */
    void guard(Runnable part) {
      try {
        part.run();
      } catch (RuntimeException e) {
        fail(e);
      }
    }

    void begin() {
      streams.forEach(decoding::admit);
      decoder = tokenizer.stream();
    }

    void stepped() {
      NbpStream first = streams.get(0);
      while (told < first.step()) {
        listener.step(++told, first.total());
      }
      preview();
    }

    void finishIfDone() {
      if (streams.get(0).finished() && !result.isDone()) {
        List<GeneratedClip> clips = new ArrayList<>();
        for (int i = 0; i < streams.size(); i++) {
          int clip = i;
          clips.add(
              new GeneratedClip(
                  grid(streams.get(i), model.time()),
                  Clip.join(frames.stream().map(part -> part.get(clip)).toList())));
        }
        end();
        result.complete(clips);
      }
    }

    /** Shows what there is of the first frame; later ones come as a whole soon enough. */
    private void preview() {
      int tokens = model.height() * model.width();
      int done = streams.get(0).done();
      if (done >= tokens || !listener.wantsPreviews()) {
        return;
      }
      // The middle of the codebook stands for what is not known yet.
      int unknown = tokenizer.description().network().codebookSize() / 2;
      List<TokenGrid> grids = new ArrayList<>();
      for (NbpStream stream : streams) {
        int[] codes = Arrays.copyOf(stream.codes(), tokens);
        Arrays.fill(codes, done, tokens, unknown);
        grids.add(new TokenGrid(codes, 1, model.height(), model.width()));
      }
      listener.preview(tokenizer.decode(grids));
    }

    /** Latent frames whose tokens all exist. */
    private int complete() {
      return streams.get(0).done() / (model.height() * model.width());
    }

    private List<TokenGrid> grids() {
      return streams.stream().map(stream -> grid(stream, complete())).toList();
    }

    /** Whether there are latent frames to decode, and anybody who wants them. */
    boolean due() {
      return complete() > decoded && !result.isDone();
    }

    void announceLatentFrames() {
      if (due()) {
        listener.latentFrames(grids());
      }
    }

    List<TokenGrid> undecoded() {
      return grids().stream().map(grid -> grid.slice(decoded, complete())).toList();
    }

    void decoded(List<Clip> next) {
      decoded = complete();
      frames.add(next);
      listener.frames(next);
    }

    private TokenGrid grid(NbpStream stream, int latentFrames) {
      return new TokenGrid(stream.codes().clone(), model.time(), model.height(), model.width())
          .leading(latentFrames);
    }

    void endIfCancelled() {
      guard(
          () -> {
            if (result.isDone() || listener.cancelled()) {
              fail(cancellation());
            }
          });
    }

    EngineFailure cancellation() {
      NbpStream first = streams.get(0);
      return new EngineFailure(
          FailureCode.CANCELLED,
          "the generation was cancelled at step %d of %d".formatted(first.step(), first.total()));
    }

    void fail(RuntimeException failure) {
      end();
      result.completeExceptionally(failure);
    }

    /** Gives back all that it holds. */
    private void end() {
      waiting.remove(this);
      running.remove(this);
      streams.forEach(decoding::release);
      if (decoder != null) {
        decoder.close();
      }
    }
  }
}
