package dev.blockreel.checkpoint;

import dev.blockreel.failure.AtExit;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A folder of files that belong together: they are made in a hidden folder beside its name, and
 * leave it when all are whole.
 */
public final class PartFolder implements AutoCloseable {
  private final Path path;

  /**
   * Makes the hidden folder, and those above it where they are missing.
   *
   * @param target what the folder will be called
   * @throws IOException when that is not possible
   */
  public PartFolder(Path target) throws IOException {
    path = target.toAbsolutePath().resolveSibling(PartFile.partName(target));
    PartFile.CHANGES.lock();
    try {
      Files.createDirectories(path);
      PartFile.OPEN.add(path);
    } finally {
      PartFile.CHANGES.unlock();
    }
  }

  /** Where to write: files, and no folders. */
  public Path path() {
    return path;
  }

  /**
   * Takes the files away from here, all or, where the process ends before, none.
   *
   * @throws IOException what {@code moves} throws
   */
  public void commit(AtExit.Work<IOException> moves) throws IOException {
    PartFile.CHANGES.lock();
    try {
      moves.run();
    } finally {
      PartFile.CHANGES.unlock();
    }
  }

  /**
   * Removes the hidden folder and what is still in it.
   *
   * @throws IOException when that is not possible
   */
  @Override
  public void close() throws IOException {
    PartFile.OPEN.remove(path);
    remove(path);
  }

  /** Removes a file, or a folder with its files, if it is there. */
  static void remove(Path part) throws IOException {
    if (Files.isDirectory(part)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(part)) {
        for (Path file : files) {
          Files.deleteIfExists(file);
        }
      } catch (NoSuchFileException e) {
        return; // gone meanwhile
      }
    }
    Files.deleteIfExists(part);
  }
}
