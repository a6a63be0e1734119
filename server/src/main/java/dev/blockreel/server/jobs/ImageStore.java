package dev.blockreel.server.jobs;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Images in files whose names nobody can guess, until they expire. All methods block. */
public final class ImageStore {
  private static final Logger LOG = LoggerFactory.getLogger(ImageStore.class);

  private final SecureRandom random = new SecureRandom();
  private final Path folder;
  private final Duration keep;

  /**
   * @param folder made where it is missing
   * @param keep how long images stay
   */
  public ImageStore(Path folder, Duration keep) {
    this.folder = folder;
    this.keep = keep;
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot make the folder %s", folder);
    }
  }

  /** A new name. */
  public String newId() {
    byte[] bytes = new byte[16];
    random.nextBytes(bytes);
    return "image_" + HexFormat.of().formatHex(bytes);
  }

  /**
   * The file of an image.
   *
   * @param id made by {@link #newId}
   * @param format png, jpeg or webp
   */
  public Path file(String id, String format) {
    return folder.resolve(id + "." + format);
  }

  /** Encodes an image; leaves no file. For the engine thread. */
  byte[] encode(Clip image, String format) {
    Path file = file(newId(), format);
    try {
      ClipWriter.write(file, image);
      byte[] bytes = Files.readAllBytes(file);
      Files.delete(file);
      return bytes;
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot encode an image");
    }
  }

  /** Removes what has expired. */
  public void sweep() {
    Instant oldest = Instant.now().minus(keep);
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        if (Files.getLastModifiedTime(file).toInstant().isBefore(oldest)) {
          Files.delete(file);
        }
      }
    } catch (IOException e) {
      LOG.warn("old images stay: {}", e.getMessage());
    }
  }
}
