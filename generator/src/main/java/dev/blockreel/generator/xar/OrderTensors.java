package dev.blockreel.generator.xar;

import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.List;

/** What an {@link EntityOrder} is to the network, as tensors. */
public final class OrderTensors {
  private static final double BASE = 10_000;

  private OrderTensors() {}

  /**
   * What {@code full} and {@code loss} of {@link Xar} take.
   *
   * @param scope owns them
   * @param headWidth d
   * @return groups (N), or (0) where all entities have one size; mask (N,N); places (N,d/2,2)
   */
  public static List<Tensor> of(TensorScope scope, EntityOrder order, int headWidth) {
    int[] entities = order.entityOfToken();
    int n = entities.length;
    boolean[] mask = new boolean[Math.multiplyExact(n, n)];
    for (int query = 0; query < n; query++) {
      for (int key = 0; key < n; key++) {
        mask[query * n + key] = entities[key] <= entities[query];
      }
    }
    int[] groups = order.even() ? new int[0] : entities;
    return List.of(
        scope.longs(groups, groups.length),
        scope.booleans(mask, n, n),
        places(scope, order, headWidth));
  }

  /**
   * By how much each pair of channels of a query or key is turned at each place of the order (arXiv
   * 2104.09864): cosine and sine, (N,d/2,2).
   */
  public static Tensor places(TensorScope scope, EntityOrder order, int headWidth) {
    return scope.floats(rotations(order, headWidth), order.tokens(), headWidth / 2, 2);
  }

  /**
   * The values of {@link #places}. Of an image one half of the pairs turns with the row, the other
   * with the column; of a clip about a quarter turns with time, and the rest is shared alike.
   */
  static float[] rotations(EntityOrder order, int headWidth) {
    int pairs = headWidth / 2;
    int ofSide = order.time() == 1 ? pairs / 2 : 3 * pairs / 8;
    int[] share = {pairs - 2 * ofSide, ofSide, ofSide};
    int[] sequence = order.sequence();
    float[] values = new float[sequence.length * pairs * 2];
    int at = 0;
    for (int position : sequence) {
      int[] place = {
        position / (order.height() * order.width()),
        position / order.width() % order.height(),
        position % order.width()
      };
      for (int axis = 0; axis < 3; axis++) {
        for (int pair = 0; pair < share[axis]; pair++) {
          double angle = place[axis] * Math.pow(BASE, -(double) pair / share[axis]);
          values[at++] = (float) Math.cos(angle);
          values[at++] = (float) Math.sin(angle);
        }
      }
    }
    return values;
  }
}
