package dev.blockreel.generator.xar;

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
import java.util.List;

/**
 * A loaded {@link Xar}: noisy latents in, velocities out, with a preallocated cache of keys and
 * values. Holds native memory until closed. Several threads may call at the same time.
 */
public final class XarGenerator implements AutoCloseable {
  /** What {@code model.json} says under {@code generator.kind}. */
  public static final String KIND = "xar";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Description description;
  private final EntityOrder order;
  private final Numerics numerics;
  private final LoadedNetwork network;
  private final TensorScope scope = TensorScope.open();
  private final Tensor places;

  /**
   * What {@code model.json} says under {@code generator}.
   *
   * @param kind {@code xar}
   * @param network sizes of the network
   * @param entity what is predicted together, as {@link EntityOrder} writes it
   * @param time t, latent frames; 1 for images
   * @param height h, rows of the latents
   * @param width w, columns of the latents
   */
  public record Description(
      String kind, XarConfig network, String entity, int time, int height, int width) {
    /** Checks that the entity fits the grid. */
    public Description {
      EntityOrder.of(entity, time, height, width);
    }

    /** The order of the grid. */
    public EntityOrder order() {
      return EntityOrder.of(entity, time, height, width);
    }
  }

  private XarGenerator(Description description, Numerics numerics, LoadedNetwork network) {
    this.description = description;
    this.order = description.order();
    this.numerics = numerics;
    this.network = network;
    this.places = OrderTensors.places(scope, order, description.network().headWidth());
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
   * @throws EngineFailure BAD_REQUEST when the model has none; CHECKPOINT_MISMATCH when its weights
   *     do not fit
   */
  public static XarGenerator load(ModelDirectory model, Numerics numerics) {
    Description description = describe(model);
    try (TensorFile file = model.tensors(ModelDirectory.GENERATOR_FILE)) {
      return load(description, file, numerics);
    }
  }

  /** Loads a generator of known sizes from any file with the names of {@link Xar}. */
  public static XarGenerator load(Description description, TensorFile file, Numerics numerics) {
    Xar network = new Xar(description.network(), description.order().tokens());
    return new XarGenerator(
        description,
        numerics,
        LoadedNetwork.of(
            script(network, numerics), WeightList.load(network.weights(), file, numerics)));
  }

  /** A generator that has learned nothing, to measure a size without its file. */
  public static XarGenerator standIn(Description description, long seed, Numerics numerics) {
    Xar network = new Xar(description.network(), description.order().tokens());
    return new XarGenerator(
        description,
        numerics,
        LoadedNetwork.of(
            script(network, numerics), WeightList.standIn(network.weights(), seed, numerics)));
  }

  private static ScriptWriter script(Xar network, Numerics numerics) {
    ScriptWriter script = new ScriptWriter("Xar");
    network.writeFull(script, numerics);
    network.writeLoss(script);
    network.writeCached(script, numerics);
    return script;
  }

  /** Sizes of the network and of the grid, and what is predicted together. */
  public Description description() {
    return description;
  }

  /** What is predicted when. */
  public EntityOrder order() {
    return order;
  }

  /** The TorchScript that runs. */
  public String script() {
    return network.source();
  }

  /**
   * Prepares what classes and times say to each layer, so that steps need not.
   *
   * @param scope owns the result
   * @param labels class of each row, or the number of classes for none
   * @param times of all steps in thousandths
   * @return (L,S,R,6D) for S times and R labels
   */
  public Tensor conditions(TensorScope scope, int[] labels, int[] times) {
    int[] allLabels = new int[times.length * labels.length];
    int[] allTimes = new int[allLabels.length];
    for (int i = 0; i < allLabels.length; i++) {
      allLabels[i] = labels[i % labels.length];
      allTimes[i] = times[i / labels.length];
    }
    try (TensorScope own = TensorScope.open()) {
      return network.call(
          scope,
          "conditions",
          own.longs(allLabels, times.length, labels.length),
          own.longs(allTimes, times.length, labels.length));
    }
  }

  /** An empty cache of keys and values for {@code rows} images. */
  public Tensor cache(TensorScope scope, int rows) {
    return network.call(scope, "emptyCache", rows, numerics.compute().number());
  }

  /**
   * One call of the network; see {@link Xar#writeCached}.
   *
   * @param tokens (rows, T, C), the finished entity's first, then the noisy one's
   * @param rows images, at most as many as conditions and cache have
   * @param step index of the time in {@code conditions}
   * @param clean how many of the T tokens are of the finished entity
   * @param past tokens before these
   * @return velocities of the noisy tokens, (rows, T - clean, C)
   */
  public float[] velocity(
      float[] tokens, int rows, Tensor conditions, int step, int clean, int past, Tensor cache) {
    int channels = description.network().channels();
    try (TensorScope own = TensorScope.open()) {
      Tensor x = own.floats(tokens, rows, tokens.length / rows / channels, channels);
      return network
          .call(own, "velocity", x, conditions, step, clean, past, cache, places)
          .toFloats();
    }
  }

  /**
   * One pass over all entities, the plain twin of {@link #velocity}.
   *
   * @param tokens (B, N, C)
   * @param labels (B)
   * @param times (B, E) in thousandths
   * @return velocities (B, N, C)
   */
  public float[] full(float[] tokens, int[] labels, int[] times) {
    int channels = description.network().channels();
    try (TensorScope own = TensorScope.open()) {
      List<Tensor> fixed = OrderTensors.of(own, order, description.network().headWidth());
      return network
          .call(
              own,
              "full",
              own.floats(tokens, labels.length, order.tokens(), channels),
              own.longs(labels, labels.length),
              own.longs(times, labels.length, order.entities().size()),
              fixed.get(0),
              fixed.get(1),
              fixed.get(2))
          .toFloats();
    }
  }

  /**
   * The loss that training would see, without learning from it.
   *
   * @param latents tokens (B, N, C)
   * @param noise of the same shape
   * @param labels (B)
   * @param times (B, E), each in (0, 1)
   */
  public float loss(float[] latents, float[] noise, int[] labels, float[] times) {
    int channels = description.network().channels();
    int batch = labels.length;
    try (TensorScope own = TensorScope.open()) {
      List<Tensor> fixed = OrderTensors.of(own, order, description.network().headWidth());
      return network.call(
              own,
              "loss",
              own.floats(latents, batch, order.tokens(), channels),
              own.floats(noise, batch, order.tokens(), channels),
              own.longs(labels, batch),
              own.floats(times, batch, order.entities().size()),
              fixed.get(0),
              fixed.get(1),
              fixed.get(2))
          .toFloats()[0];
    }
  }

  @Override
  public void close() {
    scope.close();
    network.close();
  }
}
