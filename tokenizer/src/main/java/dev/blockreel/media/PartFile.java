package dev.blockreel.media;

import static dev.blockreel.media.FfmpegLibrary.media;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/** A file that is written beside its name and gets the name only when whole. */
final class PartFile implements AutoCloseable {
  private final Path target;
  private final Path part;

  /**
   * Makes the folder where it is missing, and an empty part file in it.
   *
   * @throws dev.blockreel.failure.EngineFailure MEDIA when that is not possible
   */
  PartFile(Path target) {
    this.target = target;
    Path folder = target.toAbsolutePath().getParent();
    if (folder == null || Files.isDirectory(target)) {
      throw media("cannot write %s: it is a folder", target);
    }
    try {
      Files.createDirectories(folder);
      part = Files.createFile(folder.resolve(partName(target)));
    } catch (IOException e) {
      throw media("cannot write %s: %s", target, reason(e));
    }
  }

  /** Where to write. */
  Path part() {
    return part;
  }

  /** Gives the file its name, over any older file of that name. */
  void commit() {
    try {
      Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw media("cannot write %s: %s", target, reason(e));
    }
  }

  /** Removes what was written, unless it was committed. */
  @Override
  public void close() {
    try {
      Files.deleteIfExists(part);
    } catch (IOException e) {
      throw media("cannot remove %s: %s", part, reason(e));
    }
  }

  /** A hidden name beside {@code target} that no other writer uses. */
  static String partName(Path target) {
    return "." + target.getFileName() + "." + Long.toHexString(System.nanoTime()) + ".part";
  }

  /** What an I/O error means, in words: Java's own messages are often only the path. */
  static String reason(IOException e) {
    if (e instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (e instanceof NoSuchFileException) {
      return "no such file or folder";
    }
    if (e instanceof FileAlreadyExistsException exists) {
      return exists.getFile() + " is in the way";
    }
    if (e instanceof DirectoryNotEmptyException) {
      return "a folder of that name is not empty";
    }
    if (e instanceof FileSystemException system && system.getReason() != null) {
      return system.getReason();
    }
    return String.valueOf(e.getMessage());
  }
}
