/**
 * How long works tell how far they are: text enters, lines on a terminal or in a log leave. Depends
 * on nothing. Read {@link dev.blockreel.progress.ProgressLine}, which is all there is.
 */
package dev.blockreel.progress;
