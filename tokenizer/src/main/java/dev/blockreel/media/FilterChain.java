package dev.blockreel.media;

import static dev.blockreel.media.FfmpegLibrary.check;
import static org.bytedeco.ffmpeg.global.avfilter.AV_BUFFERSRC_FLAG_KEEP_REF;
import static org.bytedeco.ffmpeg.global.avfilter.av_buffersink_get_frame;
import static org.bytedeco.ffmpeg.global.avfilter.av_buffersrc_add_frame_flags;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_graph_alloc;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_graph_config;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_graph_free;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_graph_get_filter;
import static org.bytedeco.ffmpeg.global.avfilter.avfilter_graph_parse2;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EOF;
import static org.bytedeco.ffmpeg.presets.avutil.AVERROR_EAGAIN;

import org.bytedeco.ffmpeg.avfilter.AVFilterContext;
import org.bytedeco.ffmpeg.avfilter.AVFilterGraph;
import org.bytedeco.ffmpeg.avfilter.AVFilterInOut;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVRational;

/** RGB frames in, the frames that an encoder wants out: size, colour and palette work of FFmpeg. */
final class FilterChain implements AutoCloseable {
  private final AVFilterGraph graph = avfilter_graph_alloc();
  private final AVFilterContext source;
  private final AVFilterContext sink;

  /**
   * @param width of the frames that will be given
   * @param height of the frames that will be given
   * @param timeBase seconds per frame
   * @param filters in FFmpeg's notation, at least one
   */
  FilterChain(int width, int height, AVRational timeBase, String filters) {
    String description =
        "buffer@in=video_size=%sx%s:pix_fmt=rgb24:time_base=%s/%s:pixel_aspect=1/1,%s,buffersink@out"
            .formatted(width, height, timeBase.num(), timeBase.den(), filters);
    // Small frames gain nothing from slices, and threads cost more than they bring.
    graph.nb_threads(1);
    try (AVFilterInOut open = new AVFilterInOut(null);
        AVFilterInOut unconnected = new AVFilterInOut(null)) {
      check(avfilter_graph_parse2(graph, description, open, unconnected), "filters " + filters);
      check(avfilter_graph_config(graph, null), "filters " + filters);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
    source = avfilter_graph_get_filter(graph, "buffer@in");
    sink = avfilter_graph_get_filter(graph, "buffersink@out");
  }

  /** Hands a frame in, or null for the end; the frame stays the caller's. */
  void give(AVFrame frame) {
    check(av_buffersrc_add_frame_flags(source, frame, AV_BUFFERSRC_FLAG_KEEP_REF), "filters");
  }

  /** Takes the next finished frame into {@code frame}; false when there is none yet, or no more. */
  boolean take(AVFrame frame) {
    int code = av_buffersink_get_frame(sink, frame);
    if (code == AVERROR_EAGAIN() || code == AVERROR_EOF) {
      return false;
    }
    check(code, "filters");
    return true;
  }

  /** The end of the chain, for its size, format and colour. */
  AVFilterContext sink() {
    return sink;
  }

  @Override
  public void close() {
    avfilter_graph_free(graph);
  }
}
