package dev.blockreel.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What a resumed training must find as it was; kept with its state.
 *
 * @param recipe all that the training is told
 * @param classes names of the classes that it learns, in the order of their numbers
 */
record TrainingFacts(JsonNode recipe, List<String> classes) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String RECIPE = "recipe";
  private static final String CLASSES = "classes";

  static TrainingFacts of(Object recipe, List<String> classes) {
    return new TrainingFacts(JSON.valueToTree(recipe), classes);
  }

  /** Writes them beside a state. */
  void write(SafetensorsWriter state) {
    state.metadata(RECIPE, recipe.toString());
    state.metadata(CLASSES, JSON.valueToTree(classes).toString());
  }

  /**
   * Compares them to those that a state was saved with; what it was saved without may be anything.
   *
   * @param kept metadata of the state
   * @throws EngineFailure BAD_REQUEST that names what has changed
   */
  void refuseChange(Path state, Map<String, String> kept) {
    RecipeChange.refuse(state, kept.get(RECIPE), recipe);
    String before = kept.get(CLASSES);
    if (before == null) {
      return;
    }
    List<?> names;
    try {
      names = JSON.readValue(before, List.class);
    } catch (JsonProcessingException e) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH, state + " is damaged: its classes are no JSON", e);
    }
    if (!names.equals(classes)) {
      throw EngineFailure.badRequest(
          "%s was trained on other classes: classes were %s and are %s",
          state,
          String.join(", ", names.stream().map(String::valueOf).toList()),
          String.join(", ", classes));
    }
  }
}
