package dev.blockreel.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.failure.EngineFailure;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ClassScoresTest {
  private static final List<String> CLASSES = List.of("run", "sit", "walk");

  private static float[] sure(int label) {
    float[] one = new float[3];
    one[label] = 1;
    return one;
  }

  @Test
  void everythingRecognised() {
    ClassScores scores =
        ClassScores.of(CLASSES, new int[] {0, 1, 2}, List.of(sure(0), sure(1), sure(2)));
    assertThat(scores.accuracy()).isEqualTo(1);
    assertThat(scores.inceptionScore()).isCloseTo(3, within(1e-9));
    assertThat(scores.confusions()).isEmpty();
  }

  @Test
  void confusionsAreNamedAndCounted() {
    ClassScores scores =
        ClassScores.of(
            CLASSES,
            new int[] {0, 0, 0, 0, 2, 2, -1},
            List.of(sure(0), sure(2), sure(2), sure(1), sure(2), sure(0), sure(1)));
    assertThat(scores.clips()).isEqualTo(6);
    assertThat(scores.accuracy()).isCloseTo(2 / 6.0, within(1e-12));
    assertThat(scores.classes())
        .containsExactly(
            new ClassScores.PerClass("run", 4, 0.25), new ClassScores.PerClass("walk", 2, 0.5));
    assertThat(scores.confusions().get(0)).isEqualTo(new ClassScores.Confusion("run", "walk", 2));
    assertThat(scores.confusions()).hasSize(3);
    assertThat(scores.weakest().name()).isEqualTo("run");
  }

  @Test
  void aClassifierOfOtherClassesIsRefused() {
    assertThatThrownBy(() -> ClassScores.of(List.of("run", "sit"), new int[] {0}, List.of(sure(2))))
        .isInstanceOf(EngineFailure.class)
        .hasMessage("the classifier knows 3 classes, but 2 are named");
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, -1, 7})
  void whatIsNoProbabilityIsRefused(float value) {
    List<float[]> odd = List.of(new float[] {0.5f, 0.5f, value});
    assertThatThrownBy(() -> ClassScores.of(CLASSES, new int[] {0}, odd))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("is no probability");
  }

  @Test
  void aScoreOfOneSaysNothingIsTold() {
    float[] even = {1 / 3f, 1 / 3f, 1 / 3f};
    assertThat(ClassScores.inceptionScore(List.of(even, even))).isCloseTo(1, within(1e-6));
    // Always the same class, however surely, is no variety either.
    assertThat(ClassScores.inceptionScore(List.of(sure(1), sure(1)))).isCloseTo(1, within(1e-9));
  }

  @Test
  void aScoreInBetween() {
    // p = (3/4, 1/4) and (1/4, 3/4): KL of each from the even mean.
    double divergence = 0.75 * Math.log(1.5) + 0.25 * Math.log(0.5);
    assertThat(
            ClassScores.inceptionScore(
                List.of(new float[] {0.75f, 0.25f}, new float[] {0.25f, 0.75f})))
        .isCloseTo(Math.exp(divergence), within(1e-9));
  }

  @Test
  void withoutKnownClassesThereIsNoAccuracy() {
    ClassScores scores = ClassScores.of(CLASSES, new int[] {-1}, List.of(sure(0)));
    assertThat(scores.accuracy()).isNull();
    assertThat(scores.weakest()).isNull();
  }
}
