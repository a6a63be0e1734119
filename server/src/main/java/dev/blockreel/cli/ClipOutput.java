package dev.blockreel.cli;

import dev.blockreel.checkpoint.CodeTensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipCodes;
import dev.blockreel.media.ClipTensors;
import dev.blockreel.media.ClipWriter;
import dev.blockreel.media.VideoFormat;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where the clips of a command go. One clip: a file, or a folder with its frames. Several: a folder
 * with a file each, a sheet with a row each, or tensors of all. A folder is filled clip by clip,
 * sheets and tensors are written at the end.
 */
final class ClipOutput implements ClipDestination {
  /** How clips are put into files. */
  private enum Layout {
    FILE,
    FOLDER,
    SHEET,
    TENSORS
  }

  /** What files of clips in a folder are. */
  private static final String CLIP = ".mp4";

  /** What files of images in a folder are. */
  private static final String IMAGE = ".png";

  private final Path path;
  private final Layout layout;
  private final List<ClipCodes> codes = new ArrayList<>();
  private final List<Clip> clips = new ArrayList<>();

  private ClipOutput(Path path, Layout layout) {
    this.path = path;
    this.layout = layout;
  }

  /**
   * Checks a path.
   *
   * @param path a folder (no ending, or it exists), or a file whose ending tells the format
   * @param count how many clips there will be
   * @throws EngineFailure BAD_REQUEST when such a file cannot hold them; MEDIA when the path cannot
   *     be written
   */
  static ClipOutput open(Path path, int count) {
    ClipOutput output = new ClipOutput(path, layout(path, count));
    OutputFiles.requireWritable(path);
    return output;
  }

  /** One file for each clip in a folder, however many there are. */
  static ClipOutput inFolder(Path folder) {
    OutputFiles.requireWritable(folder.resolve("clip" + CLIP));
    return new ClipOutput(folder, Layout.FOLDER);
  }

  private static Layout layout(Path path, int count) {
    if (isFolder(path)) {
      return count == 1 ? Layout.FILE : Layout.FOLDER;
    }
    if (OutputFiles.isTensors(path)) {
      return Layout.TENSORS;
    }
    boolean still = VideoFormat.of(path).still();
    if (count == 1) {
      return Layout.FILE;
    }
    if (!still) {
      throw EngineFailure.badRequest(
          "%s holds one clip: for %d give --out a folder, a .png sheet or a .safetensors file",
          path, count);
    }
    return Layout.SHEET;
  }

  /** Whether a path means a folder: it is one, or its name has no ending. */
  static boolean isFolder(Path path) {
    return Files.isDirectory(path) || OutputFiles.ending(path).isEmpty();
  }

  @Override
  public Optional<Path> add(String name, ClipCodes grid, Clip clip) {
    switch (layout) {
      case FOLDER -> {
        Path file = path.resolve(name + (clip.frames() == 1 ? IMAGE : CLIP));
        ClipWriter.write(file, clip);
        return Optional.of(file);
      }
      case FILE -> {
        ClipWriter.write(path, clip);
        return Optional.of(path);
      }
      case SHEET, TENSORS -> {
        codes.add(grid);
        clips.add(clip);
        return Optional.empty();
      }
    }
    throw new AssertionError(layout);
  }

  @Override
  public Optional<Path> finish() {
    switch (layout) {
      case SHEET -> ClipWriter.writeSheet(path, clips);
      case TENSORS -> {
        SafetensorsWriter writer = CodeTensors.add(SafetensorsWriter.to(path), codes);
        ClipTensors.add(writer, clips).write();
      }
      case FILE, FOLDER -> {
        return Optional.empty();
      }
    }
    return Optional.of(path);
  }
}
