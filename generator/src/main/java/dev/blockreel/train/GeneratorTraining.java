package dev.blockreel.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.Script;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/**
 * What the trainings of all generators share: they learn from examples that a trained tokenizer
 * made of clips, and leave a model with that tokenizer in it.
 *
 * @param <B> one batch as plain Java data
 */
public abstract class GeneratorTraining<B> implements TrainingTask<B> {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final GeneratorRecipe recipe;
  private final ModelDirectory tokenizer;
  private final List<String> classes;
  private final int examples;
  private final Preview preview;

  /**
   * Generates sample pictures from a model; the sampler, which this room may not use, plugs in
   * here.
   */
  @FunctionalInterface
  public interface Preview {
    /**
     * @param model a complete model directory
     * @param picture where to write the picture
     * @return one line about it for the log
     */
    String draw(Path model, Path picture);
  }

  GeneratorTraining(
      GeneratorRecipe recipe,
      ModelDirectory tokenizer,
      List<String> classes,
      int examples,
      Preview preview) {
    this.recipe = recipe;
    this.tokenizer = tokenizer;
    this.classes = classes;
    this.examples = examples;
    this.preview = preview;
  }

  /**
   * Fails where a new training cannot start from the model that its recipe names, and says where
   * that one means something else.
   *
   * @param sizes reads those of its network
   * @param wanted what they must be
   */
  static <C> void requireInitial(
      GeneratorRecipe recipe,
      ModelDirectory tokenizer,
      List<String> classes,
      List<Weight> weights,
      Function<ModelDirectory, C> sizes,
      C wanted,
      PrintStream console) {
    if (recipe.initial() != null) {
      Predecessor initial = Predecessor.toStartFrom(recipe.initial());
      initial.requireFit(ModelDirectory.GENERATOR_FILE, weights, sizes, wanted);
      initial.tellDifferences(classes, tokenizer, console);
    }
  }

  /** Describes tokenizer and generator in the {@code model.json} of the tokenizer. */
  abstract void describe(ObjectNode json);

  @Override
  public Object recipe() {
    return recipe;
  }

  @Override
  public List<String> classes() {
    return classes;
  }

  @Override
  public TrainingState start(long seed, Numerics numerics) {
    return TrainingState.start(
        recipe.initial(), ModelDirectory.GENERATOR_FILE, weights(), seed, numerics);
  }

  @Override
  public String preview(Script script, TrainingState state, Path picture) {
    return preview.draw(picture.getParent().getParent().resolve("model"), picture);
  }

  @Override
  public void export(TrainingState state, Path model) {
    ObjectNode json = tokenizer.description().deepCopy();
    json.remove("files");
    describe(json);
    json.set("classes", JSON.valueToTree(classes));
    json.set("sampling", JSON.valueToTree(recipe.sampling()));
    ModelExport.record(
        json,
        "generator",
        recipe,
        state,
        "%d examples of %d classes".formatted(examples, classes.size()));
    json.put("licence", recipe.licence());
    json.put("attribution", recipe.attribution());
    ModelExport.replace(
        model,
        json,
        folder -> {
          state.saveModel(folder.resolve(ModelDirectory.GENERATOR_FILE), ElementType.F16);
          ModelExport.copy(
              tokenizer.path().resolve(ModelDirectory.TOKENIZER_FILE),
              folder.resolve(ModelDirectory.TOKENIZER_FILE));
        });
  }
}
