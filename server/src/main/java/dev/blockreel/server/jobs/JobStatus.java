package dev.blockreel.server.jobs;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/** The four states of a job; a cancelled one is failed with the code {@code cancelled}. */
public enum JobStatus {
  /** Accepted, waits for its first block. */
  QUEUED,
  /** Its blocks are being generated. */
  IN_PROGRESS,
  /** Its files are whole. */
  COMPLETED,
  /** It has no files and never will. */
  FAILED;

  /** As the API calls it. */
  @JsonValue
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Whether nothing about it changes any more. */
  public boolean over() {
    return this == COMPLETED || this == FAILED;
  }
}
