package dev.blockreel.script;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import java.util.List;

/**
 * Tensors as one native list, made once and handed to any number of calls; keeps its tensors alive
 * until closed. A method may change the list: what it puts there lives in the list alone, until the
 * method replaces it or the list is closed.
 */
public final class TensorList implements AutoCloseable {
  private final List<Tensor> tensors;
  private final IValue value;

  /**
   * @param tensors the items; their scope must outlive this list
   */
  public TensorList(List<Tensor> tensors) {
    this.tensors = List.copyOf(tensors);
    this.value = IValue.listFrom(tensors.stream().map(Tensor::array).toArray(PtNDArray[]::new));
  }

  /** The items that it was made of. */
  public List<Tensor> tensors() {
    return tensors;
  }

  IValue value() {
    return value;
  }

  @Override
  public void close() {
    value.close();
  }
}
