package dev.blockreel.tokenizer.magvit2;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipCodes;
import dev.blockreel.grid.ClipShape;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.History;
import dev.blockreel.nn.LoadedNetwork;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.WeightList;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorList;
import dev.blockreel.script.TensorScope;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.ClipTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A loaded {@link Magvit2}: clips to token grids and back. Holds native memory until closed.
 * Several threads may call at the same time.
 */
public final class Magvit2Tokenizer implements ClipTokenizer {
  /** What {@code model.json} says under {@code tokenizer.kind}. */
  public static final String KIND = "magvit2";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Of the largest activation of a chunk; more does not run faster, but takes memory. */
  private static final long VALUES_ON_CPU = 1 << 23;

  private static final long VALUES_ON_GPU = 1 << 28;

  private final Description description;
  private final LoadedNetwork network;

  /**
   * What {@code model.json} says under {@code tokenizer}.
   *
   * @param kind {@code magvit2}
   * @param network sizes of the network
   * @param frames frames of the clips that it was made for
   * @param height their height in pixels
   * @param width their width in pixels
   * @param fps their frames per second
   */
  public record Description(
      String kind, Magvit2Config network, int frames, int height, int width, double fps) {
    /** Length, size and rate of those clips. */
    public ClipShape shape() {
      return new ClipShape(frames, height, width, fps);
    }
  }

  private Magvit2Tokenizer(Description description, LoadedNetwork network) {
    this.description = description;
    this.network = network;
  }

