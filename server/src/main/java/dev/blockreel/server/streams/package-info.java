/**
 * A clip on its way to its viewers: frames enter {@link dev.blockreel.server.streams.ClipRecorder}
 * on the engine thread and leave as encoded chunks in a {@link
 * dev.blockreel.server.streams.LiveStream}, which any number of viewers read at their own pace.
 * Nobody waits for a viewer: what exists stays until the last reader lets go of it. Read {@code
 * LiveStream} first.
 */
package dev.blockreel.server.streams;
