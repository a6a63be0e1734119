package dev.blockreel.checkpoint;

/** A class or function that a pickle names. It is a name and nothing more. */
record Global(String module, String name) {
  /** Names of Python 2 become those of Python 3. */
  static Global of(String module, String name) {
    if (module.equals("__builtin__") && name.equals("xrange")) {
      return new Global("builtins", "range");
    }
    String modern =
        switch (module) {
          case "__builtin__" -> "builtins";
          case "copy_reg" -> "copyreg";
          default -> module;
        };
    return new Global(modern, name);
  }

  String fullName() {
    return module + "." + name;
  }

  /** Whether it is written as functions are: the last part of its name begins in lower case. */
  boolean looksLikeFunction() {
    String last = name.substring(name.lastIndexOf('.') + 1).replaceFirst("^_+", "");
    return last.isEmpty() || !Character.isUpperCase(last.charAt(0));
  }

  @Override
  public String toString() {
    return Quoted.shortened(fullName());
  }
}
