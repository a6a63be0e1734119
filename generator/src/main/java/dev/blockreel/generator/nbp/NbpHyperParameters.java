package dev.blockreel.generator.nbp;

import dev.blockreel.checkpoint.Nearness;
import dev.blockreel.checkpoint.Opaque;
import dev.blockreel.checkpoint.Quoted;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
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

  /** All that is asked for. */
  private static final List<String> KNOWN =
      List.of(
          "n_layer",
          "n_embd",
          "n_head",
          "vocab_size",
          "block_size",
          "token_number_per_step",
          "hybrid",
          "unconditional",
          "cond_token_num",
          "cond_stage_key",
          "class_cond_dim",
          "starts_with_bov",
          "fps",
          "resolution",
          "sequence_length");

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
   * {@code argparse.Namespace}. What stands beside it was given to the model itself and counts.
   */
  void addLightning(Object root) {
    Map<?, ?> all = dictionary(dictionary(root).get("hyper_parameters"));
    add(dictionary(all.get("args")));
    add(all);
  }

  /** Adds values, which replace earlier ones of the same name; null says nothing. */
  void add(Map<?, ?> more) {
    more.forEach(
        (name, value) -> {
          if (value != null && name instanceof String text) {
            values.put(text, value);
          }
        });
  }

  /**
   * Adds what a user says.
   *
   * @throws EngineFailure BAD_REQUEST for a name that means nothing
   */
  void give(Map<String, String> given) {
    for (String name : given.keySet()) {
      if (!KNOWN.contains(name)) {
        throw EngineFailure.badRequest(
            "unknown hyper-parameter \"%s\": near %s; expected one of %s",
            Quoted.shortened(name), Nearness.sort(name, KNOWN).get(0), String.join(", ", KNOWN));
      }
    }
    add(given);
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
      double number = Double.parseDouble(text(value).strip());
      if (number >= 0 && number <= 1_000_000 && number == Math.rint(number)) {
        return Optional.of((int) number);
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw wrong(name, value, "a whole number from 0 to 1000000");
  }

  /** A number above 0, up to a million. */
  Optional<Double> rate(String name) {
    Object value = values.get(name);
    if (value == null) {
      return Optional.empty();
    }
    try {
      double number = Double.parseDouble(text(value).strip());
      if (number > 0 && number <= 1_000_000) {
        return Optional.of(number);
      }
    } catch (NumberFormatException e) {
      // told below
    }
    throw wrong(name, value, "a number above 0");
  }

  /** What is no plain value may be as large as it likes. */
  private static String text(Object value) {
    boolean plain = value instanceof String || value instanceof Number || value instanceof Boolean;
    return plain ? String.valueOf(value) : "no plain value";
  }

  Optional<Boolean> flag(String name) {
    Object value = values.get(name);
    if (value == null) {
      return Optional.empty();
    }
    return switch (text(value).toLowerCase(Locale.ROOT)) {
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
    return new EngineFailure(
        FailureCode.CHECKPOINT_MISMATCH,
        "%s: hyper-parameter %s is %s: expected %s"
            .formatted(where, name, Quoted.shortened(text(value)), expected));
  }
}
