package dev.blockreel.generator.nbp;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.nn.LoadedNetwork;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.WeightList;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.script.Torch;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * A loaded {@link Nbp}: ids in, logits out, with a preallocated cache of keys and values. Holds
 * native memory until closed. Several threads may call at the same time.
 */
public final class NbpGenerator implements AutoCloseable {
  /** What {@code model.json} says under {@code generator.kind}. */
  public static final String KIND = "nbp";

  /** So many tokens are enough work for several threads in a small network, too. */
  private static final int SHARED_TOKENS = 8;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Description description;
  private final LoadedNetwork network;

  /**
   * What {@code model.json} says under {@code generator}.
   *
   * @param kind {@code nbp}
   * @param network sizes of the network
   * @param time t, latent frames of a whole clip
   * @param height h, rows of the grid
   * @param width w, columns of the grid
   */
  public record Description(String kind, NbpConfig network, int time, int height, int width) {
    /** Checks that a clip is a whole number of blocks and fits the context. */
    public Description {
      if (Math.min(time, Math.min(height, width)) < 1
          || (double) time * height * width > 2.0 * network.contextLength()) {
        throw EngineFailure.badRequest(
            "a grid of %dx%dx%d tokens does not fit a context of %d positions",
            time, height, width, network.contextLength());
      }
      int tokens = time * height * width;
      if (tokens % network.blockSize() != 0) {
        throw EngineFailure.badRequest(
            "a grid of %dx%dx%d tokens is no whole number of blocks of %d",
            time, height, width, network.blockSize());
      }
      if (network.hybrid() && network.singleTokens() > tokens) {
        throw EngineFailure.badRequest(
            "of the %d tokens of a grid of %dx%dx%d no %d can come one by one",
            tokens, time, height, width, network.singleTokens());
      }
      // Nobody reads the last block.
      if (network.positions(tokens) - network.blockSize() > network.contextLength()) {
        throw EngineFailure.badRequest(
            "%d tokens do not fit a context of %d positions", tokens, network.contextLength());
      }
    }

    /** Tokens of a whole clip. */
    public int tokens() {
      return time * height * width;
    }
  }

  private NbpGenerator(Description description, LoadedNetwork network) {
    this.description = description;
    this.network = network;
  }

  /** Adds a generator to a {@code model.json}. */
  public static void describe(ObjectNode model, Description description) {
    model.set("generator", JSON.valueToTree(description));
  }

  /** Reads what a model says of its generator, without loading it. */
  public static Description describe(ModelDirectory model) {
    return model.part("generator", KIND, Description.class);
  }

  /**
   * Loads the generator of a model.
   *
   * @param more writes further methods into its script, which may call {@code step}
   * @throws EngineFailure BAD_REQUEST when the model has none; CHECKPOINT_MISMATCH when its weights
   *     do not fit
   */
  public static NbpGenerator load(
      ModelDirectory model, Numerics numerics, Consumer<ScriptWriter> more) {
    Description description = describe(model);
    try (TensorFile file = model.tensors(ModelDirectory.GENERATOR_FILE)) {
      return load(description, file, numerics, more);
    }
  }

  /** Loads a generator of known sizes from any file with the names of {@link Nbp}. */
  public static NbpGenerator load(
      Description description, TensorFile file, Numerics numerics, Consumer<ScriptWriter> more) {
    Nbp network = new Nbp(description.network());
    return new NbpGenerator(
        description,
        LoadedNetwork.of(
            script(network, numerics, more),
            WeightList.load(network.weights(), file, network.steps(numerics))));
  }

  /** A generator that has learned nothing, to measure a size without its file. */
  public static NbpGenerator standIn(
      Description description, long seed, Numerics numerics, Consumer<ScriptWriter> more) {
    Nbp network = new Nbp(description.network());
    return new NbpGenerator(
        description,
        LoadedNetwork.of(
            script(network, numerics, more),
            WeightList.standIn(network.weights(), seed, network.steps(numerics))));
  }

  private static ScriptWriter script(Nbp network, Numerics numerics, Consumer<ScriptWriter> more) {
    ScriptWriter script = new ScriptWriter("Nbp");
    network.writeFull(script, numerics);
    network.writeCached(script, network.steps(numerics));
    more.accept(script);
    return script;
  }

  /** Sizes of the network and of the grid. */
  public Description description() {
    return description;
  }

  /** The TorchScript that runs. */
  public String script() {
    return network.source();
  }

  /**
   * Calls a method of the script; the weights follow as its last argument.
   *
   * @param scope owns the result
   */
  public Tensor call(TensorScope scope, String method, Object... values) {
    return network.call(scope, method, values);
  }

  /** As {@link #call}, for methods that return a list. */
  public List<Tensor> callForList(TensorScope scope, String method, Object... values) {
    return network.callForList(scope, method, values);
  }

  /** Makes a call, which reads this many tokens, with as many threads as suit it. */
  public <T> T reading(int tokens, Supplier<T> call) {
    boolean alone = description.network().small() && tokens < SHARED_TOKENS;
    return alone ? Torch.alone(call) : call.get();
  }

  /** A cache of keys and values with {@code slots} places for streams. */
  public Tensor cache(TensorScope scope, int slots) {
    return call(scope, "emptyCache", slots, description.network().positions(description.tokens()));
  }

  @Override
  public void close() {
    network.close();
  }
}