  /** A {@code model.json} that holds only this tokenizer. */
  public static ObjectNode describe(
      Magvit2Config network, int frames, int height, int width, double fps) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.set(
        "tokenizer", JSON.valueToTree(new Description(KIND, network, frames, height, width, fps)));
    return json;
  }

  /**
   * Loads the tokenizer of a model.
   *
   * @throws EngineFailure BAD_REQUEST when the model has none; CHECKPOINT_MISMATCH when its weights
   *     do not fit
   */
  public static Magvit2Tokenizer load(ModelDirectory model, Numerics numerics) {
    Description description = describe(model);
    try (TensorFile file = model.tensors(ModelDirectory.TOKENIZER_FILE)) {
      return load(description, file, numerics);
    }
  }

  /**
   * Reads what a model says of its tokenizer, without loading it.
   *
   * @throws EngineFailure BAD_REQUEST when it has none; CHECKPOINT_MISMATCH when it makes no sense
   */
  public static Description describe(ModelDirectory model) {
    return model.part("tokenizer", KIND, Description.class);
  }

  /** Loads a tokenizer of known sizes from any file with the names of {@link Magvit2}. */
  public static Magvit2Tokenizer load(Description description, TensorFile file, Numerics numerics) {
    Magvit2 network = new Magvit2(description.network());
    return new Magvit2Tokenizer(
        description,
        LoadedNetwork.of(
            script(network, numerics), WeightList.load(network.weights(), file, numerics)));
  }

  /** A tokenizer that decodes to noise, to measure a size without its file. */
  public static Magvit2Tokenizer standIn(Description description, long seed, Numerics numerics) {
    Magvit2 network = new Magvit2(description.network());
    return new Magvit2Tokenizer(
        description,
        LoadedNetwork.of(
            script(network, numerics), WeightList.standIn(network.weights(), seed, numerics)));
  }

  private static ScriptWriter script(Magvit2 network, Numerics numerics) {
    ScriptWriter script =
        new ScriptWriter("Magvit2")
            .method(
                "latents",
                m -> {
                  Sym pixels = m.tensor("pixels");
                  History history = new History(m, "history");
                  Forward forward = new Forward(m, m.tensors("w"), numerics, history);
                  m.returns(network.encode(forward, pixels));
                })
            .method(
                "indices",
                m -> {
                  Sym latents = m.tensor("z");
                  m.returns(network.quantize(new Forward(m, m.tensors("w"), numerics), latents));
                })
            .method(
                "values",
                m -> {
                  Sym indices = m.tensor("indices");
                  m.returns(network.lookup(new Forward(m, m.tensors("w"), numerics), indices));
                })
            .method(
                "decode",
                m -> {
                  Sym codes = m.tensor("codes");
                  History history = new History(m, "history");
                  Forward forward = new Forward(m, m.tensors("w"), numerics, history);
                  m.returns(network.decode(forward, network.lookup(forward, codes)));
                });
    History.writeTogether(script, "decodeTogether", "decode");
    return script;
  }

  /** Sizes and the clips that it was made for. */
  public Description description() {
    return description;
  }

  @Override
  public String script() {
    return network.source();
  }

  /**
   * Turns a clip into tokens, chunk by chunk: the memory that it takes does not grow with the
   * length of the clip.
   *
   * @param clip of any length; its sides must be multiples of {@link Magvit2Config#spaceFactor}
   * @throws EngineFailure BAD_REQUEST when they are not
   */
  public TokenGrid encode(Clip clip) {
    Magvit2Config config = description.network();
    int factor = config.spaceFactor();
    if (clip.height() % factor != 0 || clip.width() % factor != 0) {
      throw EngineFailure.badRequest(
          "the tokenizer needs sides that are multiples of %d: got a clip of %dx%d",
          factor, clip.width(), clip.height());
    }
    int latentFrames = config.latentFrames(clip.frames());
    int atOnce = latentFramesAtOnce(clip.height() / factor, clip.width() / factor);
    long[] indices = indices(latents(clip, atOnce));
    int[] codes = Arrays.stream(indices).mapToInt(Math::toIntExact).toArray();
    return new TokenGrid(codes, latentFrames, clip.height() / factor, clip.width() / factor);
  }

  /** The encoder's output before quantisation, (1, t, h, w, d); all at once. */
  public float[] latents(Clip clip) {
    return latents(clip, description.network().latentFrames(clip.frames()));
  }

  /**
   * The same in chunks of up to so many latent frames; frames behind the last whole latent frame
   * are left out.
   */
  float[] latents(Clip clip, int atOnce) {
    Magvit2Config config = description.network();
    int latentFrames = config.latentFrames(clip.frames());
    List<float[]> parts = new ArrayList<>();
    try (TensorList history = new TensorList(List.of())) {
      for (int done = 0; done < latentFrames; done += atOnce) {
        int from = done == 0 ? 0 : config.frames(done);
        Clip chunk = clip.slice(from, config.frames(Math.min(latentFrames, done + atOnce)));
        try (TensorScope scope = TensorScope.open()) {
          Tensor pixels =
              scope.floats(chunk.pixels(), 1, 3, chunk.frames(), chunk.height(), chunk.width());
          parts.add(network.call(scope, "latents", pixels, history).toFloats());
        }
      }
    }
    return concat(parts);
  }

  private static float[] concat(List<float[]> parts) {
    float[] all = new float[parts.stream().mapToInt(part -> part.length).sum()];
    int at = 0;
    for (float[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  /**
   * How many latent frames are worked on at once. Small networks want many, as each call has its
   * price; the activations of large ones had better stay in the processor's caches and in memory
   * that is used again: fresh memory costs more than the work that is done on it.
   */
  private int latentFramesAtOnce(int height, int width) {
    Magvit2Config config = description.network();
    long values = 0; // of the largest activation of a latent frame
    long time = config.timeFactor();
    long cells = (long) height * width * config.spaceFactor() * config.spaceFactor();
    cells /= (long) config.patch() * config.patch();
    for (Magvit2Config.Stage stage : config.stages()) {
      values = Math.max(values, time * cells * stage.width());
      time /= stage.strideTime();
      cells /= (long) stage.strideSpace() * stage.strideSpace();
    }
    long budget = Torch.onGpu() ? VALUES_ON_GPU : VALUES_ON_CPU;
    return (int) Math.max(1, budget / values);
  }

  /** Indices (N) of latents (N, d). */
  long[] indices(float[] latents) {
    int d = description.network().levels().size();
    try (TensorScope scope = TensorScope.open()) {
      return network.call(scope, "indices", scope.floats(latents, latents.length / d, d)).toLongs();
    }
  }

  /** FSQ values (N, d) of indices (N). */
  float[] values(long[] indices) {
    try (TensorScope scope = TensorScope.open()) {
      return network.call(scope, "values", scope.longs(indices, indices.length)).toFloats();
    }
  }

  /** Turns tokens into a clip; values are clamped to [0, 1]. */
  public Clip decode(TokenGrid tokens) {
    return decode(List.of(tokens)).get(0);
  }

  /**
   * Turns token grids of one size into clips, together. Works through a {@link #stream}, chunk by
   * chunk: the memory that it takes does not grow with the length of the clips.
   *
   * @throws EngineFailure BAD_REQUEST when a code lies outside the codebook or the sizes differ
   */
  public List<Clip> decode(List<TokenGrid> grids) {
    ClipStream.requireOneSize(grids);
    TokenGrid first = grids.get(0);
    int atOnce = Math.max(1, latentFramesAtOnce(first.height(), first.width()) / grids.size());
    try (ClipStream stream = stream()) {
      List<List<Clip>> parts = new ArrayList<>();
      for (int t = 0; t < first.time(); t += atOnce) {
        int from = t;
        int to = Math.min(first.time(), t + atOnce);
        parts.add(stream.push(grids.stream().map(grid -> grid.slice(from, to)).toList()));
      }
      List<Clip> clips = new ArrayList<>();
      for (int i = 0; i < grids.size(); i++) {
        int clip = i;
        clips.add(Clip.join(parts.stream().map(part -> part.get(clip)).toList()));
      }
      return clips;
    }
  }

  /** The plain twin of {@link #decode(List)}: all at once, not clamped, (B, 3, T, H, W). */
  float[] decodeRaw(List<TokenGrid> grids) {
    try (ClipStream stream = stream()) {
      return stream.pushRaw(grids);
    }
  }

  /**
   * Begins to decode clips whose latent frames are still to come. Several streams may be open; each
   * is the caller's to close, before this tokenizer.
   */
  public ClipStream stream() {
    return new ClipStream(description, network);
  }

  @Override
  public ClipShape shape() {
    return description.shape();
  }

  @Override
  public ClipCodes toCodes(Clip clip) {
    return encode(clip);
  }

  @Override
  public Clip toClip(ClipCodes codes) {
    return decode(ClipTokenizer.require(TokenGrid.class, codes));
  }

  @Override
  public double bits(ClipCodes codes) {
    return ClipTokenizer.require(TokenGrid.class, codes).codes().length
        * Math.log(description.network().codebookSize())
        / Math.log(2);
  }

  @Override
  public void close() {
    network.close();
  }
}
