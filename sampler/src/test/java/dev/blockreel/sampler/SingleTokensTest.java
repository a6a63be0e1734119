package dev.blockreel.sampler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpLayout;
import dev.blockreel.nn.Numerics;
import dev.blockreel.sampler.GenerationRequest.Mode;
import dev.blockreel.script.TensorScope;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models whose first tokens come one by one for longer than a block. */
class SingleTokensTest {
  private static final int[] LABEL = {1};
  private static final SamplingOptions LIVELY = new SamplingOptions(1, 0, 1, 0, false);

  @TempDir Path folder;

  /** Two frames of a clip of three are made token by token, then rows of four. */
  private static NbpConfig config(int singleTokens) {
    return new NbpConfig(2, 2, 16, 64, 4, 25, 1, 3, true, singleTokens);
  }

  private static NbpGenerator.Description description(NbpConfig config) {
    return new NbpGenerator.Description(NbpGenerator.KIND, config, 3, 4, 4);
  }

  @Test
  void stepsPredictWhatTheTrainedLayoutDoes() {
    NbpConfig config = config(32);
    Path file = folder.resolve("generator.safetensors");
    TinyModel.random(file, new Nbp(config).weights(), 2);
    try (TensorFile weights = Safetensors.open(file);
        NbpGenerator generator =
            NbpGenerator.load(
                description(config), weights, Numerics.plain(), TokenSampling::write)) {
      assertThat(decodedAndPredicted(generator, new int[0], Mode.NBP)).isEqualTo(32 + 4);
      assertThat(decodedAndPredicted(generator, new int[] {3, 1, 4, 1}, Mode.NBP))
          .isEqualTo(28 + 4);
      assertThat(decodedAndPredicted(generator, new int[32], Mode.NBP)).isEqualTo(4);
      assertThat(decodedAndPredicted(generator, new int[36], Mode.NBP)).isEqualTo(3);
      assertThat(decodedAndPredicted(generator, new int[0], Mode.NTP)).isEqualTo(48);
    }
  }

  /** The number of steps. */
  private static int decodedAndPredicted(NbpGenerator generator, int[] given, Mode mode) {
    NbpStream stream = new NbpStream(generator.description(), LABEL, given, LIVELY, mode, 1);
    int total = stream.total();
    assertThat(total).isEqualTo(NbpStream.steps(generator.description(), mode, given.length));
    List<float[]> seen = new ArrayList<>();
    long[] read = {};
    try (NbpDecoding decoding = new NbpDecoding(generator, 1)) {
      decoding.admit(stream);
      while (!stream.finished()) {
        read = LongStream.concat(Arrays.stream(read), Arrays.stream(stream.input())).toArray();
        decoding.step(List.of(stream), (raw, guided) -> seen.add(raw.toFloats()));
      }
    }
    assertThat(seen).hasSize(total);
    assertThat(Arrays.copyOf(stream.codes(), given.length)).isEqualTo(given);
    NbpConfig config = generator.description().network();
    NbpLayout layout = new NbpLayout(config, stream.block());
    // A model that has learned nothing draws ids that are no codes, too, and reads them as such.
    assertThat(codesIn(read, config))
        .isEqualTo(codesIn(layout.input(LABEL, stream.codes()), config));

    float[] whole = logits(generator, layout, read, stream.codes().length);
    int at = given.length * config.vocabulary();
    for (float[] step : seen) {
      assertThat(step)
          .as("logits from token %d on", at / config.vocabulary())
          .containsExactly(Arrays.copyOfRange(whole, at, at + step.length), within(1e-4f));
      at += step.length;
    }
    assertThat(at).isEqualTo(whole.length);
    return total;
  }

  /** The positions whose ids are codes other than the first, and these. */
  private static String codesIn(long[] ids, NbpConfig config) {
    return IntStream.range(0, ids.length)
        .filter(i -> ids[i] > config.videoOffset())
        .mapToObj(i -> i + ":" + ids[i])
        .collect(Collectors.joining(" "));
  }

  /** What one pass over a whole clip predicts of all its tokens. */
  private static float[] logits(NbpGenerator generator, NbpLayout layout, long[] ids, int tokens) {
    try (TensorScope scope = TensorScope.open()) {
      return generator
          .call(
              scope,
              "logits",
              scope.longs(ids, 1, ids.length),
              scope.booleans(layout.mask(ids.length), ids.length, ids.length),
              tokens)
          .toFloats();
    }
  }

  @Test
  void onlyWholeBlocksThatAClipHasComeOneByOne() {
    assertThatThrownBy(() -> config(6))
        .hasMessage("tokens that come one by one must be whole blocks of 4: got 6");
    assertThatThrownBy(() -> description(config(52)))
        .hasMessage("of the 48 tokens of a grid of 3x4x4 no 52 can come one by one");
    assertThat(config(0).singleTokens()).isEqualTo(4);
  }
}
