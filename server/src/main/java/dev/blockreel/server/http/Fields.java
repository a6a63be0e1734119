package dev.blockreel.server.http;

import io.vertx.core.MultiMap;
import io.vertx.core.json.DecodeException;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonObject;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The fields of a request, read by name and type. From JSON a number is a number and a text a text;
 * from a form all is text, and {@code a[b]} is field b of a. What is wrong fails with the name of
 * the field; so does, at the end, what nobody read.
 */
final class Fields {
  /** As JSON writes numbers: Java's own would take names and hexadecimal ones as well. */
  private static final String NUMBER = "-?(0|[1-9]\\d{0,39})(\\.\\d{1,40})?([eE][+-]?\\d{1,4})?";

  private final String prefix;
  private final boolean texts;
  private final Map<String, Object> values;
  private final Map<String, Object> unread;

  private Fields(String prefix, boolean texts, Map<String, Object> values) {
    this.prefix = prefix;
    this.texts = texts;
    this.values = values;
    this.unread = new TreeMap<>(values);
  }

  static Fields of(JsonObject json) {
    return new Fields("", false, new TreeMap<>(json.getMap()));
  }

  static Fields of(MultiMap form) {
    Map<String, Object> values = new TreeMap<>();
    for (Map.Entry<String, String> field : form) {
      String name = field.getKey();
      int bracket = name.indexOf('[');
      Object before;
      if (bracket > 0 && name.endsWith("]")) {
        Object group = values.computeIfAbsent(name.substring(0, bracket), first -> new TreeMap<>());
        before =
            group instanceof Map<?, ?> map
                ? put(map, name.substring(bracket + 1, name.length() - 1), field.getValue())
                : group;
      } else {
        before = values.put(name, field.getValue());
      }
      if (before != null) {
        throw ApiFailure.badRequest("invalid_value", name, "%s is given twice", name);
      }
    }
    return new Fields("", true, values);
  }

  @SuppressWarnings("unchecked")
  private static Object put(Map<?, ?> group, String name, String value) {
    return ((Map<String, Object>) group).put(name, value);
  }

  /** All fields as they came, as JSON, sorted by name on every level. */
  String canonical() {
    return Json.encode(sorted(values));
  }

  private static Object sorted(Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> ordered = new TreeMap<>();
      map.forEach((name, inner) -> ordered.put(String.valueOf(name), sorted(inner)));
      return ordered;
    }
    return value instanceof List<?> list ? list.stream().map(Fields::sorted).toList() : value;
  }

  private Object take(String name) {
    unread.remove(name);
    return values.get(name);
  }

  /** Whether the field is there and not null. */
  boolean has(String name) {
    return values.get(name) != null;
  }

  private String full(String name) {
    return prefix + name;
  }

  private ApiFailure type(String name, String wanted, Object got) {
    return ApiFailure.badRequest(
        "invalid_type", full(name), "%s must be %s: got %s", full(name), wanted, shortened(got));
  }

  private ApiFailure value(String name, String wanted, Object got) {
    return ApiFailure.badRequest(
        "invalid_value", full(name), "%s must be %s: got %s", full(name), wanted, shortened(got));
  }

  static String shortened(Object value) {
    String text = String.valueOf(value).replaceAll("\\p{Cntrl}", " ");
    return text.length() <= 80 ? text : text.substring(0, 77) + "...";
  }

  /** A text of up to {@code most} characters, or null. */
  String text(String name, int most) {
    Object value = take(name);
    if (value == null) {
      return null;
    }
    if (!(value instanceof String text)) {
      throw type(name, "a text", value);
    }
    int length = text.codePointCount(0, text.length());
    if (length > most) {
      throw value(name, "at most %d characters long".formatted(most), length + " of them");
    }
    return text;
  }

  /** One of some words, or null. */
  String word(String name, String... words) {
    String text = text(name, 100);
    if (text == null || java.util.List.of(words).contains(text)) {
      return text;
    }
    throw value(name, "one of " + String.join(", ", words), text);
  }

  /** A whole number from {@code least} to {@code most}, or null. */
  Long integer(String name, long least, long most) {
    Double number = number(name, (double) least, (double) most);
    if (number == null) {
      return null;
    }
    Object value = values.get(name);
    if (value instanceof Integer || value instanceof Long) {
      return ((Number) value).longValue();
    }
    if (value instanceof String text && text.matches("-?(0|[1-9]\\d{0,17})")) {
      return Long.parseLong(text);
    }
    throw type(name, "a whole number", value);
  }

  /** A number from {@code least} to {@code most}, or null. */
  Double number(String name, double least, double most) {
    Object value = take(name);
    if (value == null) {
      return null;
    }
    double number;
    if (value instanceof Number given) {
      number = given.doubleValue();
    } else if (texts && value instanceof String text && text.matches(NUMBER)) {
      number = Double.parseDouble(text);
    } else {
      throw type(name, "a number", value);
    }
    if (!(number >= least && number <= most)) {
      throw value(name, "from %s to %s".formatted(plain(least), plain(most)), value);
    }
    return number;
  }

  private static String plain(double number) {
    return number == Math.rint(number) ? String.valueOf((long) number) : String.valueOf(number);
  }

  /** A truth, or the default. */
  boolean flag(String name, boolean otherwise) {
    Object value = take(name);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Boolean flag) {
      return flag;
    }
    if (texts && (value.equals("true") || value.equals("false"))) {
      return value.equals("true");
    }
    throw type(name, "true or false", value);
  }

  /** A class by name or number, or null. */
  String nameOrNumber(String name) {
    Object value = values.get(name);
    if (value instanceof Integer || value instanceof Long) {
      return String.valueOf(integer(name, 0, Integer.MAX_VALUE));
    }
    return text(name, 200);
  }

  /** The fields of an object; without any where it is not there. In forms it may be JSON too. */
  Fields group(String name) {
    Object value = take(name);
    if (value == null) {
      return new Fields(full(name) + ".", texts, Map.of());
    }
    if (value instanceof Map<?, ?> map) {
      return nested(name, texts, map);
    }
    if (value instanceof JsonObject json) {
      return nested(name, texts, json.getMap());
    }
    if (texts && value instanceof String text) {
      try {
        return nested(name, false, new JsonObject(text).getMap());
      } catch (DecodeException e) {
        throw ApiFailure.badRequest("invalid_json", full(name), "%s is no JSON object", full(name));
      }
    }
    throw type(name, "an object", value);
  }

  private Fields nested(String name, boolean nestedTexts, Map<?, ?> map) {
    Map<String, Object> nested = new TreeMap<>();
    map.forEach((key, value) -> nested.put(String.valueOf(key), value));
    return new Fields(full(name) + ".", nestedTexts, nested);
  }

  /** Fails for the first field that was not read: none is ignored in silence. */
  void refuseOthers() {
    for (String name : unread.keySet()) {
      throw ApiFailure.badRequest(
          "unknown_parameter",
          full(Fields.shortened(name)),
          "unknown field %s",
          full(Fields.shortened(name)));
    }
  }
}
