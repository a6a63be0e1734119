package dev.blockreel.generator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.generator.var.VarImport;
import dev.blockreel.tokenizer.vq.VqImport;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tensors are found wherever the authors' programs put them. */
class PublishedModelTest {
  private static Path file(String name) throws URISyntaxException {
    return Path.of(PublishedModelTest.class.getResource("/published/" + name).toURI());
  }

  private static float first(String name, Predicate<TensorFile> family, String tensor)
      throws URISyntaxException {
    assertThat(PublishedModel.holds(file(name), family)).isTrue();
    try (TensorFile tensors = PublishedModel.tensors(file(name), family)) {
      return tensors.floats(tensor)[0];
    }
  }

  @ParameterizedTest
  @CsvSource({
    "flat.pt,2",
    "wrapped.pt,2",
    "without-average.pt,2",
    "with-average.pt,3",
    "trainer.pt,2"
  })
  void transformersAreFound(String name, float expected) throws URISyntaxException {
    assertThat(first(name, VarImport::recognises, "word_embed.weight")).isEqualTo(expected);
  }

  @Test
  void aTrainingOfVarHoldsItsAutoencoderToo() throws URISyntaxException {
    assertThat(first("trainer.pt", VqImport::recognises, "quantize.embedding.weight")).isEqualTo(1);
    assertThat(PublishedModel.holds(file("flat.pt"), VqImport::recognises)).isFalse();
    assertThatThrownBy(
            () -> PublishedModel.tensors(file("with-average.pt"), VqImport::recognises).close())
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("has no tensors; found");
  }
}
