package dev.blockreel.script;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * Writes the source of one TorchScript module, method by method. A method may call those written
 * before it. {@link #compile} hands the whole to libtorch.
 */
public final class ScriptWriter {
  private final String name;
  private final List<Method> methods = new ArrayList<>();

  /**
   * @param name the module's class name, letters only
   */
  public ScriptWriter(String name) {
    this.name = name;
  }

  String type() {
    return "__torch__." + name;
  }

  String name() {
    return name;
  }

  /**
   * Adds a method and lets {@code body} write it; {@code body} ends with one of the {@code returns}
   * calls.
   */
  public ScriptWriter method(String methodName, Consumer<Method> body) {
    Method method = new Method(this, methodName);
    body.accept(method);
    methods.add(method);
    return this;
  }

  /** The source as libtorch gets it. */
  public String source() {
    return "class "
        + name
        + "(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n"
        + methods.stream().map(Method::source).collect(Collectors.joining());
  }

  /** Compiles the module; the result holds native memory and is the caller's to close. */
  public Script compile() {
    return Script.compile(this);
  }
}
