package dev.blockreel.tokenizer.magvit2;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.History;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.WeightList;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.ArrayList;
import java.util.List;

/**
 * A loaded {@link Magvit2}: clips to token grids and back. Holds native memory until closed. One
 * thread at a time.
 */
public final class Magvit2Tokenizer implements AutoCloseable {
  /** Name of its weights in a model directory. */
  public static final String FILE = "tokenizer.safetensors";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Description description;
  private final WeightList weights;
  private final Script script;

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
      String kind, Magvit2Config network, int frames, int height, int width, double fps) {}

  private Magvit2Tokenizer(Description description, WeightList weights, Script script) {
    this.description = description;
    this.weights = weights;
    this.script = script;
  }

  /** A {@code model.json} that holds only this tokenizer. */
  public static ObjectNode describe(
      Magvit2Config network, int frames, int height, int width, double fps) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.set(
        "tokenizer",
        JSON.valueToTree(new Description("magvit2", network, frames, height, width, fps)));
    return json;
  }

  /**
   * Loads the tokenizer of a model.
   *
   * @throws EngineFailure BAD_REQUEST when the model has none; CHECKPOINT_MISMATCH when its weights
   *     do not fit
   */
  public static Magvit2Tokenizer load(ModelDirectory model, Numerics numerics) {
    JsonNode json = model.description().get("tokenizer");
    if (json == null) {
      throw EngineFailure.badRequest(
          "model %s has no tokenizer: this command needs one", model.path());
    }
    Description description;
    try {
      description = JSON.treeToValue(json, Description.class);
    } catch (JsonProcessingException e) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "%s/model.json describes no usable tokenizer: %s"
              .formatted(model.path(), e.getOriginalMessage()),
          e);
    }
    try (TensorFile file = model.tensors(FILE)) {
      return load(description, file, numerics);
    }
  }

  /** Loads a tokenizer of known sizes from any file with the names of {@link Magvit2}. */
  public static Magvit2Tokenizer load(Description description, TensorFile file, Numerics numerics) {
    Magvit2 network = new Magvit2(description.network());
    return load(description, network, WeightList.load(network.weights(), file, numerics), numerics);
  }

  /** A tokenizer that decodes to noise, to measure a size without its file. */
  public static Magvit2Tokenizer standIn(Description description, long seed, Numerics numerics) {
    Magvit2 network = new Magvit2(description.network());
    return load(
        description, network, WeightList.standIn(network.weights(), seed, numerics), numerics);
  }

  private static Magvit2Tokenizer load(
      Description description, Magvit2 network, WeightList weights, Numerics numerics) {
    try {
      return new Magvit2Tokenizer(description, weights, script(network, numerics).compile());
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  private static ScriptWriter script(Magvit2 network, Numerics numerics) {
    return new ScriptWriter("Magvit2")
        .method(
            "latents",
            m -> {
              Sym pixels = m.tensor("pixels");
              m.returns(network.encode(new Forward(m, m.tensors("w"), numerics), pixels));
            })
        .method(
            "encode",
            m -> {
              Sym pixels = m.tensor("pixels");
              Forward forward = new Forward(m, m.tensors("w"), numerics);
              m.returns(network.quantize(forward, network.encode(forward, pixels)));
            })
        .method(
            "indices",
            m ->
                m.returns(
                    network.quantize(new Forward(m, m.tensors("w"), numerics), m.tensor("z"))))
        .method(
            "values",
            m ->
                m.returns(
                    network.lookup(new Forward(m, m.tensors("w"), numerics), m.tensor("indices"))))
        .method(
            "decode",
            m -> {
              Sym codes = m.tensor("codes");
              Sym weights = m.tensors("w");
              Forward forward = new Forward(m, weights, numerics, new History(m, "history"));
              m.returns(network.decode(forward, network.lookup(forward, codes)));
            });
  }

  /** Sizes and the clips that it was made for. */
  public Description description() {
    return description;
  }

  /** The TorchScript that runs. */
  public String script() {
    return script.source();
  }

  /**
   * Turns a clip into tokens.
   *
   * @param clip of any length; its sides must be multiples of {@link Magvit2Config#spaceFactor}
   * @throws EngineFailure BAD_REQUEST when they are not
   */
  public TokenGrid encode(Clip clip) {
    int factor = description.network().spaceFactor();
    if (clip.height() % factor != 0 || clip.width() % factor != 0) {
      throw EngineFailure.badRequest(
          "the tokenizer needs sides that are multiples of %d: got a clip of %dx%d",
          factor, clip.width(), clip.height());
    }
    try (TensorScope scope = TensorScope.open()) {
      Tensor pixels = scope.floats(clip.pixels(), 1, 3, clip.frames(), clip.height(), clip.width());
      Tensor codes = script.call(scope, "encode", pixels, weights.list());
      long[] shape = codes.shape();
      return new TokenGrid(codes.toInts(), (int) shape[1], (int) shape[2], (int) shape[3]);
    }
  }

  /** The encoder's output before quantisation, (1, t, h, w, d). */
  public float[] latents(Clip clip) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor pixels = scope.floats(clip.pixels(), 1, 3, clip.frames(), clip.height(), clip.width());
      return script.call(scope, "latents", pixels, weights.list()).toFloats();
    }
  }

  /** Indices (N) of latents (N, d). */
  long[] indices(float[] latents) {
    int d = description.network().levels().size();
    try (TensorScope scope = TensorScope.open()) {
      return script
          .call(scope, "indices", weights.list(), scope.floats(latents, latents.length / d, d))
          .toLongs();
    }
  }

  /** FSQ values (N, d) of indices (N). */
  float[] values(long[] indices) {
    try (TensorScope scope = TensorScope.open()) {
      return script
          .call(scope, "values", weights.list(), scope.longs(indices, indices.length))
          .toFloats();
    }
  }

  /** Turns tokens into a clip; values are clamped to [0, 1]. */
  public Clip decode(TokenGrid tokens) {
    return decode(List.of(tokens)).get(0);
  }

  /**
   * Turns token grids of one size into clips, together. Works through a {@link #stream}, one latent
   * frame after the other: the memory that it takes does not grow with the length of the clips.
   *
   * @throws EngineFailure BAD_REQUEST when a code lies outside the codebook or the sizes differ
   */
  public List<Clip> decode(List<TokenGrid> grids) {
    ClipStream.requireOneSize(grids);
    try (ClipStream stream = stream()) {
      List<List<Clip>> parts = new ArrayList<>();
      for (int t = 0; t < grids.get(0).time(); t++) {
        int at = t;
        parts.add(stream.push(grids.stream().map(grid -> grid.slice(at, at + 1)).toList()));
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
    return new ClipStream(description, script, weights);
  }

  @Override
  public void close() {
    script.close();
    weights.close();
  }
}
