package dev.blockreel.measure;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorInfo;
import dev.blockreel.generator.nbp.Nbp;
import dev.blockreel.generator.nbp.NbpGenerator;
import dev.blockreel.generator.nbp.NbpPreset;
import dev.blockreel.nn.Weight;
import dev.blockreel.tokenizer.magvit2.Magvit2;
import dev.blockreel.tokenizer.magvit2.Magvit2Tokenizer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/** A published model's directory with random bf16 weights, to measure how long loading takes. */
public final class StandInModel {
  private StandInModel() {}

  /**
   * Writes it.
   *
   * @param preset such as {@code nbp-k600-base}
   * @param directory must not exist yet
   * @throws dev.blockreel.failure.EngineFailure BAD_REQUEST when there is no such model, MEDIA when
   *     the directory cannot be written
   */
  public static void write(String preset, Path directory) {
    NbpPreset published = NbpPreset.named(preset);
    Magvit2Tokenizer.Description tokenizer = published.tokenizer();
    ObjectNode json =
        Magvit2Tokenizer.describe(
            tokenizer.network(),
            tokenizer.frames(),
            tokenizer.height(),
            tokenizer.width(),
            tokenizer.fps());
    NbpGenerator.describe(json, published.generator());
    ModelDirectory.write(
        directory,
        json,
        folder -> {
          write(
              folder.resolve(ModelDirectory.TOKENIZER_FILE),
              new Magvit2(tokenizer.network()).weights());
          write(
              folder.resolve(ModelDirectory.GENERATOR_FILE),
              new Nbp(published.generator().network()).weights());
        });
  }

  private static void write(Path file, List<Weight> weights) {
    SafetensorsWriter writer = SafetensorsWriter.to(file);
    SplittableRandom random = new SplittableRandom(1);
    for (Weight weight : weights) {
      writer.add(
          new TensorInfo(weight.name(), ElementType.BF16, weight.shape()),
          (from, elements) -> part(weight, elements, random));
    }
    writer.write();
  }

  private static ByteBuffer part(Weight weight, int elements, SplittableRandom random) {
    ByteBuffer bytes = ByteBuffer.allocate(2 * elements).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < elements; i++) {
      float value = (float) weight.init().next(random);
      bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
    }
    return bytes.flip();
  }
}
