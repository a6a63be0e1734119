package dev.blockreel.nn;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;
import java.util.List;

/**
 * Convolutions in time and space, with kernels three rows high, by two thirds of the products: four
 * of them make two rows of the result, which directly takes six (Winograd's F(2,3), arXiv
 * 1509.09308, over the height alone). With rows d0 to d3 of the input and g0 to g2 of the kernel,
 * each of them all channels, columns and frames:
 *
 * <pre>
 * m0 = (d0 - d2)·g0      m1 = (d1 + d2)·(g0 + g1 + g2)/2
 * m3 = (d3 - d1)·g2      m2 = (d2 - d1)·(g0 - g1 + g2)/2
 * the two rows: m0 + m1 + m2 and m1 - m2 + m3
 * </pre>
 *
 * <p>What is left for each product is a convolution over frames and columns of every row by itself:
 * one of images, which oneDNN computes faster than one of clips. In bf16 the sums are rounded, too:
 * the error is 1.7 times that of a direct convolution. Over the width as well it would be four
 * ninths of the products and 2.4 times the error.
 */
final class PairedRows {
  /** With fewer, the sums cost as much as the products that they save. */
  private static final int LEAST_CHANNELS = 128;

  /**
   * Networks that have more see small frames there: the kernels, a third larger than before, then
   * take longer to load than a clip saves.
   */
  private static final int MOST_CHANNELS = 256;

  private static final int PRODUCTS = 4;

  private PairedRows() {}

  /** Whether this is worth it for a kernel (out,in,t,h,w) that moves by single places. */
  static boolean suits(long... kernel) {
    return kernel[3] == 3
        && Math.min(kernel[0], kernel[1]) >= LEAST_CHANNELS
        && kernel[1] <= MOST_CHANNELS;
  }

  /**
   * The four kernels (out,in,t,w) of a kernel (out,in,t,3,w) of any format, in the order of the
   * products and in fp32.
   */
  static List<Sym> kernels(Sym kernel) {
    // Innermost channels make long runs of all that follows.
    Sym wide = kernel.channelsLast3d().to(Dtype.FLOAT32);
    Sym g0 = wide.select(3, 0);
    Sym g1 = wide.select(3, 1);
    Sym g2 = wide.select(3, 2);
    Sym outer = g0.add(g2);
    return List.of(g0, outer.add(g1).mulInPlace(0.5), outer.sub(g1).mulInPlace(0.5), g2);
  }

  /**
   * Where the four kernels of {@code kernel} begin in a script's list: behind all weights, in the
   * order of those that are paired.
   *
   * @param weights all of the model
   */
  static int place(List<Weight> weights, Weight kernel, Numerics numerics) {
    long before = weights.stream().limit(kernel.index()).filter(numerics::pairsRows).count();
    return weights.size() + PRODUCTS * (int) before;
  }

  /**
   * Writes the convolution.
   *
   * @param input (B,in,T,H+2,W) with H even, channels innermost
   * @param place where the four kernels, packed for oneDNN, begin in the list of weights
   * @param bias (out)
   * @return (B,out,T',H,W'), channels innermost
   */
  static Sym apply(Forward forward, Sym input, int place, Sym bias) {
    Method method = forward.method();
    Sym batch = input.size(0);
    Sym pairs = input.size(3).floorDiv(2); // P, with a last one that is the border
    Sym rows =
        input
            .permute(0, 2, 3, 4, 1)
            .view(batch, input.size(2), pairs, 2, input.size(4), input.size(1))
            .permute(0, 2, 3, 1, 4, 5); // (B,P,2,T,W,in)
    Sym results = method.let(pairs + " - 1");
    Sym d0 = rows.select(2, 0).slice(1, 0, results);
    Sym d1 = rows.select(2, 1).slice(1, 0, results);
    Sym d2 = rows.select(2, 0).from(1, 1);
    Sym d3 = rows.select(2, 1).from(1, 1);
    // Both rows of the result contain m1 as it is, and so the bias.
    Sym m1 = product(forward, sum(d1, d2), place + 1, bias);
    Sym m2 = product(forward, difference(d2, d1), place + 2, null);
    Sym upper = m1.add(m2);
    Sym lower = m1.sub(m2);
    Sym m0 = product(forward, difference(d0, d2), place, null);
    Sym m3 = product(forward, difference(d3, d1), place + 3, null);
    Sym result = input.newEmpty(batch, m0.size(2), results, 2, m0.size(3), m0.size(4));
    Sym target = result.permute(0, 2, 3, 1, 4, 5); // (B,P,2,T',W',out)
    upper.addInto(m0, target.select(2, 0));
    lower.addInto(m3, target.select(2, 1));
    return result.flatten(2, 3).permute(0, 4, 1, 2, 3);
  }

  private static Sym sum(Sym first, Sym second) {
    Sym sum = memory(first);
    first.addInto(second, sum);
    return sum;
  }

  private static Sym difference(Sym first, Sym second) {
    Sym difference = memory(first);
    first.subInto(second, difference);
    return difference;
  }

  /** In the order of the dimensions, as products want it, whatever that of {@code rows} is. */
  private static Sym memory(Sym rows) {
    return rows.newEmpty(rows.size(0), rows.size(1), rows.size(2), rows.size(3), rows.size(4));
  }

  /** (B,P,T,W,in) → (B,P,T',W',out). */
  private static Sym product(Forward forward, Sym sums, int place, Sym bias) {
    Sym kernel = forward.weights().item(place);
    Sym made =
        sums.flatten(0, 1)
            .permute(0, 3, 1, 2)
            .packedConvolution(kernel, bias, 1, 1)
            .permute(0, 2, 3, 1);
    return made.view(sums.size(0), sums.size(1), made.size(1), made.size(2), made.size(3));
  }
}
