package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/** A file that is written beside its name and gets the name only when whole. */
public final class PartFile implements AutoCloseable {
  private final Path target;
  private final Path part;

  /**
   * Makes the folder where it is missing, and an empty part file in it.
   *
   * @throws EngineFailure MEDIA when that is not possible
   */
  public PartFile(Path target) {
    this.target = target;
    Path folder = target.toAbsolutePath().getParent();
    if (folder == null || Files.isDirectory(target)) {
      throw new EngineFailure(
          FailureCode.MEDIA, "cannot write %s: it is a folder".formatted(target));
    }
    try {
      Files.createDirectories(folder);
      part = Files.createFile(folder.resolve(partName(target)));
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write %s", target);
    }
  }

  /**
   * Writes a whole text file, UTF-8.
   *
   * @throws EngineFailure MEDIA when that is not possible
   */
  public static void write(Path target, String text) {
    try (PartFile file = new PartFile(target)) {
      Files.writeString(file.part, text);
      file.commit();
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write %s", target);
    }
  }

  /** Where to write. */
  public Path part() {
    return part;
  }

  /**
   * Gives the file its name, over any older file of that name.
   *
   * @throws EngineFailure MEDIA when that is not possible
   */
  public void commit() {
    try {
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write %s", target);
    }
  }

  /** Removes what was written, unless it was committed. */
  @Override
  public void close() {
    try {
      Files.deleteIfExists(part);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot remove %s", part);
    }
  }

  /** A hidden name beside {@code target} that no other writer uses. */
  public static String partName(Path target) {
    return "." + target.getFileName() + "." + UUID.randomUUID() + ".part";
  }
}
