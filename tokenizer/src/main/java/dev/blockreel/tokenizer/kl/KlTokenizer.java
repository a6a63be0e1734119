package dev.blockreel.tokenizer.kl;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipCodes;
import dev.blockreel.grid.ClipShape;
import dev.blockreel.grid.LatentGrid;
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
import java.util.List;

/**
 * A loaded {@link Kl}: clips to latents and back, each frame by itself. Holds native memory until
 * closed. Several threads may call at the same time.
 */
public final class KlTokenizer implements ClipTokenizer {
  /** What {@code model.json} says under {@code tokenizer.kind}. */
  public static final String KIND = "kl";

  /**
   * So many pixels go through the network together: small frames share a call, memory is bounded.
   */
  private static final int PIXELS_OF_A_CALL = 1 << 18;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Description description;
  private final LoadedNetwork network;

  /**
   * What {@code model.json} says under {@code tokenizer}.
   *
   * @param kind {@code kl}
   * @param network sizes of the network
   * @param frames frames of the clips that it was made for; 1 for images
   * @param height their height in pixels
   * @param width their width in pixels
   * @param fps their frames per second
   */
  public record Description(
      String kind, KlConfig network, int frames, int height, int width, double fps) {
    /** Length, size and rate of those clips. */
    public ClipShape shape() {
      return new ClipShape(frames, height, width, fps);
    }
  }

  /**
   * What the encoder says of a clip.
   *
   * @param means of the unscaled latents, C·t·h·w values
   * @param logVariances logarithms of their variances, in [-30, 20]
   * @param channels C
   * @param time t
   * @param height h
   * @param width w
   */
  public record Moments(
      float[] means, float[] logVariances, int channels, int time, int height, int width) {}

  private KlTokenizer(Description description, LoadedNetwork network) {
    this.description = description;
    this.network = network;
  }

