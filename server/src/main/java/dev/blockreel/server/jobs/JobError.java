package dev.blockreel.server.jobs;

import static java.util.Objects.requireNonNull;

import dev.blockreel.failure.EngineFailure;

/**
 * Why a job failed.
 *
 * @param code for programs
 * @param message one line for a person
 */
public record JobError(String code, String message) {
  public JobError {
    requireNonNull(code, "code is null");
    requireNonNull(message, "message is null");
  }

  /** The user or the last viewer withdrew it. */
  public static final JobError CANCELLED = new JobError("cancelled", "the clip was cancelled");

  static final JobError WAITED_TOO_LONG =
      new JobError("deadline_exceeded", "the clip waited too long for its turn");

  static final JobError RAN_TOO_LONG =
      new JobError("deadline_exceeded", "the clip took too long to generate");

  static final JobError SHUTTING_DOWN =
      new JobError("shutting_down", "the server was shut down before the clip was done");

  static final JobError SERVER_RESTARTED =
      new JobError("server_restarted", "the server ended before the clip was made");

  static final JobError MODEL_GONE =
      new JobError("model_not_found", "its model was no longer served when it was its turn");

  static final JobError INTERNAL = new JobError("internal", "the server failed; its log says why");

  /** What the clip was to begin with cannot be used. */
  static JobError unusable(EngineFailure reference) {
    return new JobError("media", reference.getMessage());
  }

  /** What the engine said, without its own file names where it is a fault of the server. */
  static JobError of(Throwable cause) {
    if (cause instanceof Refusal refusal) {
      return new JobError(refusal.reason().code(), refusal.getMessage());
    }
    if (!(cause instanceof EngineFailure failure)) {
      return INTERNAL;
    }
    return switch (failure.code()) {
      case CANCELLED -> CANCELLED;
      case OUT_OF_MEMORY -> new JobError("out_of_memory", failure.getMessage());
      case MEDIA -> new JobError("internal", "a file of the clip could not be read or written");
      case BAD_REQUEST -> new JobError("invalid_value", failure.getMessage());
      case UNSUPPORTED -> new JobError("unsupported_parameter", failure.getMessage());
      case BUSY -> new JobError("queue_full", failure.getMessage());
      case CHECKPOINT_MISMATCH, UNSAFE_CHECKPOINT ->
          new JobError("internal", "the model could not be used");
    };
  }
}
