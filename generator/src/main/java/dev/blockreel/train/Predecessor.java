package dev.blockreel.train;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightList;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A trained model that a training builds on.
 *
 * @param role what it is for, such as {@code the model to start from}
 * @param name by which the recipe calls it
 * @param model its directory
 */
record Predecessor(String role, String name, ModelDirectory model) {
  /**
   * The model to start from.
   *
   * @throws EngineFailure BAD_REQUEST when there is no such model
   */
  static Predecessor toStartFrom(String name) {
    return of("the model to start from", name);
  }

  /**
   * A model to imitate.
   *
   * @throws EngineFailure BAD_REQUEST when there is no such model
   */
  static Predecessor toImitate(String name) {
    return of("the teacher", name);
  }

  private static Predecessor of(String role, String name) {
    return new Predecessor(role, name, ModelDirectory.open(ModelDirectory.resolve(name)));
  }

  /**
   * Checks that its weights can be those of another network.
   *
   * @param file of the model which holds them
   * @param weights of the other network
   * @param sizes reads those of its network
   * @param wanted what they must be: not all of them show in the shapes of weights
   * @throws EngineFailure CHECKPOINT_MISMATCH when they cannot
   */
  <C> void requireFit(
      String file, List<Weight> weights, Function<ModelDirectory, C> sizes, C wanted) {
    try (TensorFile tensors = model.tensors(file)) {
      WeightList.requireFit(weights, tensors);
    }
    C own = sizes.apply(model);
    if (!own.equals(wanted)) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "%s, %s, has other sizes: got %s, expected %s".formatted(role, name, own, wanted));
    }
  }

  /**
   * Checks that a class means the same to both.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH when it does not
   */
  void requireClasses(List<String> classes) {
    otherClass(classes)
        .ifPresent(
            other -> {
              throw new EngineFailure(FailureCode.CHECKPOINT_MISMATCH, other);
            });
  }

  /** Says where classes and tokens mean something else to it, which may be meant so. */
  void tellDifferences(List<String> classes, ModelDirectory tokenizer, PrintStream console) {
    otherClass(classes).ifPresent(console::println);
    tellOtherTokenizer(tokenizer, console);
  }

  /** Says when its tokens were made by other weights. */
  void tellOtherTokenizer(ModelDirectory tokenizer, PrintStream console) {
    if (!digest(model).equals(digest(tokenizer))) {
      console.printf(
          "%s, %s, was trained on the tokens of another tokenizer than that of %s%n",
          role, name, tokenizer.path());
    }
  }

  private static String digest(ModelDirectory model) {
    return model
        .description()
        .at("/files")
        .path(ModelDirectory.TOKENIZER_FILE)
        .path("sha256")
        .asText();
  }

  /** A line about the first class that it calls otherwise; none where it has no names. */
  private Optional<String> otherClass(List<String> classes) {
    List<String> own = new ArrayList<>();
    model.description().path("classes").forEach(named -> own.add(named.asText()));
    for (int i = 0; i < Math.min(own.size(), classes.size()); i++) {
      if (!own.get(i).equals(classes.get(i))) {
        return Optional.of(
            "%s, %s, knows other classes: its class %d is %s, that of the clips is %s"
                .formatted(role, name, i, own.get(i), classes.get(i)));
      }
    }
    return Optional.empty();
  }
}
