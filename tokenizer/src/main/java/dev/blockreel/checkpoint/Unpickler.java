package dev.blockreel.checkpoint;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Reads one pickle, protocols 0 to 5, as data. A pickle is a program for a stack machine; here its
 * instructions can make numbers, text, lists, maps, tensors and placeholders ({@link Construction}
 * says which) and nothing else. It works in time and memory proportional to its input: sizes are
 * compared with what is left of the input before anything is allocated, no step recurses, and the
 * number of steps is bounded.
 */
final class Unpickler {
  /** Far more than any checkpoint needs: one with 2000 tensors takes 100,000. */
  private static final int MOST_STEPS = 2_000_000;

  private static final int LONGEST_NUMBER = 4300; // digits or bytes; Python's own limit

  private final Path file;
  private final ByteBuffer in;
  private final Construction construction;
  private final Function<List<?>, Object> persistent;
  private final ArrayList<Object> stack = new ArrayList<>();
  private final ArrayList<Integer> marks = new ArrayList<>();
  private final Map<Long, Object> memo = new HashMap<>();

  /**
   * @param file for messages
   * @param in the pickle from its position; may go on behind it
   * @param persistent makes the object that a persistent id (a tuple) stands for
   */
  Unpickler(Path file, ByteBuffer in, Function<List<?>, Object> persistent) {
    this.file = file;
    this.in = in.order(ByteOrder.LITTLE_ENDIAN);
    this.persistent = persistent;
    this.construction = new Construction(file, in.remaining());
  }

  /** Reads up to and with the STOP instruction, after which the buffer's position is. */
  Object load() {
    try {
      for (int step = 0; step < MOST_STEPS; step++) {
        int opcode = in.get() & 0xff;
        if (opcode == '.') {
          Object result = pop();
          ObjectTree.check(file, result);
          return result;
        }
        execute(opcode);
      }
    } catch (BufferUnderflowException e) {
      throw Refusal.broken(file, "its pickle is cut off");
    }
    throw Refusal.unsafe(file, "its pickle has more than %d instructions".formatted(MOST_STEPS));
  }

