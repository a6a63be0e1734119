package dev.blockreel.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.generator.Preset;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.sampler.Tokenizers;
import dev.blockreel.script.Torch;
import dev.blockreel.tokenizer.ClipTokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Looks into a model directory. */
@Command(name = "inspect", description = "Shows what a model is; checks its files.")
final class Inspect extends EngineCommand {
  /** Of random weights, which only a script needs. */
  private static final long SEED = 1;

  @ArgGroup(multiplicity = "1")
  private Which which;

  private static final class Which {
    @Parameters(paramLabel = "MODEL", description = "A model directory, or the name of one.")
    private String name;

    @Option(
        names = "--random-weights",
        paramLabel = "PRESET",
        description =
            "A published model, of which there are no files here: nbp-ucf-base, xar-b, var-d16 and"
                + " so on.")
    private String preset;
  }

  @Option(names = "--script", description = "Print the TorchScript that it runs instead.")
  private boolean script;

  @Override
  void run() {
    if (which.preset != null) {
      inspect(Preset.named(which.preset));
      return;
    }
    ModelDirectory model = ModelDirectory.open(ModelDirectory.resolve(which.name));
    if (script) {
      printScripts(model);
    } else {
      printFacts(model);
    }
  }

  private void inspect(Preset preset) {
    if (script) {
      Numerics numerics = Numerics.inference(Torch.fastDtype());
      try (ClipTokenizer tokenizer = Tokenizers.standIn(preset.name(), SEED, numerics)) {
        out().println(tokenizer.script());
      }
      out().println(generatorScript(preset, numerics));
      return;
    }
    print("model", preset.name() + ", as published; random weights stand in for its files");
    print("tokenizer", preset.tokenizer());
    print("generator", preset.generator());
    print("weights of tokenizer", weights(preset.tokenizerWeights()));
    print("weights of generator", weights(preset.generatorWeights()));
  }

  private static String generatorScript(Preset preset, Numerics numerics) {
    if (preset.generator() instanceof XarGenerator.Description sizes) {
      try (XarGenerator generator = XarGenerator.standIn(sizes, SEED, numerics)) {
        return generator.script();
      }
    }
    if (preset.generator() instanceof VarGenerator.Description sizes) {
      try (VarGenerator generator = VarGenerator.standIn(sizes, SEED, numerics, sampling -> {})) {
        return generator.script();
      }
    }
    NbpGenerator.Description sizes = (NbpGenerator.Description) preset.generator();
    try (NbpGenerator generator = NbpGenerator.standIn(sizes, SEED, numerics, sampling -> {})) {
      return generator.script();
    }
  }

  private static String weights(List<Weight> weights) {
    long all = weights.stream().mapToLong(Weight::elements).sum();
    return "%.2f million in %d tensors, %.2f GB in bf16"
        .formatted(all / 1e6, weights.size(), 2 * all / 1e9);
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
    Numerics numerics = Numerics.inference(Torch.fastDtype());
    if (model.description().has("tokenizer")) {
      try (ClipTokenizer tokenizer = Tokenizers.load(model, numerics)) {
        out().println(tokenizer.script());
      }
    }
    if (model.description().has("generator")) {
      out().println(generatorScript(model, numerics));
    }
  }

  private static String generatorScript(ModelDirectory model, Numerics numerics) {
    switch (model.description().path("generator").path("kind").asText()) {
      case XarGenerator.KIND -> {
        try (XarGenerator generator = XarGenerator.load(model, numerics)) {
          return generator.script();
        }
      }
      case VarGenerator.KIND -> {
        try (VarGenerator generator = VarGenerator.load(model, numerics, sampling -> {})) {
          return generator.script();
        }
      }
      default -> {
        try (NbpGenerator generator = NbpGenerator.load(model, numerics, sampling -> {})) {
          return generator.script();
        }
      }
    }
  }

  private void print(String fact, Object value) {
    out().printf("%-22s %s%n", fact, value);
  }
}
