package dev.blockreel.media;

import static dev.blockreel.media.FfmpegLibrary.media;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_RANGE_JPEG;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_SPC_BT709;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_SPC_SMPTE170M;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_SPC_UNSPECIFIED;
import static org.bytedeco.ffmpeg.global.avutil.AV_FRAME_DATA_DISPLAYMATRIX;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_FLAG_ALPHA;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGB24;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGBA;
import static org.bytedeco.ffmpeg.global.avutil.av_display_matrix_flip;
import static org.bytedeco.ffmpeg.global.avutil.av_display_rotation_get;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_get_side_data;
import static org.bytedeco.ffmpeg.global.avutil.av_pix_fmt_desc_get;
import static org.bytedeco.ffmpeg.global.swscale.SWS_ACCURATE_RND;
import static org.bytedeco.ffmpeg.global.swscale.SWS_BICUBIC;
import static org.bytedeco.ffmpeg.global.swscale.SWS_FULL_CHR_H_INT;
import static org.bytedeco.ffmpeg.global.swscale.sws_freeContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_getCachedContext;
import static org.bytedeco.ffmpeg.global.swscale.sws_getCoefficients;
import static org.bytedeco.ffmpeg.global.swscale.sws_scale;
import static org.bytedeco.ffmpeg.global.swscale.sws_setColorspaceDetails;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC3;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC4;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_180;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_90_CLOCKWISE;
import static org.bytedeco.opencv.global.opencv_core.ROTATE_90_COUNTERCLOCKWISE;
import static org.bytedeco.opencv.global.opencv_core.flip;
import static org.bytedeco.opencv.global.opencv_core.rotate;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_AREA;
import static org.bytedeco.opencv.global.opencv_imgproc.INTER_LINEAR;
import static org.bytedeco.opencv.global.opencv_imgproc.resize;

import dev.blockreel.grid.Clip;
import java.nio.file.Path;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVFrameSideData;
import org.bytedeco.ffmpeg.swscale.SwsContext;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * Turns decoded frames into the pixels of a clip: colour to RGB, marked orientation, then size.
 * Only the small result is kept of each frame.
 *
 * <p>Shrinking averages areas (OpenCV INTER_AREA), enlarging is bilinear. Colour follows the marks
 * of the file; unmarked video is BT.709 from 720 rows up and BT.601 below, limited range.
 * Transparent pixels are laid over black.
 */
final class FrameShaper implements AutoCloseable {
  private static final int ROW_ALIGNMENT = 64;
  private static final int HD_ROWS = 720;

  private final Path path;
  private final ClipSampling sampling;
  private final int frames;
  private SwsContext colour;
  private float[] pixels;
  private int height;
  private int width;
  private int filled;

  /**
   * @param path names the file in failures
   * @param sampling gives size and fit
   * @param frames T of the clip
   */
  FrameShaper(Path path, ClipSampling sampling, int frames) {
    this.path = path;
    this.sampling = sampling;
    this.frames = frames;
  }

  /** Adds a frame; the first one decides the size of the clip where the sampling does not. */
  void add(AVFrame frame) {
    try (Mat rgb = upright(frame, toRgb(frame))) {
      if (pixels == null) {
        allocate(rgb);
      }
      try (Mat fitted = fit(rgb, height, width, sampling.fit())) {
        store(fitted);
      }
    }
  }

  /** The clip of all frames added so far, black where there were fewer than T. */
  Clip clip(double fps) {
    return new Clip(pixels, frames, height, width, fps);
  }

  /** Frames added so far. */
  int filled() {
    return filled;
  }

  private void allocate(Mat first) {
    height = sampling.height() == 0 ? first.rows() : sampling.height();
    width = sampling.width() == 0 ? first.cols() : sampling.width();
    pixels = new float[ClipReader.clipValues(path, frames, height, width)];
  }

  private Mat toRgb(AVFrame frame) {
    int w = frame.width();
    int h = frame.height();
    boolean alpha = (av_pix_fmt_desc_get(frame.format()).flags() & AV_PIX_FMT_FLAG_ALPHA) != 0;
    colour =
        sws_getCachedContext(
            colour,
            w,
            h,
            frame.format(),
            w,
            h,
            alpha ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24,
            SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT,
            null,
            null,
            (DoublePointer) null);
    if (colour == null || colour.isNull()) {
      throw media("%s has pixels of a kind that cannot be turned into RGB", path);
    }
    IntPointer coefficients = sws_getCoefficients(matrix(frame));
    int fullRange = frame.color_range() == AVCOL_RANGE_JPEG ? 1 : 0;
    // Refused for sources that are RGB already, and rightly so.
    sws_setColorspaceDetails(colour, coefficients, fullRange, coefficients, 1, 0, 1 << 16, 1 << 16);
    // Rows are padded: swscale writes whole vectors.
    int padded = (w + ROW_ALIGNMENT - 1) / ROW_ALIGNMENT * ROW_ALIGNMENT;
    try (Mat store = new Mat(h + 1, padded, alpha ? CV_8UC4 : CV_8UC3);
        PointerPointer<?> planes = new PointerPointer<>(4).put(store.data(), null, null, null);
        IntPointer strides = new IntPointer((int) store.step(), 0, 0, 0)) {
      sws_scale(colour, frame.data(), frame.linesize(), 0, h, planes, strides);
      try (Rect visible = new Rect(0, 0, w, h);
          Mat view = new Mat(store, visible)) {
        return alpha ? overBlack(view) : view.clone();
      }
    }
  }

