package dev.blockreel.checkpoint;

import static dev.blockreel.failure.FailureCode.BAD_REQUEST;
import static dev.blockreel.failure.FailureCode.CHECKPOINT_MISMATCH;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.failure.AtExit;
import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * A model on disk: {@code model.json}, which describes it, and the safetensors files that it lists
 * under {@code "files": {"NAME.safetensors": {"sha256": "…", "bytes": n}}}.
 */
public final class ModelDirectory {
  /** Name of a tokenizer's weights, of any kind. */
  public static final String TOKENIZER_FILE = "tokenizer.safetensors";

  /** Name of a generator's weights, of any kind. */
  public static final String GENERATOR_FILE = "generator.safetensors";

  /** Name of what says what the weights are. */
  public static final String DESCRIPTION_FILE = "model.json";

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  private final Path path;
  private final JsonNode description;

  private ModelDirectory(Path path, JsonNode description) {
    this.path = path;
    this.description = description;
  }

  /**
   * Finds a model: a path to a model directory, else {@code samples/models/NAME} under the
   * directory of the system property {@code blockreel.root} (default: the working directory), else
   * {@code $BLOCKREEL_HOME/models/NAME}.
   *
   * @throws EngineFailure BAD_REQUEST with the places looked in and the models found there, those
   *     with a similar name first
   */
  public static Path resolve(String nameOrPath) {
    return resolve(nameOrPath, shelves());
  }

  /** All models that {@link #resolve} finds by their name. */
  public static List<Path> found() {
    return shelves().stream().flatMap(shelf -> modelsOn(shelf).map(shelf::resolve)).toList();
  }

  private static List<Path> shelves() {
    List<Path> shelves = new ArrayList<>();
    shelves.add(Path.of(System.getProperty("blockreel.root", "")).resolve("samples/models"));
    String home = System.getenv("BLOCKREEL_HOME");
    if (home != null && !home.isBlank()) {
      shelves.add(Path.of(home).resolve("models"));
    }
    return shelves;
  }

  static Path resolve(String nameOrPath, List<Path> shelves) {
    List<Path> places = new ArrayList<>();
    try {
      places.add(Path.of(nameOrPath));
      shelves.forEach(shelf -> places.add(shelf.resolve(nameOrPath)));
    } catch (IllegalArgumentException e) {
      throw new EngineFailure(
          BAD_REQUEST, "%s is no name of a model".formatted(Quoted.of(nameOrPath)), e);
    }
    for (Path place : places) {
      if (!nameOrPath.isBlank() && Files.isRegularFile(place.resolve(DESCRIPTION_FILE))) {
        return place;
      }
    }
    List<String> found = shelves.stream().flatMap(ModelDirectory::modelsOn).distinct().toList();
    throw new EngineFailure(
        BAD_REQUEST,
        "no model %s: no %s in %s; models found: %s"
            .formatted(
                Quoted.of(nameOrPath),
                DESCRIPTION_FILE,
                String.join(", ", places.stream().map(Path::toString).distinct().toList()),
                Quoted.list(Nearness.sort(nameOrPath, found))));
  }

  private static Stream<String> modelsOn(Path shelf) {
    try (Stream<Path> entries = Files.list(shelf)) {
      return entries
          .filter(entry -> Files.isRegularFile(entry.resolve(DESCRIPTION_FILE)))
          .map(entry -> entry.getFileName().toString())
          .sorted()
          .toList()
          .stream();
    } catch (IOException e) {
      return Stream.empty();
    }
  }

