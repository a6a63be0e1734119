package dev.blockreel.measure;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.sampler.NbpPipeline;
import dev.blockreel.sampler.NbpProbe;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.magvit2.ClipStream;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * What is measured of a model with an NBP generator: its tokenizer, single steps, prefill, drawing,
 * and whole clips. Clips and tokens are random; nothing of this depends on them. To be closed
 * before the pipeline; for its thread.
 */
public final class Workloads implements AutoCloseable {
  /** All names, in the order in which they are measured. */
  public static final List<String> NAMES =
      List.of("step", "prefill", "sampling", "encode", "decode", "stream", "clip");

  private static final int[] BLOCKS = {256, 64, 16, 8, 4, 1};

  private final NbpPipeline pipeline;
  private final NbpProbe probe;
  private final NbpConfig network;
  private final Magvit2Config layers;
  private final int bytes;
  private final TokenGrid grid;
  private final Clip clip;

  /**
   * @param model a loaded one
   * @param dtype in which it computes
   * @throws EngineFailure UNSUPPORTED when its generator is of another kind
   */
  public Workloads(Pipeline model, Dtype dtype) {
    if (!(model instanceof NbpPipeline nbp)) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "bench measures models of the kind nbp: this one is of the kind " + model.kind());
    }
    this.pipeline = nbp;
    this.probe = new NbpProbe(pipeline.generator(), pipeline.defaults());
    this.network = pipeline.generator().description().network();
    this.layers = pipeline.tokenizer().description().network();
    this.bytes = dtype.bytes();
    NbpGenerator.Description shape = pipeline.generator().description();
    Random random = new Random(1);
    this.grid =
        new TokenGrid(
            random.ints(shape.tokens(), 0, network.codes()).toArray(),
            shape.time(),
            shape.height(),
            shape.width());
    float[] pixels = new float[3 * pipeline.frames() * pipeline.height() * pipeline.width()];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = random.nextFloat();
    }
    this.clip =
        new Clip(pixels, pipeline.frames(), pipeline.height(), pipeline.width(), pipeline.fps());
  }

  /**
   * The workloads of a name, in the order in which they are to be run.
   *
   * @throws EngineFailure BAD_REQUEST when there are none
   */
  public List<Workload> named(String name) {
    return switch (name) {
      case "step" -> steps();
      case "prefill" -> List.of(prefill());
      case "sampling" -> List.of(sampling(1), sampling(16));
      case "encode" -> List.of(encode());
      case "decode" -> List.of(decode());
      case "stream" -> List.of(firstFrame());
      case "clip" -> clips();
      default ->
          throw EngineFailure.badRequest(
              "nothing is measured under the name \"%s\"; there are %s",
              name, String.join(", ", NAMES));
    };
  }

  /** A step that reads and draws so many tokens. */
  public Workload step(int tokens, int past) {
    return new Workload(
        "step",
        "%d token%s on %d cached, drawn".formatted(tokens, tokens == 1 ? "" : "s", past),
        Cost.stepFlops(network, tokens, past, tokens),
        Cost.stepBytes(network, past, bytes),
        0,
        () -> probe.step(tokens, past, tokens));
  }

  private List<Workload> steps() {
    List<Workload> steps = new ArrayList<>();
    for (int past : new int[] {512, 1024}) {
      for (int tokens : new int[] {1, 16, 64, 256}) {
        if (past + tokens <= probe.positions() && (past == 512 || tokens <= 16)) {
          steps.add(step(tokens, past));
        }
      }
    }
    int half = probe.positions() / 2; // of a small model, whose clips are shorter
    return steps.isEmpty() ? List.of(step(1, half), step(network.blockSize(), half)) : steps;
  }

  /** Reading given frames at once. */
  public Workload prefill() {
    int tokens = Math.min(512, probe.positions());
    int rows = Math.min(network.blockSize(), tokens);
    return new Workload(
        "prefill",
        "%d tokens, logits of %d".formatted(tokens, rows),
        Cost.stepFlops(network, tokens, 0, rows),
        Cost.stepBytes(network, 0, bytes),
        0,
        () -> probe.read(tokens, 0, rows));
  }

  /** Drawing tokens from their logits. */
  public Workload sampling(int rows) {
    return new Workload(
        "sampling",
        "%d row%s of %d, top-k %d, top-p %.2f"
            .formatted(
                rows,
                rows == 1 ? "" : "s",
                network.vocabulary(),
                pipeline.defaults().topK(),
                pipeline.defaults().topP()),
        0,
        0,
        0,
        () -> probe.draw(rows));
  }

  /** A clip to tokens. */
  public Workload encode() {
    return new Workload(
        "encode",
        size(clip.frames()) + " to tokens",
        Cost.encodeFlops(layers, clip.frames(), clip.height(), clip.width()),
        0,
        clip.frames(),
        () -> tokenizer().encode(clip));
  }

  /** Tokens to a clip. */
  public Workload decode() {
    return new Workload(
        "decode",
        "tokens to " + size(clip.frames()),
        Cost.decodeFlops(layers, grid.time(), grid.height(), grid.width()),
        0,
        clip.frames(),
        () -> tokenizer().decode(grid));
  }

  /** What a viewer waits for once the first latent frame is there. */
  public Workload firstFrame() {
    return new Workload(
        "stream",
        "first latent frame to its frame",
        Cost.decodeFlops(layers, 1, grid.height(), grid.width()),
        0,
        1,
        () -> {
          try (ClipStream stream = tokenizer().stream()) {
            stream.push(grid.slice(0, 1));
          }
        });
  }

  /** The tokens of a whole clip, without its pixels. */
  public Workload clip(int block) {
    return new Workload(
        "clip",
        "tokens of a clip, blocks of %d".formatted(block),
        0,
        0,
        pipeline.frames(),
        () -> probe.clip(block));
  }

  private List<Workload> clips() {
    int tokens = pipeline.generator().description().tokens();
    int given = network.hybrid() ? 0 : tokens * 2 / 5;
    List<Workload> clips = new ArrayList<>();
    for (int block : BLOCKS) {
      if (tokens % block == 0 && (tokens - given) % block == 0 && block < tokens) {
        clips.add(clip(block));
      }
    }
    return clips;
  }

  private Magvit2Tokenizer tokenizer() {
    return pipeline.tokenizer();
  }

  private String size(int frames) {
    return "%dx%dx%d".formatted(frames, clip.height(), clip.width());
  }

  @Override
  public void close() {
    probe.close();
  }
}
