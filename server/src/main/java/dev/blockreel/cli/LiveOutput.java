package dev.blockreel.cli;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.ClipCodes;
import dev.blockreel.media.FrameEncoder;
import dev.blockreel.media.VideoFormat;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/**
 * Clips that can be played while they are being generated: each frame is handed on as soon as it is
 * final. To the standard output, to one file, or to a file for each clip in a folder. Such a file
 * grows under its own name, so that a player can follow it; after a failure it is removed.
 */
final class LiveOutput implements ClipDestination {
  /** What stands for the standard output. */
  static final Path STANDARD = Path.of("-");

  private final Path path;
  private final PrintStream standard;
  private final VideoFormat format;
  private final Deque<Target> targets = new ArrayDeque<>();

  /** One clip on its way; opened with its first frame, which tells the size. */
  private static final class Target {
    private final Path file; // null for the standard output
    private OutputStream bytes;
    private FrameEncoder encoder;

    Target(Path file) {
      this.file = file;
    }
  }

  private LiveOutput(Path path, PrintStream standard, VideoFormat format) {
    this.path = path;
    this.standard = standard;
    this.format = format;
  }

  /**
   * Checks where frames are to go, before the work begins.
   *
   * @param path {@link #STANDARD}, a folder, or a file or pipe
   * @param count how many clips there will be
   * @param standard the standard output
   * @throws EngineFailure BAD_REQUEST for what cannot be played before it is whole; MEDIA when the
   *     path cannot be written
   */
  static LiveOutput open(Path path, int count, PrintStream standard) {
    if (path.equals(STANDARD)) {
      requireOne(path, count);
      // Java cannot tell where its output goes, but the launcher can.
      if (Boolean.getBoolean("blockreel.terminal.out")) {
        throw EngineFailure.badRequest(
            "the standard output is a terminal: pipe it on, such as to \"ffplay -\"");
      }
      return new LiveOutput(path, standard, VideoFormat.FRAGMENTED_MP4);
    }
    if (ClipOutput.isFolder(path) && !isPipe(path)) {
      OutputFiles.requireWritable(path.resolve("clip"));
      return new LiveOutput(path, standard, VideoFormat.FRAGMENTED_MP4);
    }
    requireOne(path, count);
    if (!isPipe(path)) {
      OutputFiles.requireWritable(path);
    }
    return new LiveOutput(path, standard, format(path));
  }

  private static void requireOne(Path path, int count) {
    if (count != 1) {
      throw EngineFailure.badRequest(
          "%s takes one clip at a time: for %d give --out a folder", path, count);
    }
  }

  private static VideoFormat format(Path path) {
    String ending = OutputFiles.ending(path);
    return switch (ending) {
      case "mp4", "m4s", "" -> VideoFormat.FRAGMENTED_MP4;
      case "webm" -> VideoFormat.WEBM;
      case "mkv" -> VideoFormat.MKV;
      case "mjpeg" -> VideoFormat.MJPEG;
      default ->
          throw EngineFailure.badRequest(
              "--stream writes mp4, webm, mkv or mjpeg: a .%s cannot be played before it is whole",
              ending);
    };
  }

  /** A named pipe, a device: it is written, but neither made nor removed. */
  private static boolean isPipe(Path path) {
    return Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path);
  }

  @Override
  public void begin(List<String> names) {
    for (String name : names) {
      boolean named = ClipOutput.isFolder(path) && !isPipe(path);
      targets.add(
          new Target(path.equals(STANDARD) ? null : named ? path.resolve(name + ".mp4") : path));
    }
  }

  @Override
  public void frames(List<Clip> next) {
    Iterator<Target> each = targets.iterator();
    for (Clip clip : next) {
      Target target = each.next();
      if (target.encoder == null) {
        open(target, clip);
      }
      for (int t = 0; t < clip.frames(); t++) {
        target.encoder.add(clip, t);
      }
    }
  }

  private void open(Target target, Clip clip) {
    if (target.file == null) {
      target.bytes = new CheckedStream(standard);
    } else {
      OutputFiles.createParent(target.file);
      try {
        target.bytes = Files.newOutputStream(target.file);
      } catch (IOException e) {
        throw failure(target.file, e);
      }
    }
    target.encoder =
        FrameEncoder.open(target.bytes, format, clip.width(), clip.height(), clip.fps());
  }

  /** Ends the clip that was begun first; all its frames have come. */
  @Override
  public Optional<Path> add(String name, ClipCodes codes, Clip clip) {
    Target target = targets.getFirst();
    target.encoder.finish();
    target.encoder.close();
    try {
      target.bytes.close();
    } catch (IOException e) {
      throw failure(target.file, e);
    }
    targets.removeFirst();
    return Optional.of(target.file == null ? STANDARD : target.file);
  }

  private static EngineFailure failure(Path file, IOException e) {
    return EngineFailure.media(e, "cannot write %s", file);
  }

  /** Frees everything; removes the files of clips that did not end. */
  @Override
  public void close() {
    for (Target target : targets) {
      if (target.bytes == null) {
        continue;
      }
      if (target.encoder != null) {
        target.encoder.close();
      }
      try {
        target.bytes.close();
        if (target.file != null && Files.isRegularFile(target.file)) {
          Files.delete(target.file);
        }
      } catch (IOException e) {
        throw failure(target.file, e);
      }
    }
    targets.clear();
  }

  /** A {@link PrintStream} keeps its troubles for itself; this one tells them. */
  private static final class CheckedStream extends OutputStream {
    private final PrintStream stream;

    CheckedStream(PrintStream stream) {
      this.stream = stream;
    }

    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int count) throws IOException {
      stream.write(bytes, offset, count);
      if (stream.checkError()) {
        throw new IOException("nobody reads it any more");
      }
    }

    /** Flushes; it is not ours to close. */
    @Override
    public void close() {
      stream.flush();
    }
  }
}
