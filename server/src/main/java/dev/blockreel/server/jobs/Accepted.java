package dev.blockreel.server.jobs;

/**
 * A job that was asked for.
 *
 * @param job what was asked for
 * @param fresh whether this request made it, and not an earlier one with the same Idempotency-Key
 */
public record Accepted(Job job, boolean fresh) {}
