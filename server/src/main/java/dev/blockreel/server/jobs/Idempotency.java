package dev.blockreel.server.jobs;

/**
 * A client's own name for a request, so that sending it twice makes one job.
 *
 * @param key what the client calls it
 * @param fields a digest of what it asked for
 */
public record Idempotency(String key, String fields) {}
