package dev.blockreel.cli;

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
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA,
          Files.exists(file) ? "cannot read " + file : file + " does not exist",
          e);
    }
    try {
      return JSON.readValue(bytes, type);
    } catch (UnrecognizedPropertyException e) {
      List<String> known = e.getKnownPropertyIds().stream().map(String::valueOf).toList();
      throw wrong(
          file,
          "unknown field \"%s\", near are %s"
              .formatted(field(e), String.join(", ", Nearness.sort(e.getPropertyName(), known))),
          e);
    } catch (JsonMappingException e) {
      String where = field(e).isEmpty() ? "" : field(e) + ": ";
      throw wrong(file, where + reason(e), e);
    } catch (JsonProcessingException e) {
      throw wrong(
          file,
          "no valid JSON at line %d, column %d: %s"
              .formatted(
                  e.getLocation().getLineNr(),
                  e.getLocation().getColumnNr(),
                  e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new EngineFailure(FailureCode.MEDIA, "cannot read " + file, e);
    }
  }

  /** Records check themselves while they are read; what they say is what counts. */
  private static String reason(JsonMappingException e) {
    return e.getCause() instanceof EngineFailure failure
        ? failure.getMessage()
        : e.getOriginalMessage()
            .replaceAll("`[\\w.$]*?(\\w+)`", "$1")
            .replaceAll(" \\(index \\d+\\)", "");
  }

  /** Where in the file, such as {@code training.batch}. */
  private static String field(JsonMappingException e) {
    return e.getPath().stream()
        .map(part -> part.getFieldName() == null ? "" + part.getIndex() : part.getFieldName())
        .collect(Collectors.joining("."));
  }

  private static EngineFailure wrong(Path file, String what, Exception cause) {
    return new EngineFailure(FailureCode.BAD_REQUEST, file + ": " + what, cause);
  }
}
