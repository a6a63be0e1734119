package dev.blockreel.generator.var;

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
import java.util.function.Consumer;

/**
 * A loaded {@link Var}: hints in, logits out, with a preallocated cache of keys and values. Holds
 * native memory until closed. Several threads may call at the same time.
 */
public final class VarGenerator implements AutoCloseable {
  /** What {@code model.json} says under {@code generator.kind}. */
  public static final String KIND = "var";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Description description;
  private final Numerics numerics;
  private final LoadedNetwork network;

  /**
   * What {@code model.json} says under {@code generator}.
   *
   * @param kind {@code var}
   * @param network sizes of the network
   */
  public record Description(String kind, VarConfig network) {}

  private VarGenerator(Description description, Numerics numerics, LoadedNetwork network) {
    this.description = description;
    this.numerics = numerics;
    this.network = network;
  }

  /** Adds a generator to a {@code model.json}. */
  public static void describe(ObjectNode model, VarConfig network) {
    model.set("generator", JSON.valueToTree(new Description(KIND, network)));
  }

  /** Reads what a model says of its generator, without loading it. */
  public static Description describe(ModelDirectory model) {
    return model.part("generator", KIND, Description.class);
  }

  /**
   * Loads the generator of a model.
   *
   * @param more writes further methods into its script
   * @throws EngineFailure BAD_REQUEST when the model has none; CHECKPOINT_MISMATCH when its weights
   *     do not fit
   */
  public static VarGenerator load(
      ModelDirectory model, Numerics numerics, Consumer<ScriptWriter> more) {
    Description description = describe(model);
    try (TensorFile file = model.tensors(ModelDirectory.GENERATOR_FILE)) {
      return load(description, file, numerics, more);
    }
  }

  /** Loads a generator of known sizes from any file with the names of {@link Var}. */
  public static VarGenerator load(
      Description description, TensorFile file, Numerics numerics, Consumer<ScriptWriter> more) {
    Var network = new Var(description.network());
    return new VarGenerator(
        description,
        numerics,
        LoadedNetwork.of(
            script(network, numerics, more), WeightList.load(network.weights(), file, numerics)));
  }

  /** A generator that has learned nothing, to measure a size without its file. */
  public static VarGenerator standIn(
      Description description, long seed, Numerics numerics, Consumer<ScriptWriter> more) {
    Var network = new Var(description.network());
    return new VarGenerator(
        description,
        numerics,
        LoadedNetwork.of(
            script(network, numerics, more),
            WeightList.standIn(network.weights(), seed, numerics)));
  }

  private static ScriptWriter script(Var network, Numerics numerics, Consumer<ScriptWriter> more) {
    ScriptWriter script = new ScriptWriter("Var");
    network.writeFull(script, numerics);
    network.writeCached(script, numerics);
    more.accept(script);
    return script;
  }

  /** Sizes of the network. */
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

  /** An empty cache (layers,2,B,H,L,d). */
  public Tensor cache(TensorScope scope, int batch) {
    return call(scope, "emptyCache", batch, numerics.compute().number());
  }

  @Override
  public void close() {
    network.close();
  }
}
