package dev.blockreel.server.engine;

import static java.util.Objects.requireNonNull;

import dev.blockreel.script.Dtype;
import java.nio.file.Path;

/**
 * A model to serve.
 *
 * @param name by which requests call it
 * @param directory a model directory
 * @param dtype in which numbers it computes, or null for what the device is fast at
 */
public record ModelSource(String name, Path directory, Dtype dtype) {
  public ModelSource {
    requireNonNull(name, "name is null");
    requireNonNull(directory, "directory is null");
  }
}
