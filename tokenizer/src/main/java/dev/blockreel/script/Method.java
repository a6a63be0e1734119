package dev.blockreel.script;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * One method of a {@link ScriptWriter} while it is being written: its arguments, in the order in
 * which they are declared, and its lines. Each line carries the name of the layer that wrote it, so
 * that a failing call can name that layer.
 */
public final class Method {
  private final ScriptWriter script;
  private final String name;
  private final List<String> arguments = new ArrayList<>();
  private final List<String> lines = new ArrayList<>();
  private String layer = "";
  private String indent = "    ";
  private String result = "Tensor";
  private int variables;

  Method(ScriptWriter script, String name) {
    this.script = script;
    this.name = name;
  }

  /** Declares a tensor argument. */
  public Sym tensor(String argument) {
    return declare(argument, "Tensor");
  }

  /** Declares an argument that is a list of tensors. */
  public Sym tensors(String argument) {
    return declare(argument, "List[Tensor]");
  }

  /** Declares an argument that is a list of lists of tensors. */
  public Sym tensorLists(String argument) {
    return declare(argument, "List[List[Tensor]]");
  }

  /** Declares an argument that is a text. */
  public Sym text(String argument) {
    return declare(argument, "str");
  }

  /** Declares an integer argument. */
  public Sym integer(String argument) {
    return declare(argument, "int");
  }

  /** Declares an argument that is a list of integers. */
  public Sym integers(String argument) {
    return declare(argument, "List[int]");
  }

  private Sym declare(String argument, String type) {
    arguments.add(argument + ": " + type);
    return new Sym(this, argument);
  }

  /** Writes {@code variable = expression} and returns the variable. */
  public Sym let(String expression) {
    String variable = "v" + variables++;
    line(variable + " = " + expression);
    return new Sym(this, variable);
  }

  /** A literal or an expression that needs no line of its own. */
  public Sym literal(Object value) {
    return new Sym(this, String.valueOf(value));
  }

  /** Writes one statement. */
  public void line(String statement) {
    lines.add(indent + statement + (layer.isEmpty() ? "" : "  # " + layer));
  }

  /** Gives {@code variable}, made by {@link #let}, a new value; how a loop carries its state. */
  public void assign(Sym variable, Sym value) {
    line(variable + " = " + value);
  }

  /** Writes a loop over 0 … count-1; {@code body} receives the index. */
  public void loop(Object count, Consumer<Sym> body) {
    String index = "i" + variables++;
    line("for " + index + " in range(" + count + "):");
    indented(() -> body.accept(new Sym(this, index)));
  }

  /** Writes {@code if condition:}. */
  public void when(String condition, Runnable body) {
    line("if " + condition + ":");
    indented(body);
  }

  /** Writes {@code if condition: … else: …}. */
  public void when(String condition, Runnable body, Runnable otherwise) {
    when(condition, body);
    line("else:");
    indented(otherwise);
  }

  private void indented(Runnable body) {
    String outer = indent;
    indent = outer + "  ";
    body.run();
    indent = outer;
  }

  /** Runs {@code body} so that every line it writes carries {@code layerName}. */
  public Sym inLayer(String layerName, java.util.function.Supplier<Sym> body) {
    String outer = layer;
    layer = layerName;
    try {
      return body.get();
    } finally {
      layer = outer;
    }
  }

  /** Calls another method of the same script. */
  public Sym call(String other, Object... values) {
    return let("self." + other + "(" + join(values) + ")");
  }

  /** Joins tensors along a dimension. */
  public Sym concat(int dimension, Sym... tensors) {
    return let("torch.cat([" + join((Object[]) tensors) + "], " + dimension + ")");
  }

  /** Joins tensors of one shape along a new dimension. */
  public Sym stack(int dimension, Sym... tensors) {
    return let("torch.stack([" + join((Object[]) tensors) + "], " + dimension + ")");
  }

  private static String join(Object... values) {
    return Arrays.stream(values).map(String::valueOf).collect(Collectors.joining(", "));
  }

  /** Ends the method with one tensor. */
  public void returns(Sym value) {
    line("return " + value);
  }

  /** Ends the method with a list of tensors. */
  public void returnsAll(Sym... values) {
    result = "List[Tensor]";
    line("return [" + join((Object[]) values) + "]");
  }

  String source() {
    return "  def "
        + name
        + "(self: "
        + script.type()
        + arguments.stream().map(a -> ", " + a).collect(Collectors.joining())
        + ") -> "
        + result
        + ":\n"
        + String.join("\n", lines)
        + "\n";
  }
}
