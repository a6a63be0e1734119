package dev.blockreel.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blockreel.checkpoint.JsonFault;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

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
      throw new EngineFailure(FailureCode.BAD_REQUEST, file + ": " + JsonFault.describe(e), e);
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
      throw new EngineFailure(FailureCode.BAD_REQUEST, file + ": " + JsonFault.describe(e), e);
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
}
