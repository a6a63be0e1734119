package dev.blockreel.train;

import static dev.blockreel.train.SmallTraining.schedule;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import dev.blockreel.tokenizer.magvit2.Magvit2Config.Stage;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Recipes that cannot be trained are refused when they are read. */
class RecipeTest {
  /** Four frames become one latent frame. */
  private static TokenizerRecipe tokenizer(
      int frames, int trainFrames, int width, int level, int batch) {
    return new TokenizerRecipe(
        new Magvit2Config(
            1,
            List.of(new Stage(width, 1, 2, 2), new Stage(8, 1, 2, 1), new Stage(8, 1, 1, 1)),
            List.of(level, level),
            4),
        new TokenizerRecipe.ClipShape(frames, 16, 16, 8),
        trainFrames,
        null,
        false,
        new TokenizerRecipe.Losses(1, 1, 1),
        schedule(2, batch, 100));
  }

  @ParameterizedTest
  @CsvSource({
    "10, 9, 'clips.frames must be 1 more than a multiple of 4, .*: got 10, near are 9 and 13'",
    "9, 4, 'trainFrames must be 1 more than a multiple of 4, .*: got 4, near are 1 and 5'",
    "9, 10, 'trainFrames must lie between 1 and the 9 frames of a clip: got 10'",
  })
  void lengthsThatATokenizerDoesNotGiveBack(int frames, int trainFrames, String message) {
    assertThatThrownBy(() -> tokenizer(frames, trainFrames, 8, 5, 1)).hasMessageMatching(message);
  }

  @Test
  void lengthsThatFit() {
    assertThatCode(() -> tokenizer(17, 1, 8, 5, 1)).doesNotThrowAnyException();
    assertThatCode(() -> tokenizer(9, 9, 8, 5, 1)).doesNotThrowAnyException();
  }

  @Test
  void sizesThatOverflow() {
    assertThatThrownBy(() -> tokenizer(5, 5, 8, 5, 100_000_000))
        .hasMessage("batch must lie between 1 and 65536: got 100000000");
    assertThatThrownBy(() -> tokenizer(17, 17, 8, 5, 65536))
        .hasMessage(
            "a batch of 65536 clips of 17x16x16 pixels of 13056 values is too large: expected at"
                + " most 536870912 values in all");
    assertThatThrownBy(() -> tokenizer(5, 5, 10_000_000, 5, 1))
        .hasMessage("width of a stage must lie between 1 and 8192: got 10000000");
    assertThatThrownBy(() -> tokenizer(5, 5, 8, 2_000, 1))
        .hasMessage("codes, the product of levels, must lie between 2 and 1048576: got 4000000");
    assertThatThrownBy(() -> tokenizer(5, 5, 8, 100_000, 1))
        .hasMessage("FSQ levels of [100000, 100000] make more than 16777216 codes");
    assertThatThrownBy(() -> new NbpRecipe.Sizes(1, 1, 10_000_000, 1, 0))
        .hasMessage("width must lie between 1 and 8192: got 10000000");
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 0, 1, 'temperature must be 0 or more: got -1.0'",
    "NaN, 0, 1, 'temperature must be 0 or more: got NaN'",
    "1, -3, 1, 'topK must be 0 (all) or more: got -3'",
    "1, 0, 0, 'topP must lie in (0, 1]: got 0.0'",
    "1, 0, 1.1, 'topP must lie in (0, 1]: got 1.1'",
  })
  void tokensThatCannotBeDrawn(double temperature, int topK, double topP, String message) {
    assertThatThrownBy(() -> new NbpRecipe.Sampling(temperature, topK, topP)).hasMessage(message);
    assertThatThrownBy(() -> new VarRecipe.Sampling(temperature, topK, topP, 0))
        .hasMessage(message);
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 4, heun, even, linear, 'cfg must be 0 or more: got -1.0'",
    "1, 0, heun, even, linear, 'steps must lie between 1 and 1000: got 0'",
    "1, 4, eular, even, linear, 'unknown solver \"eular\": expected one of euler-maruyama, euler,"
        + " heun'",
    "1, 4, heun, odd, linear, 'unknown times \"odd\": expected one of published, even, cosine'",
    "1, 4, heun, even, , 'unknown guidance \"null\": expected one of constant, linear'",
  })
  void latentsThatCannotBeDrawn(
      double cfg, int steps, String solver, String times, String guidance, String message) {
    assertThatThrownBy(() -> new XarRecipe.Sampling(1, cfg, steps, solver, times, guidance))
        .hasMessage(message);
  }
}
