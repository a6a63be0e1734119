package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/** A file that is written beside its name and gets the name only when whole. */
public final class PartFile implements AutoCloseable {
  /** Parts of all files and folders that are not whole yet. */
  static final Set<Path> OPEN = ConcurrentHashMap.newKeySet();

  /** Held while a part begins or gets its name, and for good once the process ends. */
  static final Lock CHANGES = new ReentrantLock();

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
    CHANGES.lock();
    try {
      Files.createDirectories(folder);
      part = Files.createFile(folder.resolve(partName(target)));
      OPEN.add(part);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write %s", target);
    } finally {
      CHANGES.unlock();
    }
  }

  /**
   * Removes the parts of all files and folders, and lets none begin or become whole any more:
   * whoever tries waits. For who ends the process, which runs no {@link #close}.
   */
  public static void end() {
    CHANGES.lock();
    for (Path part : OPEN) {
      try {
        PartFolder.remove(part);
      } catch (IOException e) {
        // Nobody is left who could do more about it.
      }
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
    CHANGES.lock();
    try {
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      OPEN.remove(part);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write %s", target);
    } finally {
      CHANGES.unlock();
    }
  }

  /** Removes what was written, unless it was committed. */
  @Override
  public void close() {
    OPEN.remove(part);
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
