package dev.blockreel.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EqualSetsTest {
  private static int count(boolean[] chosen, int[] labels, int label) {
    int count = 0;
    for (int i = 0; i < labels.length; i++) {
      count += chosen[i] && labels[i] == label ? 1 : 0;
    }
    return count;
  }

  @Test
  void setsAreDisjointAndHaveAsManyOfEachClass() {
    int[] made = {0, 0, 1, 1, 1};
    int[] real = {1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 2};
    EqualSets sets = EqualSets.draw(made, real);
    assertThat(sets.clips()).isEqualTo(4);
    for (int label = 0; label < 3; label++) {
      int expected = label < 2 ? 2 : 0;
      assertThat(count(sets.made(), made, label)).isEqualTo(expected);
      assertThat(count(sets.firstReal(), real, label)).isEqualTo(expected);
      assertThat(count(sets.secondReal(), real, label)).isEqualTo(expected);
    }
    for (int i = 0; i < real.length; i++) {
      assertThat(sets.firstReal()[i] && sets.secondReal()[i]).isFalse();
    }
    EqualSets again = EqualSets.draw(made, real);
    assertThat(again.firstReal()).isEqualTo(sets.firstReal());
  }

  @Test
  void tooFewRealClipsGiveNoSets() {
    assertThat(EqualSets.draw(new int[] {0, 0}, new int[] {0}).clips()).isZero();
  }
}
