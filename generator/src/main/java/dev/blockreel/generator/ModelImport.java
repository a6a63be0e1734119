package dev.blockreel.generator;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpImport;
import dev.blockreel.generator.nbp.UcfClasses;
import dev.blockreel.nn.PublishedNetwork;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import dev.blockreel.tokenizer.magvit2.Magvit2Import;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import dev.blockreel.tokenizer.text.TextTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Makes a model directory out of the files that a model's authors published. Files are read as
 * data, tensor by tensor: nothing in them is run, and memory does not grow with them. The directory
 * appears when it is whole.
 *
 * <p>{@code model.json} holds, beside the sizes: {@code classes}, {@code conditions} (for
 * text-conditioned models the condition ids of each class), {@code sampling} as in the authors'
 * scripts, and under {@code imported} name, size and sha256 of each published file.
 *
 * @param tokenizer the tokenizer's file, or null
 * @param generator the generator's file, or null
 * @param texts the {@code tokenizer.json} of a text-conditioned generator's texts, which is copied,
 *     or null
 * @param grid latent frames, rows and columns of a clip, or null for what the files say
 * @param codes size of the codebook where no tokenizer is given, or 0
 * @param levels FSQ levels of the tokenizer, or an empty list for the published ones
 * @param hyperParameters what the generator's file does not say, by its published name
 * @param type BF16, F16 or F32: how weights are stored
 */
