/**
 * Video and images, in and out. Files enter {@link dev.blockreel.media.ClipReader} and leave as
 * {@link dev.blockreel.grid.Clip}; clips enter {@link dev.blockreel.media.ClipWriter} and leave as
 * files; single frames enter {@link dev.blockreel.media.FrameEncoder} and leave as a file or a
 * stream while later ones are still being made.
 *
 * <p>The only package that touches FFmpeg and OpenCV. Their memory never leaves it: everything
 * handed out is a plain Java array. Nothing here is shared between threads; any thread may call.
 * Read {@code ClipReader} first.
 */
package dev.blockreel.media;
