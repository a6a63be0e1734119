package dev.blockreel.checkpoint;

import java.util.Set;

/**
 * Names that no honest checkpoint mentions. Nothing named in a pickle is ever run here, so this
 * list protects nobody from this reader; it tells the user that the file was made to attack one.
 */
final class Danger {
  /** Whole modules, with all that is below them. */
  private static final Set<String> MODULES =
      Set.of(
          "_ctypes",
          "_frozen_importlib",
          "_io",
          "_operator",
          "_pickle",
          "_posixsubprocess",
          "_socket",
          "_thread",
          "aiohttp",
          "ast",
          "asyncio",
          "atexit",
          "bdb",
          "cPickle",
          "cProfile",
          "cffi",
          "cloudpickle",
          "code",
          "codeop",
          "commands",
          "concurrent",
          "ctypes",
          "dill",
          "distutils",
          "doctest",
          "ensurepip",
          "ftplib",
          "functools",
          "gc",
          "http",
          "httplib",
          "idlelib",
          "imp",
          "importlib",
          "inspect",
          "io",
          "joblib",
          "linecache",
          "marshal",
          "mmap",
          "multiprocessing",
          "nt",
          "ntpath",
          "operator",
          "os",
          "pdb",
          "pickle",
          "pip",
          "pkg_resources",
          "pkgutil",
          "popen2",
          "posix",
          "posixpath",
          "pty",
          "pydoc",
          "requests",
          "runpy",
          "setuptools",
          "shelve",
          "shutil",
          "signal",
          "site",
          "smtplib",
          "socket",
          "socketserver",
          "ssl",
          "subprocess",
          "sys",
          "tempfile",
          "threading",
          "timeit",
          "tty",
          "urllib",
          "urllib2",
          "venv",
          "webbrowser",
          "xmlrpc",
          "zipimport");

  /** Parts of torch and numpy that load, compile or fetch things. */
  private static final Set<String> BELOW =
      Set.of(
          "torch.jit",
          "torch.hub",
          "torch.package",
          "torch.load",
          "torch.serialization.load",
          "torch.utils.cpp_extension",
          "torch.utils.model_zoo",
          "torch.distributed.rpc",
          "torch._dynamo",
          "torch._inductor",
          "torch.storage._load_from_bytes",
          "numpy.load",
          "numpy.distutils",
          "numpy.f2py",
          "numpy.testing");

  private static final Set<String> BUILTINS =
      Set.of(
          "__build_class__",
          "__import__",
          "apply",
          "breakpoint",
          "compile",
          "delattr",
          "dir",
          "eval",
          "exec",
          "execfile",
          "exit",
          "file",
          "filter",
          "getattr",
          "globals",
          "hasattr",
          "help",
          "input",
          "locals",
          "map",
          "memoryview",
          "open",
          "quit",
          "raw_input",
          "reduce",
          "reload",
          "setattr",
          "type",
          "vars");

  private static final Set<String> TYPES =
      Set.of("CodeType", "FunctionType", "LambdaType", "MethodType", "ModuleType");

  private Danger() {}

  static boolean in(Global global) {
    String module = global.module();
    if (MODULES.contains(firstPart(module))) {
      return true;
    }
    if (module.equals("builtins") && BUILTINS.contains(firstPart(global.name()))) {
      return true;
    }
    if (module.equals("types") && TYPES.contains(firstPart(global.name()))) {
      return true;
    }
    String full = global.fullName() + ".";
    for (String root : BELOW) {
      if (full.startsWith(root + ".")) {
        return true;
      }
    }
    return leadsElsewhere(global.name());
  }

  /**
   * Since protocol 4 a name may have dots, which reach what a module has imported ({@code
   * serialization.os.system}) or the insides of an object ({@code f.__globals__}).
   */
  private static boolean leadsElsewhere(String name) {
    if (name.indexOf('.') < 0) {
      return false;
    }
    for (String part : name.split("\\.", -1)) {
      if (part.isEmpty() || part.startsWith("__") || MODULES.contains(part)) {
        return true;
      }
    }
    return false;
  }

  private static String firstPart(String dotted) {
    int dot = dotted.indexOf('.');
    return dot < 0 ? dotted : dotted.substring(0, dot);
  }
}
