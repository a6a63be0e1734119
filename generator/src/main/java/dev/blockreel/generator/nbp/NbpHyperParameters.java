package dev.blockreel.generator.nbp;

import dev.blockreel.checkpoint.Opaque;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.util.Collections;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The arguments that a published model was trained with, by their published names, such as {@code
 * n_head} and {@code token_number_per_step}.
 */
final class NbpHyperParameters {
  private static final Set<String> TELLING =
      Set.of("n_head", "token_number_per_step", "hybrid", "unconditional", "cond_token_num");

  private final Map<String, Object> values = new HashMap<>();
  private final String where;

  /**
   * @param where names the file in messages
   */
  NbpHyperParameters(String where) {
    this.where = where;
  }

  /**
   * Reads {@code hyper_parameters} of a Lightning checkpoint: a dictionary whose {@code args} is an
   * {@code argparse.Namespace}.
   */
  void addLightning(Object root) {
    Map<?, ?> all = dictionary(dictionary(root).get("hyper_parameters"));
    add(all);
    add(dictionary(all.get("args")));
  }

  /** Adds values, which replace earlier ones of the same name; null says nothing. */
  void add(Map<?, ?> more) {
    more.forEach(
        (name, value) -> {
          if (value != null) {
            values.put(String.valueOf(name), value);
          }
        });
  }

  private static Map<?, ?> dictionary(Object value) {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    return value instanceof Opaque opaque ? opaque.state() : Map.of();
  }

  /** Whether nothing is known that tensors do not show; metadata may hold other things. */
  boolean isEmpty() {
    return Collections.disjoint(values.keySet(), TELLING);
  }

  /** A whole number from 0 to a million. */
  Optional<Integer> whole(String name) {
    Object value = values.get(name);
    if (value == null) {
      return Optional.empty();
    }
    try {
      int number = Integer.parseInt(String.valueOf(value).strip());
      if (number >= 0 && number <= 1_000_000) {
        return Optional.of(number);
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw wrong(name, value, "a whole number from 0 to 1000000");
  }

  Optional<Boolean> flag(String name) {
    Object value = values.get(name);
    if (value == null) {
      return Optional.empty();
    }
    return switch (String.valueOf(value).toLowerCase(Locale.ROOT)) {
      case "true", "1" -> Optional.of(true);
      case "false", "0" -> Optional.of(false);
      default -> throw wrong(name, value, "true or false");
    };
  }

  /** Whether the condition is text rather than a class number. */
  Optional<Boolean> isText() {
    Object key = values.get("cond_stage_key");
    if (key == null || "label".equals(key) || "text".equals(key)) {
      return Optional.ofNullable(key).map("text"::equals);
    }
    throw wrong("cond_stage_key", key, "label or text");
  }

  private EngineFailure wrong(String name, Object value, String expected) {
    String got = String.valueOf(value);
    return new EngineFailure(
        FailureCode.CHECKPOINT_MISMATCH,
        "%s: hyper-parameter %s is %s: expected %s"
            .formatted(
                where,
                name,
                got.substring(0, Math.min(40, got.length())).replaceAll("\\p{Cntrl}", "?"),
                expected));
  }
}
