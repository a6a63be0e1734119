package dev.blockreel.evaluate;

import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipSampling;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Sends a folder of clips through a tokenizer and back, and compares what returns. */
public final class ReconstructionEvaluation {
  private static final int WORST = 5;

  private final ClipSampling sampling;
  private final UnaryOperator<Clip> roundTrip;
  private final String tokenizer;
  private final Network classifier;
  private final List<String> classNames;
  private final List<Network> networks;

  /**
   * @param sampling which frames of each file, as the tokenizer wants them
   * @param roundTrip encodes and decodes a clip
   * @param tokenizer tells tokenizers apart: another value, other results
   * @param classifier tells classes, or null
   * @param classNames names of its classes in order; empty for those of the folder
   * @param others further networks, for distances alone
   */
  public ReconstructionEvaluation(
      ClipSampling sampling,
      UnaryOperator<Clip> roundTrip,
      String tokenizer,
      Network classifier,
      List<String> classNames,
      List<Network> others) {
    this.sampling = sampling;
    this.roundTrip = roundTrip;
    this.tokenizer = tokenizer;
    this.classifier = classifier;
    this.classNames = classNames;
    this.networks = new ArrayList<>(others);
    if (classifier != null) {
      networks.add(0, classifier);
    }
  }

  /**
   * Measures.
   *
   * @param folder of {@code CLASS/CLIP}, or of clips alone
   * @param work folder in which results so far are kept, to go on with after an interruption
   * @throws dev.blockreel.failure.EngineFailure MEDIA when a clip cannot be read; BAD_REQUEST when
   *     it does not fit the tokenizer or a network
   */
  public ReconstructionReport run(Path folder, Path work, EvaluationProgress progress) {
    ClipSet set = ClipSet.of(folder, progress);
    Path originalsFile = work.resolve("originals.safetensors");
    Path madeFile = work.resolve("reconstructions.safetensors");
    String key = set.key(sampling, networks) + " " + tokenizer;
    Observations originals = Observations.load(networks, originalsFile, key);
    Observations made = Observations.load(networks, madeFile, key);
    if (originals.clips() != made.clips()) {
      originals = new Observations(networks);
      made = new Observations(networks);
    }
    set.requireUsable(made.clips(), sampling, networks, progress);
    long saved = System.nanoTime();
    for (int i = made.clips(); i < set.clips().size(); i++) {
      Clip clip = set.read(i, sampling);
      Clip back = roundTrip.apply(clip);
      made.add(Fidelity.of(clip, back));
      originals.add(List.of(clip));
      made.add(List.of(back));
      progress.show("reconstructing " + folder, i + 1, set.clips().size());
      boolean last = i + 1 == set.clips().size();
      if (last || System.nanoTime() - saved > ClipSet.SAVE_PAUSE) {
        originals.save(originalsFile, key);
        made.save(madeFile, key);
        saved = System.nanoTime();
      }
    }
    return report(set, originals, made);
  }

  private ReconstructionReport report(ClipSet set, Observations originals, Observations made) {
    List<Fidelity> each = made.fidelities();
    List<ReconstructionReport.Row> clips = new ArrayList<>();
    for (int i = 0; i < each.size(); i++) {
      Path file = set.root().relativize(set.clips().get(i).file());
      clips.add(
          new ReconstructionReport.Row(file.toString(), each.get(i).psnr(), each.get(i).ssim()));
    }
    List<ReconstructionReport.Row> classes =
        IntStream.range(0, set.classes().size())
            .mapToObj(
                label ->
                    mean(
                        set.classes().get(label),
                        IntStream.range(0, clips.size())
                            .filter(i -> set.clips().get(i).label() == label)
                            .mapToObj(clips::get)
                            .toList()))
            .toList();
    ReconstructionReport.Row all = mean("all", clips);
    List<FrechetDistance> distances = new ArrayList<>();
    EqualSets none = new EqualSets(0, null, null, null);
    for (Network network : networks) {
      if (made.hasFeatures(network)) {
        distances.add(FrechetDistance.of(network, made, originals, none));
      }
    }
    List<String> names = classNames.isEmpty() ? set.classes() : classNames;
    ClassScores scores =
        classifier == null || !made.hasProbabilities(classifier)
            ? null
            : ClassScores.of(names, set.labels(names), made.probabilities(classifier));
    return new ReconstructionReport(
        clips.size(),
        set.folder().skippedNames(),
        all.psnr(),
        all.ssim(),
        classes,
        clips.stream()
            .sorted(Comparator.comparingDouble(ReconstructionReport.Row::psnr))
            .limit(WORST)
            .toList(),
        scores,
        distances);
  }

  private static ReconstructionReport.Row mean(String name, List<ReconstructionReport.Row> rows) {
    return new ReconstructionReport.Row(
        name,
        rows.stream().mapToDouble(ReconstructionReport.Row::psnr).average().orElse(Double.NaN),
        rows.stream().mapToDouble(ReconstructionReport.Row::ssim).average().orElse(Double.NaN));
  }
}
