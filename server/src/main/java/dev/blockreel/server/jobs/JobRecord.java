package dev.blockreel.server.jobs;

import static java.util.Objects.requireNonNull;

/**
 * What is known about a job and kept on disk. Times are milliseconds since 1970.
 *
 * @param id made by the server
 * @param owner who asked: a fingerprint of the API key, never the key
 * @param idempotency the client's own name for the request, or null
 * @param session whether it belongs to a live session and ends with it
 * @param request what to make
 * @param status state
 * @param error why it failed, or null
 * @param attempts how often it was begun, leaving out what a server put back when it ended
 * @param createdAt when it was accepted
 * @param startedAt when its first block was begun, or 0
 * @param firstFrameAt when its first frame was final, or 0
 * @param completedAt when it was over, or 0
 * @param expiresAt when record and files go, or 0
 * @param blocks steps of a whole clip as it was asked for, or 0 before it was completed; fewer
 *     frames take fewer
 */
public record JobRecord(
    String id,
    String owner,
    Idempotency idempotency,
    boolean session,
    VideoRequest request,
    JobStatus status,
    JobError error,
    int attempts,
    long createdAt,
    long startedAt,
    long firstFrameAt,
    long completedAt,
    long expiresAt,
    int blocks) {
  /** A job that was begun so often and never ended is what ends the server. */
  private static final int MOST_ATTEMPTS = 3;

  public JobRecord {
    requireNonNull(id, "id is null");
    requireNonNull(owner, "owner is null");
    requireNonNull(request, "request is null");
    requireNonNull(status, "status is null");
    if (status == JobStatus.FAILED) {
      requireNonNull(error, "error of a failed job is null");
    }
  }

  static JobRecord queued(
      String id,
      String owner,
      Idempotency idempotency,
      boolean session,
      VideoRequest request,
      long now) {
    return new JobRecord(
        id, owner, idempotency, session, request, JobStatus.QUEUED, null, 0, now, 0, 0, 0, 0, 0);
  }

  JobRecord begun(long now) {
    return with(JobStatus.IN_PROGRESS, null, attempts + 1, now, 0, 0, 0, 0);
  }

  JobRecord shown(long now) {
    return with(status, error, attempts, startedAt, now, 0, 0, 0);
  }

  JobRecord completed(int took, long now, long expires) {
    return with(JobStatus.COMPLETED, null, attempts, startedAt, firstFrameAt, now, expires, took);
  }

  JobRecord failed(JobError why, long now, long expires) {
    return with(JobStatus.FAILED, why, attempts, startedAt, firstFrameAt, now, expires, 0);
  }

  /**
   * What becomes of a job that was not over when its server was cut off.
   *
   * @param served whether its model still is
   */
  JobRecord restored(boolean served, long now, long expires) {
    if (session || attempts >= MOST_ATTEMPTS) {
      return failed(JobError.SERVER_RESTARTED, now, expires);
    }
    return served
        ? with(JobStatus.QUEUED, null, attempts, 0, 0, 0, 0, 0)
        : failed(JobError.MODEL_GONE, now, expires);
  }

  /** The server ended in good order: as if it had not been begun. */
  JobRecord putBack() {
    return with(JobStatus.QUEUED, null, attempts - (startedAt > 0 ? 1 : 0), 0, 0, 0, 0, 0);
  }

  private JobRecord with(
      JobStatus newStatus,
      JobError newError,
      int newAttempts,
      long started,
      long firstFrame,
      long completed,
      long expires,
      int took) {
    return new JobRecord(
        id,
        owner,
        idempotency,
        session,
        request,
        newStatus,
        newError,
        newAttempts,
        createdAt,
        started,
        firstFrame,
        completed,
        expires,
        took);
  }
}
