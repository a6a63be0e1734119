package dev.blockreel.cli;

import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.var.VarGenerator;
import dev.blockreel.generator.xar.XarGenerator;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.sampler.GeneratedClip;
import dev.blockreel.sampler.GenerationListener;
import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.tokenizer.kl.KlTokenizer;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import dev.blockreel.tokenizer.vq.VqTokenizer;
import dev.blockreel.train.ClassifierRecipe;
import dev.blockreel.train.ClassifierTraining;
import dev.blockreel.train.KlRecipe;
import dev.blockreel.train.NbpRecipe;
import dev.blockreel.train.NbpTraining;
import dev.blockreel.train.TokenizerRecipe;
import dev.blockreel.train.TokenizerTraining;
import dev.blockreel.train.VarRecipe;
import dev.blockreel.train.VarTraining;
import dev.blockreel.train.VqRecipe;
import dev.blockreel.train.XarRecipe;
import dev.blockreel.train.XarTraining;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Trains models. */
@Command(
    name = "train",
    description =
        "Trains a tokenizer, a generator on the tokens of a trained tokenizer, or a classifier that"
            + " judges what is generated.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "tokenizer|generator|classifier",
    subcommands = {Train.Tokenizer.class, Train.Generator.class, Train.Classifier.class})
final class Train {
  /** What all trainings are told. */
  abstract static class Training extends EngineCommand {
    @Option(
        names = "--config",
        required = true,
        paramLabel = "FILE",
        description = "The recipe, a JSON file; samples/recipes has those of the sample models.")
    Path config;

    @Option(
        names = "--data",
        required = true,
        paramLabel = "DIR",
        description = "A folder of clips, CLASS/CLIP.")
    Path data;

    @Option(
        names = "--out",
        required = true,
        paramLabel = "DIR",
        description = "Folder for the saved state, the log, sample pictures, and 'model' at last.")
    Path out;

    @Option(names = "--resume", description = "Go on where an earlier run in --out stopped.")
    boolean resume;
  }

  /** Trains a tokenizer. */
  @Command(name = "tokenizer", description = "Trains a tokenizer to reconstruct clips.")
  static final class Tokenizer extends Training {
    @Override
    void run() {
      switch (RecipeFile.kind(config, Magvit2Tokenizer.KIND)) {
        case Magvit2Tokenizer.KIND ->
            TokenizerTraining.run(
                RecipeFile.read(config, TokenizerRecipe.class, Magvit2Tokenizer.KIND),
                data,
                out,
                resume,
                out());
        case KlTokenizer.KIND ->
            TokenizerTraining.run(
                RecipeFile.read(config, KlRecipe.class), data, out, resume, out());
        case VqTokenizer.KIND ->
            TokenizerTraining.run(
                RecipeFile.read(config, VqRecipe.class), data, out, resume, out());
        default ->
            throw RecipeFile.unknownKind(
                config, Magvit2Tokenizer.KIND, KlTokenizer.KIND, VqTokenizer.KIND);
      }
    }
  }

  /** Trains a generator. */
  @Command(name = "generator", description = "Trains a generator on the tokens of clips.")
  static final class Generator extends Training {
    private static final int PREVIEW_CLASSES = 8;

    @Override
    void run() {
      switch (RecipeFile.kind(config, NbpGenerator.KIND)) {
        case NbpGenerator.KIND ->
            NbpTraining.run(
                RecipeFile.read(config, NbpRecipe.class, NbpGenerator.KIND),
                data,
                out,
                resume,
                Generator::preview,
                out());
        case VarGenerator.KIND ->
            VarTraining.run(
                RecipeFile.read(config, VarRecipe.class),
                data,
                out,
                resume,
                Generator::preview,
                out());
        case XarGenerator.KIND ->
            XarTraining.run(
                RecipeFile.read(config, XarRecipe.class),
                data,
                out,
                resume,
                Generator::preview,
                out());
        default ->
            throw RecipeFile.unknownKind(
                config, NbpGenerator.KIND, VarGenerator.KIND, XarGenerator.KIND);
      }
    }

    /** A sheet of clips of classes from all over the list. */
    private static String preview(Path model, Path picture) {
      try (Pipeline pipeline = Pipeline.load(model, null)) {
        int known = pipeline.classes().size();
        int shown = Math.min(PREVIEW_CLASSES, known);
        List<Integer> labels =
            IntStream.range(0, shown).map(i -> i * known / shown).boxed().toList();
        GenerationRequest request =
            new GenerationRequest(
                labels, 1, pipeline.defaults(), GenerationRequest.Mode.NBP, List.of());
        List<Clip> clips =
            pipeline.generate(request, GenerationListener.NONE).stream()
                .map(GeneratedClip::clip)
                .toList();
        ClipWriter.writeSheet(picture, clips);
        return "%d clips, %s".formatted(shown, picture);
      }
    }
  }

  /** Trains a classifier. */
  @Command(
      name = "classifier",
      description = "Trains a small network to name the class of clips or frames.")
  static final class Classifier extends Training {
    @Override
    void run() {
      ClassifierRecipe recipe = RecipeFile.read(config, ClassifierRecipe.class);
      ClassifierTraining.run(recipe, data, out, resume, out());
    }
  }
}
