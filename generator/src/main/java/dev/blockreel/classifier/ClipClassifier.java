package dev.blockreel.classifier;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.nn.Forward;
import dev.blockreel.nn.LoadedNetwork;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.WeightList;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A loaded {@link ResidualNetwork}: clips to class probabilities and features. Holds native memory
 * until closed. One thread at a time.
 */
public final class ClipClassifier implements AutoCloseable {
  /** Name of its weights in a model directory. */
  public static final String FILE = "classifier.safetensors";

  private static final String KIND = "residual";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Description description;
  private final List<String> classes;
  private final LoadedNetwork network;

  /**
   * What {@code model.json} says under {@code classifier}.
   *
   * @param kind {@code residual}
   * @param network sizes of the network and of the clips that it judges
   * @param fps their frames per second
   */
  public record Description(String kind, ClassifierConfig network, double fps) {
    /** Checks the rate. */
    public Description {
      if (!(fps > 0)) {
        throw EngineFailure.badRequest("a classifier's clips need an fps above 0: got %s", fps);
      }
    }

    /** A description of this kind. */
    public Description(ClassifierConfig network, double fps) {
      this(KIND, network, fps);
    }
  }

  /**
   * What the network says of one clip.
   *
   * @param features input of the last layer
   * @param probabilities of each class
   */
  public record Judgement(float[] features, float[] probabilities) {
    /** The likeliest class. */
    public int label() {
      return likeliest(probabilities);
    }
  }

  /** Where the largest of some scores is, the first of equal ones. */
  public static int likeliest(float[] scores) {
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      best = scores[i] > scores[best] ? i : best;
    }
    return best;
  }

  private ClipClassifier(Description description, List<String> classes, LoadedNetwork network) {
    this.description = description;
    this.classes = classes;
    this.network = network;
  }

  /** Describes a classifier in a {@code model.json}. */
  public static void describe(ObjectNode json, Description description, List<String> classes) {
    json.set("classifier", JSON.valueToTree(description));
    json.set("classes", JSON.valueToTree(classes));
  }

  /** Whether a model has a classifier. */
  public static boolean in(ModelDirectory model) {
    return model.description().has("classifier");
  }

  /**
   * Loads the classifier of a model.
   *
   * @throws EngineFailure BAD_REQUEST when the model has none; CHECKPOINT_MISMATCH when its weights
   *     do not fit
   */
  public static ClipClassifier load(ModelDirectory model, Numerics numerics) {
    Description description = model.part("classifier", KIND, Description.class);
    List<String> classes = new ArrayList<>();
    model.description().path("classes").forEach(name -> classes.add(name.asText()));
    if (classes.size() != description.network().classes()) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "%s/model.json names %d classes: its classifier has %d"
              .formatted(model.path(), classes.size(), description.network().classes()));
    }
    ResidualNetwork network = new ResidualNetwork(description.network());
    try (TensorFile file = model.tensors(FILE)) {
      return new ClipClassifier(
          description,
          List.copyOf(classes),
          LoadedNetwork.of(
              script(network, numerics), WeightList.load(network.weights(), file, numerics)));
    }
  }

  private static ScriptWriter script(ResidualNetwork network, Numerics numerics) {
    // Both results in one row: features, then probabilities.
    return new ScriptWriter("Classifier")
        .method(
            "judge",
            m -> {
              Sym pixels = m.tensor("pixels");
              Forward forward = new Forward(m, m.tensors("w"), numerics);
              Sym features = network.features(forward, pixels);
              m.returns(m.concat(1, features, network.logits(forward, features).softmax(1)));
            });
  }

  /** Sizes and the clips that it judges. */
  public Description description() {
    return description;
  }

  /** Names of the classes, in the order of the probabilities. */
  public List<String> classes() {
    return classes;
  }

  /** The TorchScript that runs. */
  public String script() {
    return network.source();
  }

  /**
   * Judges clips together.
   *
   * @param clips of exactly the described size
   * @throws EngineFailure BAD_REQUEST when one has another size
   */
  public List<Judgement> judge(List<Clip> clips) {
    ClassifierConfig shape = description.network();
    int values = 3 * shape.frames() * shape.height() * shape.width();
    float[] pixels = new float[clips.size() * values];
    for (int i = 0; i < clips.size(); i++) {
      Clip clip = clips.get(i);
      if (clip.frames() != shape.frames()
          || clip.height() != shape.height()
          || clip.width() != shape.width()) {
        throw EngineFailure.badRequest(
            "the classifier judges %d frames of %dx%d: got %d of %dx%d",
            shape.frames(),
            shape.width(),
            shape.height(),
            clip.frames(),
            clip.width(),
            clip.height());
      }
      System.arraycopy(clip.pixels(), 0, pixels, i * values, values);
    }
    int features = shape.features();
    int row = features + shape.classes();
    try (TensorScope scope = TensorScope.open()) {
      float[] rows =
          network
              .call(
                  scope,
                  "judge",
                  scope.floats(
                      pixels, clips.size(), 3, shape.frames(), shape.height(), shape.width()))
              .toFloats();
      List<Judgement> judgements = new ArrayList<>();
      for (int i = 0; i < clips.size(); i++) {
        judgements.add(
            new Judgement(
                Arrays.copyOfRange(rows, i * row, i * row + features),
                Arrays.copyOfRange(rows, i * row + features, (i + 1) * row)));
      }
      return judgements;
    }
  }

  @Override
  public void close() {
    network.close();
  }
}
