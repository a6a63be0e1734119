package dev.blockreel.cli;

import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipCodes;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Where the clips of a command go: whole ({@link ClipOutput}), or as they grow (LiveOutput). */
interface ClipDestination extends AutoCloseable {
  /**
   * Clips begin that are made together.
   *
   * @param names of their files in a folder, without ending
   */
  default void begin(List<String> names) {}

  /** The next frames of each of them exist. */
  default void frames(List<Clip> next) {}

  /**
   * Takes a clip that is whole.
   *
   * @param name of its file in a folder, without ending
   * @return what was written, where that happens at once
   */
  Optional<Path> add(String name, ClipCodes codes, Clip clip);

  /** Writes what was kept for the end; returns the file, if there was any. */
  default Optional<Path> finish() {
    return Optional.empty();
  }

  /** Removes what was begun and not finished. */
  @Override
  default void close() {}
}
