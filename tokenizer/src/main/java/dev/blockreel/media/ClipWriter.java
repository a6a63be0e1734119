package dev.blockreel.media;

import dev.blockreel.checkpoint.PartFolder;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * Writes clips to files. The ending of the name decides: {@code mp4}, {@code webm}, {@code mkv} and
 * {@code avi} (both lossless), {@code gif}, {@code webp}, {@code apng}; {@code png} and {@code jpg}
 * hold a contact sheet where the clip has several frames; {@code safetensors} holds the values
 * themselves ({@link ClipTensors}; scale is left out). A name without an ending, or a folder that
 * exists, becomes a folder of {@code frame_0000.png}, {@code frame_0001.png} and so on.
 *
 * <p>Missing folders are made. A file appears under its name only when it is whole.
 */
public final class ClipWriter {
  private ClipWriter() {}

  /**
   * Writes one clip.
   *
   * @throws EngineFailure MEDIA when the path cannot be written, BAD_REQUEST for an unknown ending,
   *     UNSUPPORTED when this build of FFmpeg lacks the encoder
   */
  public static void write(Path out, Clip clip) {
    write(out, clip, 1);
  }

  /** The same, with every pixel drawn as a square of {@code scale} x {@code scale}. */
  public static void write(Path out, Clip clip, int scale) {
    if (Files.isDirectory(out) || VideoFormat.ending(out).isEmpty()) {
      writeFolder(out, clip, scale);
      return;
    }
    if (VideoFormat.ending(out).equals(ClipReader.TENSORS)) {
      writeTensors(out, List.of(clip));
      return;
    }
    VideoFormat format = VideoFormat.of(out);
    encode(out, format, format.still() ? ContactSheet.of(clip) : clip, scale, VideoFormat.BEST);
  }

  /**
   * Writes a clip of one frame as an image.
   *
   * @param out a {@code png}, {@code jpg} or {@code webp}
   * @param quality from 0, the smallest file, to {@value VideoFormat#BEST}, the best image, which a
   *     {@code png} always is and a {@code webp} is without loss
   */
  public static void writeImage(Path out, Clip image, int quality) {
    encode(out, VideoFormat.of(out), image, 1, quality);
  }

  /**
   * Writes several clips of one size as one image: a row for each clip, or, where each clip is a
   * single image, a nearly square grid.
   *
   * @param out a {@code png} or {@code jpg}
   */
  public static void writeSheet(Path out, List<Clip> clips) {
    writeSheet(out, clips, 1);
  }

  /** The same, with every pixel drawn as a square of {@code scale} x {@code scale}. */
  public static void writeSheet(Path out, List<Clip> clips, int scale) {
    VideoFormat format = VideoFormat.of(out);
    if (!format.still()) {
      throw EngineFailure.badRequest("a sheet of clips is a png or jpg: got %s", out);
    }
    encode(out, format, ContactSheet.of(clips), scale, VideoFormat.BEST);
  }

  /**
   * Writes clips of one size and length as one {@code .safetensors} file.
   *
   * @throws EngineFailure MEDIA when the path cannot be written
   */
  public static void writeTensors(Path out, List<Clip> clips) {
    SafetensorsWriter writer = ClipTensors.add(SafetensorsWriter.to(out), clips);
    try {
      Files.createDirectories(out.toAbsolutePath().getParent());
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write %s", out);
    }
    writer.write();
  }

  private static void encode(Path out, VideoFormat format, Clip clip, int scale, int quality) {
    try (FrameEncoder encoder =
        FrameEncoder.open(out, format, clip.width(), clip.height(), clip.fps(), scale, quality)) {
      for (int t = 0; t < clip.frames(); t++) {
        encoder.add(clip, t);
      }
      encoder.finish();
    }
  }

  /** All frames are made in a part folder first, so a full disk cannot leave half a clip. */
  private static void writeFolder(Path folder, Clip clip, int scale) {
    try (PartFolder part = new PartFolder(folder)) {
      for (int t = 0; t < clip.frames(); t++) {
        write(part.path().resolve(frameName(t)), clip.slice(t, t + 1), scale);
      }
      part.commit(
          () -> {
            Files.createDirectories(folder);
            // Frames of an older, longer clip would be read as the end of this one.
            deleteFrames(folder);
            for (int t = 0; t < clip.frames(); t++) {
              Files.move(part.path().resolve(frameName(t)), folder.resolve(frameName(t)));
            }
          });
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot write the folder %s", folder);
    }
  }

  private static String frameName(int t) {
    return "frame_%04d.png".formatted(t);
  }

  private static void deleteFrames(Path folder) throws IOException {
    try (DirectoryStream<Path> frames =
        Files.newDirectoryStream(folder, "frame_[0-9][0-9][0-9][0-9]*.png")) {
      for (Path frame : frames) {
        Files.delete(frame);
      }
    }
  }
}