  /**
   * Opens a model directory: reads the description and checks that the listed files are there and
   * have the listed sizes.
   *
   * @throws EngineFailure BAD_REQUEST when there is no {@code model.json}; CHECKPOINT_MISMATCH when
   *     it is malformed or a file does not fit it
   */
  public static ModelDirectory open(Path path) {
    Path file = path.resolve(DESCRIPTION_FILE);
    if (!Files.isRegularFile(file)) {
      throw new EngineFailure(
          BAD_REQUEST, "%s is no model directory: it has no %s".formatted(path, DESCRIPTION_FILE));
    }
    JsonNode json;
    try {
      json = JSON.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw broken(file, "is not valid JSON: " + Quoted.shortened(e.getOriginalMessage()));
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", file);
    }
    ModelDirectory directory = new ModelDirectory(path, json);
    if (!json.path("files").isObject()) {
      throw broken(file, "has no object \"files\" that lists the model's files");
    }
    for (Iterator<String> names = json.path("files").fieldNames(); names.hasNext(); ) {
      directory.checkSize(names.next());
    }
    return directory;
  }

  /** The directory. */
  public Path path() {
    return path;
  }

  /** What {@code model.json} says; not to be changed. */
  public JsonNode description() {
    return description;
  }

  /** What all its files of weights take on disk, in bytes. */
  public long weightBytes() {
    long bytes = 0;
    for (JsonNode file : description.path("files")) {
      bytes += file.path("bytes").asLong();
    }
    return bytes;
  }

  /**
   * Reads what {@code model.json} says of one part of the model.
   *
   * @param name {@code tokenizer}, {@code generator} or {@code classifier}
   * @param kind what it says under {@code kind}
   * @param type the record that it fills
   * @throws EngineFailure BAD_REQUEST when the model has no such part, or one of another kind;
   *     CHECKPOINT_MISMATCH when what it says of it makes no sense
   */
  public <T> T part(String name, String kind, Class<T> type) {
    JsonNode json = description.path(name);
    if (json.isMissingNode() || json.isNull()) {
      throw EngineFailure.badRequest("model %s has no %s: this command needs one", path, name);
    }
    String got = json.path("kind").asText(kind);
    if (!got.equals(kind)) {
      throw EngineFailure.badRequest(
          "model %s has a %s of the kind %s: one of the kind %s is needed here",
          path, name, Quoted.shortened(got), kind);
    }
    try {
      return JSON.treeToValue(json, type);
    } catch (JsonProcessingException e) {
      throw new EngineFailure(
          CHECKPOINT_MISMATCH,
          "%s/%s describes no usable %s: %s"
              .formatted(path, DESCRIPTION_FILE, name, JsonFault.describe(e)),
          e);
    }
  }

  /**
   * Opens one of the model's files.
   *
   * @param file its name, such as {@code generator.safetensors}
   * @return the tensors, to be closed by the caller
   * @throws EngineFailure CHECKPOINT_MISMATCH when {@code model.json} does not list the file or it
   *     is malformed
   */
  public TensorFile tensors(String file) {
    JsonNode files = description.path("files");
    if (!files.has(file)) {
      List<String> names = new ArrayList<>();
      files.fieldNames().forEachRemaining(names::add);
      throw broken(
          path.resolve(DESCRIPTION_FILE),
          "lists no file %s; it lists %s".formatted(Quoted.of(file), Quoted.list(names)));
    }
    return Safetensors.open(path.resolve(file));
  }

  /**
   * Compares every file with the sha256 that {@code model.json} gives; reads all of them.
   *
   * @throws EngineFailure CHECKPOINT_MISMATCH for the first file that differs
   */
  public void verify() {
    JsonNode files = description.path("files");
    for (Iterator<String> names = files.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      checkSize(name);
      Path file = path.resolve(name);
      String expected = files.path(name).path("sha256").asText();
      String got = sha256(file);
      if (!got.equalsIgnoreCase(expected)) {
        throw broken(
            file,
            "has sha256 %s, %s says %s"
                .formatted(got, DESCRIPTION_FILE, Quoted.shortened(expected)));
      }
    }
  }

  /**
   * Makes a model directory out of files that exist elsewhere; they are copied.
   *
   * @param files name in the directory → where it is now
   * @throws EngineFailure as {@link #write(Path, ObjectNode, Consumer)}
   */
  public static void write(Path directory, ObjectNode description, Map<String, Path> files) {
    write(
        directory,
        description,
        draft ->
            files.forEach(
                (name, source) -> {
                  try {
                    Files.copy(source, draft.resolve(name));
                  } catch (IOException e) {
                    throw EngineFailure.media(e, "cannot copy %s", source);
                  }
                }));
  }

