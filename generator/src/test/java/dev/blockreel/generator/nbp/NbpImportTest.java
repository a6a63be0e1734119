package dev.blockreel.generator.nbp;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.nn.PublishedNetwork;
import dev.blockreel.nn.Weight;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes of published models, whose files are all header and a hole here. */
class NbpImportTest {
  @TempDir private Path folder;

  private Path published(NbpConfig sizes) throws IOException {
    ObjectNode header = JsonNodeFactory.instance.objectNode();
    long end = 0;
    for (Weight weight : new Nbp(sizes).weights()) {
      ObjectNode tensor = header.putObject(weight.name()).put("dtype", "BF16");
      for (long side : weight.shape()) {
        tensor.withArray("shape").add(side);
      }
      tensor.putArray("data_offsets").add(end).add(end + 2 * weight.elements());
      end += 2 * weight.elements();
    }
    byte[] json = header.toString().getBytes(UTF_8);
    Path path = folder.resolve("published.safetensors");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.write(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array());
      file.write(json);
      file.setLength(8 + json.length + end);
    }
    return path;
  }

  private static NbpConfig imported(Path file, Map<String, String> given) {
    try (PublishedNetwork<NbpConfig> network = NbpImport.open(file, given, 0).network()) {
      return network.config();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"nbp-k600-base", "nbp-ucf-base"})
  void whatAUserSaysOfAPublishedModelLeavesTheRestAsPublished(String preset) throws IOException {
    NbpConfig sizes = NbpPreset.named(preset).generator().network();
    Path file = published(sizes);
    assertThat(imported(file, Map.of())).isEqualTo(sizes);
    assertThat(imported(file, Map.of("fps", "16"))).isEqualTo(sizes);
    assertThat(imported(file, Map.of("n_head", String.valueOf(sizes.heads())))).isEqualTo(sizes);
  }

  @Test
  void aUserMayContradictAPublishedModel() throws IOException {
    NbpConfig sizes = NbpPreset.named("nbp-k600-base").generator().network();
    Map<String, String> single = Map.of("token_number_per_step", "1");
    assertThat(imported(published(sizes), single).blockSize()).isEqualTo(1);
  }
}
