package dev.blockreel.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.PartFile;
import dev.blockreel.cli.RenderManifest.Entry;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.media.VideoFormat;
import dev.blockreel.progress.ProgressLine;
import dev.blockreel.sampler.GeneratedClip;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.sampler.SamplingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Generates many clips from a manifest. Each clip has a JSON file beside it that says how it was
 * made; it is written last, so a clip that has one is whole, and is not made again.
 */
@Command(
    name = "render",
    description =
        "Generates the clips of a manifest into a folder; a second run makes only what is missing.")
final class Render extends EngineCommand {
  private static final int LARGEST_BATCH = 8;

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  @Parameters(
      paramLabel = "MANIFEST.jsonl",
      description =
          "A JSON object a line, all fields optional where the model needs none: name, class,"
              + " prompt, seed, temperature, topK, topP, cfg, condition, conditionFrames.")
  private Path manifest;

  @Mixin private ModelOptions model;
  @Mixin private SamplingFlags sampling;
  @Mixin private ClipInput input;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Folder for NAME.mp4 and NAME.json of each clip.")
  private Path out;

  @Option(
      names = "--format",
      paramLabel = "ENDING",
      defaultValue = "mp4",
      description =
          "mp4, webm, mkv, avi, gif, webp, apng, png or safetensors. Default: ${DEFAULT-VALUE}.")
  private String format;

  /**
   * A clip to make.
   *
   * @param entry its line
   * @param label its class number
   * @param options its sampling options
   * @param sidecar what its JSON file will say
   */
  private record Job(Entry entry, int label, SamplingOptions options, ObjectNode sidecar) {
    /** Whether it can be made in one batch with the job before it: seeds follow each other. */
    boolean follows(Job before) {
      return entry.condition() == null
          && before.entry.condition() == null
          && (entry.prompt() == null) == (before.entry.prompt() == null)
          && options.equals(before.options)
          && entry.seed() == before.entry.seed() + 1;
    }
  }

  @Override
  void run() {
    List<Entry> entries = RenderManifest.read(manifest);
    Path sample = out.resolve("clip." + format);
    if (!OutputFiles.isTensors(sample)) {
      VideoFormat.of(sample);
    }
    OutputFiles.requireWritable(sample);
    try (Pipeline pipeline = model.loadPipeline()) {
      List<Job> jobs = new ArrayList<>();
      for (Entry entry : entries) {
        jobs.add(job(pipeline, entry));
      }
      List<Job> missing = jobs.stream().filter(job -> !made(job)).toList();
      ProgressLine progress = ProgressLine.onError(err());
      int done = 0;
      while (done < missing.size()) {
        List<Job> batch = batch(missing.subList(done, missing.size()));
        progress.show("clip %d of %d", done + 1, missing.size());
        render(pipeline, batch);
        done += batch.size();
      }
      progress.close();
      out()
          .printf(
              "%s: %d clips, %d made now, %d were there%n",
              out, jobs.size(), missing.size(), jobs.size() - missing.size());
    }
  }

  private Job job(Pipeline pipeline, Entry entry) {
    try {
      if (entry.label() != null && entry.prompt() != null) {
        throw EngineFailure.badRequest("class and prompt exclude each other");
      }
      int label = entry.label() == null ? 0 : pipeline.classNumber(entry.label());
      if (entry.label() == null && entry.prompt() == null && !pipeline.classes().isEmpty()) {
        throw EngineFailure.badRequest(
            "this model needs a class: %s", String.join(", ", pipeline.classes()));
      }
      SamplingOptions options = entry.over(sampling.over(pipeline));
      ObjectNode sidecar = JSON.createObjectNode();
      sidecar.put("file", entry.name() + "." + format);
      sidecar.set("request", JSON.valueToTree(entry));
      sidecar.set("sampling", JSON.valueToTree(options));
      sidecar.put("mode", sampling.mode().name());
      sidecar.put("model", model.identity());
      return new Job(entry, label, options, sidecar);
    } catch (EngineFailure e) {
      throw new EngineFailure(
          e.code(), "%s, clip %s: %s".formatted(manifest, entry.name(), e.getMessage()), e);
    }
  }

  /** Whether the clip is there and was made in the same way. */
  private boolean made(Job job) {
    Path sidecar = sidecar(job);
    if (!Files.isRegularFile(sidecar) || !Files.isRegularFile(clip(job))) {
      return false;
    }
    try {
      JsonNode before = JSON.readTree(sidecar.toFile());
      // Read back, so that numbers have the same types on both sides.
      for (var field : JSON.readTree(job.sidecar().toString()).properties()) {
        if (!field.getValue().equals(before.get(field.getKey()))) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      return false; // damaged: made again
    }
  }

  private Path sidecar(Job job) {
    return out.resolve(job.entry().name() + ".json");
  }

  private Path clip(Job job) {
    return out.resolve(job.entry().name() + "." + format);
  }

  private static List<Job> batch(List<Job> jobs) {
    int size = 1;
    while (size < Math.min(LARGEST_BATCH, jobs.size())
        && jobs.get(size).follows(jobs.get(size - 1))) {
      size++;
    }
    return jobs.subList(0, size);
  }

  private void render(Pipeline pipeline, List<Job> batch) {
    Entry first = batch.get(0).entry();
    List<TokenGrid> given = List.of();
    if (first.condition() != null) {
      given =
          new Beginning(Path.of(first.condition()), first.conditionFrames()).read(pipeline, input);
      if (given.size() != 1) {
        throw EngineFailure.badRequest(
            "%s, clip %s: %s holds %d beginnings: expected 1",
            manifest, first.name(), first.condition(), given.size());
      }
    }
    long began = System.nanoTime();
    List<GeneratedClip> clips =
        pipeline.generate(
            new GenerationRequest(
                batch.stream().map(Job::label).toList(),
                first.seed(),
                batch.get(0).options(),
                sampling.mode(),
                given,
                first.prompt() == null
                    ? List.of()
                    : batch.stream().map(job -> job.entry().prompt()).toList()),
            GenerationListener.NONE);
    double seconds = GenerationWatch.secondsSince(began) / batch.size();
    for (int i = 0; i < batch.size(); i++) {
      write(batch.get(i), clips.get(i).clip(), seconds);
    }
  }

  private void write(Job job, Clip clip, double seconds) {
    ClipWriter.write(clip(job), clip);
    ObjectNode sidecar = job.sidecar();
    sidecar.put("frames", clip.frames());
    sidecar.put("height", clip.height());
    sidecar.put("width", clip.width());
    sidecar.put("fps", clip.fps());
    sidecar.put("seconds", Math.round(seconds * 1000) / 1000.0);
    PartFile.write(sidecar(job), sidecar.toPrettyString());
    if (verbose()) {
      out().printf("%s: %s%n", clip(job), ClipInput.describe(clip));
    }
  }
}
