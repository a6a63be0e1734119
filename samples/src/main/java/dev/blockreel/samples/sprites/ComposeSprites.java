package dev.blockreel.samples.sprites;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.media.ClipWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Composes characters from layered artwork into a folder of clips, {@code CLASS/CLASS_c00012.mkv},
 * lossless.
 *
 * <pre>
 * {@code ComposeSprites --layers DIR --out DIR --from 0 --to 1000 [--only train|test|all] [--format mkv]}
 * </pre>
 */
public final class ComposeSprites {
  private ComposeSprites() {}

  public static void main(String[] args) {
    try {
      compose(options(args));
    } catch (EngineFailure e) {
      System.err.println(e.getMessage());
      System.exit(e.code() == FailureCode.BAD_REQUEST ? 2 : 1);
    }
  }

  private static Map<String, String> options(String[] args) {
    Map<String, String> options =
        new HashMap<>(Map.of("--from", "0", "--to", "1000", "--only", "all", "--format", "mkv"));
    for (int i = 0; i < args.length; i += 2) {
      if (!List.of("--layers", "--out", "--from", "--to", "--only", "--format").contains(args[i])
          || i + 1 == args.length) {
        throw EngineFailure.badRequest(
            "unknown or incomplete option %s: expected --layers DIR --out DIR [--from N] [--to N] [--only train|test|all] [--format EXT]",
            args[i]);
      }
      options.put(args[i], args[i + 1]);
    }
    for (String required : List.of("--layers", "--out")) {
      if (!options.containsKey(required)) {
        throw EngineFailure.badRequest("%s DIR is missing", required);
      }
    }
    return options;
  }

  private static void compose(Map<String, String> options) {
    SpriteLayers layers = new SpriteLayers(Path.of(options.get("--layers")));
    Path out = Path.of(options.get("--out"));
    int from = number(options, "--from");
    int to = number(options, "--to");
    String only = options.get("--only");
    if (!List.of("train", "test", "all").contains(only)) {
      throw EngineFailure.badRequest("--only is train, test or all: got %s", only);
    }
    int made = 0;
    int kept = 0;
    for (int n = from; n < to; n++) {
      SpriteCharacter character = SpriteCharacter.of(n, layers);
      if (only.equals("test") && !character.testOnly()
          || only.equals("train") && character.testOnly()) {
        continue;
      }
      for (SpriteAction action : SpriteAction.values()) {
        for (String direction : SpriteAction.DIRECTIONS) {
          String name = action.className(direction);
          Path file =
              out.resolve(name)
                  .resolve(
                      String.format(Locale.ROOT, "%s_c%05d.%s", name, n, options.get("--format")));
          if (Files.exists(file)) {
            kept++;
            continue;
          }
          create(file.getParent());
          ClipWriter.write(file, layers.compose(character, action, direction));
          made++;
        }
      }
      System.out.printf(
          "\rcharacter %d of %d..%d: %d clips made, %d were there ", n, from, to, made, kept);
    }
    System.out.println();
  }

  private static int number(Map<String, String> options, String name) {
    try {
      return Integer.parseInt(options.get(name));
    } catch (NumberFormatException e) {
      throw EngineFailure.badRequest("%s takes a number: got %s", name, options.get(name));
    }
  }

  private static void create(Path folder) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA, "cannot make the folder " + folder + ": " + e.getMessage(), e);
    }
  }
}
