package dev.blockreel.server.jobs;

import java.util.Locale;

/** A job was not taken on. */
public final class Refusal extends RuntimeException {
  /** Why. */
  public enum Reason {
    /** As many jobs wait as may. */
    QUEUE_FULL,
    /** This owner has as many jobs as it may. */
    TOO_MANY_IN_FLIGHT,
    /** The server stops. */
    SHUTTING_DOWN,
    /** What is stored reaches the limit, and none of it may go. */
    DISK_FULL,
    /** The idempotency key was used for something else. */
    IDEMPOTENCY_MISMATCH;

    /** As the API calls it. */
    public String code() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Reason reason;
  private final int retrySeconds;
  private final int queueDepth;

  Refusal(Reason reason, String message, int retrySeconds, int queueDepth) {
    super(message);
    this.reason = reason;
    this.retrySeconds = retrySeconds;
    this.queueDepth = queueDepth;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }

  /** After how many seconds another try may succeed; 1 to 120. */
  public int retrySeconds() {
    return retrySeconds;
  }

  /** How many jobs wait. */
  public int queueDepth() {
    return queueDepth;
  }
}
