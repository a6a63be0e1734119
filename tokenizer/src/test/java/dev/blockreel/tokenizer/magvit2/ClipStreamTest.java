package dev.blockreel.tokenizer.magvit2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.grid.TokenGrid;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.script.Dtype;
import dev.blockreel.tokenizer.magvit2.Magvit2Config.Stage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Decoding in chunks against decoding the whole. */
class ClipStreamTest {
  private static final int[][] CHUNKINGS = {{1, 1, 1, 1, 1}, {2, 3}, {5}, {1, 4}, {3, 1, 1}};

  @TempDir Path folder;

  private Magvit2Tokenizer tokenizer(Numerics numerics, int patch, int... strideTime) {
    return wideTokenizer(16, numerics, patch, strideTime);
  }

  private Magvit2Tokenizer wideTokenizer(
      int width, Numerics numerics, int patch, int... strideTime) {
    List<Stage> stages = new ArrayList<>();
    for (int stride : strideTime) {
      stages.add(new Stage(width, 2, stride, 2));
    }
    stages.add(new Stage(24, 2, 1, 1));
    Magvit2Config config = new Magvit2Config(patch, stages, List.of(8, 5, 5), 8);
    Path path = folder.resolve("tokenizer.safetensors");
    SafetensorsWriter writer = SafetensorsWriter.to(path);
    SplittableRandom random = new SplittableRandom(7);
    for (Weight weight : new Magvit2(config).weights()) {
      float[] values = new float[Math.toIntExact(weight.elements())];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) (weight.init().next(random) + 0.02 * random.nextGaussian());
      }
      writer.addFloats(weight.name(), weight.shape(), values);
    }
    writer.write();
    try (TensorFile file = Safetensors.open(path)) {
      return Magvit2Tokenizer.load(
          new Magvit2Tokenizer.Description("magvit2", config, 17, 32, 32, 8), file, numerics);
    }
  }

  private static TokenGrid grid(int seed, int time) {
    return new TokenGrid(new Random(seed).ints(time * 3 * 4, 0, 200).toArray(), time, 3, 4);
  }

  /** (B, 3, T, H, W), pushed in chunks of these sizes. */
  static float[] streamed(Magvit2Tokenizer tokenizer, List<TokenGrid> grids, int... chunks) {
    List<float[]> parts = new ArrayList<>();
    try (ClipStream stream = tokenizer.stream()) {
      int done = 0;
      for (int chunk : chunks) {
        int from = done;
        done += chunk;
        parts.add(
            stream.pushRaw(grids.stream().map(grid -> grid.slice(from, from + chunk)).toList()));
      }
      assertThat(done).isEqualTo(grids.get(0).time());
    }
    int planes = 3 * grids.size();
    int total = parts.stream().mapToInt(part -> part.length / planes).sum();
    float[] joined = new float[planes * total];
    int at = 0;
    for (float[] part : parts) {
      int size = part.length / planes;
      for (int plane = 0; plane < planes; plane++) {
        System.arraycopy(part, plane * size, joined, plane * total + at, size);
      }
      at += size;
    }
    return joined;
  }

  private static void assertSame(float[] streamed, float[] whole) {
    assertThat(streamed).hasSameSizeAs(whole);
    double most = 0;
    for (int i = 0; i < whole.length; i++) {
      most = Math.max(most, Math.abs(streamed[i] - whole[i]));
    }
    assertThat(most).isLessThanOrEqualTo(1e-5);
  }

  /** Strides in time from the pixels inwards, and the patch, as digits. */
  @ParameterizedTest
  @ValueSource(strings = {"122", "21", "111", "222", "12", "2 patch 2"})
  void everyChunkingGivesTheSameFrames(String strides) {
    int patch = strides.endsWith("patch 2") ? 2 : 1;
    int[] strideTime = strides.split(" ", 2)[0].chars().map(c -> c - '0').toArray();
    List<TokenGrid> grids = List.of(grid(1, 5), grid(2, 5));
    try (Magvit2Tokenizer tokenizer = tokenizer(Numerics.plain(), patch, strideTime)) {
      float[] whole = tokenizer.decodeRaw(grids);
      for (int[] chunks : CHUNKINGS) {
        assertSame(streamed(tokenizer, grids, chunks), whole);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"122", "21", "111", "222", "12", "2 patch 2"})
  void everyChunkingGivesTheSameLatents(String strides) {
    int patch = strides.endsWith("patch 2") ? 2 : 1;
    int[] strideTime = strides.split(" ", 2)[0].chars().map(c -> c - '0').toArray();
    try (Magvit2Tokenizer tokenizer = tokenizer(Numerics.plain(), patch, strideTime)) {
      int side = 2 * tokenizer.description().network().spaceFactor();
      // 19 frames are two more than a whole number of latent frames, for some of the strides.
      Clip clip = clip(3, 19, side);
      float[] whole = tokenizer.latents(clip);
      for (int atOnce = 1; atOnce <= 4; atOnce++) {
        assertSame(tokenizer.latents(clip, atOnce), whole);
      }
      long[] indices = tokenizer.indices(whole);
      TokenGrid grid = tokenizer.encode(clip);
      assertThat(grid.time()).isEqualTo(tokenizer.description().network().latentFrames(19));
      assertThat(grid.codes())
          .isEqualTo(java.util.Arrays.stream(indices).mapToInt(i -> (int) i).toArray());
    }
  }

  private static Clip clip(int seed, int frames, int side) {
    Random random = new Random(seed);
    float[] pixels = new float[3 * frames * side * side];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = random.nextFloat();
    }
    return new Clip(pixels, frames, side, side, 8);
  }

  /** From 128 channels on rows are paired, which rounds more often. */
  @ParameterizedTest
  @CsvSource({"16, 1.1", "128, 2"})
  void packedKernelsGiveWhatPlainOnesGiveButForRounding(int width, double error) {
    Numerics packed = Numerics.inference(Dtype.BFLOAT16);
    assumeTrue(packed.packedKernels(), "oneDNN packs bf16 on processors with AVX-512 only");
    Numerics loose = new Numerics(Dtype.BFLOAT16, false, Numerics.Products.PLAIN, true, false);
    Clip clip = clip(5, 9, 12);
    List<TokenGrid> grids = List.of(grid(1, 5), grid(2, 5));
    try (Magvit2Tokenizer plain = wideTokenizer(width, Numerics.plain(), 1, 1, 2);
        Magvit2Tokenizer unpacked = wideTokenizer(width, loose, 1, 1, 2);
        Magvit2Tokenizer fast = wideTokenizer(width, packed, 1, 1, 2)) {
      float[] latents = plain.latents(clip);
      assertThat(difference(fast.latents(clip), latents))
          .isLessThan(error * difference(unpacked.latents(clip), latents));
      float[] pixels = plain.decodeRaw(grids);
      assertThat(difference(fast.decodeRaw(grids), pixels))
          .isLessThan(error * difference(unpacked.decodeRaw(grids), pixels));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 128})
  void everyChunkingGivesTheSameFramesButForRoundingInFastNumbers(int width) {
    List<TokenGrid> grids = List.of(grid(1, 5), grid(2, 5));
    try (Magvit2Tokenizer plain = wideTokenizer(width, Numerics.plain(), 1, 1, 2);
        Magvit2Tokenizer fast = wideTokenizer(width, Numerics.inference(Dtype.BFLOAT16), 1, 1, 2)) {
      float[] exact = plain.decodeRaw(grids);
      double whole = difference(fast.decodeRaw(grids), exact);
      for (int[] chunks : CHUNKINGS) {
        assertThat(difference(streamed(fast, grids, chunks), exact)).isLessThan(1.1 * whole);
      }
    }
  }

  private static double difference(float[] rough, float[] exact) {
    double squared = 0;
    for (int i = 0; i < exact.length; i++) {
      squared += Math.pow(rough[i] - exact[i], 2);
    }
    return Math.sqrt(squared / exact.length);
  }

  @Test
  void eachLatentFrameBringsTheFramesOfTheStrides() {
    try (Magvit2Tokenizer tokenizer = tokenizer(Numerics.plain(), 1, 1, 2, 2);
        ClipStream stream = tokenizer.stream()) {
      TokenGrid tokens = grid(1, 4);
      List<Clip> parts = new ArrayList<>();
      parts.add(stream.push(tokens.slice(0, 1)));
      parts.add(stream.push(tokens.slice(1, 2)));
      parts.add(stream.push(tokens.slice(2, 4)));
      assertThat(parts).extracting(Clip::frames).containsExactly(1, 4, 8);
      Clip joined = Clip.join(parts);
      assertThat(joined.height()).isEqualTo(3 * 8);
      assertThat(joined.width()).isEqualTo(4 * 8);
      assertThat(joined.fps()).isEqualTo(8);
      Clip whole = tokenizer.decode(tokens);
      assertThat(whole.frames()).isEqualTo(13);
      assertSame(joined.pixels(), whole.pixels());
    }
  }

  @Test
  void streamsDoNotDisturbEachOther() {
    try (Magvit2Tokenizer tokenizer = tokenizer(Numerics.plain(), 1, 2);
        ClipStream first = tokenizer.stream();
        ClipStream second = tokenizer.stream()) {
      first.push(grid(1, 1));
      float[] alone = second.pushRaw(List.of(grid(2, 2)));
      first.push(grid(3, 2));
      assertThat(second.pushRaw(List.of(grid(4, 1)))).isNotEqualTo(alone);
      assertThat(alone).isEqualTo(tokenizer.decodeRaw(List.of(grid(2, 2))));
    }
  }

  @Test
  void memoryDoesNotGrowWithThePushes() throws IOException {
    Path status = Path.of("/proc/self/status");
    assumeTrue(Files.exists(status), "resident memory is read from " + status);
    try (Magvit2Tokenizer tokenizer = tokenizer(Numerics.plain(), 1, 1);
        ClipStream stream = tokenizer.stream()) {
      // What one push leaves behind for the next is 4 MB: kept 60 times, it would show.
      TokenGrid latentFrame = new TokenGrid(new int[32 * 32], 1, 32, 32);
      for (int i = 0; i < 10; i++) {
        stream.push(latentFrame);
      }
      long before = residentMegabytes(status);
      for (int i = 0; i < 60; i++) {
        stream.push(latentFrame);
      }
      assertThat(residentMegabytes(status) - before).isLessThan(100);
    }
  }

  private static long residentMegabytes(Path status) throws IOException {
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024;
      }
    }
    throw new IOException("no VmRSS in " + status);
  }

  @Test
  void whatDoesNotFitIsRefusedAndTheStreamGoesOn() {
    try (Magvit2Tokenizer tokenizer = tokenizer(Numerics.plain(), 1, 2);
        ClipStream stream = tokenizer.stream()) {
      stream.push(grid(1, 1));
      assertRefused(() -> stream.push(List.of()), "nothing to decode");
      assertRefused(
          () -> stream.push(List.of(grid(1, 1), grid(1, 1))),
          "began with 1 clips of 3x4 tokens a frame: got 2 of 3x4");
      assertRefused(() -> stream.push(new TokenGrid(new int[12], 1, 4, 3)), "got 1 of 4x3");
      TokenGrid outside = grid(1, 1);
      outside.codes()[7] = 200;
      assertRefused(() -> stream.push(outside), "token 7 of clip 0 is 200: this codebook has");
      assertRefused(() -> tokenizer.decode(List.of(grid(1, 2), grid(1, 3))), "must have one size");
      assertThat(stream.push(grid(2, 1)).frames()).isEqualTo(2);
    }
  }

  private static void assertRefused(Runnable push, String reason) {
    assertThatThrownBy(push::run)
        .isInstanceOfSatisfying(
            EngineFailure.class, e -> assertThat(e.code()).isEqualTo(FailureCode.BAD_REQUEST))
        .hasMessageContaining(reason)
        .message()
        .hasLineCount(1);
  }

  @Test
  void closingTwiceIsHarmlessAndPushingThenIsNot() {
    try (Magvit2Tokenizer tokenizer = tokenizer(Numerics.plain(), 1, 2)) {
      ClipStream stream = tokenizer.stream();
      stream.push(grid(1, 1));
      stream.close();
      stream.close();
      assertThatThrownBy(() -> stream.push(grid(1, 1)))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("closed");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void streamsThatArePushedTogetherGiveWhatEachGivesAlone(boolean fast) {
    Numerics numerics = fast ? Numerics.inference(Dtype.BFLOAT16) : Numerics.plain();
    float tolerance = fast ? 0.05f : 1e-5f;
    try (Magvit2Tokenizer tokenizer = tokenizer(numerics, 2, 2);
        ClipStream early = tokenizer.stream();
        ClipStream pair = tokenizer.stream();
        ClipStream late = tokenizer.stream()) {
      List<TokenGrid> two = List.of(grid(2, 3), grid(3, 3));
      List<ClipStream> streams = List.of(early, pair, late);
      List<List<Clip>> made = new ArrayList<>();
      early.push(grid(1, 4).slice(0, 1));
      for (int t = 0; t < 3; t++) {
        List<List<TokenGrid>> chunks =
            List.of(
                List.of(grid(1, 4).slice(t + 1, t + 2)),
                List.of(two.get(0).slice(t, t + 1), two.get(1).slice(t, t + 1)),
                List.of(grid(4, 3).slice(t, t + 1)));
        made.add(ClipStream.push(streams, chunks).stream().flatMap(List::stream).toList());
      }
      assertClose(made, 0, tokenizer.decode(grid(1, 4)).slice(1, 7), tolerance);
      assertClose(made, 1, tokenizer.decode(two.get(0)), tolerance);
      assertClose(made, 2, tokenizer.decode(two.get(1)), tolerance);
      assertClose(made, 3, tokenizer.decode(grid(4, 3)), tolerance);
    }
  }

  private static void assertClose(List<List<Clip>> made, int clip, Clip wanted, float tolerance) {
    float[] joined = Clip.join(made.stream().map(part -> part.get(clip)).toList()).pixels();
    assertThat(joined).hasSameSizeAs(wanted.pixels());
    for (int i = 0; i < joined.length; i++) {
      assertThat(joined[i]).isCloseTo(wanted.pixels()[i], within(tolerance));
    }
  }
}
