package dev.blockreel.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.script.Torch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** Replaces the model directory of an earlier moment of the same training. */
final class ModelExport {
  private ModelExport() {}

  static void replace(Path out, ObjectNode description, Consumer<Path> fill) {
    Path fresh = out.resolveSibling(out.getFileName() + ".new");
    Path old = out.resolveSibling(out.getFileName() + ".old");
    try {
      delete(fresh);
      if (Files.exists(old) && !Files.exists(out)) {
        Files.move(old, out); // the process was killed between the two moves below
      }
      delete(old);
      ModelDirectory.write(fresh, description, fill);
      if (Files.exists(out)) {
        Files.move(out, old);
      }
      Files.move(fresh, out);
      delete(old);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write the model %s", out);
    }
  }

  /**
   * Notes in a {@code model.json} how one of its parts was trained.
   *
   * @param part such as {@code tokenizer}
   * @param recipe all that the training was told
   * @param data what it learned from
   */
  static void record(
      ObjectNode json, String part, Object recipe, TrainingState state, String data) {
    ObjectNode record = json.withObject("/training").putObject(part);
    record.put("command", "train " + part);
    record.put("data", data);
    record.put("steps", state.step());
    record.put("minutes", Math.round(state.seconds() / 6) / 10.0);
    record.put("device", "%s, %d threads".formatted(Torch.device(), Torch.threads()));
    record.set("recipe", new ObjectMapper().valueToTree(recipe));
  }

  /** Copies a file into a model that is being put together. */
  static void copy(Path from, Path to) {
    try {
      Files.copy(from, to);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot copy %s to %s", from, to);
    }
  }

  private static void delete(Path directory) throws IOException {
    if (!Files.exists(directory)) {
      return;
    }
    List<Path> inside;
    try (Stream<Path> walk = Files.walk(directory)) {
      inside = walk.sorted(Comparator.reverseOrder()).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    for (Path path : inside) {
      Files.delete(path);
    }
  }
}
