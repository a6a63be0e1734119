package dev.blockreel.checkpoint;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import dev.blockreel.failure.EngineFailure;
import java.util.List;
import java.util.stream.Collectors;

/** What is wrong with a JSON file that people write, in words for them. */
public final class JsonFault {
  private JsonFault() {}

  /** One line: the field, such as {@code training.batch}, and what is wrong with it. */
  public static String describe(JsonProcessingException e) {
    if (e.getCause() instanceof JsonParseException syntax) {
      return describe(syntax);
    }
    if (e instanceof UnrecognizedPropertyException unknown) {
      List<String> known = unknown.getKnownPropertyIds().stream().map(String::valueOf).toList();
      return "unknown field \"%s\", near are %s"
          .formatted(
              field(unknown), String.join(", ", Nearness.sort(unknown.getPropertyName(), known)));
    }
    if (e instanceof JsonMappingException mapping) {
      return (field(mapping).isEmpty() ? "" : field(mapping) + ": ") + reason(mapping);
    }
    JsonLocation where = e.getLocation();
    // Which brackets are open says nothing that the place does not.
    String reason = e.getOriginalMessage().replaceAll(" \\(start marker at .*?\\]\\)", "");
    return "no valid JSON at line %d, column %d: %s"
        .formatted(where.getLineNr(), where.getColumnNr(), reason);
  }

  /** Records check themselves while they are read; what they say is what counts. */
  private static String reason(JsonMappingException e) {
    if (e.getCause() instanceof EngineFailure failure) {
      return failure.getMessage();
    }
    if (e.getOriginalMessage().startsWith("Missing creator property")) {
      return "is missing";
    }
    if (e.getOriginalMessage()
        .matches("Cannot construct instance of .* no .*argument construc.*")) {
      return "expected an object, got something else";
    }
    // Jackson's words without its own settings and the names of our classes.
    return e.getOriginalMessage()
        .replaceAll(" \\((?:but (?:might|could)|set Deserialization|although) .*?\\)", "")
        .replaceAll("`(?:[\\w.]*[.$])?(\\w+)(<.*?>)?`", "$1");
  }

  /** Where in the file, such as {@code training.batch}. */
  private static String field(JsonMappingException e) {
    return e.getPath().stream()
        .map(part -> part.getFieldName() == null ? "" + part.getIndex() : part.getFieldName())
        .collect(Collectors.joining("."));
  }
}
