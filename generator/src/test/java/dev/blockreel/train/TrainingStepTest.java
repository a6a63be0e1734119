package dev.blockreel.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.nn.Init;
import dev.blockreel.nn.Numerics;
import dev.blockreel.nn.Weight;
import dev.blockreel.nn.WeightScope;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The compiled step against the formulas, computed in Java. */
class TrainingStepTest {
  private static final TrainingSchedule SCHEDULE =
      new TrainingSchedule(100, 1, 0.1, 0, 0.05, 0.9, 0.95, 0.5, 0.9, "fp32", 3, 1, 10, "adamw");

  @Test
  void aStepIsWhatThePaperSays() {
    WeightScope scope = WeightScope.root("");
    Weight matrix = scope.declare("matrix", Weight.Role.LINEAR, Init.constant(2), 1, 1);
    scope.declare("bias", Weight.Role.VECTOR, Init.constant(-1), 1);
    scope.declare("unused", Weight.Role.VECTOR, Init.constant(7), 1);
    ScriptWriter writer = new ScriptWriter("Parabola");
    // loss = 3·matrix² + bias²
    writer.method(
        "loss",
        m -> {
          var x = m.tensor("x");
          var w = m.tensors("w");
          m.returns(w.item(0).square().sum().mul(x.sum()).add(w.item(1).square().sum()).view(1));
        });
    TrainingStep.write(writer, List.of("x"), scope.weights(), SCHEDULE);
    try (Script script = writer.compile();
        TrainingState state =
            TrainingState.fresh(scope.weights(), 1, Numerics.training(Dtype.FLOAT32))) {
      double[] w = {2, -1};
      double[] first = new double[2];
      double[] second = new double[2];
      double[] average = new double[2];
      for (int step = 0; step < 5; step++) {
        double[] g = {6 * w[0], 2 * w[1]};
        double norm = Math.hypot(g[0], g[1]);
        double scale = Math.min(1, 0.5 / norm);
        double lr = SCHEDULE.learningRate(step);
        double keep = SCHEDULE.ema(step);
        float[] measured;
        try (TensorScope step1 = TensorScope.open()) {
          Tensor x = step1.floats(new float[] {3}, 1);
          Tensor rates = step1.floats(new float[] {(float) lr, step + 1, (float) keep}, 3);
          measured = script.train(step1, "train", List.of(x, rates), state.list()).toFloats();
        }
        assertThat(measured[0]).isCloseTo((float) (3 * w[0] * w[0] + w[1] * w[1]), within(1e-4f));
        assertThat(measured[1]).isCloseTo((float) norm, within(1e-4f));
        for (int i = 0; i < 2; i++) {
          first[i] = 0.9 * first[i] + 0.1 * g[i] * scale;
          second[i] = 0.95 * second[i] + 0.05 * Math.pow(g[i] * scale, 2);
          double m = first[i] / (1 - Math.pow(0.9, step + 1));
          double v = second[i] / (1 - Math.pow(0.95, step + 1));
          double decay = i == 0 ? 0.05 : 0; // biases do not decay
          w[i] = w[i] * (1 - lr * decay) - lr * m / (Math.sqrt(v) + 1e-8);
          average[i] = keep * average[i] + (1 - keep) * w[i];
          assertThat(value(state, i)).isCloseTo((float) w[i], within(1e-4f));
          assertThat(value(state, 3 * 3 + i)).isCloseTo((float) average[i], within(1e-4f));
        }
        assertThat(value(state, 2)).isEqualTo(7f);
        state.advance(0);
      }
    }
    assertThat(matrix.index()).isZero();
  }

  @Test
  void aGradientThatIsNotFiniteChangesNothing() {
    WeightScope scope = WeightScope.root("");
    scope.declare("w", Weight.Role.LINEAR, Init.constant(2), 1, 1);
    ScriptWriter writer = new ScriptWriter("Broken");
    writer.method("loss", m -> m.returns(m.tensor("x").mul(m.tensors("w").item(0)).sum().view(1)));
    TrainingStep.write(writer, List.of("x"), scope.weights(), SCHEDULE);
    try (Script script = writer.compile();
        TrainingState state =
            TrainingState.fresh(scope.weights(), 1, Numerics.training(Dtype.FLOAT32));
        TensorScope one = TensorScope.open()) {
      Tensor x = one.floats(new float[] {Float.POSITIVE_INFINITY}, 1);
      Tensor rates = one.floats(new float[] {0.1f, 1, 0}, 3);
      script.train(one, "train", List.of(x, rates), state.list());
      assertThat(value(state, 0)).isEqualTo(2f);
    }
  }

  private static float value(TrainingState state, int index) {
    return state.list().tensors().get(index).toFloats()[0];
  }
}
