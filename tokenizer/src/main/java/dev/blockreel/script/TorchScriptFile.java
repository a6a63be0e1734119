package dev.blockreel.script;

import ai.djl.engine.EngineException;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Somebody else's network: a TorchScript module with its weights, as {@code torch.jit.save} writes
 * it. Its {@code forward} is called with options by their names, which are read from the code in
 * the file: libtorch takes them by position only. Holds native memory until closed.
 */
public final class TorchScriptFile implements AutoCloseable {
  private static final Pattern ROOT_CLASS = Pattern.compile("c(__torch__[\\w.]*)\\n(\\w+)\\n");

  /** As libtorch prints it: a line for each argument. */
  private static final Pattern ARGUMENT =
      Pattern.compile("\\s*(\\w+): ([^=]+?)(?:=(.*?))?(?:,|\\) -> [^\"]*:)");

  private final Path path;
  private final List<Argument> arguments;
  private final PtSymbolBlock block;

  /** An argument of {@code forward}; {@code preset} is the text of its default, or null. */
  private record Argument(String name, String type, String preset) {
    @Override
    public String toString() {
      return name + ": " + type + (preset == null ? "" : "=" + preset);
    }
  }

  private TorchScriptFile(Path path, List<Argument> arguments, PtSymbolBlock block) {
    this.path = path;
    this.arguments = arguments;
    this.block = block;
  }

  /**
   * Loads a file onto the process's device.
   *
   * @throws EngineFailure MEDIA when the file cannot be read; CHECKPOINT_MISMATCH when it is no
   *     TorchScript module with a {@code forward} that takes a tensor first
   */
  public static TorchScriptFile open(Path path) {
    List<Argument> arguments = arguments(path);
    try {
      return new TorchScriptFile(
          path,
          arguments,
          JniUtils.loadModule(Torch.system(), path, true, new String[0], new String[0], false));
    } catch (EngineException e) {
      throw broken(path, "libtorch cannot load it: " + firstLine(e), e);
    }
  }

  private static List<Argument> arguments(Path path) {
    if (!Files.isRegularFile(path)) {
      throw new EngineFailure(FailureCode.MEDIA, path + " does not exist");
    }
    try (ZipFile zip = new ZipFile(path.toFile())) {
      Matcher root = ROOT_CLASS.matcher(text(zip, path, "data.pkl"));
      if (!root.find()) {
        throw broken(path, "it holds no module, perhaps only weights", null);
      }
      String code = text(zip, path, "code/" + root.group(1).replace('.', '/') + ".py");
      return forward(path, code, root.group(2));
    } catch (IOException e) {
      throw broken(path, "it is no zip archive", e);
    }
  }

  /** The entry of that name in the one folder that holds everything. */
  private static String text(ZipFile zip, Path path, String name) throws IOException {
    for (ZipEntry entry : zip.stream().toList()) {
      String full = entry.getName();
      if (full.substring(full.indexOf('/') + 1).equals(name)) {
        try (InputStream in = zip.getInputStream(entry)) {
          return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
        }
      }
    }
    throw broken(path, "it has no " + name, null);
  }

  private static List<Argument> forward(Path path, String code, String type) {
    int start = code.indexOf("class " + type + "(");
    int forward = start < 0 ? -1 : code.indexOf("  def forward(", start);
    List<Argument> arguments = new ArrayList<>();
    if (forward >= 0) {
      for (String line : code.substring(forward).lines().skip(1).toList()) {
        Matcher argument = ARGUMENT.matcher(line);
        if (!argument.matches()) {
          break;
        }
        arguments.add(new Argument(argument.group(1), argument.group(2), argument.group(3)));
        if (line.endsWith(":")) {
          break;
        }
      }
    }
    if (arguments.isEmpty() || !arguments.get(0).type().equals("Tensor")) {
      throw broken(path, "it has no forward that takes a tensor", null);
    }
    return arguments;
  }

  /**
   * Runs {@code forward}.
   *
   * @param scope owns the result
   * @param input its first argument
   * @param options further arguments by name: {@link Boolean}, {@link Long} or {@link Double}
   * @return the result, or its first part where there are several
   * @throws EngineFailure CHECKPOINT_MISMATCH when {@code forward} takes no such options, or the
   *     result is no tensor; UNSUPPORTED when it fails, as for an input of the wrong size
   */
  public Tensor forward(TensorScope scope, Tensor input, Map<String, Object> options) {
    List<IValue> values = new ArrayList<>();
    try {
      values.add(IValue.from(input.array()));
      for (Argument argument : inOrder(options)) {
        values.add(value(argument, options.get(argument.name())));
      }
      IValue[] inputs = values.toArray(IValue[]::new);
      try (IValue result = NativeCalls.run(() -> IValueUtils.runMethod(block, "forward", inputs))) {
        return first(scope, result);
      }
    } catch (EngineException e) {
      throw Script.failure("forward of " + path, e);
    } finally {
      values.forEach(IValue::close);
    }
  }

  /** Names of the arguments of {@code forward} after the tensor. */
  public Set<String> arguments() {
    return arguments.stream().skip(1).map(Argument::name).collect(Collectors.toSet());
  }

  /** The arguments after the first up to the last that is given. */
  private List<Argument> inOrder(Map<String, Object> options) {
    Set<String> left = new LinkedHashSet<>(options.keySet());
    List<Argument> used = new ArrayList<>();
    for (Argument argument : arguments.subList(1, arguments.size())) {
      if (left.isEmpty()) {
        break;
      }
      left.remove(argument.name());
      used.add(argument);
    }
    if (!left.isEmpty()) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "the forward of %s takes no %s: it takes (%s)"
              .formatted(
                  path,
                  String.join(", ", left),
                  arguments.stream().map(Argument::toString).collect(Collectors.joining(", "))));
    }
    return used;
  }

  private IValue value(Argument argument, Object given) {
    String text = String.valueOf(given == null ? argument.preset() : given);
    try {
      return switch (argument.type()) {
        case "bool" -> IValue.from(bool(text));
        case "int" -> IValue.from(Long.parseLong(text));
        case "float" -> IValue.from(Double.parseDouble(text));
        default -> throw new NumberFormatException();
      };
    } catch (NumberFormatException e) {
      throw new EngineFailure(
          FailureCode.CHECKPOINT_MISMATCH,
          "the forward of %s takes %s: %s cannot be given".formatted(path, argument, text),
          e);
    }
  }

  private static boolean bool(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new NumberFormatException();
    };
  }

  private Tensor first(TensorScope scope, IValue result) {
    if (result.isTensor()) {
      return new Tensor(result.toTensor(scope.manager()));
    }
    if (result.isTuple()) {
      IValue[] parts = result.toIValueTuple();
      try {
        if (parts.length > 0 && parts[0].isTensor()) {
          return new Tensor(parts[0].toTensor(scope.manager()));
        }
      } finally {
        for (IValue part : parts) {
          part.close();
        }
      }
    }
    throw broken(path, "its forward returns no tensor", null);
  }

  private static EngineFailure broken(Path path, String why, Exception cause) {
    return new EngineFailure(
        FailureCode.CHECKPOINT_MISMATCH,
        path + " is no network that can be used, as torch.jit.save writes it: " + why,
        cause);
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  @Override
  public void close() {
    block.close();
  }
}
