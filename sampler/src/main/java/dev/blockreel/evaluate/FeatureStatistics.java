package dev.blockreel.evaluate;

import dev.blockreel.failure.EngineFailure;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.EigenDecomposition_F64;

/**
 * The Gaussian that fits a set of feature vectors, and the Fréchet distance between two of them
 * (arXiv 1706.08500); the covariance divides by n-1. All in double precision.
 *
 * <p>The distance grows as sets shrink: compare only distances between sets of the same size.
 */
public final class FeatureStatistics {
  private final double[] mean;
  private final DMatrixRMaj covariance; // (D, D), symmetric

  private FeatureStatistics(double[] mean, DMatrixRMaj covariance) {
    this.mean = mean;
    this.covariance = covariance;
  }

  /**
   * Fits vectors of one length; there may be fewer of them than they have values.
   *
   * @throws EngineFailure BAD_REQUEST for fewer than two vectors
   */
  public static FeatureStatistics of(List<float[]> vectors) {
    int count = vectors.size();
    if (count < 2) {
      throw EngineFailure.badRequest(
          "a Fréchet distance needs at least 2 clips on each side: got %d", count);
    }
    int length = vectors.get(0).length;
    double[] mean = new double[length];
    for (float[] vector : vectors) {
      for (int i = 0; i < length; i++) {
        mean[i] += vector[i] / (double) count;
      }
    }
    DMatrixRMaj centred = new DMatrixRMaj(count, length);
    for (int row = 0; row < count; row++) {
      for (int i = 0; i < length; i++) {
        centred.set(row, i, vectors.get(row)[i] - mean[i]);
      }
    }
    DMatrixRMaj covariance = new DMatrixRMaj(length, length);
    CommonOps_DDRM.multInner(centred, covariance);
    CommonOps_DDRM.divide(covariance, count - 1);
    return new FeatureStatistics(mean, covariance);
  }

  /** Length of the vectors. */
  public int length() {
    return mean.length;
  }

  /**
   * |m₁-m₂|² + tr(S₁ + S₂ - 2·(S₁S₂)^½), at least 0. The trace of the root is that of the symmetric
   * (S₁^½·S₂·S₁^½)^½: two eigendecompositions of symmetric matrices, which never fail, unlike the
   * root of a product.
   */
  public double distance(FeatureStatistics other) {
    if (other.length() != length()) {
      throw new IllegalArgumentException(
          "features of %d and of %d values cannot be compared".formatted(length(), other.length()));
    }
    double means = 0;
    for (int i = 0; i < mean.length; i++) {
      means += (mean[i] - other.mean[i]) * (mean[i] - other.mean[i]);
    }
    DMatrixRMaj root = root(covariance);
    DMatrixRMaj product = new DMatrixRMaj(length(), length());
    DMatrixRMaj inner = new DMatrixRMaj(length(), length());
    CommonOps_DDRM.mult(root, other.covariance, product);
    CommonOps_DDRM.mult(product, root, inner);
    EigenDecomposition_F64<DMatrixRMaj> eigen = eigen(symmetric(inner), false);
    double trace = 0;
    for (int i = 0; i < length(); i++) {
      // Rounding makes zeros slightly negative.
      trace += Math.sqrt(Math.max(0, eigen.getEigenvalue(i).getReal()));
    }
    double spreads = CommonOps_DDRM.trace(covariance) + CommonOps_DDRM.trace(other.covariance);
    return Math.max(0, means + spreads - 2 * trace);
  }

  private static DMatrixRMaj root(DMatrixRMaj matrix) {
    int length = matrix.getNumRows();
    EigenDecomposition_F64<DMatrixRMaj> eigen = eigen(matrix.copy(), true);
    DMatrixRMaj scaled = new DMatrixRMaj(length, length); // rows: eigenvectors · value^¼
    for (int i = 0; i < length; i++) {
      double scale = Math.sqrt(Math.sqrt(Math.max(0, eigen.getEigenvalue(i).getReal())));
      DMatrixRMaj vector = eigen.getEigenVector(i);
      for (int j = 0; j < length; j++) {
        scaled.set(i, j, scale * vector.get(j));
      }
    }
    DMatrixRMaj root = new DMatrixRMaj(length, length);
    CommonOps_DDRM.multInner(scaled, root);
    return root;
  }

  private static EigenDecomposition_F64<DMatrixRMaj> eigen(DMatrixRMaj matrix, boolean vectors) {
    EigenDecomposition_F64<DMatrixRMaj> eigen =
        DecompositionFactory_DDRM.eig(matrix.getNumRows(), vectors, true);
    if (!eigen.decompose(matrix)) {
      throw EngineFailure.badRequest(
          "the features have no covariance: a network gave values that are not finite");
    }
    return eigen;
  }

  private static DMatrixRMaj symmetric(DMatrixRMaj matrix) {
    DMatrixRMaj transposed = CommonOps_DDRM.transpose(matrix, null);
    CommonOps_DDRM.add(0.5, matrix, 0.5, transposed, transposed);
    return transposed;
  }
}
