package dev.blockreel.evaluate;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.classifier.ClassifierConfig;
import dev.blockreel.classifier.ClipClassifier;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.nn.Numerics;
import java.util.List;

/** A classifier that {@code train classifier} made: gives features and probabilities. */
public final class OwnClassifier implements Network {
  private final ClipClassifier classifier;
  private final String identity;

  private OwnClassifier(ClipClassifier classifier, String identity) {
    this.classifier = classifier;
    this.identity = identity;
  }

  /**
   * Loads it, in fp32 on every device: what it says must not depend on where it runs.
   *
   * @throws dev.blockreel.failure.EngineFailure as {@link ClipClassifier#load}
   */
  public static OwnClassifier load(ModelDirectory model) {
    return new OwnClassifier(
        ClipClassifier.load(model, Numerics.plain()), model.description().path("files").toString());
  }

  @Override
  public String name() {
    return "classifier";
  }

  @Override
  public String identity() {
    return identity;
  }

  /** Names of the classes, in the order of the probabilities. */
  public List<String> classes() {
    return classifier.classes();
  }

  /** The clips that it wants, from the place of a file that {@code window} says. */
  public ClipSampling sampling(ClipSampling.Window window, ClipSampling.Fit fit) {
    ClassifierConfig shape = classifier.description().network();
    return new ClipSampling(
        shape.frames(), classifier.description().fps(), shape.height(), shape.width(), fit, window);
  }

  @Override
  public List<Reading> read(List<Clip> clips) {
    return classifier.judge(clips).stream()
        .map(judgement -> new Reading(judgement.features(), judgement.probabilities()))
        .toList();
  }

  @Override
  public void close() {
    classifier.close();
  }
}
