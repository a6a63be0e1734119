package dev.blockreel.media;

import static dev.blockreel.failure.EngineFailure.badRequest;
import static dev.blockreel.media.FfmpegLibrary.check;
import static dev.blockreel.media.FfmpegLibrary.media;
import static dev.blockreel.media.FfmpegLibrary.options;
import static java.util.Objects.requireNonNull;
import static org.bytedeco.ffmpeg.global.avcodec.AV_CODEC_FLAG_GLOBAL_HEADER;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_alloc;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_free;
import static org.bytedeco.ffmpeg.global.avcodec.av_packet_rescale_ts;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_alloc_context3;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_find_encoder_by_name;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_free_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_open2;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_parameters_from_context;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_receive_packet;
import static org.bytedeco.ffmpeg.global.avcodec.avcodec_send_frame;
import static org.bytedeco.ffmpeg.global.avfilter.av_buffersink_get_color_range;
import static org.bytedeco.ffmpeg.global.avfilter.av_buffersink_get_colorspace;
import static org.bytedeco.ffmpeg.global.avfilter.av_buffersink_get_format;
import static org.bytedeco.ffmpeg.global.avfilter.av_buffersink_get_h;
import static org.bytedeco.ffmpeg.global.avfilter.av_buffersink_get_time_base;
import static org.bytedeco.ffmpeg.global.avfilter.av_buffersink_get_w;
import static org.bytedeco.ffmpeg.global.avformat.AVFMT_GLOBALHEADER;
import static org.bytedeco.ffmpeg.global.avformat.AVIO_FLAG_WRITE;
import static org.bytedeco.ffmpeg.global.avformat.av_interleaved_write_frame;
import static org.bytedeco.ffmpeg.global.avformat.av_write_frame;
import static org.bytedeco.ffmpeg.global.avformat.av_write_trailer;
import static org.bytedeco.ffmpeg.global.avformat.avformat_alloc_output_context2;
import static org.bytedeco.ffmpeg.global.avformat.avformat_free_context;
import static org.bytedeco.ffmpeg.global.avformat.avformat_new_stream;
import static org.bytedeco.ffmpeg.global.avformat.avformat_write_header;
import static org.bytedeco.ffmpeg.global.avformat.avio_closep;
import static org.bytedeco.ffmpeg.global.avformat.avio_flush;
import static org.bytedeco.ffmpeg.global.avformat.avio_open;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_PRI_BT709;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_SPC_BT709;
import static org.bytedeco.ffmpeg.global.avutil.AVCOL_TRC_BT709;
import static org.bytedeco.ffmpeg.global.avutil.AVERROR_EOF;
import static org.bytedeco.ffmpeg.global.avutil.AV_PIX_FMT_RGB24;
import static org.bytedeco.ffmpeg.global.avutil.av_d2q;
import static org.bytedeco.ffmpeg.global.avutil.av_dict_free;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_alloc;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_free;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_get_buffer;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_make_writable;
import static org.bytedeco.ffmpeg.global.avutil.av_frame_unref;
import static org.bytedeco.ffmpeg.global.avutil.av_inv_q;
import static org.bytedeco.ffmpeg.presets.avutil.AVERROR_EAGAIN;

import dev.blockreel.checkpoint.PartFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import java.io.OutputStream;
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

/**
 * Encodes frames one by one, from before the first one exists: {@code open}, {@code add} for each
 * frame, {@code finish}, {@code close}. Closing before {@code finish} abandons the work and leaves
 * no file. For one thread at a time.
 */
public final class FrameEncoder implements AutoCloseable {
  private final String target;
  private final int width;
  private final int height;
  private final byte[] rgb;
  private final PartFile file; // null when writing to a stream
  private final StreamOutput stream; // null when writing to a file
  private final FilterChain chain;
  private final AVFormatContext muxer = new AVFormatContext(null);
  private final AVCodecContext codec;
  private final AVStream track;
  private final AVFrame input = av_frame_alloc();
  private final AVFrame filtered = av_frame_alloc();
  private final AVPacket packet = av_packet_alloc();
  private int frames;
  private boolean finished;
  private boolean closed;

