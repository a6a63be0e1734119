package dev.blockreel.server.jobs;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.server.jobs.Refusal.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What is free where files go. With little left a disk counts as full: the clips that are being
 * made want to be stored too. All methods block.
 */
public final class DiskSpace {
  private static final long RESERVE = 16 << 20;

  private DiskSpace() {}

  /** Whether so many bytes may be written to the disk of a folder. */
  static boolean isThere(Path folder, long bytes) {
    try {
      return Files.getFileStore(folder).getUsableSpace() >= bytes + RESERVE;
    } catch (IOException e) {
      return true; // who cannot say is not full for sure
    }
  }

  /**
   * The same, for what cannot go on without.
   *
   * @throws Refusal DISK_FULL when they may not
   */
  public static void require(Path folder, long bytes) {
    if (!isThere(folder, bytes)) {
      throw refusal();
    }
  }

  private static Refusal refusal() {
    return new Refusal(Reason.DISK_FULL, "there is no room on the disk", 1, 0);
  }

  /** What is to be told of a failure: one of files in a folder on a full disk is a Refusal. */
  static Throwable refusedOr(Path folder, Throwable cause) {
    boolean full =
        cause instanceof EngineFailure failure
            && failure.code() == FailureCode.MEDIA
            && !isThere(folder, 0);
    return full ? refusal() : cause;
  }

  /**
   * Writes a file. Where that fails nothing of it is left.
   *
   * @param file in a folder that exists
   * @throws Refusal DISK_FULL when the disk has no room for it
   * @throws IOException when it cannot be written for another reason
   */
  public static void write(Path file, byte[] bytes) throws IOException {
    try {
      Files.write(file, bytes);
    } catch (IOException e) {
      Files.deleteIfExists(file);
      require(file.getParent(), bytes.length); // the system says why in its user's language only
      throw e;
    }
  }
}
