package dev.blockreel.server.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class NativeHeapTest {
  private final NativeHeap heap = new NativeHeap();

  private long timesInSecondsOfRest(int seconds) {
    return IntStream.range(0, seconds).filter(second -> heap.restedEnough(false)).count();
  }

  @Test
  void eachRestGivesMemoryBackOnce() {
    assertThat(timesInSecondsOfRest(9)).isZero();
    assertThat(timesInSecondsOfRest(100)).isEqualTo(1);
    assertThat(heap.restedEnough(true)).isFalse();
    assertThat(timesInSecondsOfRest(100)).isEqualTo(1);
  }

  @Test
  void pausesUnderLoadAreNoRest() {
    for (int i = 0; i < 20; i++) {
      assertThat(timesInSecondsOfRest(9)).isZero();
      assertThat(heap.restedEnough(true)).isFalse();
    }
  }

  @Test
  void givingBackNeverFails() {
    assertThatCode(heap::trim).doesNotThrowAnyException();
  }
}