  private static int matrix(AVFrame frame) {
    if (frame.colorspace() != AVCOL_SPC_UNSPECIFIED) {
      return frame.colorspace();
    }
    return frame.height() >= HD_ROWS ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
  }

  private static Mat overBlack(Mat rgba) {
    byte[] from = new byte[4 * rgba.cols()];
    byte[] to = new byte[3 * rgba.cols()];
    Mat rgb = new Mat(rgba.rows(), rgba.cols(), CV_8UC3);
    for (int y = 0; y < rgba.rows(); y++) {
      rgba.ptr(y).get(from);
      for (int x = 0; x < rgba.cols(); x++) {
        int a = from[4 * x + 3] & 0xff;
        for (int c = 0; c < 3; c++) {
          to[3 * x + c] = (byte) (((from[4 * x + c] & 0xff) * a + 127) / 255);
        }
      }
      rgb.ptr(y).put(to);
    }
    return rgb;
  }

  /**
   * Turns a picture that a camera marked as lying on its side, then mirrors it if it is marked so;
   * closes the given one if either.
   */
  private static Mat upright(AVFrame frame, Mat rgb) {
    AVFrameSideData mark = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
    if (mark == null || mark.isNull()) {
      return rgb;
    }
    int[] marked = new int[9];
    new IntPointer(mark.data()).get(marked);
    boolean mirrored =
        (long) marked[0] * marked[4] < (long) marked[1] * marked[3]; // its determinant is negative
    try (IntPointer matrix = new IntPointer(marked)) {
      if (mirrored) {
        av_display_matrix_flip(matrix, 1, 0);
      }
      // NaN for a matrix that is no rotation; it rounds to 0.
      double counterClockwise = av_display_rotation_get(matrix);
      Mat turned = turned(rgb, Math.floorMod(Math.round(counterClockwise / 90), 4));
      if (mirrored) {
        flip(turned, turned, 1);
      }
      return turned;
    }
  }

  /** Turned counter-clockwise; closes the given one if it is turned at all. */
  private static Mat turned(Mat rgb, int quarters) {
    if (quarters == 0) {
      return rgb;
    }
    try (rgb) {
      Mat turned = new Mat();
      rotate(
          rgb,
          turned,
          switch (quarters) {
            case 1 -> ROTATE_90_COUNTERCLOCKWISE;
            case 2 -> ROTATE_180;
            default -> ROTATE_90_CLOCKWISE;
          });
      return turned;
    }
  }

  /** A picture of any kind brought to a size; the result is a picture of its own. */
  static Mat fit(Mat picture, int height, int width, ClipSampling.Fit fit) {
    if (picture.rows() == height && picture.cols() == width) {
      return picture.clone();
    }
    if (fit == ClipSampling.Fit.SQUASH) {
      return resized(picture, height, width);
    }
    double scale = Math.max(height / (double) picture.rows(), width / (double) picture.cols());
    int coverHeight = (int) Math.max(height, Math.round(picture.rows() * scale));
    int coverWidth = (int) Math.max(width, Math.round(picture.cols() * scale));
    try (Mat cover = resized(picture, coverHeight, coverWidth);
        Rect middle =
            new Rect((coverWidth - width) / 2, (coverHeight - height) / 2, width, height);
        Mat view = new Mat(cover, middle)) {
      return view.clone();
    }
  }

  /**
   * Shrinks first, where one side shrinks and the other grows: areas are averaged for both or none.
   */
  private static Mat resized(Mat picture, int height, int width) {
    boolean shrinks = height < picture.rows() || width < picture.cols();
    boolean grows = height > picture.rows() || width > picture.cols();
    if (!shrinks || !grows) {
      return resized(picture, height, width, shrinks ? INTER_AREA : INTER_LINEAR);
    }
    int rows = Math.min(height, picture.rows());
    int columns = Math.min(width, picture.cols());
    try (Mat shrunk = resized(picture, rows, columns, INTER_AREA)) {
      return resized(shrunk, height, width, INTER_LINEAR);
    }
  }

  private static Mat resized(Mat picture, int height, int width, int interpolation) {
    Mat result = new Mat();
    try (Size size = new Size(width, height)) {
      resize(picture, result, size, 0, 0, interpolation);
    }
    return result;
  }

  private void store(Mat rgb) {
    int plane = height * width;
    byte[] row = new byte[3 * width];
    for (int y = 0; y < height; y++) {
      rgb.ptr(y).get(row);
      for (int c = 0; c < 3; c++) {
        int to = (c * frames + filled) * plane + y * width;
        for (int x = 0; x < width; x++) {
          pixels[to + x] = (row[3 * x + c] & 0xff) / 255f;
        }
      }
    }
    filled++;
  }

  @Override
  public void close() {
    sws_freeContext(colour);
  }
}
