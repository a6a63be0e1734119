package dev.blockreel.cli;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Looks at output paths before the work begins, so that no work is lost at its end. */
final class OutputFiles {
  private OutputFiles() {}

  /**
   * Fails where {@code out} could not be written later; leaves nothing behind.
   *
   * @throws EngineFailure MEDIA with the reason
   */
  static void requireWritable(Path out) {
    Path place = out.toAbsolutePath().normalize();
    if (!Files.isDirectory(place)) {
      place = place.getParent();
    }
    // Missing folders are made later, in the nearest one that exists.
    while (place != null && !Files.exists(place)) {
      place = place.getParent();
    }
    try {
      // Only trying tells: root may write where the file system may not.
      Files.delete(Files.createTempFile(place, ".blockreel", ".part"));
    } catch (IOException e) {
      String reason =
          e instanceof FileSystemException refused && refused.getReason() != null
              ? refused.getReason()
              : "permission denied";
      throw new EngineFailure(
          FailureCode.MEDIA, "cannot write %s: %s: %s".formatted(out, place, reason), e);
    }
  }

  /** The same, and the file must be named as tensors are. */
  static void requireTensors(Path out) {
    if (!isTensors(out)) {
      throw EngineFailure.badRequest("--out takes a name that ends in .safetensors: got %s", out);
    }
    if (Files.isDirectory(out)) {
      throw new EngineFailure(FailureCode.MEDIA, "cannot write %s: it is a folder".formatted(out));
    }
    requireWritable(out);
  }

  static boolean isTensors(Path path) {
    return ending(path).equals("safetensors");
  }

  /** Makes the folders above a file. */
  static void createParent(Path out) {
    try {
      Files.createDirectories(out.toAbsolutePath().getParent());
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot make the folder of %s", out);
    }
  }

  /** What follows the last dot of the name, in lower case; empty without one. */
  static String ending(Path path) {
    String name = String.valueOf(path.getFileName());
    int dot = name.lastIndexOf('.');
    return dot < 0 ? "" : name.substring(dot + 1).toLowerCase(Locale.ROOT);
  }

  /** The size of a file in words, of a folder all its files together. */
  static String size(Path path) {
    long bytes = 0;
    try (var files = Files.walk(path)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        bytes += Files.size(file);
      }
    } catch (IOException e) {
      return "of unknown size";
    }
    if (bytes < 1000) {
      return bytes + " bytes";
    }
    return bytes < 1_000_000 ? "%.1f kB".formatted(bytes / 1e3) : "%.1f MB".formatted(bytes / 1e6);
  }
}
