package dev.blockreel.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.JsonFault;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/** Recipes as JSON files: every field must be there, and no other but {@code kind}. */
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

  /** What recipes can do without; of all other fields, null is a mistake. */
  private static final Set<String> OPTIONAL =
      Set.of("initial", "trainFrames", "teacher", "licence", "attribution");

  private RecipeFile() {}

  /**
   * Reads a recipe.
   *
   * @throws EngineFailure BAD_REQUEST, naming file and field; MEDIA when the file cannot be read
   */
  static <T> T read(Path file, Class<T> type) {
    return read(file, type, tree(file));
  }

  /**
   * As {@link #read(Path, Class)}, for a kind of recipe that need not say which it is.
   *
   * @param kind what it may say
   */
  static <T> T read(Path file, Class<T> type, String kind) {
    ObjectNode recipe = tree(file);
    if (recipe.path("kind").asText().equals(kind)) {
      recipe.remove("kind");
    }
    return read(file, type, recipe);
  }

  private static <T> T read(Path file, Class<T> type, JsonNode recipe) {
    requireValues(file, "", recipe);
    try {
      return JSON.treeToValue(recipe, type);
    } catch (JsonProcessingException e) {
      throw broken(file, e);
    }
  }

  private static void requireValues(Path file, String field, JsonNode value) {
    boolean optional = OPTIONAL.contains(field.substring(field.lastIndexOf('.') + 1));
    if ((value.isNull() && !optional)
        || (value.isNumber() && Double.isInfinite(value.doubleValue()))) {
      throw EngineFailure.badRequest(
          "%s: %s: %s", file, field, value.isNull() ? "must not be null" : "is too large");
    }
    for (Map.Entry<String, JsonNode> one : value.properties()) {
      requireValues(
          file, field.isEmpty() ? one.getKey() : field + "." + one.getKey(), one.getValue());
    }
    if (value.isArray()) {
      value.forEach(element -> requireValues(file, field, element));
    }
  }

  private static ObjectNode tree(Path file) {
    try {
      if (JSON.readTree(bytes(file)) instanceof ObjectNode recipe) {
        return recipe;
      }
      throw EngineFailure.badRequest("%s: a recipe is a JSON object, { … }", file);
    } catch (JsonProcessingException e) {
      throw broken(file, e);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", file);
    }
  }

  private static EngineFailure broken(Path file, JsonProcessingException e) {
    return new EngineFailure(FailureCode.BAD_REQUEST, file + ": " + JsonFault.describe(e), e);
  }

  /**
   * What kind of model a recipe is for, its field {@code kind}.
   *
   * @param usual the kind of recipes that name none
   * @throws EngineFailure as {@link #read}
   */
  static String kind(Path file, String usual) {
    return tree(file).path("kind").asText(usual);
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
