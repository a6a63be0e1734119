package dev.blockreel.server.http;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.server.jobs.DiskSpace;
import dev.blockreel.server.jobs.Refusal;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Media that clients send, in files that the server names. What they are is told by their first
 * bytes, never by a client's word or file name.
 */
final class Uploads {
  private static final String FIELD = "input_reference";
  private static final int TELLING_BYTES = 16;

  /** What {@link #save} and Vert.x call a file. */
  private static final Pattern FILE = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  private final Vertx vertx;
  private final Path folder;

  /**
   * Removes what an earlier server left half-way; blocks.
   *
   * @param folder exists; what is there beside uploads stays
   * @throws EngineFailure MEDIA when it cannot be read, or an upload not be removed
   */
  Uploads(Vertx vertx, Path folder) {
    this.vertx = vertx;
    this.folder = folder;
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(Uploads::isUpload).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot use the folder %s", folder);
    }
  }

  private static boolean isUpload(Path file) {
    return FILE.matcher(String.valueOf(file.getFileName())).matches() && Files.isRegularFile(file);
  }

  /**
   * Fails with a {@link Refusal} where the disk has no room for so many bytes. Uploaded files are
   * written by Vert.x, which never answers a form whose file it cannot write.
   */
  Future<Void> requireRoom(long bytes) {
    return vertx.executeBlocking(
        () -> {
          DiskSpace.require(folder, bytes);
          return null;
        });
  }

  /** Checks an uploaded file; completes with it. */
  Future<Path> check(Path file) {
    return vertx
        .fileSystem()
        .open(file.toString(), new io.vertx.core.file.OpenOptions().setRead(true))
        .compose(
            open ->
                open.read(Buffer.buffer(TELLING_BYTES), 0, 0, TELLING_BYTES)
                    .eventually(() -> open.close()))
        .map(
            head -> {
              requireMedia(head, FIELD);
              return file;
            });
  }

  /**
   * Writes the content of a data address to a file; fails, and leaves none, with an {@link
   * ApiFailure} where it is no media and as {@link DiskSpace#write} does where it cannot be
   * written.
   */
  Future<Path> save(String dataUrl) {
    String param = FIELD + ".image_url";
    int comma = dataUrl.indexOf(',');
    if (comma < 0 || !dataUrl.substring(0, comma).endsWith(";base64")) {
      throw ApiFailure.badRequest(
          "invalid_media", param, "a data address looks like data:image/png;base64,...");
    }
    // Megabytes of text: not on the event loop.
    return vertx.executeBlocking(
        () -> {
          Path file = folder.resolve(UUID.randomUUID().toString());
          DiskSpace.write(file, media(dataUrl.substring(comma + 1), param));
          return file;
        });
  }

  private static byte[] media(String base64, String param) {
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(base64);
    } catch (IllegalArgumentException e) {
      throw ApiFailure.badRequest("invalid_media", param, "the data address is no valid base64");
    }
    requireMedia(Buffer.buffer(bytes), param);
    return bytes;
  }

  private static void requireMedia(Buffer head, String param) {
    if (!isMedia(head)) {
      throw ApiFailure.badRequest(
          "invalid_media",
          param,
          "the reference must be png, jpeg, webp, gif, bmp, mp4, webm, mkv or avi: its content is"
              + " none of them");
    }
  }

  private static boolean isMedia(Buffer head) {
    if (head.length() < TELLING_BYTES) {
      return false;
    }
    String text = head.getString(0, TELLING_BYTES, StandardCharsets.ISO_8859_1.name());
    return text.startsWith("\u0089PNG\r\n\u001a\n")
        || text.startsWith("\u00ff\u00d8\u00ff")
        || text.startsWith("GIF87a")
        || text.startsWith("GIF89a")
        || text.startsWith("BM")
        || text.startsWith("\u001aE\u00df\u00a3")
        || text.startsWith("ftyp", 4)
        || text.startsWith("RIFF") && (text.startsWith("WEBP", 8) || text.startsWith("AVI ", 8));
  }
}
