package dev.blockreel.media;

import static org.bytedeco.ffmpeg.global.avutil.av_version_info;

import org.bytedeco.opencv.global.opencv_core;

/** Which native libraries read and write media; loads them. */
public final class MediaLibraries {
  private MediaLibraries() {}

  /**
   * Begins to load FFmpeg beside other work, and returns at once: for who will write clips as soon
   * as that is done. Where it cannot be loaded, the first file says so.
   */
  public static void loadAhead() {
    Thread loader = new Thread(FfmpegLibrary::begin, "ffmpeg-loader");
    loader.setDaemon(true);
    loader.start();
  }

  /** Version of FFmpeg. */
  public static String ffmpeg() {
    FfmpegLibrary.load();
    return av_version_info().getString();
  }

  /** Version of OpenCV. */
  public static String opencv() {
    // The binding takes the zero that ends a text in C for a part of it.
    return opencv_core.getVersionString().getString().replace("\0", "").strip();
  }
}
