package dev.blockreel.sampler;

import com.fasterxml.jackson.databind.JsonNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.Nearness;
import dev.blockreel.failure.EngineFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Names of a model's classes.
 *
 * @param all in the order of their numbers
 */
record ClassNames(List<String> all) {
  ClassNames {
    all = List.copyOf(all);
  }

  /** Reads {@code classes} of a model; none where there are none. */
  static ClassNames of(ModelDirectory model) {
    List<String> names = new ArrayList<>();
    for (JsonNode name : model.description().path("classes")) {
      names.add(name.asText());
    }
    return new ClassNames(names);
  }

  /**
   * The number of a class by its number or its name; case, blanks and signs do not count, so that
   * "apply eye makeup" is ApplyEyeMakeup.
   *
   * @throws EngineFailure BAD_REQUEST when there is none, with names that are near
   */
  int number(String nameOrNumber) {
    String wanted = letters(nameOrNumber);
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).equals(nameOrNumber) || letters(all.get(i)).equals(wanted)) {
        return i;
      }
    }
    if (nameOrNumber.matches("\\d{1,9}")) {
      return Integer.parseInt(nameOrNumber);
    }
    if (all.isEmpty()) {
      throw EngineFailure.badRequest(
          "unknown class \"%s\": this model has no names of classes", nameOrNumber);
    }
    List<String> near = Nearness.sort(nameOrNumber, all);
    throw EngineFailure.badRequest(
        "unknown class \"%s\": near are %s",
        nameOrNumber, String.join(", ", near.subList(0, Math.min(5, near.size()))));
  }

  private static String letters(String name) {
    return name.toLowerCase(Locale.ROOT).replaceAll("[\\s_-]", "");
  }
}
