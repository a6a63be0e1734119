package dev.blockreel.checkpoint;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What stands in a checkpoint's object tree for an object of a foreign class, such as {@code
 * argparse.Namespace}: the data that belonged to it. Its class was neither looked for nor run.
 */
public final class Opaque {
  private final String className;
  private final List<?> arguments;
  private final Map<String, Object> state = new LinkedHashMap<>();
  private final List<Object> items = new ArrayList<>();

  Opaque(String className, List<?> arguments) {
    this.className = className;
    this.arguments = arguments;
  }

  /** The Python class, with its module. */
  public String className() {
    return className;
  }

  /** What the object was made from. */
  public List<?> arguments() {
    return Collections.unmodifiableList(arguments);
  }

  /** Its attributes, or its entries where it is a dictionary of sorts. */
  public Map<String, Object> state() {
    return Collections.unmodifiableMap(state);
  }

  /** Its items where it is a list or set of sorts. */
  public List<Object> items() {
    return Collections.unmodifiableList(items);
  }

  /** The class name: the contents may be large, or contain this object. */
  @Override
  public String toString() {
    return className + " object";
  }

  /** Its containers themselves, so that one which objects share is seen to be the same. */
  List<Object> containers() {
    return List.of(arguments, state, items);
  }

  /** Entries under anything but text are dropped: nobody can ask for them. */
  void put(Object key, Object value) {
    if (key instanceof String name) {
      state.put(name, value);
    }
  }

  void append(Object item) {
    items.add(item);
  }
}
