package dev.blockreel.nn;

import dev.blockreel.script.Dtype;
import dev.blockreel.script.Method;
import dev.blockreel.script.Sym;

/**
 * What a layer needs to write itself into a method.
 *
 * @param method the method being written
 * @param weights the script's list of weights, or a block's slice of it
 * @param numerics in which numbers to compute
 * @param history what layers remember of earlier chunks of a clip, or null where clips come whole
 */
public record Forward(Method method, Sym weights, Numerics numerics, History history) {
  /** For whole clips, and for all that has no time. */
  public Forward(Method method, Sym weights, Numerics numerics) {
    this(method, weights, numerics, null);
  }

  /** The weight, in the format that the products need. */
  public Sym weight(Weight weight) {
    String item = weights + "[" + weight.index() + "]";
    return method.let(
        numerics.castWeights() ? item + ".to(" + numerics.compute().number() + ")" : item);
  }

  /** The same method with another list of weights. */
  public Forward with(Sym otherWeights) {
    return new Forward(method, otherWeights, numerics, history);
  }

  /** Casts to the compute format. */
  public Sym enter(Sym x) {
    return numerics.compute() == Dtype.FLOAT32 ? x : x.to(numerics.compute());
  }

  /** Casts to fp32. */
  public Sym leave(Sym x) {
    return numerics.compute() == Dtype.FLOAT32 ? x : x.to(Dtype.FLOAT32);
  }
}
