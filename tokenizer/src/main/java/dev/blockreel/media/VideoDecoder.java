package dev.blockreel.media;

import static dev.blockreel.media.FfmpegLibrary.media;
import static dev.blockreel.media.FfmpegLibrary.reason;
import static org.bytedeco.ffmpeg.global.avcodec.AVDISCARD_ALL;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_TIFF;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_ID_WEBP;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_PROP_LOSSLESS;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_PROP_LOSSY;
import static org.bytedeco.ffmpeg.global.avcodec.AV_EF_EXPLODE;
import static org.bytedeco.ffmpeg.global.avcodec.AV_PKT_FLAG_CORRUPT;
import static org.bytedeco.ffmpeg.global.avcodec.AV_PKT_FLAG_DISCARD;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_unref;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_descriptor_get;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_decoder;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_get_name;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_parameters_to_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_frame;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_packet;
import static org.bytedeco.ffmpeg.global.avformat.AVFMT_DURATION_FROM_STREAM;
import static org.bytedeco.ffmpeg.global.avformat.AVIO_FLAG_READ;
import static org.bytedeco.ffmpeg.global.avformat.av_find_best_stream;
import static org.bytedeco.ffmpeg.global.avformat.av_guess_frame_rate;
import static org.bytedeco.ffmpeg.global.avformat.av_read_frame;
import static org.bytedeco.ffmpeg.global.avformat.avformat_alloc_context;
import static org.bytedeco.ffmpeg.global.avformat.avformat_close_input;
import static org.bytedeco.ffmpeg.global.avformat.avformat_find_stream_info;
import static org.bytedeco.ffmpeg.global.avformat.avformat_open_input;
import static org.bytedeco.ffmpeg.global.avformat.avio_closep;
import static org.bytedeco.ffmpeg.global.avformat.avio_open;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EOF;
import static org.bytedeco.ffmpeg.global.avutil.AVMEDIA_TYPE_VIDEO;
import static org.bytedeco.ffmpeg.global.avutil.AV_NOPTS_VALUE;
import static org.bytedeco.ffmpeg.global.avutil.AV_TIME_BASE;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_free;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_set;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.presets.avutil.AVERROR_EAGAIN;

import java.nio.file.Path;
import org.bytedeco.ffmpeg.avcodec.AVCodec;
import org.bytedeco.ffmpeg.avcodec.AVCodecContext;
import org.bytedeco.ffmpeg.avcodec.AVPacket;
import org.bytedeco.ffmpeg.avformat.AVFormatContext;
import org.bytedeco.ffmpeg.avformat.AVIOContext;
import org.bytedeco.ffmpeg.avformat.AVStream;
import org.bytedeco.ffmpeg.avutil.AVDictionary;
import org.bytedeco.ffmpeg.avutil.AVFrame;
import org.bytedeco.ffmpeg.avutil.AVRational;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * Decodes the video track of one file, frame after frame, front to back, once. Every trouble with
 * the file is a MEDIA failure that names it.
 */
final class VideoDecoder implements AutoCloseable {
  // Self-contained files only: playlists and image sequences could make a sent file read others.
  private static final String CONTAINERS =
      "mov,mp4,matroska,webm,avi,gif,apng,mpegts,mpeg,mpegvideo,flv,ogg,ivf,yuv4mpegpipe,asf,nut,"
          + "h264,hevc,m4v,dv,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,ppm_pipe,pgm_pipe,"
          + "qoi_pipe";

  // Frame threads pay for themselves only on larger pictures.
  private static final int THREADS_FROM_PIXELS = 640 * 480;

  // Containers may count a frame or two that no decoder shows.
  private static final int COUNT_SLACK = 2;

  private final Path path;
  private final AVIOContext io;
  private final AVFormatContext container;
  private final AVPacket packet;
  private final AVFrame frame;
  private AVStream track;
  private AVCodecContext codec;
  private boolean drained;

