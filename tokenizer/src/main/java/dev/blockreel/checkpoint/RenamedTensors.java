package dev.blockreel.checkpoint;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.UnaryOperator;

/** Another file's tensors under other names, some left out. */
final class RenamedTensors implements TensorFile {
  private final TensorFile source;
  private final Map<String, String> originals = new LinkedHashMap<>();

  RenamedTensors(TensorFile source, UnaryOperator<String> rename) {
    this.source = source;
    for (String original : source.names()) {
      String name = rename.apply(original);
      if (name != null && originals.put(name, original) != null) {
        throw new EngineFailure(
            FailureCode.CHECKPOINT_MISMATCH,
            "%s holds tensor %s twice".formatted(source.path(), Quoted.of(name)));
      }
    }
  }

  private String original(String name) {
    // An unknown name goes through, so that the source reports it.
    return originals.getOrDefault(name, name);
  }

  @Override
  public Set<String> names() {
    return originals.keySet();
  }

  @Override
  public TensorInfo info(String name) {
    TensorInfo info = source.info(original(name));
    return new TensorInfo(name, info.type(), info.shape());
  }

  @Override
  public ByteBuffer bytes(String name) {
    return source.bytes(original(name));
  }

  @Override
  public ByteBuffer bytes(String name, long firstElement, int elements) {
    return source.bytes(original(name), firstElement, elements);
  }

  @Override
  public OptionalLong place(String name) {
    return source.place(original(name));
  }

  @Override
  public float[] floats(String name) {
    return source.floats(original(name));
  }

  @Override
  public long[] integers(String name) {
    return source.integers(original(name));
  }

  @Override
  public Map<String, String> metadata() {
    return source.metadata();
  }

  @Override
  public Path path() {
    return source.path();
  }

  @Override
  public void close() {
    source.close();
  }
}
