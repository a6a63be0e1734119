package dev.blockreel.nn;

import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import java.util.Arrays;
import java.util.List;

/**
 * A compiled script and the weights that all of its methods take as their last argument. Holds
 * native memory until closed. Several threads may call at the same time, each with a scope of its
 * own and with caches and histories that no other one writes.
 */
public final class LoadedNetwork implements AutoCloseable {
  private final Script script;
  private final WeightList weights;

  private LoadedNetwork(Script script, WeightList weights) {
    this.script = script;
    this.weights = weights;
  }

  /**
   * Compiles a script.
   *
   * @param weights in the order in which the network declared them; closed with this, or when
   *     compiling fails
   */
  public static LoadedNetwork of(ScriptWriter script, WeightList weights) {
    try {
      return new LoadedNetwork(script.compile(), weights);
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  /** The TorchScript that runs. */
  public String source() {
    return script.source();
  }

  /**
   * Calls a method without gradients.
   *
   * @param scope owns the result
   * @param values its arguments but for the weights, as {@link Script#call} takes them
   */
  public Tensor call(TensorScope scope, String method, Object... values) {
    return script.call(scope, method, withWeights(values));
  }

  /** As {@link #call}, for methods that return a list. */
  public List<Tensor> callForList(TensorScope scope, String method, Object... values) {
    return script.callForList(scope, method, withWeights(values));
  }

  private Object[] withWeights(Object... values) {
    Object[] all = Arrays.copyOf(values, values.length + 1);
    all[values.length] = weights.list();
    return all;
  }

  @Override
  public void close() {
    script.close();
    weights.close();
  }
}