  /**
   * Opens a file that appears under its name with {@link #finish}.
   *
   * @param path where to; an older file of that name is replaced
   * @param format what to write
   * @param width W of the frames in pixels
   * @param height H of the frames in pixels
   * @param fps frames per second
   * @throws EngineFailure MEDIA when the path cannot be written, UNSUPPORTED when this build of
   *     FFmpeg lacks the encoder
   */
  public static FrameEncoder open(
      Path path, VideoFormat format, int width, int height, double fps) {
    return open(path, format, width, height, fps, 1);
  }

  /** The same, with every pixel drawn as a square of {@code scale} x {@code scale}. */
  public static FrameEncoder open(
      Path path, VideoFormat format, int width, int height, double fps, int scale) {
    return open(path, format, width, height, fps, scale, VideoFormat.BEST);
  }

  /** The same, in a quality from 0 to {@value VideoFormat#BEST} where the format has several. */
  static FrameEncoder open(
      Path path, VideoFormat format, int width, int height, double fps, int scale, int quality) {
    requireSize(width, height, fps, scale);
    FfmpegLibrary.load();
    PartFile file = new PartFile(path);
    return new FrameEncoder(
        path.toString(), file, null, format, width, height, fps, scale, quality);
  }

  /**
   * Encodes into a stream, which is flushed after each write, but never closed. All formats but GIF
   * (its palette is that of the whole) hand each frame on before {@link #add} returns.
   *
   * @throws EngineFailure UNSUPPORTED for a format that needs to seek ({@link VideoFormat#streams})
   */
  public static FrameEncoder open(
      OutputStream stream, VideoFormat format, int width, int height, double fps) {
    requireNonNull(stream, "stream is null");
    requireSize(width, height, fps, 1);
    if (!format.streams()) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          format + " cannot be written to a stream; for H.264 use FRAGMENTED_MP4");
    }
    FfmpegLibrary.load();
    String target = "the " + format + " stream";
    StreamOutput output = new StreamOutput(stream);
    return new FrameEncoder(target, null, output, format, width, height, fps, 1, VideoFormat.BEST);
  }

  private static void requireSize(int width, int height, double fps, int scale) {
    if (width < 1 || height < 1 || scale < 1 || !(fps > 0) || Double.isInfinite(fps)) {
      throw badRequest(
          "width, height, fps and scale must be above 0: got %d, %d, %s, %d",
          width, height, fps, scale);
    }
  }

  private FrameEncoder(
      String target,
      PartFile file,
      StreamOutput stream,
      VideoFormat format,
      int width,
      int height,
      double fps,
      int scale,
      int quality) {
    this.target = target;
    this.file = file;
    this.stream = stream;
    this.width = width;
    this.height = height;
    this.rgb = new byte[3 * width * height];
    FilterChain openedChain = null;
    AVCodecContext openedCodec = null;
    AVStream openedTrack = null;
    try {
      AVCodec encoder = encoder(format.encoder(), format);
      AVRational rate = av_d2q(fps, 1 << 16);
      String filters = geometry(format, width * scale, height * scale, scale) + format.filters();
      openedChain = new FilterChain(width, height, av_inv_q(rate), filters);
      openMuxer(format);
      openedCodec = openCodec(encoder, openedChain, rate, format, quality);
      openedTrack = avformat_new_stream(muxer, encoder);
      check(
          avcodec_parameters_from_context(openedTrack.codecpar(), openedCodec),
          "cannot write " + target);
      openedTrack.time_base(openedCodec.time_base());
      openedTrack.avg_frame_rate(rate);
      AVDictionary muxerOptions = options(format.muxerOptions());
      int code = avformat_write_header(muxer, muxerOptions);
      av_dict_free(muxerOptions);
      checkWrite(code);
      input.format(AV_PIX_FMT_RGB24).width(width).height(height);
      check(av_frame_get_buffer(input, 0), "no memory for a frame of " + target);
    } catch (RuntimeException e) {
      release(openedChain, openedCodec);
      throw e;
    }
    chain = openedChain;
    codec = openedCodec;
    track = openedTrack;
  }

  /** Finds an encoder of this build, or says which one is missing. */
  static AVCodec encoder(String name, VideoFormat format) {
    AVCodec encoder = avcodec_find_encoder_by_name(name);
    if (encoder == null) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "cannot write %s: this build of FFmpeg lacks the encoder %s".formatted(format, name));
    }
    return encoder;
  }

  /** Enlarging, and the repeated last row and column that make a size even. */
  private static String geometry(VideoFormat format, int width, int height, int scale) {
    String filters = scale > 1 ? "scale=%d:%d:flags=neighbor,".formatted(width, height) : "";
    int right = format.evenSize() ? width % 2 : 0;
    int bottom = format.evenSize() ? height % 2 : 0;
    if (right + bottom == 0) {
      return filters;
    }
    return filters
        + "format=gbrp,pad=%d:%d,fillborders=right=%d:bottom=%d:mode=smear,"
            .formatted(width + right, height + bottom, right, bottom);
  }

  private AVCodecContext openCodec(
      AVCodec encoder, FilterChain from, AVRational rate, VideoFormat format, int quality) {
    AVCodecContext context = avcodec_alloc_context3(encoder);
    context
        .width(av_buffersink_get_w(from.sink()))
        .height(av_buffersink_get_h(from.sink()))
        .pix_fmt(av_buffersink_get_format(from.sink()))
        .colorspace(av_buffersink_get_colorspace(from.sink()))
        .color_range(av_buffersink_get_color_range(from.sink()))
        .time_base(av_buffersink_get_time_base(from.sink()))
        .framerate(rate)
        // A key frame each second, where a late viewer can join.
        .gop_size((int) Math.max(1, Math.round(rate.num() / (double) rate.den())))
        .thread_count(1);
    if (context.colorspace() == AVCOL_SPC_BT709) {
      context.color_primaries(AVCOL_PRI_BT709).color_trc(AVCOL_TRC_BT709);
    }
    if ((muxer.oformat().flags() & AVFMT_GLOBALHEADER) != 0) {
      context.flags(context.flags() | AV_CODEC_FLAG_GLOBAL_HEADER);
    }
    AVDictionary encoderOptions = options(format.encoderOptions(quality));
    int code = avcodec_open2(context, encoder, encoderOptions);
    av_dict_free(encoderOptions);
    if (code < 0) {
      avcodec_free_context(context);
      throw media(
          "cannot write %s: %s refuses %dx%d at %s fps: %s",
          target,
          format.encoder(),
          width,
          height,
          rate.num() / (double) rate.den(),
          FfmpegLibrary.reason(code));
    }
    return context;
  }

  private void openMuxer(VideoFormat format) {
    if (stream != null) {
      check(
          avformat_alloc_output_context2(muxer, null, format.muxer(), null),
          "cannot write " + target);
      muxer.pb(stream.context());
      return;
    }
    AVIOContext io = new AVIOContext(null);
    // The muxer needs the name too: moving the index of an MP4 to its front opens the file again.
    try (BytePointer url = FfmpegLibrary.utf8(FfmpegLibrary.url(file.part()));
        BytePointer muxerName = FfmpegLibrary.utf8(format.muxer())) {
      check(avformat_alloc_output_context2(muxer, null, muxerName, url), "cannot write " + target);
      check(avio_open(io, url, AVIO_FLAG_WRITE), "cannot write " + target);
    }
    muxer.pb(io);
  }

  /**
   * Adds a frame.
   *
   * @param frame H·W·3 bytes, RGB interleaved, row-major; copied
   */
  public void add(byte[] frame) {
    if (frame.length != rgb.length) {
      throw badRequest(
          "a frame of %s needs %d bytes (%dx%d RGB): got %d",
          target, rgb.length, width, height, frame.length);
    }
    requireOpen();
    check(av_frame_make_writable(input), "no memory for a frame of " + target);
    BytePointer rows = input.data(0);
    for (int y = 0; y < height; y++) {
      rows.position((long) y * input.linesize(0)).put(frame, 3 * y * width, 3 * width);
    }
    input.pts(frames++);
    chain.give(input);
    encodeFiltered();
    if (stream != null) {
      // Else muxers keep a frame until the next one tells how long it lasts; those that never do
      // ignore
      // this.
      checkWrite(av_write_frame(muxer, null));
      avio_flush(muxer.pb());
    }
  }

  /**
   * Adds frame {@code index} of a clip of the same size; values outside [0, 1] are clamped, all are
   * rounded to the nearest of 256 steps.
   */
  public void add(Clip clip, int index) {
    if (clip.width() != width || clip.height() != height) {
      throw badRequest(
          "frames of %s are %dx%d: got %dx%d", target, width, height, clip.width(), clip.height());
    }
    int plane = width * height;
    for (int c = 0; c < 3; c++) {
      int from = (c * clip.frames() + index) * plane;
      for (int i = 0; i < plane; i++) {
        // The cast turns NaN into 0.
        rgb[3 * i + c] =
            (byte) (int) (Math.max(0, Math.min(1, clip.pixels()[from + i])) * 255 + 0.5f);
      }
    }
    add(rgb);
  }

  /**
   * Writes what is still pending and gives the file its name.
   *
   * @throws EngineFailure BAD_REQUEST when no frame was added, MEDIA when writing fails
   */
  public void finish() {
    requireOpen();
    if (frames == 0) {
      throw badRequest("%s got no frame", target);
    }
    chain.give(null);
    encodeFiltered();
    check(avcodec_send_frame(codec, null), "cannot encode " + target);
    writePackets();
    checkWrite(av_write_trailer(muxer));
    avio_flush(muxer.pb());
    checkWrite(muxer.pb().error());
    finished = true;
    if (file != null) {
      int code = avio_closep(muxer.pb());
      muxer.pb(null); // freed, even where the file could not be closed properly
      checkWrite(code);
      file.commit();
    }
  }

  private void requireOpen() {
    if (finished || closed) {
      throw new IllegalStateException("the encoder of " + target + " is finished");
    }
  }

  private void encodeFiltered() {
    while (chain.take(filtered)) {
      // Each encoder decides itself which frames are key frames.
      filtered.pict_type(0);
      int code = avcodec_send_frame(codec, filtered);
      av_frame_unref(filtered);
      check(code, "cannot encode " + target);
      writePackets();
    }
  }

  private void writePackets() {
    while (true) {
      int code = avcodec_receive_packet(codec, packet);
      if (code == AVERROR_EAGAIN() || code == AVERROR_EOF) {
        return;
      }
      check(code, "cannot encode " + target);
      packet.stream_index(0);
      packet.duration(Math.max(packet.duration(), 1));
      av_packet_rescale_ts(packet, codec.time_base(), track.time_base());
      checkWrite(av_interleaved_write_frame(muxer, packet));
    }
  }

  private void checkWrite(int code) {
    if (stream != null && stream.error() != null) {
      throw EngineFailure.media(stream.error(), "cannot write %s", target);
    }
    check(code, "cannot write " + target);
  }

  private void release(FilterChain openedChain, AVCodecContext openedCodec) {
    closed = true;
    if (openedCodec != null) {
      avcodec_free_context(openedCodec);
    }
    if (openedChain != null) {
      openedChain.close();
    }
    if (!muxer.isNull()) {
      if (file != null && muxer.pb() != null) {
        avio_closep(muxer.pb());
      }
      avformat_free_context(muxer);
    }
    av_frame_free(input);
    av_frame_free(filtered);
    av_packet_free(packet);
    if (stream != null) {
      stream.close();
    }
    if (file != null) {
      file.close();
    }
  }

  /** Frees everything native; without {@link #finish} before it, removes what was written. */
  @Override
  public void close() {
    if (!closed) {
      release(chain, codec);
    }
  }
}
