package dev.blockreel.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What a pickle may make. The few callables with a meaning here are spelled out in {@link #call};
 * other classes become {@link Opaque}; other functions make the file unsafe.
 */
final class Construction {
  private static final int MOST_DIMENSIONS = 64;

  /** Expanded views may have this many elements together beyond those of their storages. */
  private static final long MOST_EXPANDED = 1L << 26;

  /** Classes that are written in lower case, and functions that only describe data. */
  private static final Set<String> HARMLESS =
      Set.of(
          "builtins.bool",
          "builtins.complex",
          "builtins.float",
          "builtins.int",
          "builtins.object",
          "builtins.range",
          "builtins.slice",
          "builtins.str",
          "datetime.date",
          "datetime.datetime",
          "datetime.time",
          "datetime.timedelta",
          "datetime.timezone",
          "numpy._core.multiarray._reconstruct",
          "numpy._core.numeric._frombuffer",
          "numpy.core.multiarray._reconstruct",
          "numpy.core.numeric._frombuffer",
          "numpy.dtype",
          "numpy.ndarray",
          "torch._utils._rebuild_device_tensor_from_numpy",
          "torch._utils._rebuild_meta_tensor_no_storage",
          "torch._utils._rebuild_nested_tensor",
          "torch._utils._rebuild_qtensor",
          "torch._utils._rebuild_sparse_tensor",
          "torch._utils._rebuild_wrapper_subclass",
          "torch.device",
          "torch.finfo",
          "torch.iinfo",
          "torch.serialization._get_layout");

  private static final Map<String, ElementType> STORAGES =
      Map.ofEntries(
          Map.entry("DoubleStorage", ElementType.F64),
          Map.entry("FloatStorage", ElementType.F32),
          Map.entry("HalfStorage", ElementType.F16),
          Map.entry("BFloat16Storage", ElementType.BF16),
          Map.entry("LongStorage", ElementType.I64),
          Map.entry("IntStorage", ElementType.I32),
          Map.entry("ShortStorage", ElementType.I16),
          Map.entry("CharStorage", ElementType.I8),
          Map.entry("ByteStorage", ElementType.U8),
          Map.entry("BoolStorage", ElementType.BOOL),
          Map.entry("UntypedStorage", ElementType.U8),
          Map.entry("_UntypedStorage", ElementType.U8));

  private static final Map<String, ElementType> DTYPES =
      Map.ofEntries(
          Map.entry("float64", ElementType.F64),
          Map.entry("float32", ElementType.F32),
          Map.entry("float16", ElementType.F16),
          Map.entry("bfloat16", ElementType.BF16),
          Map.entry("int64", ElementType.I64),
          Map.entry("int32", ElementType.I32),
          Map.entry("int16", ElementType.I16),
          Map.entry("int8", ElementType.I8),
          Map.entry("uint8", ElementType.U8),
          Map.entry("bool", ElementType.BOOL));

  private long expanded; // elements of views that their storages do not have
  private final Path file;
  private long copies; // what may still be copied: a call on a memoized value costs few bytes

  /**
   * @param input bytes of the pickle, which bound what calls may copy
   */
  Construction(Path file, long input) {
    this.file = file;
    this.copies = 4 * input;
  }

  /** The element type of a storage class, or null for one that this engine does not read. */
  static ElementType storageType(Global storageClass) {
    return STORAGES.get(storageClass.name());
  }

  /** Names a class or function; refuses dangerous ones before anything is done with them. */
  Global name(String module, String name) {
    Global global = Global.of(module, name);
    if (Danger.in(global)) {
      throw Refusal.unsafe(file, "its pickle names %s, which can run code".formatted(global));
    }
    return global;
  }

  /** The meaning of {@code callable(*arguments)}. */
  Object call(Object callable, List<?> arguments) {
    Global global = global(callable);
    switch (global.fullName()) {
      case "collections.OrderedDict",
          "collections.defaultdict",
          "collections.Counter",
          "builtins.dict" -> {
        return dictionary(arguments);
      }
      case "builtins.list",
          "builtins.tuple",
          "builtins.set",
          "builtins.frozenset",
          "torch.Size" -> {
        // The argument itself, not a copy: thousands of copies would cost but a few bytes each.
        return arguments.isEmpty() ? new ArrayList<>() : list(arguments, 0);
      }
      case "collections.deque" -> { // (items, most of them); items are appended afterwards
        List<?> items = arguments.isEmpty() ? List.of() : list(arguments, 0);
        return items.isEmpty() ? new ArrayList<>() : items;
      }
      case "builtins.bytes", "builtins.bytearray" -> {
        return arguments.isEmpty() ? new byte[0] : bytes(arguments);
      }
      case "_codecs.encode" -> {
        return encode(arguments);
      }
      case "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar" -> {
        return number(global, arguments);
      }
      case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2" -> {
        return tensor(arguments, null);
      }
      case "torch._utils._rebuild_tensor_v3" -> {
        return tensor(arguments, global(argument(arguments, 6)));
      }
      case "torch._utils._rebuild_parameter",
          "torch._utils._rebuild_parameter_with_state",
          "torch.nn.parameter.Parameter" -> {
        return argument(arguments, 0);
      }
      case "copyreg._reconstructor" -> { // (class, base class, state of the base)
        return new Opaque(global(argument(arguments, 0)).toString(), arguments);
      }
      case "torch._tensor._rebuild_from_type_v2" -> {
        return rebuilt(global(argument(arguments, 0)), list(arguments, 2));
      }
      default -> {
        if (global.looksLikeFunction() && !HARMLESS.contains(global.fullName())) {
          throw Refusal.unsafe(file, "its pickle calls the function %s".formatted(global));
        }
        return new Opaque(global.toString(), arguments);
      }
    }
  }

  /** The meaning of {@code cls.__new__(cls, *arguments)}, which only classes have. */
  Object create(Object callable, List<?> arguments) {
    Global global = global(callable);
    return switch (global.fullName()) {
      case "collections.OrderedDict",
          "collections.defaultdict",
          "collections.Counter",
          "builtins.dict",
          "builtins.list",
          "builtins.set",
          "collections.deque",
          "torch.Size" ->
          call(global, arguments);
      default -> new Opaque(global.toString(), arguments);
    };
  }

  /** The meaning of BUILD: gives an object its attributes. */
  void build(Object object, Object state) {
    if (object instanceof Opaque opaque) {
      if (state instanceof List<?> both && both.size() == 2) { // (__dict__, __slots__)
        both.forEach(part -> merge(opaque, part));
      } else {
        merge(opaque, state);
      }
    } else if (object instanceof Global global) {
      throw Refusal.unsafe(file, "its pickle changes the class %s".formatted(global));
    } else if (!(object instanceof Map || object instanceof TensorRef || object instanceof List)) {
      throw Refusal.broken(file, "its pickle gives attributes to a plain value");
    }
    // Attributes of dictionaries (a state_dict has _metadata) and tensors mean nothing here.
  }

  private void merge(Opaque opaque, Object state) {
    if (state instanceof Map<?, ?> map) {
      spend(map.size());
      map.forEach(opaque::put);
    } else if (state != null) {
      opaque.put("__state__", state);
    }
  }

  private Object rebuilt(Global function, List<?> arguments) {
    if (!function.fullName().startsWith("torch._utils._rebuild_")) {
      throw Refusal.unsafe(file, "its pickle rebuilds a tensor with %s".formatted(function));
    }
    return call(function, arguments);
  }

  private Object tensor(List<?> arguments, Global dtype) {
    if (!(argument(arguments, 0) instanceof StorageRef storage)) {
      throw Refusal.broken(file, "a tensor of its pickle has no storage");
    }
    ElementType type = dtype == null ? storage.type() : DTYPES.get(dtype.name());
    if (type == null || storage.type() == null) {
      return new Opaque("torch.Tensor", List.of());
    }
    long[] shape = numbers(list(arguments, 2));
    long[] strides = numbers(list(arguments, 3));
    if (shape.length != strides.length || shape.length > MOST_DIMENSIONS) {
      throw Refusal.broken(
          file, "a tensor has %d sizes and %d strides".formatted(shape.length, strides.length));
    }
    long room = storage.elements();
    if (dtype != null) { // such storages count bytes
      room = room * storage.type().bytes() / type.bytes();
    }
    long offset = integer(argument(arguments, 1));
    checkInside(storage, room, offset, shape, strides);
    return new TensorRef(storage.key(), type, storage.base() + offset, shape, strides);
  }

  private void checkInside(
      StorageRef storage, long room, long offset, long[] shape, long[] strides) {
    boolean inside = offset >= 0;
    boolean empty = false;
    for (int d = 0; d < shape.length; d++) {
      inside &= shape[d] >= 0 && strides[d] >= 0;
      empty |= shape[d] == 0;
    }
    long elements = empty ? 0 : 1;
    if (inside && !empty) {
      try {
        long last = offset;
        for (int d = 0; d < shape.length; d++) {
          last = Math.addExact(last, Math.multiplyExact(shape[d] - 1, strides[d]));
          elements = Math.multiplyExact(elements, shape[d]);
        }
        inside = last < room;
      } catch (ArithmeticException e) {
        inside = false;
      }
    }
    expanded += Math.max(0, Math.min(elements - room, MOST_EXPANDED + 1));
    if (!inside || expanded > MOST_EXPANDED) {
      throw Refusal.unsafe(
          file,
          "a tensor of shape %s, offset %d and strides %s does not fit its storage %s of %d elements"
              .formatted(
                  Quoted.shortened(Arrays.toString(shape)),
                  offset,
                  Quoted.shortened(Arrays.toString(strides)),
                  Quoted.of(storage.key()),
                  room));
    }
  }

  private Map<Object, Object> dictionary(List<?> arguments) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (Object argument : arguments) { // defaultdict has its factory first, which is dropped
      if (argument instanceof Map<?, ?> entries) {
        spend(entries.size());
        map.putAll(entries);
      } else if (argument instanceof List<?> pairs) {
        spend(pairs.size());
        for (Object pair : pairs) {
          if (!(pair instanceof List<?> two) || two.size() != 2) {
            throw Refusal.broken(file, "a dictionary of its pickle is not made of pairs");
          }
          map.put(key(two.get(0)), two.get(1));
        }
      }
    }
    return map;
  }

  /**
   * A dictionary's key. Only text counts by content. To hash a list would walk whatever it holds,
   * itself perhaps; and keys of several classes can be made to have one hash by the thousands,
   * where a map finds its way only among those of one class.
   */
  static Object key(Object key) {
    if (key instanceof String || key instanceof Opaque) {
      return key;
    }
    if (key == null || key instanceof Long || key instanceof Double || key instanceof Boolean) {
      return new Opaque(Quoted.shortened(String.valueOf(key)), List.of());
    }
    return new Opaque("key", key instanceof List<?> list ? list : List.of());
  }

  private byte[] bytes(List<?> arguments) {
    if (argument(arguments, 0) instanceof byte[] bytes) {
      return bytes;
    }
    if (arguments.size() == 2) { // bytearray of Python 2: ('text', 'latin-1')
      return encode(arguments);
    }
    throw Refusal.broken(file, "bytes of its pickle are made from something else");
  }

  private byte[] encode(List<?> arguments) {
    if (!(argument(arguments, 0) instanceof String text)
        || !(argument(arguments, 1) instanceof String encoding)
        || !(encoding.equals("latin1") || encoding.equals("latin-1"))) {
      throw Refusal.broken(file, "bytes of its pickle are not encoded as latin1 text");
    }
    spend(text.length());
    return text.getBytes(ISO_8859_1);
  }

  /** The meaning of {@code scalar(dtype, bytes)}; other things than numbers stay opaque. */
  private Object number(Global scalar, List<?> arguments) {
    if (argument(arguments, 0) instanceof Opaque dtype
        && !dtype.arguments().isEmpty()
        && argument(arguments, 1) instanceof byte[] bytes) {
      boolean bigEndian =
          dtype.state().get("__state__") instanceof List<?> state
              && state.size() > 1
              && ">".equals(state.get(1));
      ByteBuffer value =
          ByteBuffer.wrap(bytes).order(bigEndian ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
      try {
        return switch (String.valueOf(dtype.arguments().get(0))) {
          case "b1" -> value.get() != 0;
          case "i1" -> (long) value.get();
          case "u1" -> (long) Byte.toUnsignedInt(value.get());
          case "i2" -> (long) value.getShort();
          case "u2" -> (long) Short.toUnsignedInt(value.getShort());
          case "i4" -> (long) value.getInt();
          case "u4" -> Integer.toUnsignedLong(value.getInt());
          case "i8", "u8" -> value.getLong();
          case "f4" -> (double) value.getFloat();
          case "f8" -> value.getDouble();
          default -> new Opaque(scalar.toString(), arguments);
        };
      } catch (BufferUnderflowException e) {
        throw Refusal.broken(
            file, "a number of its pickle has but %d bytes".formatted(bytes.length));
      }
    }
    return new Opaque(scalar.toString(), arguments);
  }

  private void spend(long amount) {
    copies -= amount;
    if (copies < 0) {
      throw Refusal.unsafe(file, "its pickle copies values over and over");
    }
  }

  private Global global(Object value) {
    if (value instanceof Global global) {
      return global;
    }
    throw Refusal.unsafe(file, "its pickle calls a value that is no class");
  }

  private Object argument(List<?> arguments, int index) {
    if (index >= arguments.size()) {
      throw Refusal.broken(file, "a call in its pickle lacks arguments");
    }
    return arguments.get(index);
  }

  private List<?> list(List<?> arguments, int index) {
    if (argument(arguments, index) instanceof List<?> list) {
      return list;
    }
    throw Refusal.broken(file, "a call in its pickle has no list where one belongs");
  }

  private long[] numbers(List<?> values) {
    spend(values.size());
    return values.stream().mapToLong(this::integer).toArray();
  }

  private long integer(Object value) {
    if (value instanceof Long number) {
      return number;
    }
    throw Refusal.broken(file, "a size, stride or offset in its pickle is no integer");
  }
}
