package dev.blockreel.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.failure.EngineFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;
import org.junit.jupiter.api.Test;

class FeatureStatisticsTest {
  /**
   * Vectors whose mean is exactly {@code mean} and whose covariance is exactly U·Uᵀ for the columns
   * of U: each column is added to and taken from the mean once.
   */
  private static FeatureStatistics gaussian(double[] mean, double[]... columns) {
    double scale = Math.sqrt((2 * columns.length - 1) / 2.0);
    List<float[]> vectors = new ArrayList<>();
    for (double[] column : columns) {
      for (int sign = -1; sign <= 1; sign += 2) {
        float[] vector = new float[mean.length];
        for (int i = 0; i < mean.length; i++) {
          vector[i] = (float) (mean[i] + sign * scale * column[i]);
        }
        vectors.add(vector);
      }
    }
    return FeatureStatistics.of(vectors);
  }

  private static List<float[]> random(int count, int length, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<float[]> vectors = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      float[] vector = new float[length];
      for (int j = 0; j < length; j++) {
        vector[j] = (float) (random.nextGaussian() * (1 + j % 3));
      }
      vectors.add(vector);
    }
    return vectors;
  }

  @Test
  void gaussiansOfOneDimension() {
    // (m1 - m2)² + (s1 - s2)²
    FeatureStatistics narrow = gaussian(new double[] {1}, new double[] {2});
    FeatureStatistics wide = gaussian(new double[] {-2}, new double[] {7});
    assertThat(narrow.distance(wide)).isCloseTo(9 + 25, within(1e-4));
  }

  @Test
  void covariancesAlongTheSameAxes() {
    FeatureStatistics a =
        gaussian(new double[] {0, 0, 5}, new double[] {3, 0, 0}, new double[] {0, 1, 0});
    FeatureStatistics b =
        gaussian(
            new double[] {0, 0, 3},
            new double[] {1, 0, 0},
            new double[] {0, 4, 0},
            new double[] {0, 0, 2});
    // Deviations 3, 1, 0 against 1, 4, 2; means differ by 2.
    assertThat(a.distance(b)).isCloseTo(4 + 4 + 9 + 4, within(1e-4));
  }

  @Test
  void covariancesThatDoNotCommute() {
    double[][] u = {{2, 0}, {1, 1}};
    double[][] v = {{1, -3}, {0.5, 0.25}};
    double[][] s1 = product(u);
    double[][] s2 = product(v);
    // For 2x2 matrices tr(M^½) = sqrt(tr M + 2 sqrt(det M)).
    double[][] m = {
      {s1[0][0] * s2[0][0] + s1[0][1] * s2[1][0], 0},
      {0, s1[1][0] * s2[0][1] + s1[1][1] * s2[1][1]}
    };
    double trace = m[0][0] + m[1][1];
    double root = Math.sqrt(trace + 2 * Math.sqrt(determinant(s1) * determinant(s2)));
    double expected = s1[0][0] + s1[1][1] + s2[0][0] + s2[1][1] - 2 * root;
    double[] zero = {0, 0};
    assertThat(gaussian(zero, u).distance(gaussian(zero, v))).isCloseTo(expected, within(1e-4));
    assertThat(gaussian(zero, v).distance(gaussian(zero, u))).isCloseTo(expected, within(1e-4));
  }

  private static double[][] product(double[][] columns) {
    double[][] s = new double[2][2];
    for (double[] column : columns) {
      for (int i = 0; i < 2; i++) {
        for (int j = 0; j < 2; j++) {
          s[i][j] += column[i] * column[j];
        }
      }
    }
    return s;
  }

  private static double determinant(double[][] s) {
    return s[0][0] * s[1][1] - s[0][1] * s[1][0];
  }

  @Test
  void aSetHasNoDistanceToItself() {
    List<float[]> vectors = random(200, 64, 1);
    FeatureStatistics set = FeatureStatistics.of(vectors);
    assertThat(set.distance(FeatureStatistics.of(vectors))).isCloseTo(0, within(1e-8));
  }

  @Test
  void fewerVectorsThanValuesGiveTheDistanceOfTheirShift() {
    List<float[]> vectors = random(5, 40, 2);
    List<float[]> shifted = vectors.stream().map(float[]::clone).toList();
    shifted.forEach(vector -> vector[7] += 3);
    assertThat(FeatureStatistics.of(vectors).distance(FeatureStatistics.of(shifted)))
        .isCloseTo(9, within(1e-4));
  }

  /**
   * The formula as it stands, with (D, D) matrices; tr(M^½) is the sum of the eigenvalues' roots.
   */
  private static double plain(List<float[]> a, List<float[]> b) {
    DMatrixRMaj first = covariance(a);
    DMatrixRMaj second = covariance(b);
    EigenDecomposition_F64<DMatrixRMaj> eigen =
        DecompositionFactory_DDRM.eig(first.getNumRows(), false);
    assertThat(eigen.decompose(CommonOps_DDRM.mult(first, second, null))).isTrue();
    double trace = 0;
    for (int i = 0; i < eigen.getNumberOfEigenvalues(); i++) {
      trace += Math.sqrt(Math.max(0, eigen.getEigenvalue(i).getReal()));
    }
    double means = 0;
    for (int i = 0; i < first.getNumRows(); i++) {
      means += Math.pow(mean(a, i) - mean(b, i), 2);
    }
    return means + CommonOps_DDRM.trace(first) + CommonOps_DDRM.trace(second) - 2 * trace;
  }

  private static double mean(List<float[]> vectors, int i) {
    return vectors.stream().mapToDouble(vector -> vector[i]).average().orElseThrow();
  }

  private static DMatrixRMaj covariance(List<float[]> vectors) {
    int length = vectors.get(0).length;
    DMatrixRMaj covariance = new DMatrixRMaj(length, length);
    for (int i = 0; i < length; i++) {
      for (int j = 0; j < length; j++) {
        double sum = 0;
        for (float[] vector : vectors) {
          sum += (vector[i] - mean(vectors, i)) * (vector[j] - mean(vectors, j));
        }
        covariance.set(i, j, sum / (vectors.size() - 1));
      }
    }
    return covariance;
  }

  /** The same with a value that never changes, and one that follows from another. */
  private static List<float[]> dependent(List<float[]> vectors) {
    return vectors.stream()
        .map(
            vector -> {
              float[] changed = vector.clone();
              changed[0] = 1;
              changed[2] = 2 * changed[1];
              return changed;
            })
        .toList();
  }

  @Test
  void fewAndManyVectorsGiveTheDistanceOfTheFormula() {
    List<List<float[]>> sets =
        List.of(
            random(2, 20, 7),
            random(9, 20, 8),
            random(20, 20, 9),
            random(60, 20, 10),
            dependent(random(12, 20, 11)),
            dependent(random(50, 20, 12)));
    for (List<float[]> a : sets) {
      for (List<float[]> b : sets) {
        assertThat(FeatureStatistics.of(a).distance(FeatureStatistics.of(b)))
            .isCloseTo(Math.max(0, plain(a, b)), within(1e-5));
      }
    }
  }

  @Test
  void valuesThatAreNotFiniteAreRefused() {
    List<float[]> vectors = random(4, 3, 1);
    vectors.get(2)[1] = Float.NaN;
    assertThatThrownBy(() -> FeatureStatistics.of(vectors))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("not finite");
  }

  @Test
  void samplesOfOneDistributionComeNearerAsTheyGrow() {
    double few =
        FeatureStatistics.of(random(50, 16, 3)).distance(FeatureStatistics.of(random(50, 16, 4)));
    double many =
        FeatureStatistics.of(random(2000, 16, 5))
            .distance(FeatureStatistics.of(random(2000, 16, 6)));
    assertThat(many).isLessThan(few / 10).isGreaterThan(0);
  }

  @Test
  void oneVectorIsNotEnough() {
    assertThatThrownBy(() -> FeatureStatistics.of(random(1, 3, 1)))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("at least 2 clips on each side: got 1");
    assertThatThrownBy(
            () ->
                FeatureStatistics.of(random(3, 3, 1))
                    .distance(FeatureStatistics.of(random(3, 4, 1))))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
