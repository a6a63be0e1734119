package dev.blockreel.tokenizer.vq;

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
import dev.blockreel.grid.TokenScales;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.LoadedNetwork;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.WeightList;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.tokenizer.ClipTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A loaded {@link Vq}: images to codes at several scales and back. Holds native memory until
 * closed. Several threads may call at the same time.
 */
public final class VqTokenizer implements ClipTokenizer {
  /** What {@code model.json} says under {@code tokenizer.kind}. */
  public static final String KIND = "vq";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Description description;
  private final LoadedNetwork network;

  /**
   * What {@code model.json} says under {@code tokenizer}.
   *
   * @param kind {@code vq}
   * @param network sizes of the network, from which those of the images follow
   */
  public record Description(String kind, VqConfig network) {
    /** Height and width of an image in pixels. */
    public int side() {
      return network.imageSide();
    }

    /** One image; a frame rate is only what players of one-frame clips want to hear. */
    public ClipShape shape() {
      return new ClipShape(1, side(), side(), 1);
    }
  }

  private VqTokenizer(Description description, LoadedNetwork network) {
    this.description = description;
    this.network = network;
  }

  /** A {@code model.json} that holds only this tokenizer. */
  public static ObjectNode describe(VqConfig network) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.set("tokenizer", JSON.valueToTree(new Description(KIND, network)));
    return json;
  }

  /**
   * Reads what a model says of its tokenizer, without loading it.
   *
   * @throws EngineFailure BAD_REQUEST when it has none; CHECKPOINT_MISMATCH when it makes no sense
   */
  public static Description describe(ModelDirectory model) {
    return model.part("tokenizer", KIND, Description.class);
  }

  /**
   * Loads the tokenizer of a model.
   *
   * @throws EngineFailure BAD_REQUEST when the model has none; CHECKPOINT_MISMATCH when its weights
   *     do not fit
   */
  public static VqTokenizer load(ModelDirectory model, Numerics numerics) {
    Description description = describe(model);
    try (TensorFile file = model.tensors(ModelDirectory.TOKENIZER_FILE)) {
      return load(description, file, numerics);
    }
  }

  /** Loads a tokenizer of known sizes from any file with the names of {@link Vq}. */
  public static VqTokenizer load(Description description, TensorFile file, Numerics numerics) {
    Vq network = new Vq(description.network());
    return new VqTokenizer(
        description,
        LoadedNetwork.of(
            script(network, numerics), WeightList.load(network.weights(), file, numerics)));
  }

  /** A tokenizer that decodes to noise, to measure a size without its file. */
  public static VqTokenizer standIn(Description description, long seed, Numerics numerics) {
    Vq network = new Vq(description.network());
    return new VqTokenizer(
        description,
        LoadedNetwork.of(
            script(network, numerics), WeightList.standIn(network.weights(), seed, numerics)));
  }

  private static ScriptWriter script(Vq network, Numerics numerics) {
    ScriptWriter script = new ScriptWriter("Vq");
    network.writeQuantizer(script, numerics);
    return script
        .method(
            "features",
            m -> {
              Sym pixels = m.tensor("pixels");
              m.returns(network.encode(new Forward(m, m.tensors("w"), numerics), pixels));
            })
        .method(
            "pixels",
            m -> {
              Sym features = m.tensor("features");
              Forward forward = new Forward(m, m.tensors("w"), numerics);
              m.returns(network.decode(forward, features).clamp(0, 1));
            });
  }

  /** Sizes. */
  public Description description() {
    return description;
  }

  @Override
  public String script() {
    return network.source();
  }

  /** As {@link LoadedNetwork#call}. */
  Tensor call(TensorScope scope, String method, Object... values) {
    return network.call(scope, method, values);
  }

  /**
   * Turns an image into tokens.
   *
   * @param image a clip of one frame of the tokenizer's size
   * @throws EngineFailure BAD_REQUEST when it is something else
   */
  public TokenScales encode(Clip image) {
    try (TensorScope scope = TensorScope.open()) {
      Tensor features = features(scope, image);
      int[] codes = call(scope, "quantize", features).toInts();
      return TokenScales.of(codes, description.network().scales());
    }
  }

  /** The encoder's output before quantisation, (1, C, h, w). */
  Tensor features(TensorScope scope, Clip image) {
    int side = description.side();
    if (image.frames() != 1 || image.height() != side || image.width() != side) {
      throw EngineFailure.badRequest(
          "this tokenizer takes images of %dx%d: got a clip of %d frames of %dx%d",
          side, side, image.frames(), image.width(), image.height());
    }
    return call(scope, "features", scope.floats(image.pixels(), 1, 3, side, side));
  }

  /**
   * Turns tokens into images, together; values lie in [0, 1].
   *
   * @throws EngineFailure BAD_REQUEST when a code lies outside the codebook or the scales differ
   *     from the model's
   */
  public List<Clip> decode(List<TokenScales> tokens) {
    tokens.forEach(this::require);
    try (TensorScope scope = TensorScope.open()) {
      int length = description.network().tokens();
      long[] ids =
          tokens.stream().flatMapToInt(t -> Arrays.stream(t.codes())).asLongStream().toArray();
      return images(scope, call(scope, "sum", scope.longs(ids, tokens.size(), length)));
    }
  }

  /** Checks that tokens are of this model. */
  private void require(TokenScales tokens) {
    VqConfig config = description.network();
    List<Integer> sides = tokens.maps().stream().map(TokenGrid::height).toList();
    if (!sides.equals(config.scales())
        || tokens.maps().stream().anyMatch(map -> map.width() != map.height())) {
      throw EngineFailure.badRequest(
          "tokens of %s: this model has scales of sides %s", tokens.sizes(), config.scales());
    }
    for (int scale = 0; scale < sides.size(); scale++) {
      int[] codes = tokens.maps().get(scale).codes();
      for (int i = 0; i < codes.length; i++) {
        if (codes[i] < 0 || codes[i] >= config.codes()) {
          throw EngineFailure.badRequest(
              "token %d of scale %d is %d: this model has codes 0 to %d",
              i, scale, codes[i], config.codes() - 1);
        }
      }
    }
  }

  /** Images (B) of feature maps (B,C,h,w). */
  List<Clip> images(TensorScope scope, Tensor features) {
    int side = description.side();
    float[] pixels = call(scope, "pixels", features).toFloats();
    int length = 3 * side * side;
    List<Clip> images = new ArrayList<>();
    for (int from = 0; from < pixels.length; from += length) {
      // An image has no time; a frame rate is only what players of one-frame clips want to hear.
      images.add(new Clip(Arrays.copyOfRange(pixels, from, from + length), 1, side, side, 1));
    }
    return images;
  }

  /**
   * What a generator is trained on: the hints of all scales but the first.
   *
   * @param ids (B,L), codes of B images
   * @return (B,L-1,C) in {@code scope}
   */
  public Tensor hints(TensorScope scope, Tensor ids) {
    return call(scope, "hints", ids);
  }

  /**
   * Begins to decode images whose token maps are still to come. Several streams may be open; each
   * is the caller's to close, before this tokenizer.
   *
   * @param images B
   */
  public ScaleStream stream(int images) {
    return new ScaleStream(this, images);
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
    return decode(List.of(ClipTokenizer.require(TokenScales.class, codes))).get(0);
  }

  @Override
  public double bits(ClipCodes codes) {
    return ClipTokenizer.require(TokenScales.class, codes).codes().length
        * Math.log(description.network().codes())
        / Math.log(2);
  }

  @Override
  public void close() {
    network.close();
  }
}
