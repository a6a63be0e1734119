/**
 * How every room of the house reports failure: {@link dev.blockreel.failure.EngineFailure} with a
 * {@link dev.blockreel.failure.FailureCode}. Nothing enters; depends on nothing. Read {@code
 * FailureCode} first.
 */
package dev.blockreel.failure;