  /** A {@code model.json} that holds only this tokenizer. */
  public static ObjectNode describe(
      KlConfig network, int frames, int height, int width, double fps) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.set(
        "tokenizer", JSON.valueToTree(new Description(KIND, network, frames, height, width, fps)));
    return json;
  }

  /** Reads what a model says of its tokenizer, without loading it. */
  public static Description describe(ModelDirectory model) {
    return model.part("tokenizer", KIND, Description.class);
  }

  /**
   * Loads the tokenizer of a model.
   *
   * @throws EngineFailure BAD_REQUEST when the model has none; CHECKPOINT_MISMATCH when its weights
   *     do not fit
   */
  public static KlTokenizer load(ModelDirectory model, Numerics numerics) {
    Description description = describe(model);
    try (TensorFile file = model.tensors(ModelDirectory.TOKENIZER_FILE)) {
      return load(description, file, numerics);
    }
  }

  /** Loads a tokenizer of known sizes from any file with the names of {@link Kl}. */
  public static KlTokenizer load(Description description, TensorFile file, Numerics numerics) {
    Kl network = new Kl(description.network());
    return new KlTokenizer(
        description,
        LoadedNetwork.of(
            script(network, numerics), WeightList.load(network.weights(), file, numerics)));
  }

  /** A tokenizer that decodes to noise, to measure a size without its file. */
  public static KlTokenizer standIn(Description description, long seed, Numerics numerics) {
    Kl network = new Kl(description.network());
    return new KlTokenizer(
        description,
        LoadedNetwork.of(
            script(network, numerics), WeightList.standIn(network.weights(), seed, numerics)));
  }

  private static ScriptWriter script(Kl network, Numerics numerics) {
    return new ScriptWriter("Kl")
        .method(
            "moments",
            m -> {
              Sym pixels = m.tensor("pixels");
              m.returns(network.encode(new Forward(m, m.tensors("w"), numerics), pixels));
            })
        .method(
            "decode",
            m -> {
              Sym latents = m.tensor("latents");
              m.returns(network.decode(new Forward(m, m.tensors("w"), numerics), latents));
            });
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
   * Turns a clip into latents: the means, scaled.
   *
   * @param clip of any length; its sides must be multiples of {@link KlConfig#factor}
   * @throws EngineFailure BAD_REQUEST when they are not
   */
  public LatentGrid encode(Clip clip) {
    Moments moments = moments(clip);
    return grid(moments, moments.means());
  }

  /**
   * Turns a clip into a draw of its latents, scaled, as generators are trained on.
   *
   * @param noise standard normal values, C·t·h·w, channel-major
   */
  public LatentGrid sample(Clip clip, float[] noise) {
    Moments moments = moments(clip);
    float[] values = moments.means().clone();
    for (int i = 0; i < values.length; i++) {
      values[i] += (float) Math.exp(0.5 * moments.logVariances()[i]) * noise[i];
    }
    return grid(moments, values);
  }

  private LatentGrid grid(Moments moments, float[] unscaled) {
    float[] values = new float[unscaled.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (unscaled[i] * description.network().scale());
    }
    return new LatentGrid(
        values, moments.channels(), moments.time(), moments.height(), moments.width());
  }

  /** What the encoder says of a clip; unscaled. */
  public Moments moments(Clip clip) {
    int factor = description.network().factor();
    if (clip.height() % factor != 0 || clip.width() % factor != 0) {
      throw EngineFailure.badRequest(
          "the tokenizer needs sides that are multiples of %d: got a clip of %dx%d",
          factor, clip.width(), clip.height());
    }
    int channels = description.network().channels();
    int height = clip.height() / factor;
    int width = clip.width() / factor;
    float[] both =
        framewise(
            "moments", clip.pixels(), 3, clip.frames(), clip.height(), clip.width(), 1.0 / factor);
    int half = both.length / 2;
    return new Moments(
        java.util.Arrays.copyOf(both, half),
        java.util.Arrays.copyOfRange(both, half, 2 * half),
        channels,
        clip.frames(),
        height,
        width);
  }

  /** Turns latents into a clip; values are clamped to [0, 1]. */
  public Clip decode(LatentGrid latents) {
    return decode(List.of(latents)).get(0);
  }

  /**
   * Turns latents into clips, one a grid.
   *
   * @throws EngineFailure BAD_REQUEST when they have other channels than this tokenizer
   */
  public List<Clip> decode(List<LatentGrid> grids) {
    int factor = description.network().factor();
    List<Clip> clips = new ArrayList<>();
    for (LatentGrid grid : grids) {
      float[] pixels = decodeRaw(grid);
      for (int i = 0; i < pixels.length; i++) {
        pixels[i] = Math.min(1, Math.max(0, pixels[i]));
      }
      clips.add(
          new Clip(
              pixels,
              grid.time(),
              grid.height() * factor,
              grid.width() * factor,
              description.fps()));
    }
    return clips;
  }

  /** As {@link #decode(LatentGrid)}, without clamping: (3, T, H, W). */
  float[] decodeRaw(LatentGrid grid) {
    KlConfig config = description.network();
    if (grid.channels() != config.channels()) {
      throw EngineFailure.badRequest(
          "latents of %d channels were given, this tokenizer has %d",
          grid.channels(), config.channels());
    }
    float[] unscaled = new float[grid.values().length];
    for (int i = 0; i < unscaled.length; i++) {
      unscaled[i] = (float) (grid.values()[i] / config.scale());
    }
    return framewise(
        "decode",
        unscaled,
        grid.channels(),
        grid.time(),
        grid.height(),
        grid.width(),
        config.factor());
  }

  /**
   * Sends frames (channels, T, H, W) through a method that takes and gives (T, channels, H, W).
   *
   * @param growth how many times as long the sides get
   */
  private float[] framewise(
      String method,
      float[] values,
      int channels,
      int frames,
      int height,
      int width,
      double growth) {
    int plane = height * width;
    int madePlane = (int) Math.round(plane * growth * growth);
    int together = Math.max(1, PIXELS_OF_A_CALL / Math.max(plane, madePlane));
    float[] all = null;
    for (int from = 0; from < frames; from += together) {
      int count = Math.min(together, frames - from);
      float[] part = new float[count * channels * plane];
      for (int t = 0; t < count; t++) {
        for (int c = 0; c < channels; c++) {
          System.arraycopy(
              values, (c * frames + from + t) * plane, part, (t * channels + c) * plane, plane);
        }
      }
      float[] made;
      try (TensorScope scope = TensorScope.open()) {
        Tensor frame = scope.floats(part, count, channels, height, width);
        made = network.call(scope, method, frame).toFloats();
      }
      int madeChannels = made.length / count / madePlane;
      all = all == null ? new float[madeChannels * frames * madePlane] : all;
      for (int t = 0; t < count; t++) {
        for (int c = 0; c < madeChannels; c++) {
          System.arraycopy(
              made,
              (t * madeChannels + c) * madePlane,
              all,
              (c * frames + from + t) * madePlane,
              madePlane);
        }
      }
    }
    return all;
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
    return decode(ClipTokenizer.require(LatentGrid.class, codes));
  }

  @Override
  public double bits(ClipCodes codes) {
    return 16.0 * ClipTokenizer.require(LatentGrid.class, codes).values().length;
  }

  @Override
  public void close() {
    network.close();
  }
}
