package dev.blockreel.evaluate;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.media.ClipSampling;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Compares a folder of made clips or images with a folder of real ones. */
public final class ClipsEvaluation {
  private final ClipSampling sampling;
  private final Network classifier;
  private final List<String> classNames;
  private final List<Network> networks;

  /**
   * @param sampling which frames of each file are compared, at which size
   * @param classifier tells classes, or null
   * @param classNames names of its classes in order; empty for those of the real folder
   * @param others further networks, for distances alone
   */
  public ClipsEvaluation(
      ClipSampling sampling, Network classifier, List<String> classNames, List<Network> others) {
    this.sampling = sampling;
    this.classifier = classifier;
    this.classNames = classNames;
    this.networks = new ArrayList<>(others);
    if (classifier != null) {
      networks.add(0, classifier);
    }
  }

  /**
   * Finds out whether clips that are still to be made can be compared, so that nobody makes them in
   * vain.
   *
   * @param classes of the clips
   * @param frames of each
   * @throws EngineFailure BAD_REQUEST when a network takes longer clips, or knows other classes;
   *     MEDIA when real clips cannot be read or are too short
   */
  public void requireComparable(
      List<String> classes, int frames, Path real, EvaluationProgress progress) {
    int shown = sampling.frames() == 0 ? frames : sampling.frames();
    for (Network network : networks) {
      if (shown < network.frames()) {
        throw EngineFailure.badRequest(
            "%d frames of each clip are compared: the network of %s takes %d",
            shown, network.name(), network.frames());
      }
    }
    ClipSet realSet = ClipSet.of(real, progress);
    requireKnown("the model", classes, names(realSet));
    realSet.requireUsable(0, sampling, networks, progress);
  }

  private List<String> names(ClipSet real) {
    return classNames.isEmpty() ? real.classes() : classNames;
  }

  /**
   * Compares.
   *
   * @param made a folder of {@code CLASS/CLIP}, or of clips alone
   * @param real another
   * @param work folder in which the networks' answers are kept, to go on with after an interruption
   * @throws EngineFailure MEDIA when clips cannot be read or are too short; BAD_REQUEST when a
   *     network takes no such clips, or knows other classes
   */
  public ClipsReport run(Path made, Path real, Path work, EvaluationProgress progress) {
    ClipSet madeSet = ClipSet.of(made, progress);
    ClipSet realSet = ClipSet.of(real, progress);
    List<String> names = names(realSet);
    requireKnown(madeSet.root(), madeSet.classes(), names);
    int[] madeLabels = madeSet.labels(names);
    int[] realLabels = realSet.labels(names);
    Observations madeSeen =
        madeSet.observe(sampling, networks, work.resolve("made.safetensors"), progress);
    Observations realSeen =
        realSet.observe(sampling, networks, work.resolve("real.safetensors"), progress);
    EqualSets equal = EqualSets.draw(madeLabels, realLabels);
    List<FrechetDistance> distances = new ArrayList<>();
    for (Network network : networks) {
      if (madeSeen.hasFeatures(network)) {
        distances.add(FrechetDistance.of(network, madeSeen, realSeen, equal));
      }
    }
    boolean[] asMany = equal.clips() == madeLabels.length ? equal.firstReal() : null;
    return new ClipsReport(
        side(madeSet, madeSeen, names, madeLabels, null),
        side(realSet, realSeen, names, realLabels, asMany),
        distances);
  }

  /** A misspelt folder must not count as a class that is never recognised. */
  private static void requireKnown(Object made, List<String> classes, List<String> names) {
    List<String> unknown = classes.stream().filter(name -> !names.contains(name)).toList();
    // Where none is known, real clips lie in one folder: there is no class to miss.
    if (!names.isEmpty() && !unknown.isEmpty()) {
      throw EngineFailure.badRequest(
          "%s has classes that are not known: %s; known are %s",
          made, String.join(", ", unknown), String.join(", ", names));
    }
  }

  private ClipsReport.Side side(
      ClipSet set, Observations seen, List<String> names, int[] labels, boolean[] compared) {
    ClassScores scores = null;
    if (classifier != null && seen.hasProbabilities(classifier)) {
      scores = ClassScores.of(names, labels, seen.probabilities(classifier));
    }
    return new ClipsReport.Side(
        set.root().toString(),
        labels.length,
        set.folder().skippedNames(),
        scores,
        sampling.frames() == 1 ? null : seen.identity(labels, compared));
  }
}