  /** Opens a file and reads its headers. */
  VideoDecoder(Path path) {
    FfmpegLibrary.load(); // before anything of FFmpeg is touched
    this.path = path;
    this.io = new AVIOContext(null);
    this.container = avformat_alloc_context();
    this.packet = av_packet_alloc();
    this.frame = av_frame_alloc();
    try {
      openContainer();
      openCodec();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void openContainer() {
    try (BytePointer url = FfmpegLibrary.utf8(FfmpegLibrary.url(path))) {
      check(avio_open(io, url, AVIO_FLAG_READ), "cannot be opened");
    }
    // FFmpeg gets the bytes but not the name, so only the content tells what the file is.
    container.pb(io);
    AVDictionary options = new AVDictionary(null);
    av_dict_set(options, "format_whitelist", CONTAINERS, 0);
    int code = avformat_open_input(container, (BytePointer) null, null, options);
    av_dict_free(options);
    check(code, "is not a video or image that can be read");
    check(
        avformat_find_stream_info(container, (PointerPointer<?>) null),
        "is damaged: its tracks cannot be read");
  }

  private void openCodec() {
    int index = av_find_best_stream(container, AVMEDIA_TYPE_VIDEO, -1, -1, (AVCodec) null, 0);
    if (index < 0) {
      throw media("%s has no video track", path);
    }
    for (int i = 0; i < container.nb_streams(); i++) {
      if (i != index) {
        container.streams(i).discard(AVDISCARD_ALL);
      }
    }
    track = container.streams(index);
    long pixels = (long) track.codecpar().width() * track.codecpar().height();
    if (pixels <= 0 && track.codecpar().codec_id() == AV_CODEC_ID_WEBP) {
      throw media("%s is an animated WebP, which FFmpeg writes but does not read", path);
    }
    if (pixels <= 0) {
      throw media("%s is damaged: the size of its picture cannot be read", path);
    }
    if (pixels > ClipReader.MAX_FRAME_PIXELS) {
      throw media(
          "%s is too large: got %dx%d pixels, expected at most %d",
          path, track.codecpar().width(), track.codecpar().height(), ClipReader.MAX_FRAME_PIXELS);
    }
    AVCodec decoder = avcodec_find_decoder(track.codecpar().codec_id());
    if (decoder == null) {
      throw media("%s needs a decoder that this build of FFmpeg lacks: %s", path, codecName());
    }
    codec = avcodec_alloc_context3(decoder);
    check(avcodec_parameters_to_context(codec, track.codecpar()), "cannot be decoded");
    codec.thread_count(pixels < THREADS_FROM_PIXELS ? 1 : 0);
    codec.max_pixels(ClipReader.MAX_FRAME_PIXELS);
    if ((image() || lossless()) && track.codecpar().codec_id() != AV_CODEC_ID_TIFF) {
      // Lossy codecs trip over harmless oddities when told to be this strict, and TIFF's over tags.
      codec.err_recognition(codec.err_recognition() | AV_EF_EXPLODE);
    }
    check(avcodec_open2(codec, decoder, (PointerPointer<?>) null), "cannot be decoded");
  }

  private String codecName() {
    return avcodec_get_name(track.codecpar().codec_id()).getString();
  }

  private boolean lossless() {
    int traits = avcodec_descriptor_get(track.codecpar().codec_id()).props();
    return (traits & AV_CODEC_PROP_LOSSLESS) != 0 && (traits & AV_CODEC_PROP_LOSSY) == 0;
  }

  /** Whether the file is a single image, which has no frame rate. */
  boolean image() {
    return container.iformat().name().getString().endsWith("_pipe");
  }

  ClipInfo info() {
    double fps = image() ? 0 : rate();
    int frames = image() ? 1 : track.nb_frames() > 0 ? (int) track.nb_frames() : -1;
    return new ClipInfo(
        track.codecpar().width(), track.codecpar().height(), fps, frames, codecName());
  }

  /**
   * Frames per second; what FFmpeg guesses, unless the frames come by far less often on average.
   */
  private double rate() {
    double guess = number(av_guess_frame_rate(container, track, null));
    double average = number(track.avg_frame_rate());
    return average > 0 && guess > 1.1 * average ? average : guess;
  }

  private static double number(AVRational rate) {
    return rate.num() <= 0 || rate.den() <= 0 ? 0 : rate.num() / (double) rate.den();
  }

  /**
   * Counts the frames by reading the whole file without decoding it, and notices when its end is
   * missing. Nothing can be decoded afterwards.
   */
  int countFrames() {
    long packets = 0;
    int shown = 0;
    long end = 0;
    while (readPacket()) {
      packets++;
      if ((packet.flags() & AV_PKT_FLAG_DISCARD) == 0) {
        shown++;
      }
      if (packet.pts() != AV_NOPTS_VALUE) {
        end = Math.max(end, packet.pts() + packet.duration());
      }
      av_packet_unref(packet);
      if (shown > ClipReader.MAX_FRAMES) {
        throw media("%s is too long: expected at most %d frames", path, ClipReader.MAX_FRAMES);
      }
    }
    if (packets + COUNT_SLACK < track.nb_frames() || endsEarly(end)) {
      throw media("%s is cut off: its end is missing after %d frames", path, packets);
    }
    return shown;
  }

  /** Whether the file promised to last longer; where sound is in it too, it may. */
  private boolean endsEarly(long end) {
    double fps = info().fps();
    if (container.nb_streams() != 1
        || track.nb_frames() > 0
        || container.duration_estimation_method() != AVFMT_DURATION_FROM_STREAM
        || container.duration() == AV_NOPTS_VALUE
        || fps == 0) {
      return false;
    }
    long start = track.start_time() == AV_NOPTS_VALUE ? 0 : track.start_time();
    double seconds = (end - start) * (double) track.time_base().num() / track.time_base().den();
    return seconds + COUNT_SLACK / fps < container.duration() / (double) AV_TIME_BASE;
  }

  private boolean readPacket() {
    while (true) {
      int code = av_read_frame(container, packet);
      if (code == AVERROR_EOF) {
        return false;
      }
      check(code, "is damaged or cut off");
      if (packet.stream_index() == track.index()) {
        if ((packet.flags() & AV_PKT_FLAG_CORRUPT) != 0) {
          throw media("%s is damaged or cut off", path);
        }
        return true;
      }
      av_packet_unref(packet);
    }
  }

  /**
   * Decodes the next frame.
   *
   * @return the frame, valid until the next call, or null after the last one
   */
  AVFrame next() {
    while (true) {
      int code = avcodec_receive_frame(codec, frame);
      if (code == AVERROR_EOF) {
        return null;
      }
      if (code != AVERROR_EAGAIN()) {
        check(code, "is damaged: a frame cannot be decoded");
        if ((frame.flags() & AVFrame.AV_FRAME_FLAG_CORRUPT) != 0
            || frame.decode_error_flags() != 0) {
          throw media("%s is damaged: a frame cannot be decoded whole", path);
        }
        return frame;
      }
      if (drained) {
        return null;
      }
      if (readPacket()) {
        code = avcodec_send_packet(codec, packet);
        av_packet_unref(packet);
      } else {
        drained = true;
        code = avcodec_send_packet(codec, null);
      }
      check(code, "is damaged: a frame cannot be decoded");
    }
  }

  private void check(int code, String trouble) {
    if (code < 0) {
      throw media("%s %s: %s", path, trouble, reason(code));
    }
  }

  @Override
  public void close() {
    if (codec != null) {
      avcodec_free_context(codec);
    }
    av_frame_free(frame);
    av_packet_free(packet);
    if (!container.isNull()) {
      avformat_close_input(container);
    }
    if (!io.isNull()) {
      avio_closep(io);
    }
  }
}
