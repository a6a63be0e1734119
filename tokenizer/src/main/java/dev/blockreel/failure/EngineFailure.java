package dev.blockreel.failure;

import static java.util.Objects.requireNonNull;

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
}