  private void execute(int opcode) {
    switch (opcode) {
      // Frame, protocol
      case 0x80 -> checkProtocol(in.get() & 0xff);
      case 0x95 -> length(in.getLong());
      // Numbers
      case 'I' -> push(lineInteger());
      case 'L' -> push(lineLong());
      case 'F' -> push(lineFloat());
      case 'J' -> push((long) in.getInt());
      case 'K' -> push((long) (in.get() & 0xff));
      case 'M' -> push((long) (in.getShort() & 0xffff));
      case 0x8a -> push(integer(take(in.get() & 0xff)));
      case 0x8b -> push(integer(take(in.getInt())));
      case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
      case 'N' -> push(null);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      // Text and bytes; "strings" are those of Python 2
      case 'S' -> push(PickleText.unquoted(file, line()));
      case 'V' -> push(PickleText.rawUnicode(file, line()));
      case 'T' -> push(new String(take(in.getInt()), ISO_8859_1));
      case 'U' -> push(new String(take(in.get() & 0xff), ISO_8859_1));
      case 'X' -> push(new String(take(unsigned(in.getInt())), UTF_8));
      case 0x8c -> push(new String(take(in.get() & 0xff), UTF_8));
      case 0x8d -> push(new String(take(in.getLong()), UTF_8));
      case 'B' -> push(take(unsigned(in.getInt())));
      case 'C' -> push(take(in.get() & 0xff));
      case 0x8e, 0x96 -> push(take(in.getLong()));
      // Lists, tuples, sets
      case ']', 0x8f -> push(new ArrayList<>());
      case ')' -> push(List.of());
      case 'l' -> push(popToMark());
      case 't', 0x91 -> push(Collections.unmodifiableList(popToMark()));
      case 0x85 -> push(tuple(1));
      case 0x86 -> push(tuple(2));
      case 0x87 -> push(tuple(3));
      case 'a' -> append(tuple(1));
      case 'e', 0x90 -> append(popToMark());
      // Dictionaries
      case '}' -> push(new LinkedHashMap<>());
      case 'd' -> {
        List<Object> pairs = popToMark();
        push(new LinkedHashMap<>());
        putAll(pairs);
      }
      case 's' -> putAll(tuple(2));
      case 'u' -> putAll(popToMark());
      // Stack and memo
      case '(' -> marks.add(stack.size());
      case '0' -> pop();
      case '1' -> popToMark();
      case '2' -> push(peek());
      case 'p' -> memo.put(memoIndex(line()), peek());
      case 'q' -> memo.put((long) (in.get() & 0xff), peek());
      case 'r' -> memo.put(unsigned(in.getInt()), peek());
      case 0x94 -> memo.put((long) memo.size(), peek());
      case 'g' -> push(memoized(memoIndex(line())));
      case 'h' -> push(memoized(in.get() & 0xff));
      case 'j' -> push(memoized(unsigned(in.getInt())));
      // Classes, objects
      case 'c' -> push(construction.name(line(), line()));
      case 0x93 -> {
        List<Object> names = tuple(2);
        push(construction.name(text(names.get(0)), text(names.get(1))));
      }
      case 'R' -> {
        List<?> arguments = list(pop());
        push(construction.call(pop(), arguments));
      }
      case 'i' -> {
        Global type = construction.name(line(), line());
        push(construction.call(type, popToMark()));
      }
      case 'o' -> {
        List<Object> all = popToMark();
        if (all.isEmpty()) {
          throw malformed();
        }
        push(construction.call(all.get(0), all.subList(1, all.size())));
      }
      case 0x81 -> {
        List<?> arguments = list(pop());
        push(construction.create(pop(), arguments));
      }
      case 0x92 -> {
        pop(); // keyword arguments
        List<?> arguments = list(pop());
        push(construction.create(pop(), arguments));
      }
      case 'b' -> {
        Object state = pop();
        construction.build(peek(), state);
      }
      case 'Q' -> push(persistent.apply(list(pop())));
      case 0x82, 0x83, 0x84 ->
          throw Refusal.unsafe(file, "its pickle uses Python's extension registry");
      case 'P', 0x97, 0x98 ->
          throw Refusal.broken(file, "its pickle refers to data outside of the file");
      default ->
          throw Refusal.broken(file, "its pickle has an unknown instruction %d".formatted(opcode));
    }
  }

  private void checkProtocol(int protocol) {
    if (protocol > 5) {
      throw Refusal.broken(file, "its pickle has protocol %d, expected 0 to 5".formatted(protocol));
    }
  }

  // Stack

  private void push(Object value) {
    stack.add(value);
  }

  private Object pop() {
    peek();
    return stack.remove(stack.size() - 1);
  }

  private Object peek() {
    int floor = marks.isEmpty() ? 0 : marks.get(marks.size() - 1);
    if (stack.size() <= floor) {
      throw malformed();
    }
    return stack.get(stack.size() - 1);
  }

  private List<Object> popToMark() {
    if (marks.isEmpty()) {
      throw malformed();
    }
    return popFrom(marks.remove(marks.size() - 1));
  }

  private List<Object> popFrom(int start) {
    List<Object> top = stack.subList(start, stack.size());
    List<Object> values = new ArrayList<>(top);
    top.clear();
    return values;
  }

  private List<Object> tuple(int size) {
    Object[] values = new Object[size];
    for (int i = size - 1; i >= 0; i--) {
      values[i] = pop();
    }
    return Collections.unmodifiableList(Arrays.asList(values));
  }

  private Object memoized(long index) {
    Object value = memo.get(index);
    if (value == null && !memo.containsKey(index)) {
      throw Refusal.broken(file, "its pickle has no memo %d".formatted(index));
    }
    return value;
  }

