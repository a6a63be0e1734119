package dev.blockreel.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FrameEncoderTest {
  private static final Clip CLIP = Pictures.moving(5, 32, 32, 8);

  @TempDir Path folder;

  @Test
  void eachFragmentLeavesBeforeTheNextFrameExists() {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    try (FrameEncoder encoder = FrameEncoder.open(sent, VideoFormat.FRAGMENTED_MP4, 32, 32, 8)) {
      for (int t = 0; t < 3; t++) {
        encoder.add(CLIP, t);
        assertThat(fragments(sent)).isEqualTo(t + 1);
      }
      encoder.finish();
    }
    assertThat(sent.toString(StandardCharsets.ISO_8859_1)).contains("moov", "avcC");
    assertThat(fragments(sent)).isEqualTo(3);
  }

  private static int fragments(ByteArrayOutputStream sent) {
    return sent.toString(StandardCharsets.ISO_8859_1).split("moof", -1).length - 1;
  }

  @ParameterizedTest
  @EnumSource(
      value = VideoFormat.class,
      names = {"FRAGMENTED_MP4", "WEBM", "MKV", "MJPEG"})
  void whatIsSentAtOnceIsWhole(VideoFormat format) throws IOException {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    int[] after = new int[CLIP.frames()];
    try (FrameEncoder encoder = FrameEncoder.open(sent, format, 32, 32, 8)) {
      for (int t = 0; t < CLIP.frames(); t++) {
        encoder.add(CLIP, t);
        after[t] = sent.size();
        assertThat(after[t]).isGreaterThan(t == 0 ? 0 : after[t - 1]);
      }
      encoder.finish();
    }
    if (format != VideoFormat.MJPEG) {
      // Nothing but the end is sent later: the frames of the first four are all there.
      Path early = folder.resolve("early." + format.extension());
      Files.write(early, java.util.Arrays.copyOf(sent.toByteArray(), after[3]));
      assertThat(ClipReader.read(early, ClipSampling.ALL).frames()).isEqualTo(4);
    }
  }

  @ParameterizedTest
  @EnumSource(VideoFormat.class)
  void everyStreamableFormatReachesAStreamAndTheOthersSayNo(VideoFormat format) {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    if (!format.streams()) {
      assertThatThrownBy(() -> FrameEncoder.open(sent, format, 32, 32, 8))
          .extracting(error -> ((EngineFailure) error).code())
          .isEqualTo(FailureCode.UNSUPPORTED);
      return;
    }
    try (FrameEncoder encoder = FrameEncoder.open(sent, format, 32, 32, 8)) {
      encoder.add(CLIP, 0);
      encoder.finish();
    }
    assertThat(sent.size()).isGreaterThan(100);
  }

  @Test
  void anAbandonedFileLeavesNothing() throws Exception {
    try (FrameEncoder encoder =
        FrameEncoder.open(folder.resolve("a.mp4"), VideoFormat.MP4, 32, 32, 8)) {
      encoder.add(CLIP, 0);
    }
    try (var files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void theOldFileStaysUntilTheNewOneIsWhole() throws Exception {
    Path out = Files.writeString(folder.resolve("a.mkv"), "old");
    try (FrameEncoder encoder = FrameEncoder.open(out, VideoFormat.MKV, 32, 32, 8)) {
      encoder.add(CLIP, 0);
      assertThat(out).hasContent("old");
      encoder.finish();
    }
    assertThat(ClipReader.probe(out).codec()).isEqualTo("ffv1");
  }

  @Test
  void aBrokenStreamIsAMediaFailureWithItsReason() {
    OutputStream broken =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("connection reset");
          }
        };
    assertThatThrownBy(
            () -> {
              try (FrameEncoder encoder =
                  FrameEncoder.open(broken, VideoFormat.FRAGMENTED_MP4, 32, 32, 8)) {
                for (int t = 0; t < 5; t++) {
                  encoder.add(CLIP, t);
                }
                encoder.finish();
              }
            })
        .hasMessageContaining("connection reset")
        .extracting(error -> ((EngineFailure) error).code())
        .isEqualTo(FailureCode.MEDIA);
  }

  @Test
  void aMissingEncoderIsNamed() {
    assertThatThrownBy(() -> FrameEncoder.encoder("libnothing", VideoFormat.MP4))
        .hasMessage("cannot write MP4: this build of FFmpeg lacks the encoder libnothing")
        .extracting(error -> ((EngineFailure) error).code())
        .isEqualTo(FailureCode.UNSUPPORTED);
  }

  @Test
  void framesOfAnotherSizeAreRefused() {
    ByteArrayOutputStream sent = new ByteArrayOutputStream();
    try (FrameEncoder encoder = FrameEncoder.open(sent, VideoFormat.MKV, 16, 16, 8)) {
      assertThatThrownBy(() -> encoder.add(CLIP, 0))
          .hasMessage("frames of the MKV stream are 16x16: got 32x32");
      assertThatThrownBy(() -> encoder.add(new byte[5]))
          .hasMessage("a frame of the MKV stream needs 768 bytes (16x16 RGB): got 5");
      assertThatThrownBy(encoder::finish).hasMessage("the MKV stream got no frame");
    }
  }

  @Test
  void valuesAreClampedAndRounded() {
    float[] values = new float[3 * 16 * 16];
    values[0] = -1;
    values[1] = 2;
    values[2] = Float.NaN;
    values[3] = 0.5f;
    Path out = folder.resolve("a.png");
    ClipWriter.write(out, new Clip(values, 1, 16, 16, 8));
    float[] back = ClipReader.read(out, ClipSampling.ALL).pixels();
    assertThat(back).startsWith(0, 1, 0, 128 / 255f);
  }
}
