package dev.blockreel.cli;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.media.MediaLibraries;
import dev.blockreel.progress.ProgressLine;
import dev.blockreel.sampler.GeneratedClip;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.sampler.RecordedNoise;
import dev.blockreel.sampler.SamplingOptions;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Generates clips. */
@Command(name = "generate", description = "Generates clips with a model.")
final class Generate extends EngineCommand {
  /** More clips than this are generated one batch after the other: memory stays bounded. */
  private static final int LARGEST_BATCH = 8;

  @Mixin private ModelOptions model;
  @Mixin private SamplingFlags sampling;
  @Mixin private ClipInput input;

  @Option(
      names = "--class",
      split = ",",
      paramLabel = "NAME|N",
      description = "What to generate; several, with commas, give a clip each.")
  private List<String> classes = List.of();

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "A text in place of a class, for models that take one.")
  private String prompt;

  @Option(
      names = "--condition",
      paramLabel = "CLIP|TOKENS",
      description =
          "How the clip begins: a clip, or .safetensors with 'tokens' or 'video'. The output holds"
              + " these frames too.")
  private Path condition;

  @Option(
      names = "--condition-frames",
      paramLabel = "N",
      description = "How many frames of --condition to take. Default: 5 of a clip, all of tensors.")
  private Integer conditionFrames;

  @Option(
      names = "--count",
      defaultValue = "1",
      paramLabel = "N",
      description = "Clips of each class. Default: ${DEFAULT-VALUE}.")
  private int count;

  @Option(
      names = "--seed",
      defaultValue = "1",
      paramLabel = "S",
      description =
          "Seed of the first clip; each further one has the next. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(
      names = "--out",
      paramLabel = "FILE|DIR",
      description =
          "mp4, webm, mkv, avi, gif, webp, apng, or safetensors with tokens or latents and video; -"
              + " is the standard output. Several clips: a folder, a .png sheet, or safetensors."
              + " Default: CLASS_seedS.mp4 here.")
  private Path out;

  @Option(
      names = "--stream",
      description =
          "Hand each frame on as soon as it exists: what is written can be played meanwhile. For"
              + " mp4, webm, mkv, mjpeg, a pipe, and --out -, which streams anyway.")
  private boolean stream;

  @Option(
      names = "--noise",
      paramLabel = "FILE",
      description =
          "For models of latents: .safetensors with all noise, 'noise.E.init' (B, n, C) and"
              + " 'noise.E.sde' (steps-1, B, n, C) for entity E, in place of the seed's.")
  private Path noise;

  @Override
  void run() {
    if (count < 1) {
      throw EngineFailure.badRequest("--count must be 1 or more: got %d", count);
    }
    int clips = Math.multiplyExact(Math.max(1, classes.size()), count);
    boolean standard = LiveOutput.STANDARD.equals(out);
    // What is printed must not mix with a clip on the standard output.
    PrintStream report = standard ? err() : out();
    try (ClipDestination destination =
        stream || standard ? LiveOutput.open(place(), clips, out()) : openOutput(clips)) {
      MediaLibraries.loadAhead();
      long began = System.nanoTime();
      try (Pipeline pipeline = model.loadPipeline()) {
        if (verbose()) {
          report.printf("load                %.2f s%n", GenerationWatch.secondsSince(began));
        }
        generate(pipeline, destination, report);
      }
    }
  }

  private Path place() {
    return out == null ? Path.of("") : out;
  }

  private ClipOutput openOutput(int clips) {
    return ClipOutput.isFolder(place())
        ? ClipOutput.inFolder(place())
        : ClipOutput.open(out, clips);
  }

  private void generate(Pipeline pipeline, ClipDestination destination, PrintStream report) {
    List<Integer> labels = labels(pipeline);
    if (condition == null && conditionFrames != null) {
      throw EngineFailure.badRequest("--condition-frames are those of --condition: give it too");
    }
    List<TokenGrid> given = condition == null ? List.of() : given(pipeline, labels.size());
    List<GenerationRequest> batches = batches(pipeline, labels, given);
    if (verbose()) {
      long began = System.nanoTime();
      pipeline.generate(batches.get(0), GenerationListener.NONE);
      report.printf(
          "warm-up             %.2f s, once more than asked for: the first run compiles%n",
          GenerationWatch.secondsSince(began));
    }
    GenerationWatch watch =
        new GenerationWatch(
            ProgressLine.onError(err()),
            labels.size(),
            destination::frames,
            destination instanceof LiveOutput && pipeline.frames() == 1);
    int made = 0;
    for (GenerationRequest batch : batches) {
      List<String> names = new ArrayList<>();
      for (int i = made; i < made + batch.classes().size(); i++) {
        names.add("%s_seed%05d".formatted(name(pipeline, labels.get(i)), seed + i));
      }
      destination.begin(names);
      watch.begin(made, batch.classes().size());
      List<GeneratedClip> clips = pipeline.generate(batch, watch);
      watch.decoded();
      for (int i = 0; i < clips.size(); i++) {
        Clip clip = clips.get(i).clip();
        String name = name(pipeline, labels.get(made));
        long clipSeed = seed + made++;
        destination
            .add(names.get(i), clips.get(i).codes(), clip)
            .ifPresent(file -> watch.made(describe(file, clip, name, clipSeed)));
      }
      watch.encoded();
    }
    Optional<Path> whole = destination.finish();
    watch.encoded();
    watch.end(report);
    whole.ifPresent(
        file ->
            report.printf(
                "%s: %d clips, seeds %d to %d, %s%n",
                file, labels.size(), seed, seed + labels.size() - 1, OutputFiles.size(file)));
    if (verbose()) {
      watch.report(report, pipeline.frames(), pipeline.fps());
    }
  }

  private static String describe(Path file, Clip clip, String name, long seed) {
    String what = "%s, %s, seed %d".formatted(ClipInput.describe(clip), name, seed);
    return Files.isRegularFile(file)
        ? "%s: %s, %s".formatted(file, what, OutputFiles.size(file))
        : what;
  }

  /** The class of each clip. */
  private List<Integer> labels(Pipeline pipeline) {
    List<Integer> labels = new ArrayList<>();
    if (!pipeline.takesClass()) {
      if (!classes.isEmpty()) {
        throw EngineFailure.badRequest("this model has no classes: leave --class out");
      }
      return Collections.nCopies(count, 0);
    }
    if (prompt != null) {
      if (!classes.isEmpty()) {
        throw EngineFailure.badRequest("--class and --prompt exclude each other");
      }
      return Collections.nCopies(count, 0);
    }
    if (classes.isEmpty()) {
      throw EngineFailure.badRequest(
          "this model needs --class%s",
          pipeline.classes().isEmpty() ? "" : ": " + String.join(", ", pipeline.classes()));
    }
    for (String name : classes) {
      labels.addAll(Collections.nCopies(count, pipeline.classNumber(name.strip())));
    }
    return labels;
  }

  /** How a class is called in file names. */
  private String name(Pipeline pipeline, int label) {
    if (prompt != null) {
      return "prompt";
    }
    if (!pipeline.takesClass()) {
      return "clip";
    }
    return label < pipeline.classes().size()
        ? pipeline.classes().get(label).replaceAll("[^\\p{L}\\p{N}._-]", "_")
        : "class" + label;
  }

  /** The leading latent frames of each clip. */
  private List<TokenGrid> given(Pipeline pipeline, int clips) {
    List<TokenGrid> grids = new Beginning(condition, conditionFrames).read(pipeline, input);
    return grids.size() == 1 ? Collections.nCopies(clips, grids.get(0)) : grids;
  }

  private List<GenerationRequest> batches(
      Pipeline pipeline, List<Integer> labels, List<TokenGrid> given) {
    SamplingOptions options = sampling.over(pipeline);
    if (!given.isEmpty() && given.size() != labels.size()) {
      throw EngineFailure.badRequest(
          "%s has %d beginnings for %d clips: expected 1 or as many",
          condition, given.size(), labels.size());
    }
    RecordedNoise recorded = noise == null ? null : recorded(pipeline, labels.size(), options);
    List<GenerationRequest> batches = new ArrayList<>();
    for (int from = 0; from < labels.size(); from += LARGEST_BATCH) {
      int to = Math.min(labels.size(), from + LARGEST_BATCH);
      batches.add(
          new GenerationRequest(
              labels.subList(from, to),
              seed + from,
              options,
              sampling.mode(),
              given.isEmpty() ? given : given.subList(from, to),
              prompt == null ? List.of() : Collections.nCopies(to - from, prompt),
              recorded == null ? null : recorded.slice(from, to)));
    }
    return batches;
  }

  private RecordedNoise recorded(Pipeline pipeline, int clips, SamplingOptions options) {
    if (!OutputFiles.isTensors(noise)) {
      throw EngineFailure.badRequest("--noise takes a .safetensors file: got %s", noise);
    }
    try (TensorFile file = Safetensors.open(noise)) {
      return pipeline.recordedNoise(file, clips, options);
    }
  }
}
