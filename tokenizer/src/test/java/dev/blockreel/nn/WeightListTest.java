package dev.blockreel.nn;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.Safetensors;
import dev.blockreel.checkpoint.SafetensorsWriter;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.TensorScope;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WeightListTest {
  @TempDir Path folder;

  @Test
  void everyTypeOfAFileArrivesAsItsValues() {
    WeightScope scope = WeightScope.root("");
    Init init = Init.constant(0);
    scope.declare("first", Weight.Role.TABLE, init, 3, 5);
    scope.declare("second", Weight.Role.LINEAR, init, 70, 33);
    scope.declare("third", Weight.Role.VECTOR, init, 7);
    Path path = folder.resolve("weights.safetensors");
    SafetensorsWriter writer = SafetensorsWriter.to(path);
    Random random = new Random(1);
    ElementType[] types = {ElementType.BF16, ElementType.BF16, ElementType.F32};
    float[][] values = new float[3][];
    for (int i = 0; i < 3; i++) {
      Weight weight = scope.weights().get(i);
      values[i] = new float[(int) weight.elements()];
      for (int j = 0; j < values[i].length; j++) {
        // Values that bf16 has.
        values[i][j] = (random.nextInt(256) - 128) / 64f;
      }
      writer.addFloats(weight.name(), types[i], weight.shape(), values[i]);
    }
    writer.write();
    ScriptWriter reading =
        new ScriptWriter("Reading")
            .method("item", m -> m.returns(m.tensors("w").item(m.integer("i")).to(Dtype.FLOAT32)));
    try (TensorFile file = Safetensors.open(path);
        WeightList list = WeightList.load(scope.weights(), file, Numerics.plain());
        Script script = reading.compile();
        TensorScope step = TensorScope.open()) {
      // The others than bf16 take another way.
      assertThat(file.place("second")).isPresent();
      for (int i = 0; i < 3; i++) {
        assertThat(script.call(step, "item", list.list(), i).toFloats()).isEqualTo(values[i]);
      }
      TensorFile renamed = file.renamed(name -> "model." + name);
      assertThat(renamed.place("model.second")).isEqualTo(file.place("second"));
    }
  }
}
