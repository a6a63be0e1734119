package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.Set;

/** Tensors of a PyTorch file: mapped where contiguous, gathered where strided. */
final class TorchTensors implements TensorFile {
  private final MappedFile file;
  private final Map<String, Long> storages;
  private final Map<String, TensorRef> tensors;
  private final Runnable onClose;

  TorchTensors(
      MappedFile file,
      Map<String, Long> storages,
      Map<String, TensorRef> tensors,
      Runnable onClose) {
    this.file = file;
    this.storages = storages;
    this.tensors = tensors;
    this.onClose = onClose;
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  @Override
  public TensorInfo info(String name) {
    TensorRef tensor = tensor(name);
    return new TensorInfo(name, tensor.type(), tensor.shape());
  }

  @Override
  public ByteBuffer bytes(String name, long firstElement, int elements) {
    TensorRef tensor = tensor(name);
    int length = TensorValues.partLength(file.path(), info(name), firstElement, elements);
    if (elements == 0) {
      return ByteBuffer.allocateDirect(0).order(ByteOrder.LITTLE_ENDIAN);
    }
    long start = storages.get(tensor.storage()) + tensor.offset() * tensor.type().bytes();
    if (tensor.isContiguous()) {
      return file.window(start + firstElement * tensor.type().bytes(), length);
    }
    return gather(name, tensor, start, firstElement, elements);
  }

  private ByteBuffer gather(String name, TensorRef tensor, long start, long first, int elements) {
    long[] shape = tensor.shape();
    long[] strides = tensor.strides();
    int size = tensor.type().bytes();
    long span = 1;
    for (int d = 0; d < shape.length; d++) {
      span += (shape[d] - 1) * strides[d];
    }
    if (span * size > Integer.MAX_VALUE) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED,
          "tensor %s of %s is a strided view of 2 GiB or more".formatted(info(name), file.path()));
    }
    ByteBuffer source = file.window(start, (int) span * size);
    ByteBuffer result = ByteBuffer.allocateDirect(elements * size).order(ByteOrder.LITTLE_ENDIAN);
    long[] index = new long[shape.length];
    int at = 0; // byte in the source
    long rest = first;
    for (int d = shape.length - 1; d >= 0; d--) {
      index[d] = rest % shape[d];
      rest /= shape[d];
      at += (int) (index[d] * strides[d] * size);
    }
    for (int i = 0; i < elements; i++) {
      switch (size) {
        case 1 -> result.put(source.get(at));
        case 2 -> result.putShort(source.getShort(at));
        case 4 -> result.putInt(source.getInt(at));
        default -> result.putLong(source.getLong(at));
      }
      for (int d = shape.length - 1; d >= 0; d--) { // the next index, last dimension fastest
        at += (int) (strides[d] * size);
        if (++index[d] < shape[d]) {
          break;
        }
        at -= (int) (shape[d] * strides[d] * size);
        index[d] = 0;
      }
    }
    return result.flip().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }

  @Override
  public Path path() {
    return file.path();
  }

  @Override
  public void close() {
    onClose.run();
  }

  private TensorRef tensor(String name) {
    TensorRef tensor = tensors.get(name);
    if (tensor == null) {
      throw TensorValues.missing(file.path(), name, tensors.keySet());
    }
    return tensor;
  }
}
