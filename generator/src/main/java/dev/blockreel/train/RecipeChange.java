package dev.blockreel.train;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What a resumed training must not find changed in its recipe. */
final class RecipeChange {
  /** How long, how often looked at, and what the model says of itself: no step depends on these. */
  private static final Set<String> FREE =
      Set.of(
          "training.steps",
          "training.saveMinutes",
          "training.previewSteps",
          "sampling",
          "licence",
          "attribution");

  private RecipeChange() {}

  /**
   * Compares the recipe that a state was saved with to the one at hand.
   *
   * @param before as JSON, or null in states that were saved without one
   * @throws EngineFailure BAD_REQUEST that names every changed field
   */
  static void refuse(Path file, String before, JsonNode now) {
    if (before == null) {
      return;
    }
    List<String> changes = new ArrayList<>();
    try {
      ObjectMapper json = new ObjectMapper();
      // Both through text, which forgets of which kind a number was.
      compare("", json.readTree(before), json.readTree(now.toString()), changes);
    } catch (JsonProcessingException e) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH, file + " is damaged: its recipe is no JSON", e);
    }
    if (!changes.isEmpty()) {
      throw EngineFailure.badRequest(
          "%s was trained by another recipe: %s; take that one, or start anew with 'initial'",
          file, String.join(", ", changes));
    }
  }

  private static void compare(String at, JsonNode before, JsonNode now, List<String> changes) {
    if (FREE.contains(at)) {
      return;
    }
    if (before.isObject() && now.isObject()) {
      Set<String> names = new TreeSet<>();
      before.fieldNames().forEachRemaining(names::add);
      now.fieldNames().forEachRemaining(names::add);
      for (String name : names) {
        compare(at.isEmpty() ? name : at + "." + name, before.path(name), now.path(name), changes);
      }
    } else if (!text(before).equals(text(now))) {
      changes.add("%s was %s and is %s".formatted(at, text(before), text(now)));
    }
  }

  private static String text(JsonNode value) {
    return value.isMissingNode() ? "absent" : value.toString();
  }
}
