package dev.blockreel.evaluate;

/**
 * SSIM of single planes of values in [0, 1], as in its paper (Wang et al. 2004): a Gaussian window
 * of 11x11 with deviation 1.5, kept inside the plane, K1 = 0.01, K2 = 0.03. Planes with a side
 * below 11 get a window as large as the side, odd.
 */
final class StructuralSimilarity {
  private static final int WINDOW = 11;
  private static final double DEVIATION = 1.5;
  private static final double C1 = 0.01 * 0.01;
  private static final double C2 = 0.03 * 0.03;

  private final int height;
  private final int width;
  private final double[] weights;

  StructuralSimilarity(int height, int width) {
    this.height = height;
    this.width = width;
    int side = Math.min(WINDOW, Math.min(height, width));
    this.weights = gaussian(side % 2 == 1 ? side : side - 1);
  }

  private static double[] gaussian(int side) {
    double[] weights = new double[side];
    double sum = 0;
    for (int i = 0; i < side; i++) {
      double distance = (i - side / 2) / DEVIATION;
      weights[i] = Math.exp(-distance * distance / 2);
      sum += weights[i];
    }
    for (int i = 0; i < side; i++) {
      weights[i] /= sum;
    }
    return weights;
  }

  /** SSIM of the planes that start at {@code offset} in two arrays. */
  double of(float[] a, float[] b, int offset) {
    int size = height * width;
    double[] x = new double[size];
    double[] y = new double[size];
    double[] xx = new double[size];
    double[] yy = new double[size];
    double[] xy = new double[size];
    for (int i = 0; i < size; i++) {
      x[i] = a[offset + i];
      y[i] = b[offset + i];
      xx[i] = x[i] * x[i];
      yy[i] = y[i] * y[i];
      xy[i] = x[i] * y[i];
    }
    double[] meanX = windowed(x);
    double[] meanY = windowed(y);
    double[] meanXx = windowed(xx);
    double[] meanYy = windowed(yy);
    double[] meanXy = windowed(xy);
    double sum = 0;
    for (int i = 0; i < meanX.length; i++) {
      double product = meanX[i] * meanY[i];
      double squares = meanX[i] * meanX[i] + meanY[i] * meanY[i];
      double covariance = meanXy[i] - product;
      double variances = meanXx[i] + meanYy[i] - squares;
      sum += (2 * product + C1) * (2 * covariance + C2) / ((squares + C1) * (variances + C2));
    }
    return sum / meanX.length;
  }

  /** Weighted mean around each place where the whole window fits, rows first, then columns. */
  private double[] windowed(double[] plane) {
    int columns = width - weights.length + 1;
    int rows = height - weights.length + 1;
    double[] across = new double[height * columns];
    for (int r = 0; r < height; r++) {
      for (int c = 0; c < columns; c++) {
        double sum = 0;
        for (int k = 0; k < weights.length; k++) {
          sum += weights[k] * plane[r * width + c + k];
        }
        across[r * columns + c] = sum;
      }
    }
    double[] down = new double[rows * columns];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        double sum = 0;
        for (int k = 0; k < weights.length; k++) {
          sum += weights[k] * across[(r + k) * columns + c];
        }
        down[r * columns + c] = sum;
      }
    }
    return down;
  }
}
