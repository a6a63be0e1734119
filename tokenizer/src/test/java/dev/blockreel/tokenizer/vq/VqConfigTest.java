package dev.blockreel.tokenizer.vq;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VqConfigTest {
  /** Expected are the choices of the published code, which NumPy computes in doubles. */
  @ParameterizedTest
  @CsvSource({
    "1, 0000",
    "2, 001",
    "2, 0000011111",
    "3, 0012",
    "3, 0000111222",
    "4, 023",
    "4, 0123",
    "4, 0011122333",
    "5, 001234",
    "5, 0011223344",
    "6, 001223455",
    "10, 0123456789"
  })
  void scalesAreRefinedByTheNearestConvolution(int refinements, String expected) {
    List<Integer> scales = IntStream.rangeClosed(1, expected.length()).boxed().toList();
    VqConfig config = new VqConfig(VqConfig.OFFICIAL.network(), 32, 64, scales, refinements);
    int[] got = IntStream.range(0, scales.size()).map(config::refinement).toArray();
    assertThat(got).containsExactly(expected.chars().map(c -> c - '0').toArray());
  }
}
