package dev.blockreel.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blockreel.checkpoint.JsonFault;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.sampler.SamplingOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A manifest of clips to render: a JSON object a line. */
final class RenderManifest {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .build();

  private RenderManifest() {}

  /**
   * One clip; whatever is absent is as the command line or the model says.
   *
   * @param name of its files, without ending; absent for the number of its line
   * @param label class, a name or a number
   * @param prompt a text in place of a class
   * @param seed of the clip; absent for the number of its line, so that lines differ
   * @param temperature 0 takes the likeliest token
   * @param topK how many of the likeliest tokens stay
   * @param topP how much probability stays
   * @param cfg strength of guidance
   * @param condition a clip or tokens to continue; a path from where the command runs
   * @param conditionFrames how many frames of it to take
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Entry(
      String name,
      @JsonProperty("class") String label,
      String prompt,
      Long seed,
      Double temperature,
      Integer topK,
      Double topP,
      Double cfg,
      String condition,
      Integer conditionFrames) {
    /** The entry of line {@code number} with its name and seed. */
    Entry numbered(int number) {
      return new Entry(
          name == null ? "%05d".formatted(number) : name,
          label,
          prompt,
          seed == null ? Long.valueOf(number) : seed,
          temperature,
          topK,
          topP,
          cfg,
          condition,
          conditionFrames);
    }

    /** Its own options over those of the command. */
    SamplingOptions over(SamplingOptions usual) {
      return new SamplingOptions(
          temperature == null ? usual.temperature() : temperature,
          topK == null ? usual.topK() : topK,
          topP == null ? usual.topP() : topP,
          cfg == null ? usual.cfg() : cfg,
          usual.scaleCfg(),
          usual.flow());
    }
  }

  /**
   * Reads a manifest; blank lines are left out, but counted.
   *
   * @throws EngineFailure BAD_REQUEST, naming the line; MEDIA when the file cannot be read
   */
  static List<Entry> read(Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA,
          Files.exists(file) ? "cannot read " + file : file + " does not exist",
          e);
    }
    List<Entry> entries = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).isBlank()) {
        continue;
      }
      Entry entry = entry(file, i + 1, lines.get(i)).numbered(i + 1);
      if (!entry.name().matches("[A-Za-z0-9_-][A-Za-z0-9._-]*")) {
        throw wrong(file, i + 1, "the name \"%s\" is no plain file name".formatted(entry.name()));
      }
      if (!names.add(entry.name())) {
        throw wrong(file, i + 1, "the name \"%s\" is taken".formatted(entry.name()));
      }
      entries.add(entry);
    }
    if (entries.isEmpty()) {
      throw EngineFailure.badRequest("%s holds no clips: expected a JSON object a line", file);
    }
    return entries;
  }

  private static Entry entry(Path file, int line, String text) {
    try {
      Entry entry = JSON.readValue(text, Entry.class);
      if (entry == null) {
        throw wrong(file, line, "expected a JSON object");
      }
      return entry;
    } catch (JsonProcessingException e) {
      throw wrong(file, line, JsonFault.describe(e).replaceFirst("at line 1, ", "at "));
    }
  }

  private static EngineFailure wrong(Path file, int line, String why) {
    return EngineFailure.badRequest("%s, line %d: %s", file, line, why);
  }
}
