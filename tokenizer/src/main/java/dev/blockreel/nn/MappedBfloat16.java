package dev.blockreel.nn;

import dev.blockreel.checkpoint.ElementType;
import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.script.Torch;
import java.io.IOException;
import java.nio.file.Files;

/**
 * The bf16 tensors of a file, mapped by libtorch itself: the JNI library knows no bf16, and to
 * widen every value in Java takes three times the memory and most of the time of loading. On a CPU
 * only.
 */
final class MappedBfloat16 implements AutoCloseable {
  private final TensorFile file;
  private final TensorScope scope = TensorScope.open();
  private final Script script;
  private Tensor whole;

  private MappedBfloat16(TensorFile file) {
    this.file = file;
    this.script =
        new ScriptWriter("MappedBfloat16")
            .method(
                "map",
                m -> {
                  Sym path = m.text("path");
                  Sym numbers = m.integer("numbers");
                  m.returns(
                      m.let(
                          "torch.from_file(%s, False, %s, dtype=%s)"
                              .formatted(path, numbers, Dtype.BFLOAT16.number())));
                })
            .method(
                "part",
                m -> {
                  Sym whole = m.tensor("whole");
                  Sym from = m.integer("from");
                  Sym to = m.integer("to");
                  Sym shape = m.integers("shape");
                  m.returns(m.let("%s.view(%s)".formatted(whole.slice(0, from, to), shape)));
                })
            .compile();
  }

  /** Of any file; it may hold none. */
  static MappedBfloat16 of(TensorFile file) {
    return new MappedBfloat16(file);
  }

  /** Whether a tensor is bf16 and lies in the file as it is. */
  boolean holds(String name) {
    return !Torch.onGpu()
        && file.info(name).type() == ElementType.BF16
        && file.place(name).isPresent()
        && file.place(name).getAsLong() % 2 == 0;
  }

  /** A view of the map, to be copied before this is closed. */
  Tensor read(TensorScope step, Weight weight) {
    if (whole == null) {
      try {
        whole = script.call(scope, "map", file.path().toString(), Files.size(file.path()) / 2);
      } catch (IOException e) {
        throw EngineFailure.media(e, "cannot read %s", file.path());
      }
    }
    long from = file.place(weight.name()).getAsLong() / 2;
    return script.call(step, "part", whole, from, from + weight.elements(), weight.shape());
  }

  @Override
  public void close() {
    scope.close();
    script.close();
  }
}