  /**
   * Makes a model directory that appears under its name when it is whole. It is built in a hidden
   * directory beside that name, which is removed when anything fails or the process is told to end.
   *
   * @param directory must not exist yet, or be empty
   * @param description what {@code model.json} shall say; its {@code files} is filled in here
   * @param fill writes the model's files into the directory it is given
   * @throws EngineFailure BAD_REQUEST when {@code directory} already has contents; MEDIA when it
   *     cannot be written; what {@code fill} throws passes through
   */
  public static void write(Path directory, ObjectNode description, Consumer<Path> fill) {
    Path target = directory.toAbsolutePath().normalize();
    Path draft = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID());
    // Ctrl-C runs no finally block, and a draft may have many gigabytes.
    try {
      AtExit.guard(() -> deleteTree(draft), () -> fill(target, draft, description, fill));
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write %s", directory);
    }
  }

  private static void fill(Path target, Path draft, ObjectNode description, Consumer<Path> fill)
      throws IOException {
    try {
      if (Files.exists(target) && !isEmptyDirectory(target)) {
        throw EngineFailure.badRequest("%s already exists: name a new directory", target);
      }
      Files.createDirectories(draft);
      fill.accept(draft);
      ObjectNode json = description.deepCopy();
      describeFiles(draft, json.putObject("files"));
      Files.write(draft.resolve(DESCRIPTION_FILE), JSON.writeValueAsBytes(json));
      Files.deleteIfExists(target);
      Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      deleteTree(draft);
    }
  }

  private static void describeFiles(Path directory, ObjectNode files) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      for (Path file : entries.sorted().toList()) {
        files
            .putObject(file.getFileName().toString())
            .put("sha256", sha256(file))
            .put("bytes", Files.size(file));
      }
    }
  }

  private void checkSize(String name) {
    // A listed name must not lead out of the directory.
    if (name.isEmpty() || !name.matches("[A-Za-z0-9._-]+") || name.startsWith(".")) {
      throw broken(
          path.resolve(DESCRIPTION_FILE), "lists " + Quoted.of(name) + ", no plain file name");
    }
    JsonNode listed = description.path("files").path(name).path("bytes");
    Path file = path.resolve(name);
    if (!Files.isRegularFile(file)) {
      throw broken(file, "is missing, %s lists it".formatted(DESCRIPTION_FILE));
    }
    try {
      if (!listed.isIntegralNumber() || Files.size(file) != listed.asLong()) {
        throw broken(
            file,
            "has %d bytes, %s says %s"
                .formatted(
                    Files.size(file),
                    DESCRIPTION_FILE,
                    listed.isMissingNode() ? "nothing" : listed));
      }
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", file);
    }
  }

  /**
   * The sha256 of a file, in lower-case hexadecimal digits; reads all of it.
   *
   * @throws EngineFailure MEDIA when it cannot be read
   */
  public static String sha256(Path file) {
    try (InputStream in = Files.newInputStream(file);
        DigestInputStream digest =
            new DigestInputStream(in, MessageDigest.getInstance("SHA-256"))) {
      byte[] buffer = new byte[1 << 20];
      while (digest.read(buffer) >= 0) {
        // Reading feeds the digest.
      }
      return HexFormat.of().formatHex(digest.getMessageDigest().digest());
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", file);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }

  private static boolean isEmptyDirectory(Path path) throws IOException {
    if (!Files.isDirectory(path)) {
      return false;
    }
    try (Stream<Path> entries = Files.list(path)) {
      return entries.findAny().isEmpty();
    }
  }

  private static void deleteTree(Path root) {
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(root)) {
      for (Path entry : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(entry);
      }
    } catch (IOException | UncheckedIOException e) {
      // The failure that led here is the one to report.
    }
  }

  private static EngineFailure broken(Path file, String why) {
    return new EngineFailure(CHECKPOINT_MISMATCH, file + " " + why);
  }
}
