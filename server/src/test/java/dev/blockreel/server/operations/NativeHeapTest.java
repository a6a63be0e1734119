package dev.blockreel.server.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NativeHeapTest {
  private final NativeHeap heap = new NativeHeap();

  private long timesIn(int seconds, boolean busy) {
    return IntStream.range(0, seconds).filter(second -> heap.due(busy)).count();
  }

  @Test
  void eachRestGivesMemoryBackOnce() {
    assertThat(timesIn(9, false)).isZero();
    assertThat(timesIn(100, false)).isEqualTo(1);
    assertThat(timesIn(1, true)).isZero();
    assertThat(timesIn(100, false)).isEqualTo(1);
  }

  @Test
  void pausesUnderLoadAreNoRest() {
    for (int i = 0; i < 20; i++) {
      assertThat(timesIn(9, false) + timesIn(1, true)).isZero();
    }
  }

  @Test
  void endlessLoadGivesMemoryBackNowAndThen() {
    assertThat(timesIn(599, true)).isZero();
    assertThat(timesIn(3001, true)).isEqualTo(6);
  }

  @Test
  void givingBackNeverFails() {
    assertThatCode(heap::trim).doesNotThrowAnyException();
  }
}