  @SuppressWarnings("unchecked") // every ArrayList on the stack was made here, for any object
  private void append(List<Object> items) {
    Object target = peek();
    if (target instanceof ArrayList<?> list) { // tuples are of another class
      ((List<Object>) list).addAll(items);
    } else if (target instanceof Opaque opaque) {
      items.forEach(opaque::append);
    } else {
      throw malformed();
    }
  }

  @SuppressWarnings("unchecked") // every map on the stack was made here, for any object
  private void putAll(List<Object> pairs) {
    Object target = peek();
    if (pairs.size() % 2 != 0) {
      throw malformed();
    }
    for (int i = 0; i < pairs.size(); i += 2) {
      Object key = Construction.key(pairs.get(i));
      if (target instanceof LinkedHashMap<?, ?> map) {
        ((Map<Object, Object>) map).put(key, pairs.get(i + 1));
      } else if (target instanceof Opaque opaque) {
        opaque.put(key, pairs.get(i + 1));
      } else {
        throw malformed();
      }
    }
  }

  private List<?> list(Object value) {
    if (value instanceof List<?> list) {
      return list;
    }
    throw malformed();
  }

  private String text(Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw malformed();
  }

  // Input

  private static long unsigned(int value) {
    return Integer.toUnsignedLong(value);
  }

  private int length(long length) {
    if (length < 0 || length > in.remaining()) {
      throw Refusal.broken(
          file,
          "its pickle announces %s bytes, %d are left"
              .formatted(Long.toUnsignedString(length), in.remaining()));
    }
    return (int) length;
  }

  private byte[] take(long length) {
    byte[] bytes = new byte[length(length)];
    in.get(bytes);
    return bytes;
  }

  /** The text up to the next line feed, one char per byte. */
  private String line() {
    int start = in.position();
    while (in.get() != '\n') {
      // Runs into the end of the input at worst.
    }
    byte[] bytes = new byte[in.position() - 1 - start];
    in.get(start, bytes);
    return new String(bytes, ISO_8859_1);
  }

  private Object lineInteger() {
    String text = line();
    return switch (text) {
      case "00" -> false;
      case "01" -> true;
      default -> number(text);
    };
  }

  private Object lineLong() {
    String text = line();
    return number(text.endsWith("L") ? text.substring(0, text.length() - 1) : text);
  }

  private Object number(String text) {
    if (text.length() > LONGEST_NUMBER) {
      throw malformed();
    }
    try {
      return narrowed(new BigInteger(text));
    } catch (NumberFormatException e) {
      throw malformed();
    }
  }

  private Object integer(byte[] littleEndian) {
    if (littleEndian.length > LONGEST_NUMBER) {
      throw malformed();
    }
    if (littleEndian.length == 0) {
      return 0L;
    }
    byte[] bigEndian = new byte[littleEndian.length];
    for (int i = 0; i < bigEndian.length; i++) {
      bigEndian[i] = littleEndian[bigEndian.length - 1 - i];
    }
    return narrowed(new BigInteger(bigEndian));
  }

  private static Object narrowed(BigInteger value) {
    return value.bitLength() < Long.SIZE ? (Object) value.longValue() : value;
  }

  private Object lineFloat() {
    String text = line();
    try {
      return switch (text) {
        case "nan" -> Double.NaN;
        case "inf" -> Double.POSITIVE_INFINITY;
        case "-inf" -> Double.NEGATIVE_INFINITY;
        default -> {
          if (text.length() > LONGEST_NUMBER) {
            throw malformed();
          }
          yield Double.parseDouble(text);
        }
      };
    } catch (NumberFormatException e) {
      throw malformed();
    }
  }

  private long memoIndex(String text) {
    try {
      return Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw malformed();
    }
  }

  private RuntimeException malformed() {
    return Refusal.broken(file, "its pickle is malformed at byte %d".formatted(in.position()));
  }
}
