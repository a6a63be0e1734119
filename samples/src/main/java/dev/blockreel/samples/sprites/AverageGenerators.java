package dev.blockreel.samples.sprites;

import static dev.blockreel.checkpoint.ModelDirectory.GENERATOR_FILE;
import static dev.blockreel.checkpoint.ModelDirectory.TOKENIZER_FILE;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.checkpoint.TensorInfo;
import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Makes a model whose generator has the mean of the weights of several, which were trained further
 * from the same one: it is often better than each of them (model soups, arXiv 2203.05482). All else
 * is the first model's.
 */
@Command(
    name = "average-generators",
    mixinStandardHelpOptions = true,
    description = "Averages the generators of models that were trained further from the same one.")
public final class AverageGenerators extends SampleProgram {
  @Option(
      names = "--models",
      split = ",",
      required = true,
      description = "Model directories, or names of models, at least two.")
  private List<String> models;

  @Option(names = "--out", required = true, description = "The model directory to make.")
  private Path out;

  /** Runs the program and ends the virtual machine. */
  public static void main(String[] arguments) {
    System.exit(run(arguments));
  }

  /** Runs the program and returns its exit code. */
  static int run(String... arguments) {
    return run(new AverageGenerators(), arguments);
  }

  @Override
  void run() {
    List<ModelDirectory> all =
        models.stream().map(ModelDirectory::resolve).map(ModelDirectory::open).toList();
    if (all.size() < 2) {
      throw EngineFailure.badRequest("--models must name at least two models: got %s", models);
    }
    ModelDirectory first = all.get(0);
    for (ModelDirectory other : all) {
      for (String part : List.of("/generator", "/classes", "/files/" + TOKENIZER_FILE)) {
        requireSame(first, other, part);
      }
    }
    ObjectNode json = first.description().deepCopy();
    models.forEach(json.withObject("/training").putArray("averageOf")::add);
    ModelDirectory.write(
        out,
        json,
        draft -> {
          try {
            Files.copy(first.path().resolve(TOKENIZER_FILE), draft.resolve(TOKENIZER_FILE));
          } catch (IOException e) {
            throw EngineFailure.media(e, "cannot copy the tokenizer of %s", first.path());
          }
          average(all, draft.resolve(GENERATOR_FILE));
        });
  }

  private static void requireSame(ModelDirectory first, ModelDirectory other, String part) {
    if (!first.description().at(part).equals(other.description().at(part))) {
      throw EngineFailure.badRequest(
          "%s/model.json: %s is not that of %s", other.path(), part.substring(1), first.path());
    }
  }

  private static void average(List<ModelDirectory> models, Path target) {
    List<TensorFile> files = new ArrayList<>();
    try {
      models.forEach(model -> files.add(model.tensors(GENERATOR_FILE)));
      SafetensorsWriter writer = SafetensorsWriter.to(target);
      for (String name : files.get(0).names()) {
        TensorInfo info = files.get(0).info(name);
        float[] sum = new float[Math.toIntExact(info.elements())];
        for (TensorFile file : files) {
          float[] values = file.floats(name);
          for (int i = 0; i < sum.length; i++) {
            sum[i] += values[i];
          }
        }
        for (int i = 0; i < sum.length; i++) {
          sum[i] /= files.size();
        }
        writer.addFloats(name, info.type(), info.shape(), sum);
      }
      writer.write();
    } finally {
      files.forEach(TensorFile::close);
    }
  }
}
