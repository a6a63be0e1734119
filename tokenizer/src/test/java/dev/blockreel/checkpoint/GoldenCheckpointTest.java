package dev.blockreel.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The checkpoints and numbers that the official research code wrote. */
class GoldenCheckpointTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "nbp-gpt-hybrid",
        "nbp-gpt-hybrid-text",
        "nbp-gpt-ntp",
        "nbp-gpt-ntp-class",
        "nbp-gpt-predict"
      })
  void generatorsAreReadWhole(String name) throws IOException {
    JsonNode config = description(name).path("config");
    Path path = golden(name, name + "-public.ckpt");
    try (TorchFile file = TorchFile.read(path)) {
      TensorFile tensors = file.tensors("state_dict");
      long width = config.path("n_embd").asLong();
      String prefix = config.path("state_dict_prefix").asText() + "transformer.";
      // Sixteen per layer; embeddings, last norm, head, uncond_embedding; two decoys
      assertThat(tensors.names()).hasSize(16 * config.path("n_layer").asInt() + 6 + 2);
      assertThat(tensors.info(prefix + "tok_emb.weight").shape())
          .containsExactly(config.path("gpt_vocab_size").asLong(), width);
      assertThat(tensors.info(prefix + "pos_emb").shape())
          .containsExactly(1, config.path("block_size").asLong(), width);
      assertThat(tensors.info(prefix + "uncond_embedding").shape()).hasSize(2).endsWith(width);
      assertFinite(tensors);

      Map<?, ?> root = (Map<?, ?>) file.root();
      assertThat(root.get("epoch")).isInstanceOf(Long.class);
      Opaque args = (Opaque) ((Map<?, ?>) root.get("hyper_parameters")).get("args");
      assertThat(args.className()).isEqualTo("argparse.Namespace");
      assertThat(args.state()).isNotEmpty();
    }
  }

  @Test
  void theTokenizerIsReadWhole() throws IOException {
    try (TorchFile file = TorchFile.read(golden("nbp-tokenizer", "magvit2_public.pt"))) {
      TensorFile tensors = file.tensors("model_state_dict");
      assertThat(tensors.names()).hasSize(430).allMatch(name -> name.startsWith("module."));
      JsonNode widths = description("nbp-tokenizer").at("/config/widths");
      assertThat(tensors.info("module.encoder_layers.0.conv.weight").shape())
          .containsExactly(widths.get(0).asLong(), 3, 3, 3, 3);
      assertFinite(tensors);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "nbp-tokenizer",
        "nbp-gpt-hybrid",
        "nbp-gpt-hybrid-text",
        "nbp-gpt-ntp",
        "nbp-gpt-ntp-class",
        "nbp-gpt-predict"
      })
  void numbersHaveTheDescribedTypesAndShapes(String name) throws IOException {
    for (String kind : new String[] {"inputs", "expected"}) {
      JsonNode described = description(name).path(kind);
      try (TensorFile file = Safetensors.open(golden(name, kind + ".safetensors"))) {
        assertThat(described.size()).isEqualTo(file.names().size()).isPositive();
        for (String tensor : file.names()) {
          JsonNode entry = described.path(tensor);
          assertThat(file.info(tensor).type().name()).isEqualTo(entry.path("dtype").asText());
          assertThat(file.info(tensor).shape())
              .isEqualTo(new JsonMapper().convertValue(entry.path("shape"), long[].class));
        }
      }
    }
  }

  private static void assertFinite(TensorFile tensors) {
    for (String name : tensors.names()) {
      for (float value : tensors.floats(name)) {
        if (!Float.isFinite(value)) {
          throw new AssertionError(name + " holds " + value);
        }
      }
    }
  }

  private static JsonNode description(String name) throws IOException {
    return new JsonMapper().readTree(Files.readAllBytes(golden(name, "case.json")));
  }

  private static Path golden(String name, String file) {
    try {
      return Path.of(
          GoldenCheckpointTest.class.getResource("/golden/" + name + "/" + file).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }
}
