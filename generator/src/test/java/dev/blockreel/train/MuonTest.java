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

/** The compiled update against the iteration as it is published, computed in Java. */
class MuonTest {
  private static final double BETA = 0.9;
  private static final TrainingSchedule SCHEDULE =
      new TrainingSchedule(100, 1, 0.1, 0, 0.05, BETA, 0.95, 1e9, 0.9, "fp32", 3, 1, 10, "muon");
  private static final double[][] WIDE = {{0.5, -1, 2, 0.25}, {1.5, 0.75, -0.5, 1}};

  @Test
  void aWideMatrixMovesByItsOrthogonalisedMomentum() {
    movesAsPublished(WIDE);
  }

  @Test
  void aTallMatrixMovesByItsOrthogonalisedMomentum() {
    movesAsPublished(transposed(WIDE));
  }

  /** The gradient of sum(g ∘ w) is g. */
  private static void movesAsPublished(double[][] g) {
    int rows = g.length;
    int columns = g[0].length;
    WeightScope scope = WeightScope.root("");
    scope.declare("matrix", Weight.Role.LINEAR, Init.constant(1), rows, columns);
    ScriptWriter writer = new ScriptWriter("Inner");
    writer.method("loss", m -> m.returns(m.tensor("x").mul(m.tensors("w").item(0)).sum().view(1)));
    TrainingStep.write(writer, List.of("x"), scope.weights(), SCHEDULE);
    double[][] expected = new double[rows][columns];
    double[][] momentum = new double[rows][columns];
    for (double[] row : expected) {
      java.util.Arrays.fill(row, 1);
    }
    try (Script script = writer.compile();
        TrainingState state =
            TrainingState.fresh(scope.weights(), 1, Numerics.training(Dtype.FLOAT32))) {
      for (int step = 0; step < 3; step++) {
        double lr = SCHEDULE.learningRate(step);
        double[][] ahead = new double[rows][columns];
        float[] values = new float[rows * columns];
        for (int r = 0; r < rows; r++) {
          for (int c = 0; c < columns; c++) {
            double slope = g[r][c] * (step + 1);
            values[r * columns + c] = (float) slope;
            momentum[r][c] = BETA * momentum[r][c] + (1 - BETA) * slope;
            ahead[r][c] = BETA * momentum[r][c] + (1 - BETA) * slope;
          }
        }
        try (TensorScope one = TensorScope.open()) {
          Tensor x = one.floats(values, rows, columns);
          Tensor rates = one.floats(new float[] {(float) lr, step + 1, 0}, 3);
          script.train(one, "train", List.of(x, rates), state.list());
        }
        double[][] orthogonal = orthogonalised(ahead);
        double size = 0.2 * Math.sqrt(Math.max(rows, columns));
        float[] weight = state.list().tensors().get(0).toFloats();
        for (int r = 0; r < rows; r++) {
          for (int c = 0; c < columns; c++) {
            expected[r][c] = expected[r][c] * (1 - lr * 0.05) - lr * size * orthogonal[r][c];
            assertThat(weight[r * columns + c]).isCloseTo((float) expected[r][c], within(1e-4f));
          }
        }
        state.advance(0);
      }
    }
  }

  private static double[][] orthogonalised(double[][] matrix) {
    if (matrix.length > matrix[0].length) {
      return transposed(orthogonalised(transposed(matrix)));
    }
    double norm = 0;
    for (double[] row : matrix) {
      for (double value : row) {
        norm += value * value;
      }
    }
    double[][] x = combined(1 / Math.sqrt(norm), matrix, 0, matrix);
    for (int i = 0; i < 5; i++) {
      double[][] a = product(x, transposed(x));
      double[][] b = combined(-4.7750, a, 2.0315, product(a, a));
      x = combined(3.4445, x, 1, product(b, x));
    }
    return x;
  }

  private static double[][] combined(double p, double[][] x, double q, double[][] y) {
    double[][] sum = new double[x.length][x[0].length];
    for (int r = 0; r < x.length; r++) {
      for (int c = 0; c < x[0].length; c++) {
        sum[r][c] = p * x[r][c] + q * y[r][c];
      }
    }
    return sum;
  }

  private static double[][] product(double[][] x, double[][] y) {
    double[][] product = new double[x.length][y[0].length];
    for (int r = 0; r < x.length; r++) {
      for (int c = 0; c < y[0].length; c++) {
        for (int k = 0; k < y.length; k++) {
          product[r][c] += x[r][k] * y[k][c];
        }
      }
    }
    return product;
  }

  private static double[][] transposed(double[][] x) {
    double[][] t = new double[x[0].length][x.length];
    for (int r = 0; r < x.length; r++) {
      for (int c = 0; c < x[0].length; c++) {
        t[c][r] = x[r][c];
      }
    }
    return t;
  }
}
