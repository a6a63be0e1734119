/**
 * Clips as jobs: admitted or refused, queued, generated, kept on disk, forgotten. Requests enter
 * {@link dev.blockreel.server.jobs.Jobs}; what leaves are {@link dev.blockreel.server.jobs.Job}s
 * whose state anyone may read, and folders with a record beside its media. Knows no HTTP. Read
 * {@code Jobs} first, then {@code JobStore}.
 */
package dev.blockreel.server.jobs;
