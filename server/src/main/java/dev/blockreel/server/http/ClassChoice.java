package dev.blockreel.server.http;

import dev.blockreel.checkpoint.Nearness;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.server.engine.ServedModel;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The class that a prompt means.
 *
 * @param number its number
 * @param label its name
 */
record ClassChoice(int number, String label) {
  /**
   * Exactly that name or number; else the one class whose words are all in the prompt ("a knight
   * walking left" has those of walk-left); else the one that differs by a slip of the keyboard.
   *
   * @param param the field that holds the prompt
   * @throws ApiFailure 400 with suggestions
   */
  static ClassChoice of(ServedModel model, String param, String prompt) {
    List<String> classes = model.classes();
    try {
      int number = model.classNumbers().applyAsInt(prompt.strip());
      if (number < classes.size()) {
        return new ClassChoice(number, classes.get(number));
      }
    } catch (EngineFailure e) {
      // No such name: something near may be meant.
    }
    List<String> named = classes.stream().filter(name -> namedIn(prompt, name)).toList();
    if (named.size() == 1) {
      return new ClassChoice(classes.indexOf(named.get(0)), named.get(0));
    }
    String text = Fields.shortened(prompt.strip());
    List<String> near = Nearness.sort(text, classes);
    if (!near.isEmpty() && isSlip(text, near)) {
      return new ClassChoice(classes.indexOf(near.get(0)), near.get(0));
    }
    List<String> suggestions = (named.isEmpty() ? near : named).stream().limit(5).toList();
    throw ApiFailure.badRequest(
            "unknown_class",
            param,
            "%s has no class \"%s\": near are %s",
            model.name(),
            text,
            String.join(", ", suggestions))
        .suggesting(suggestions);
  }

  private static boolean namedIn(String prompt, String name) {
    List<String> said = words(prompt);
    return words(name).stream().allMatch(word -> said.stream().anyMatch(w -> w.startsWith(word)));
  }

  private static List<String> words(String text) {
    return Arrays.stream(text.toLowerCase(Locale.ROOT).split("[^\\p{L}\\p{N}]+"))
        .filter(word -> !word.isEmpty())
        .toList();
  }

  /** One letter in five wrong, and no other class as near. */
  private static boolean isSlip(String text, List<String> near) {
    String meant = text.toLowerCase(Locale.ROOT);
    int first = Nearness.distance(meant, near.get(0).toLowerCase(Locale.ROOT));
    int second =
        near.size() == 1
            ? Integer.MAX_VALUE
            : Nearness.distance(meant, near.get(1).toLowerCase(Locale.ROOT));
    return first <= near.get(0).length() / 5 && first < second;
  }
}
