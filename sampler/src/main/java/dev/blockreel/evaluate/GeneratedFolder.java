package dev.blockreel.evaluate;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.PartFile;
import dev.blockreel.checkpoint.Quoted;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.sampler.GeneratedClip;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.sampler.SamplingOptions;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A folder of generated clips, {@code CLASS/CLASS_seed00001.mkv} (lossless), equally many of each
 * class. Clips that exist already are left alone, so an interrupted run goes on where it was.
 *
 * @param perClass clips of each class
 * @param seed of the first clip of the first class; each further clip has the next
 * @param options how tokens are drawn
 * @param mode block by block or token by token
 * @param dtype numbers that the model computes in, or null for the usual ones
 */
public record GeneratedFolder(
    int perClass, long seed, SamplingOptions options, GenerationRequest.Mode mode, Dtype dtype) {
  private static final int BATCH = 8;
  private static final String REQUEST = "request.json";

  private static final JsonMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  /** Checks the count. */
  public GeneratedFolder {
    dtype = dtype == null ? Torch.fastDtype() : dtype;
    if (perClass < 1) {
      throw EngineFailure.badRequest("at least 1 clip of each class is needed: got %d", perClass);
    }
  }

  /**
   * Generates what is missing.
   *
   * @param pipeline makes the clips; must have classes
   * @param model where it came from: clips of another model are not mixed in
   * @param work folder for {@code clips}, and for {@code request.json}, which says how they are
   *     made
   * @return the folder of clips
   * @throws EngineFailure BAD_REQUEST when the folder holds clips that were made in another way
   */
  public Path fill(
      Pipeline pipeline, ModelDirectory model, Path work, EvaluationProgress progress) {
    requireClasses(pipeline, model);
    requireSameRequest(model, work);
    Path clips = work.resolve("clips");
    int total = perClass * pipeline.classes().size();
    int done = 0;
    for (int label = 0; label < pipeline.classes().size(); label++) {
      String name = pipeline.classes().get(label);
      List<Long> missing = new ArrayList<>();
      for (int i = 0; i < perClass; i++) {
        long clipSeed = seed + (long) label * perClass + i;
        if (!Files.exists(file(clips, name, clipSeed))) {
          missing.add(clipSeed);
        }
      }
      done += perClass - missing.size();
      while (!missing.isEmpty()) {
        int batch = consecutive(missing);
        progress.show("generating " + name, done, total);
        List<GeneratedClip> made =
            pipeline.generate(
                new GenerationRequest(
                    Collections.nCopies(batch, label), missing.get(0), options, mode, List.of()),
                GenerationListener.NONE);
        for (int i = 0; i < batch; i++) {
          ClipWriter.write(file(clips, name, missing.get(i)), made.get(i).clip());
        }
        missing = missing.subList(batch, missing.size());
        done += batch;
      }
    }
    progress.show("generating", total, total);
    return clips;
  }

  /**
   * Checks that a model has classes, and that each can name a folder: by these an evaluation knows
   * its clips.
   *
   * @throws EngineFailure BAD_REQUEST where not
   */
  public static void requireClasses(Pipeline pipeline, ModelDirectory model) {
    if (pipeline.classes().isEmpty()) {
      throw EngineFailure.badRequest("model %s has no classes to generate", model.path());
    }
    for (String name : pipeline.classes()) {
      if (name.isEmpty() || name.startsWith(".") || name.matches("(?s).*[/\\\\\\x00].*")) {
        throw EngineFailure.badRequest(
            "clips of a class are written to a folder of its name: %s cannot name one",
            Quoted.of(name));
      }
    }
  }

  private static Path file(Path clips, String name, long seed) {
    return clips.resolve(name).resolve("%s_seed%05d.mkv".formatted(name, seed));
  }

  /** How many of the first seeds follow each other, up to a batch. */
  private static int consecutive(List<Long> seeds) {
    int count = 1;
    while (count < Math.min(BATCH, seeds.size()) && seeds.get(count) == seeds.get(0) + count) {
      count++;
    }
    return count;
  }

  private void requireSameRequest(ModelDirectory model, Path work) {
    ObjectNode request = JSON.valueToTree(this);
    request.set("files", model.description().path("files"));
    Path file = work.resolve(REQUEST);
    try {
      if (Files.exists(file)) {
        JsonNode before = JSON.readTree(file.toFile());
        // Compared as text: numbers that are read may have another type than those that are made.
        if (!before.toString().equals(JSON.readTree(request.toString()).toString())) {
          throw EngineFailure.badRequest(
              "%s holds clips that were made by another model or with other options: name another"
                  + " folder",
              work);
        }
        return;
      }
      PartFile.write(file, request.toString());
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write to %s", work);
    }
  }
}
