package dev.blockreel.evaluate;

import dev.blockreel.failure.EngineFailure;
import java.util.Arrays;
import java.util.List;
import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;
import org.ejml.dense.row.factory.DecompositionFactory_DDRM;
import org.ejml.interfaces.decomposition.QRDecomposition;
import org.ejml.interfaces.decomposition.SingularValueDecomposition_F64;

/**
 * The Gaussian that fits a set of feature vectors, and the Fréchet distance between two of them
 * (arXiv 1706.08500); the covariance divides by n-1. All in double precision.
 *
 * <p>The distance grows as sets shrink: compare only distances between sets of the same size.
 */
public final class FeatureStatistics {
  private final double[] mean;
  private final DMatrixRMaj factor; // A, (at most D, D): the covariance is AᵀA
  private final double spread; // the covariance's trace

  private FeatureStatistics(double[] mean, DMatrixRMaj factor, double spread) {
    this.mean = mean;
    this.factor = factor;
    this.spread = spread;
  }

  /**
   * Fits vectors of one length; there may be fewer of them than they have values.
   *
   * @throws EngineFailure BAD_REQUEST for fewer than two vectors, or for values that are not finite
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
    double spread = 0;
    for (int row = 0; row < count; row++) {
      for (int i = 0; i < length; i++) {
        double value = (vectors.get(row)[i] - mean[i]) / Math.sqrt(count - 1);
        centred.set(row, i, value);
        spread += value * value;
      }
    }
    if (!Double.isFinite(spread)) {
      throw EngineFailure.badRequest(
          "the features have no covariance: a network gave values that are not finite");
    }
    return new FeatureStatistics(mean, count > length ? triangle(centred) : centred, spread);
  }

  /** Fewer rows with the same AᵀA. */
  private static DMatrixRMaj triangle(DMatrixRMaj tall) {
    QRDecomposition<DMatrixRMaj> qr =
        DecompositionFactory_DDRM.qr(tall.getNumRows(), tall.getNumCols());
    qr.decompose(tall);
    return qr.getR(null, true);
  }

  /** Length of the vectors. */
  public int length() {
    return mean.length;
  }

  /**
   * |m₁-m₂|² + tr(S₁ + S₂ - 2·(S₁S₂)^½), at least 0. With S₁ = A₁ᵀA₁ and S₂ = A₂ᵀA₂ the trace of
   * the root is the sum of the singular values of A₁A₂ᵀ: S₁S₂ and A₁A₂ᵀ(A₁A₂ᵀ)ᵀ have the same
   * eigenvalues but for zeros. That needs no root of a matrix, and has only as many rows and
   * columns as there are vectors where these are fewer than their values.
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
    DMatrixRMaj product = CommonOps_DDRM.multTransB(factor, other.factor, null);
    SingularValueDecomposition_F64<DMatrixRMaj> singular =
        DecompositionFactory_DDRM.svd(
            product.getNumRows(), product.getNumCols(), false, false, true);
    if (!singular.decompose(product)) {
      throw new IllegalStateException(
          "the singular values of two sets of features do not converge");
    }
    double trace = Arrays.stream(singular.getSingularValues()).sum();
    return Math.max(0, means + spread + other.spread - 2 * trace);
  }
}
