package dev.blockreel.cli;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blockreel.checkpoint.Nearness;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** Recipes as JSON files: every field must be there, and no other. */
final class RecipeFile {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .build();

  private RecipeFile() {}

  /**
   * Reads a recipe.
   *
   * @throws EngineFailure BAD_REQUEST, naming file and field; MEDIA when the file cannot be read
   */
  static <T> T read(Path file, Class<T> type) {
    byte[] bytes = bytes(file);
    try {
      return JSON.readValue(bytes, type);
    } catch (JsonProcessingException e) {
      throw new EngineFailure(FailureCode.BAD_REQUEST, file + ": " + describe(e), e);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", file);
    }
  }

  /**
   * What kind of model a recipe is for, its field {@code kind}.
   *
   * @param usual the kind of recipes that name none
   * @throws EngineFailure as {@link #read}
   */
  static String kind(Path file, String usual) {
    try {
      return JSON.readTree(bytes(file)).path("kind").asText(usual);
    } catch (JsonProcessingException e) {
      throw new EngineFailure(FailureCode.BAD_REQUEST, file + ": " + describe(e), e);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", file);
    }
  }

  /** For a recipe of another kind than those that can be trained. */
  static EngineFailure unknownKind(Path file, String... known) {
    return EngineFailure.badRequest(
        "%s: unknown kind \"%s\": there are %s", file, kind(file, ""), String.join(", ", known));
  }

  private static byte[] bytes(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA,
          Files.exists(file) ? "cannot read " + file : file + " does not exist",
          e);
    }
  }

  private static String describe(JsonProcessingException e) {
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
    return "no valid JSON at line %d, column %d: %s"
        .formatted(where.getLineNr(), where.getColumnNr(), e.getOriginalMessage());
  }

  /** Records check themselves while they are read; what they say is what counts. */
  private static String reason(JsonMappingException e) {
    if (e.getCause() instanceof EngineFailure failure) {
      return failure.getMessage();
    }
    if (e.getOriginalMessage().startsWith("Missing creator property")) {
      return "is missing";
    }
    // Jackson's words without its own settings and the names of our classes.
    return e.getOriginalMessage()
        .replaceAll(" \\(but might.*\\)", "")
        .replaceAll("`(?:[\\w.]*[.$])?(\\w+)(<.*?>)?`", "$1");
  }

  /** Where in the file, such as {@code training.batch}. */
  private static String field(JsonMappingException e) {
    return e.getPath().stream()
        .map(part -> part.getFieldName() == null ? "" + part.getIndex() : part.getFieldName())
        .collect(Collectors.joining("."));
  }
}
