package dev.blockreel.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.nn.Numerics;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Looks into a model directory. */
@Command(name = "inspect", description = "Shows what a model is; checks its files.")
final class Inspect extends EngineCommand {
  @Parameters(paramLabel = "MODEL", description = "A model directory, or the name of one.")
  private String name;

  @Option(names = "--script", description = "Print the TorchScript that it runs instead.")
  private boolean script;

  @Override
  void run() {
    ModelDirectory model = ModelDirectory.open(ModelDirectory.resolve(name));
    if (script) {
      printScripts(model);
    } else {
      printFacts(model);
    }
  }

  private void printFacts(ModelDirectory model) {
    print("model", model.path());
    for (Map.Entry<String, JsonNode> entry : model.description().properties()) {
      switch (entry.getKey()) {
        case "files" -> {}
        case "classes" -> print("classes", entry.getValue().size() + ": " + text(entry.getValue()));
        default -> print(entry.getKey(), text(entry.getValue()));
      }
    }
    model.verify();
    JsonNode files = model.description().path("files");
    files.fieldNames().forEachRemaining(file -> print(file, contents(model, file)));
  }

  /** As in the file, on one line and with fewer signs. */
  private static String text(JsonNode value) {
    return value.isTextual()
        ? value.textValue()
        : value.toString().replace("\"", "").replace(",", ", ").replace(":", " ");
  }

  private static String contents(ModelDirectory model, String file) {
    Path path = model.path().resolve(file);
    String size = OutputFiles.size(path) + ", sha256 as listed";
    if (!OutputFiles.isTensors(path)) {
      return size;
    }
    try (TensorFile tensors = model.tensors(file)) {
      long weights = tensors.names().stream().mapToLong(n -> tensors.info(n).elements()).sum();
      List<String> types =
          tensors.names().stream().map(n -> tensors.info(n).type().name()).distinct().toList();
      return "%.2f million weights in %d tensors (%s), %s"
          .formatted(weights / 1e6, tensors.names().size(), String.join(", ", types), size);
    }
  }

  private void printScripts(ModelDirectory model) {
    Dtype dtype = Torch.fastDtype();
    if (model.description().has("tokenizer")) {
      try (Magvit2Tokenizer tokenizer =
          Magvit2Tokenizer.load(model, Numerics.inference(dtype, 0))) {
        out().println(tokenizer.script());
      }
    }
    if (model.description().has("generator")) {
      int rows = NbpGenerator.describe(model).network().blockSize();
      try (NbpGenerator generator =
          NbpGenerator.load(model, Numerics.inference(dtype, rows), sampling -> {})) {
        out().println(generator.script());
      }
    }
  }

  private void print(String fact, Object value) {
    out().printf("%-22s %s%n", fact, value);
  }
}
