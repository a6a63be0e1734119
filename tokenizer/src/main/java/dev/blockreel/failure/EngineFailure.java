package dev.blockreel.failure;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/**
 * The one exception of the engine: a code to act on and a line to read. The message says what was
 * got, what was expected and where (file, tensor, option), in one line and without a class name.
 */
public final class EngineFailure extends RuntimeException {
  private final FailureCode code;

  /**
   * @param code what went wrong
   * @param message one line: got, expected, where
   */
  public EngineFailure(FailureCode code, String message) {
    this(code, message, null);
  }

  /**
   * @param code what went wrong
   * @param message one line: got, expected, where
   * @param cause the error that led here, or null
   */
  public EngineFailure(FailureCode code, String message, Throwable cause) {
    super(message, cause);
    this.code = requireNonNull(code, "code is null");
  }

  /** The code. */
  public FailureCode code() {
    return code;
  }

  /** A {@link FailureCode#BAD_REQUEST} whose message is {@code format} filled in. */
  public static EngineFailure badRequest(String format, Object... values) {
    return new EngineFailure(FailureCode.BAD_REQUEST, String.format(format, values));
  }

  /** A {@link FailureCode#MEDIA}: {@code format} filled in, and why in words. */
  public static EngineFailure media(IOException cause, String format, Object... values) {
    return new EngineFailure(
        FailureCode.MEDIA, String.format(format, values) + ": " + reason(cause), cause);
  }

  /** What an I/O error means: Java's own messages are often only the path. */
  private static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "no such file or directory";
    }
    if (!(e instanceof FileSystemException system)) {
      return String.valueOf(e.getMessage());
    }
    if (system.getReason() != null) {
      return system.getReason();
    }
    if (e instanceof FileAlreadyExistsException) {
      return system.getFile() + " is in the way";
    }
    return switch (e.getClass().getSimpleName()) {
      case "AccessDeniedException" -> "permission denied";
      case "DirectoryNotEmptyException" -> "a folder of that name is not empty";
      default -> "the file system refused";
    };
  }
}
