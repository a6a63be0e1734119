package dev.blockreel.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder of clips in the layout of UCF-101: {@code CLASS/CLIP.EXT}.
 *
 * @param root the folder
 * @param classes names of the classes, sorted; their order gives the class numbers
 * @param clips all clips, sorted by class and name
 */
public record ClipFolder(Path root, List<String> classes, List<Item> clips) {
  /** A clip file and the number of its class. */
  public record Item(Path file, int label) {}

  /**
   * Lists a folder; opens no clip.
   *
   * @throws EngineFailure MEDIA when there is no such folder or no clip in it
   */
  public static ClipFolder list(Path root) {
    List<String> classes = new ArrayList<>();
    List<Item> clips = new ArrayList<>();
    try {
      for (Path folder : sorted(root)) {
        if (!Files.isDirectory(folder)) {
          continue;
        }
        List<Path> files = sorted(folder).stream().filter(Files::isRegularFile).toList();
        if (!files.isEmpty()) {
          int label = classes.size();
          classes.add(folder.getFileName().toString());
          files.forEach(file -> clips.add(new Item(file, label)));
        }
      }
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA, "cannot list " + root + ": expected a folder of CLASS/CLIP files", e);
    }
    if (clips.isEmpty()) {
      throw new EngineFailure(
          FailureCode.MEDIA, root + " holds no clips: expected CLASS/CLIP files in it");
    }
    return new ClipFolder(root, List.copyOf(classes), List.copyOf(clips));
  }

  private static List<Path> sorted(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(p -> !p.getFileName().toString().startsWith(".")).sorted().toList();
    }
  }

  /** Changes with {@code how} and with every clip that comes, goes, or is written anew. */
  String digest(String how) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(how.getBytes(UTF_8));
      for (Item clip : clips) {
        String facts =
            "\n%s\t%d\t%d\t%s"
                .formatted(
                    root.relativize(clip.file),
                    clip.label,
                    Files.size(clip.file),
                    Files.getLastModifiedTime(clip.file));
        digest.update(facts.getBytes(UTF_8));
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read the clips of %s", root);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  /** Its size in words. */
  String describe() {
    return "%d clips of %d classes".formatted(clips.size(), classes.size());
  }
}
