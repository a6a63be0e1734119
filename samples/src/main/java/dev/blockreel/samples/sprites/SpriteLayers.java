package dev.blockreel.samples.sprites;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The folder of layer sheets, {@code KIND/SEX/NAME.png}; each sheet is decoded once. */
final class SpriteLayers {
  private final Path folder;
  private final Map<String, List<Path>> choices = new HashMap<>();
  private final Map<Path, SpriteSheet> sheets = new HashMap<>();

  SpriteLayers(Path folder) {
    this.folder = folder;
  }

  /**
   * The sheets to choose from, by name.
   *
   * @param kind such as {@code hair}
   * @param sex {@code female} or {@code male}
   * @throws EngineFailure MEDIA when there are none
   */
  List<Path> choices(String kind, String sex) {
    return choices.computeIfAbsent(kind + "/" + sex, this::list);
  }

  private List<Path> list(String shelf) {
    Path place = folder.resolve(shelf);
    try (Stream<Path> files = Files.list(place)) {
      List<Path> found = files.filter(file -> file.toString().endsWith(".png")).sorted().toList();
      if (!found.isEmpty()) {
        return found;
      }
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA, "cannot list the sprite layers in " + place + ": is it a folder?", e);
    }
    throw new EngineFailure(FailureCode.MEDIA, "no png layers in " + place);
  }

  /** The decoded sheet of a choice. */
  SpriteSheet sheet(Path choice) {
    return sheets.computeIfAbsent(choice, SpriteSheet::new);
  }
}
