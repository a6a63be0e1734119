package dev.blockreel.sampler;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpConfig;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.nn.Weight;
import dev.blockreel.tokenizer.magvit2.Magvit2;
import dev.blockreel.tokenizer.magvit2.Magvit2Config;
import dev.blockreel.tokenizer.magvit2.Magvit2Config.Stage;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A whole model with random weights, small enough to run anywhere at once: 9 frames of 16x16, three
 * classes.
 */
final class TinyModel {
  static final Magvit2Config TOKENIZER =
      new Magvit2Config(
          2,
          List.of(new Stage(8, 1, 2, 2), new Stage(8, 1, 2, 1), new Stage(8, 1, 1, 1)),
          List.of(5, 5),
          4);
  static final NbpGenerator.Description GENERATOR =
      new NbpGenerator.Description(
          "nbp", new NbpConfig(2, 2, 16, 64, 4, 25, 1, 3, true, 0), 3, 4, 4);

  private TinyModel() {}

  static Path write(Path directory) {
    ObjectNode json = Magvit2Tokenizer.describe(TOKENIZER, 9, 16, 16, 8);
    NbpGenerator.describe(json, GENERATOR);
    ObjectMapper mapper = new ObjectMapper();
    json.set("classes", mapper.valueToTree(List.of("left", "right", "up")));
    ModelDirectory.write(
        directory,
        json,
        folder -> {
          random(
              folder.resolve(ModelDirectory.TOKENIZER_FILE), new Magvit2(TOKENIZER).weights(), 1);
          random(
              folder.resolve(ModelDirectory.GENERATOR_FILE),
              new Nbp(GENERATOR.network()).weights(),
              2);
        });
    return directory;
  }

  static void random(Path file, List<Weight> weights, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    SafetensorsWriter writer = SafetensorsWriter.to(file);
    for (Weight weight : weights) {
      float[] values = new float[Math.toIntExact(weight.elements())];
      for (int i = 0; i < values.length; i++) {
        // Larger than training starts with, so that tokens differ.
        values[i] = (float) (random.nextGaussian() * 0.3);
      }
      writer.addFloats(weight.name(), weight.shape(), values);
    }
    writer.write();
  }
}
