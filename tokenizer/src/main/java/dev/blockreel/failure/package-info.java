/**
 * How every room of the house reports failure: {@link dev.blockreel.failure.EngineFailure} with a
 * {@link dev.blockreel.failure.FailureCode}; and what is still done when the process is told to
 * end. Nothing enters; depends on nothing. Read {@code FailureCode} first.
 */
package dev.blockreel.failure;
