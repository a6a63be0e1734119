package dev.blockreel.cli;

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
 * A model that knows nothing but is complete: 5 frames of 16x16 pixels become 2x4x4 tokens of 20
 * codes; three classes.
 */
public final class TinyModel {
  public static final int FRAMES = 5;
  public static final int SIDE = 16;
  public static final int CODES = 20;

  private static final Magvit2Config TOKENIZER =
      new Magvit2Config(
          1,
          List.of(new Stage(4, 1, 2, 2), new Stage(4, 1, 2, 2), new Stage(4, 1, 1, 1)),
          List.of(5, 4),
          2);

  private static final NbpConfig GENERATOR = new NbpConfig(1, 2, 8, 40, 4, CODES, 1, 3, true, 0);

  private TinyModel() {}

  /** Writes it; tokenizer and generator. */
  public static Path write(Path directory) {
    ObjectNode json = Magvit2Tokenizer.describe(TOKENIZER, FRAMES, SIDE, SIDE, 8);
    NbpGenerator.describe(json, new NbpGenerator.Description("nbp", GENERATOR, 2, 4, 4));
    json.putArray("classes").add("walk-left").add("walk-right").add("slash-up");
    json.putObject("sampling").put("temperature", 1).put("topK", 0).put("topP", 1);
    json.put("licence", "CC0");
    ModelDirectory.write(
        directory,
        json,
        folder -> {
          random(folder.resolve(ModelDirectory.TOKENIZER_FILE), new Magvit2(TOKENIZER).weights());
          random(folder.resolve(ModelDirectory.GENERATOR_FILE), new Nbp(GENERATOR).weights());
        });
    return directory;
  }

  /** The tokenizer alone. */
  static Path writeTokenizer(Path directory) {
    ModelDirectory.write(
        directory,
        Magvit2Tokenizer.describe(TOKENIZER, FRAMES, SIDE, SIDE, 8),
        folder ->
            random(
                folder.resolve(ModelDirectory.TOKENIZER_FILE), new Magvit2(TOKENIZER).weights()));
    return directory;
  }

  /** A tokenizer whose file holds other tensors than the network has. */
  static Path writeMismatched(Path directory) {
    List<Weight> weights = new Magvit2(TOKENIZER).weights();
    ModelDirectory.write(
        directory,
        Magvit2Tokenizer.describe(TOKENIZER, FRAMES, SIDE, SIDE, 8),
        folder -> {
          SafetensorsWriter writer =
              SafetensorsWriter.to(folder.resolve(ModelDirectory.TOKENIZER_FILE));
          add(writer, weights.subList(2, weights.size()));
          writer.addFloats(weights.get(1).name(), new long[] {7}, new float[7]);
          writer.addFloats("stranger", new long[] {1}, new float[1]).write();
        });
    return directory;
  }

  private static void random(Path file, List<Weight> weights) {
    SafetensorsWriter writer = SafetensorsWriter.to(file);
    add(writer, weights);
    writer.write();
  }

  private static void add(SafetensorsWriter writer, List<Weight> weights) {
    SplittableRandom random = new SplittableRandom(1);
    for (Weight weight : weights) {
      float[] values = new float[(int) weight.elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) weight.init().next(random);
      }
      writer.addFloats(weight.name(), weight.shape(), values);
    }
  }
}
