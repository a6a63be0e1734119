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
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Images in files whose names nobody can guess, until they expire or newer ones need their room.
 * Whatever else is in their folder stays and does not count. All methods block.
 */
public final class ImageStore {
  private static final Logger LOG = LoggerFactory.getLogger(ImageStore.class);
  private static final Duration BETWEEN_SWEEPS = Duration.ofMinutes(1);
  private static final String ID = "image_[0-9a-f]{32}";
  private static final Pattern FILE = Pattern.compile(ID + "\\.(png|jpeg|webp)");

  private final SecureRandom random = new SecureRandom();
  private final Path folder;
  private final Path drafts;
  private final Limits limits;
  private Instant nextSweep = Instant.MIN;

  /**
   * Removes the drafts that a crash left.
   *
   * @param folder made where it is missing
   * @param limits how long images stay, how many, and what they may take, as for jobs
   */
  public ImageStore(Path folder, Limits limits) {
    this.folder = folder;
    this.drafts = folder.resolve("drafts");
    this.limits = limits;
    try {
      Files.createDirectories(drafts);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot make the folder %s", folder);
    }
    try {
      for (Path draft : images(drafts)) {
        Files.deleteIfExists(draft);
      }
    } catch (IOException e) {
      LOG.warn("old drafts of images stay: {}", e.getMessage());
    }
  }

  private static List<Path> images(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> FILE.matcher(String.valueOf(file.getFileName())).matches())
          .filter(Files::isRegularFile)
          .toList();
    }
  }

  /** Whether a text looks like a name made by {@link #newId}. */
  public static boolean isId(String text) {
    return text.matches(ID);
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

  /**
   * Encodes an image; leaves no file. For the engine thread.
   *
   * @param quality as {@link ClipWriter#writeImage} takes it
   */
  byte[] encode(Clip image, String format, int quality) {
    Path file = drafts.resolve(newId() + "." + format);
    try {
      ClipWriter.writeImage(file, image, quality);
      byte[] bytes = Files.readAllBytes(file);
      Files.delete(file);
      return bytes;
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot encode an image");
    }
  }

  /** What is to be told of a failure of {@link #encode}. */
  Throwable refusedOr(Throwable cause) {
    return DiskSpace.refusedOr(drafts, cause);
  }

  private record Kept(Path file, Instant since, long bytes) {}

  /** Removes, once a minute, what has expired, and the oldest of what is too much. */
  public void sweep() {
    Instant now = Instant.now();
    if (now.isBefore(nextSweep)) {
      return;
    }
    nextSweep = now.plus(BETWEEN_SWEEPS);
    try {
      List<Kept> newest = new ArrayList<>();
      for (Path file : images(folder)) {
        newest.add(
            new Kept(file, Files.getLastModifiedTime(file).toInstant(), JobStore.size(file)));
      }
      newest.sort(Comparator.comparing(Kept::since).reversed());
      Instant oldest = now.minus(limits.keep());
      long bytes = 0;
      for (int i = 0; i < newest.size(); i++) {
        Kept kept = newest.get(i);
        bytes += kept.bytes;
        if (i >= limits.storedJobs()
            || bytes > limits.storedBytes()
            || kept.since.isBefore(oldest)) {
          Files.deleteIfExists(kept.file);
        }
      }
    } catch (IOException e) {
      LOG.warn("old images stay: {}", e.getMessage());
    }
  }
}