public record ModelImport(
    Path tokenizer,
    Path generator,
    Path texts,
    Grid grid,
    int codes,
    List<Integer> levels,
    Map<String, String> hyperParameters,
    ElementType type) {
  private static final String ATTRIBUTION =
      "Next Block Prediction (arXiv 2502.07737), weights as published by its authors";

  /**
   * Size of a clip in tokens.
   *
   * @param time latent frames
   * @param height rows
   * @param width columns
   */
  public record Grid(int time, int height, int width) {
    /**
     * Reads {@code TxHxW}.
     *
     * @throws EngineFailure BAD_REQUEST when it is something else
     */
    public static Grid parse(String text) {
      if (!text.matches("[1-9]\\d{0,3}x[1-9]\\d{0,3}x[1-9]\\d{0,3}")) {
        throw EngineFailure.badRequest(
            "a grid is TxHxW, such as 5x16x16: got \"%s\"", text.replaceAll("\\p{Cntrl}", "?"));
      }
      List<Integer> sizes = List.of(text.split("x", -1)).stream().map(Integer::valueOf).toList();
      return new Grid(sizes.get(0), sizes.get(1), sizes.get(2));
    }
  }

  /** Checks that there is something to import. */
  public ModelImport {
    levels = List.copyOf(levels);
    hyperParameters = Map.copyOf(hyperParameters);
    if (tokenizer == null && generator == null) {
      throw EngineFailure.badRequest("nothing to import: give --tokenizer, --generator or both");
    }
    if (codes < 0) {
      throw EngineFailure.badRequest("a codebook of %d codes: expected a size above 0", codes);
    }
    if (!type.isFloat()) {
      throw EngineFailure.badRequest("weights are stored as floats, not as %s", type);
    }
  }

  /**
   * Imports.
   *
   * @param out the model directory to make; must not exist yet, or be empty
   * @throws EngineFailure CHECKPOINT_MISMATCH when a file does not hold what it should, or the two
   *     do not fit together; UNSAFE_CHECKPOINT when one is built to harm; BAD_REQUEST when
   *     something must be given that the files do not say; UNSUPPORTED for layouts that were never
   *     published; MEDIA when something cannot be read or written. Nothing is left behind then.
   */
  public void to(Path out) {
    refuseOwn(tokenizer);
    refuseOwn(generator);
    try (PublishedModel files = open()) {
      ObjectNode json = files.description();
      ObjectNode imported = json.putObject("imported");
      describeFile(imported, "tokenizer", tokenizer);
      describeFile(imported, "generator", generator);
      ModelDirectory.write(
          out,
          json,
          draft -> {
            files.write(draft, type);
            if (texts != null) {
              copyTexts(draft.resolve(TextTokenizer.FILE));
            }
          });
    }
  }

  /**
   * Our own files keep what no tensor shows, such as groups, in the {@code model.json} beside them.
   */
  private static void refuseOwn(Path file) {
    if (file == null) {
      return;
    }
    String name = String.valueOf(file.getFileName());
    boolean part =
        name.equals(ModelDirectory.TOKENIZER_FILE) || name.equals(ModelDirectory.GENERATOR_FILE);
    Path folder = file.toAbsolutePath().getParent();
    if (part && Files.exists(folder.resolve(ModelDirectory.DESCRIPTION_FILE))) {
      throw EngineFailure.badRequest(
          "%s is part of the model directory %s: use that with --model; import takes published files",
          file, folder);
    }
  }

  private PublishedModel open() {
    if (VarModelImport.recognises(tokenizer, generator)) {
      refuseSizes("VAR");
      return VarModelImport.open(tokenizer, generator, hyperParameters);
    }
    if (XarModelImport.recognises(tokenizer, generator)) {
      refuseSizes("xAR");
      if (!hyperParameters.isEmpty()) {
        throw EngineFailure.badRequest("the files of xAR say all: leave --hyper out");
      }
      return XarModelImport.open(tokenizer, generator);
    }
    return openNbp();
  }

  private void refuseSizes(String family) {
    if (texts != null || grid != null || codes != 0 || !levels.isEmpty()) {
      throw EngineFailure.badRequest(
          "the files of %s say all sizes: leave --text-tokenizer, --grid, --codes and --levels out",
          family);
    }
  }

  private PublishedModel openNbp() {
    refuseUnused();
    PublishedNetwork<Magvit2Config> first =
        tokenizer == null ? null : Magvit2Import.open(tokenizer, levels);
    NbpImport second = null;
    try {
      int known = first == null ? codes : first.config().codebookSize();
      second = generator == null ? null : NbpImport.open(generator, hyperParameters, known);
      return model(describe(first, second), first, second);
    } catch (RuntimeException e) {
      model(null, first, second).close();
      throw e;
    }
  }

  private void refuseUnused() {
    if (tokenizer != null && codes != 0) {
      throw EngineFailure.badRequest("the tokenizer says how many codes it has: leave --codes out");
    }
    if (tokenizer == null && !levels.isEmpty()) {
      throw EngineFailure.badRequest("--levels are those of a tokenizer: give --tokenizer too");
    }
    if (generator == null && texts != null) {
      throw EngineFailure.badRequest("--text-tokenizer is for a generator: give --generator too");
    }
  }

  private static PublishedModel model(
      ObjectNode json, PublishedNetwork<Magvit2Config> first, NbpImport second) {
    return new PublishedModel(json, first, second == null ? null : second.network());
  }

  private void copyTexts(Path target) {
    TextTokenizer.open(texts).close(); // fails where it is none
    try {
      Files.copy(texts, target);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot copy %s", texts);
    }
  }

  private ObjectNode describe(PublishedNetwork<Magvit2Config> first, NbpImport second) {
    Magvit2Config sizes = first == null ? Magvit2Config.OFFICIAL : first.config();
    NbpGenerator.Description clip = second == null ? null : clip(second, sizes);
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (first != null) {
      Grid shape = clip == null ? grid : new Grid(clip.time(), clip.height(), clip.width());
      if (shape == null) {
        shape = new Grid(5, 16, 16);
      }
      int factor = sizes.spaceFactor();
      json =
          Magvit2Tokenizer.describe(
              sizes,
              sizes.frames(shape.time),
              shape.height * factor,
              shape.width * factor,
              second == null ? 8 : second.fps());
    }
    if (second != null) {
      NbpGenerator.describe(json, clip);
      describeClasses(json, second);
      json.putObject("sampling").put("temperature", 1.0).put("topK", 16_000).put("topP", 0.9);
    }
    return json.put("attribution", ATTRIBUTION);
  }

  private NbpGenerator.Description clip(NbpImport opened, Magvit2Config sizes) {
    try {
      return grid == null
          ? opened.description(sizes)
          : opened.description(grid.time, grid.height, grid.width);
    } catch (EngineFailure e) {
      throw EngineFailure.badRequest("%s: %s; give --grid TxHxW", generator, e.getMessage());
    }
  }

  private static void describeClasses(ObjectNode json, NbpImport opened) {
    NbpConfig network = opened.config();
    if (network.conditionTokens() >= UcfClasses.TOKENS
        && network.conditionVocabulary() == UcfClasses.VOCABULARY) {
      ArrayNode classes = json.putArray("classes");
      ArrayNode conditions = json.putArray("conditions");
      for (UcfClasses.UcfClass ucf : UcfClasses.all()) {
        classes.add(ucf.name());
        conditions.add(
            new ObjectMapper().<ArrayNode>valueToTree(ucf.ids(network.conditionTokens())));
      }
    }
  }

  private static void describeFile(ObjectNode imported, String half, Path file) {
    if (file == null) {
      return;
    }
    try {
      imported
          .putObject(half)
          .put("file", file.getFileName().toString())
          .put("bytes", Files.size(file))
          .put("sha256", ModelDirectory.sha256(file));
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", file);
    }
  }
}
