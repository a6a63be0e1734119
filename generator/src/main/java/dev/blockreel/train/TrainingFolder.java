package dev.blockreel.train;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;

/**
 * The folder that a training writes to. Two trainings would mix their logs and states, so only one
 * has it open at a time; it is free again when closed, or when the process ends.
 */
final class TrainingFolder implements AutoCloseable {
  private static final String LOCK = "lock";

  private final Path path;
  private final FileChannel lock;
  private final boolean made; // by this, so that nobody else misses it

  private TrainingFolder(Path path, FileChannel lock, boolean made) {
    this.path = path;
    this.lock = lock;
    this.made = made;
  }

  /**
   * Fails where a training cannot begin or go on, before anything costs time or is written.
   *
   * @throws EngineFailure BAD_REQUEST when there is nothing to resume, something that would be
   *     written over, or a state of another training
   */
  static void require(Path path, boolean resume, TrainingFacts facts) {
    Path state = state(path);
    if (resume != Files.exists(state)) {
      throw EngineFailure.badRequest(
          resume
              ? "nothing to resume: there is no %s"
              : "%s exists: give --resume to go on, or another --out",
          state);
    }
    if (resume) {
      try (TensorFile kept = Safetensors.open(state)) {
        facts.refuseChange(state, kept.metadata());
      }
    }
  }

  /**
   * Makes the folder, where there is none, and keeps others out.
   *
   * @throws EngineFailure BAD_REQUEST when another training has it; MEDIA when it cannot be used
   */
  static TrainingFolder open(Path path) {
    try {
      boolean made = Files.notExists(path);
      Files.createDirectories(path.resolve("previews"));
      FileChannel lock =
          FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      try {
        if (lock.tryLock() != null) {
          return new TrainingFolder(path, lock, made);
        }
      } catch (OverlappingFileLockException e) {
        // One in this process has it.
      }
      lock.close();
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot use the folder %s", path);
    }
    throw EngineFailure.badRequest("%s is in use by another training", path);
  }

  /** The folder itself. */
  Path path() {
    return path;
  }

  /** Everything needed to go on. */
  Path state() {
    return state(path);
  }

  private static Path state(Path path) {
    return path.resolve("state.safetensors");
  }

  /** A sample picture. */
  Path preview(String name) {
    return path.resolve("previews").resolve(name);
  }

  /** What comes of the training. */
  Path model() {
    return path.resolve("model");
  }

  /** Leaves nothing behind where nothing was written. */
  @Override
  public void close() {
    try {
      deleteIfEmpty(path.resolve("previews"));
      if (holdsNoMoreThanTheLock()) {
        Files.deleteIfExists(path.resolve(LOCK));
        if (made) {
          Files.delete(path);
        }
      }
      lock.close();
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot use the folder %s", path);
    }
  }

  private static void deleteIfEmpty(Path folder) throws IOException {
    try {
      Files.deleteIfExists(folder);
    } catch (DirectoryNotEmptyException e) {
      // It holds what was made.
    }
  }

  private boolean holdsNoMoreThanTheLock() throws IOException {
    try (Stream<Path> all = Files.list(path)) {
      return all.allMatch(one -> one.endsWith(LOCK));
    }
  }
}
