package dev.blockreel.script;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDList;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A compiled TorchScript module. Each {@link #call} is one native call, however many operators it
 * runs. libtorch profiles a method at its first call and optimises it at the second, so these two
 * are slow: warm up before you measure.
 */
public final class Script implements AutoCloseable {
  private static final Pattern FAILED_LAYER = Pattern.compile("#\\s(\\S+)\\n[ ~]*~+\\s<--- HERE");

  private final PtSymbolBlock block;
  private final String source;

  private Script(PtSymbolBlock block, String source) {
    this.block = block;
    this.source = source;
  }

  static Script compile(ScriptWriter writer) {
    String source = writer.source();
    try {
      byte[] archive = archive(writer.name(), source);
      return new Script(
          JniUtils.loadModule(Torch.system(), new ByteArrayInputStream(archive), false, false),
          source);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (EngineException e) {
      throw new IllegalStateException(
          "libtorch refused the script " + writer.name() + ": " + e.getMessage(), e);
    }
  }

  /** The TorchScript source. */
  public String source() {
    return source;
  }

  /**
   * Runs a method without gradients.
   *
   * @param scope owns the result
   * @param method the method's name
   * @param values its arguments in order: {@link Tensor}, {@link TensorList}, a list of these,
   *     {@link Integer}, {@link Long}, {@code long[]}, {@link Double}, {@link Boolean} or {@link
   *     String}
   * @return the result, made on the process's device
   */
  public Tensor call(TensorScope scope, String method, Object... values) {
    try (IValue result = run(method, values)) {
      return new Tensor(result.toTensor(scope.manager()));
    }
  }

  /** As {@link #call}, for methods that return a list of tensors. */
  public List<Tensor> callForList(TensorScope scope, String method, Object... values) {
    try (IValue result = run(method, values)) {
      List<Tensor> tensors = new ArrayList<>();
      for (PtNDArray array : result.toTensorArray(scope.manager())) {
        tensors.add(new Tensor(array));
      }
      return tensors;
    }
  }

  private IValue run(String method, Object... values) {
    IValue[] arguments = new IValue[values.length];
    try {
      for (int i = 0; i < values.length; i++) {
        arguments[i] = argument(values[i]);
      }
      return NativeCalls.run(() -> IValueUtils.runMethod(block, method, arguments));
    } catch (EngineException e) {
      throw failure(method, e);
    } finally {
      for (int i = 0; i < values.length; i++) {
        if (arguments[i] != null && !(values[i] instanceof TensorList)) {
          arguments[i].close();
        }
      }
    }
  }

  private static IValue argument(Object value) {
    if (value instanceof Tensor tensor) {
      return IValue.from(tensor.array());
    }
    if (value instanceof TensorList list) {
      return list.value();
    }
    if (value instanceof List<?> lists) {
      return IValue.listFrom(
          lists.stream().map(list -> ((TensorList) list).value()).toArray(IValue[]::new));
    }
    if (value instanceof Integer || value instanceof Long) {
      return IValue.from(((Number) value).longValue());
    }
    if (value instanceof long[] integers) {
      return IValue.listFrom(integers);
    }
    if (value instanceof Double real) {
      return IValue.from(real);
    }
    if (value instanceof Boolean flag) {
      return IValue.from(flag);
    }
    if (value instanceof String text) {
      return IValue.from(text);
    }
    throw new IllegalArgumentException("a script takes no " + value.getClass().getSimpleName());
  }

  /**
   * Runs a method that computes gradients itself. Its arguments are {@code inputs}, then {@code
   * state} as one list.
   *
   * @param scope owns the result
   * @param method the method's name
   * @param inputs its tensors in order
   * @param state the last argument, a list of tensors
   */
  public Tensor train(TensorScope scope, String method, List<Tensor> inputs, TensorList state) {
    NDList list = new NDList();
    for (Tensor input : inputs) {
      list.add(input.array());
    }
    for (Tensor tensor : state.tensors()) {
      tensor.array().setName("state[]");
      list.add(tensor.array());
    }
    try (Tensor selector = scope.zeros(1)) {
      // The JNI library lets only this entrance record gradients; the name of the last array picks
      // the method.
      selector.array().setName("module_method:" + method);
      list.add(selector.array());
      NDList results = NativeCalls.run(() -> IValueUtils.forward(block, list, true));
      PtNDArray result = (PtNDArray) results.singletonOrThrow();
      return new Tensor(result).moveTo(scope);
    } catch (EngineException e) {
      throw failure(method, e);
    } finally {
      JniUtils.setGradMode(false);
    }
  }

  static EngineFailure failure(String method, EngineException e) {
    String message = String.valueOf(e.getMessage());
    int at = message.indexOf("RuntimeError: ");
    String reason =
        (at < 0 ? message : message.substring(at + 14)).lines().findFirst().orElse(message);
    Matcher layer = FAILED_LAYER.matcher(message);
    String where = layer.find() ? " in layer " + layer.group(1) : "";
    boolean memory = message.contains("out of memory") || message.contains("can't allocate memory");
    return new EngineFailure(
        memory ? FailureCode.OUT_OF_MEMORY : FailureCode.UNSUPPORTED,
        "computing \"" + method + "\" failed" + where + ": " + reason,
        e);
  }

  @Override
  public void close() {
    block.close();
  }

  /**
   * The zip that {@code torch.jit.load} reads: a pickled empty object of a class whose code lies
   * beside it.
   */
  private static byte[] archive(String name, String source) throws IOException {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.write(new byte[] {(byte) 0x80, 2});
    pickle.writeBytes(("c__torch__\n" + name + "\n)").getBytes(StandardCharsets.US_ASCII));
    pickle.write(new byte[] {(byte) 0x81, '}', '(', 'X', 8, 0, 0, 0});
    pickle.writeBytes("training".getBytes(StandardCharsets.US_ASCII));
    pickle.write(new byte[] {(byte) 0x89, 'u', 'b', '.'});
    ByteArrayOutputStream archive = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(archive)) {
      zip.setMethod(ZipOutputStream.STORED);
      stored(zip, name + "/data.pkl", pickle.toByteArray());
      stored(zip, name + "/code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
      stored(zip, name + "/constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'});
      stored(zip, name + "/version", "3\n".getBytes(StandardCharsets.US_ASCII));
    }
    return archive.toByteArray();
  }

  private static void stored(ZipOutputStream zip, String name, byte[] data) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(data);
    ZipEntry entry = new ZipEntry(name);
    entry.setSize(data.length);
    entry.setCompressedSize(data.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(data);
    zip.closeEntry();
  }
}
