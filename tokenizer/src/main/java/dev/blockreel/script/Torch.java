package dev.blockreel.script;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import com.sun.jna.NativeLibrary;
import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The one libtorch of this process: its device, its threads, and the format of numbers that it is
 * fast at.
 */
public final class Torch {
  /** How libtorch's log numbers what is worse than a warning. */
  private static final int ERROR = 2;

  private static final PtNDManager SYSTEM = start();

  private Torch() {}

  private static PtNDManager start() {
    // Natives come as Maven dependencies: nothing may be fetched at run time, and nothing reported
    // home.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    NDManager manager = NDManager.newBaseManager(defaultDevice(), "PyTorch");
    JniUtils.setGradMode(false);
    hushWarnings();
    if (System.getenv("OMP_NUM_THREADS") == null) {
      // libtorch counts the machine's cores; the JVM knows how many of them this container may use.
      JniUtils.setNumThreads(
          Math.min(JniUtils.getNumThreads(), Runtime.getRuntime().availableProcessors()));
    }
    return (PtNDManager) manager;
  }

  /**
   * libtorch's warnings, such as of operators that a later version lacks, are for those who write
   * scripts, and would go to whoever runs them. Does nothing where {@code TORCH_CPP_LOG_LEVEL} is
   * set, or libtorch is built otherwise.
   */
  private static void hushWarnings() {
    if (System.getenv("TORCH_CPP_LOG_LEVEL") != null) {
      return;
    }
    try {
      NativeLibrary.getInstance("c10")
          .getGlobalVariableAddress("FLAGS_caffe2_log_level")
          .setInt(0, ERROR);
    } catch (UnsatisfiedLinkError e) {
      // Then they stay.
    }
  }

  private static Device defaultDevice() {
    int gpus = Engine.getEngine("PyTorch").getGpuCount();
    return device(System.getenv("BLOCKREEL_DEVICE"), gpus);
  }

  /**
   * @param wanted {@code cpu}, {@code gpu}, or {@code gpu} with a number; null or empty for the
   *     first GPU where there is one
   * @throws EngineFailure BAD_REQUEST when there is no such device
   */
  static Device device(String wanted, int gpus) {
    if (wanted == null || wanted.isBlank()) {
      return gpus > 0 ? Device.gpu() : Device.cpu();
    }
    String name = wanted.strip().toLowerCase(Locale.ROOT);
    if (name.equals("cpu")) {
      return Device.cpu();
    }
    if (!name.matches("gpu\\d{0,3}")) {
      throw EngineFailure.badRequest(
          "BLOCKREEL_DEVICE is \"%s\": expected cpu, gpu, or gpu1 and so on", wanted);
    }
    int number = name.equals("gpu") ? 0 : Integer.parseInt(name.substring(3));
    if (number >= gpus) {
      throw EngineFailure.badRequest(
          "BLOCKREEL_DEVICE is \"%s\", but libtorch sees %d GPUs", wanted, gpus);
    }
    return Device.gpu(number);
  }

  static PtNDManager system() {
    return SYSTEM;
  }

  /** Whether tensors live on a GPU. */
  public static boolean onGpu() {
    return SYSTEM.getDevice().isGpu();
  }

  /** Versions of libtorch and of DJL, which calls it. */
  public static String version() {
    return "libtorch %s, DJL %s".formatted(SYSTEM.getEngine().getVersion(), Engine.getDjlVersion());
  }

  /** Where tensors live: {@code cpu}, or {@code gpu} with its number. */
  public static String device() {
    Device device = SYSTEM.getDevice();
    return device.isGpu() ? "gpu " + device.getDeviceId() : "cpu";
  }

  /** Threads that one call of the calling thread may use on the CPU. */
  public static int threads() {
    return JniUtils.getNumThreads();
  }

  /**
   * Leaves each call its part of the processor, for threads that are begun from now on and call at
   * the same time. Does nothing where {@code OMP_NUM_THREADS} says how many threads a call has.
   *
   * @param callers how many threads call
   */
  public static void share(int callers) {
    if (System.getenv("OMP_NUM_THREADS") == null) {
      int cores = Runtime.getRuntime().availableProcessors();
      JniUtils.setNumThreads(Math.max(1, cores / callers));
    }
  }

  /**
   * Does something on the calling thread alone: calls so short that several threads would wait for
   * each other longer than they compute. A thread that calls libtorch for the first time meanwhile
   * would stay alone for good: where there are several, each calls {@link #threads} before.
   */
  public static <T> T alone(Supplier<T> task) {
    int threads = threads();
    if (threads == 1 || onGpu()) {
      return task.get();
    }
    JniUtils.setNumThreads(1);
    try {
      return task.get();
    } finally {
      JniUtils.setNumThreads(threads);
    }
  }

  /**
   * Whether oneDNN packs bf16 matrices on this processor; it refuses to where the instructions are
   * missing.
   */
  public static boolean packsBfloat16() {
    Set<String> flags = cpuFlags();
    return !onGpu()
        && (flags.containsAll(Set.of("avx512bw", "avx512vl", "avx512dq"))
            || flags.contains("avx_ne_convert"));
  }

  /** bf16 where the device computes in it directly, else fp32. */
  public static Dtype fastDtype() {
    return onGpu() || cpuHas("avx512_bf16", "amx_bf16", "bf16") ? Dtype.BFLOAT16 : Dtype.FLOAT32;
  }

  private static boolean cpuHas(String... flags) {
    return Arrays.stream(flags).anyMatch(cpuFlags()::contains);
  }

  /** What the processor can do, in the words of Linux; empty elsewhere. */
  public static Set<String> cpuFlags() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
          .findFirst()
          .map(line -> line.substring(line.indexOf(':') + 1).trim().split("\\s+"))
          .map(words -> Set.copyOf(Arrays.asList(words)))
          .orElse(Set.of());
    } catch (IOException e) {
      return Set.of(); // no such file outside Linux
    }
  }

  /** Fails with a clear line where the device cannot compute in {@code dtype}. */
  public static Dtype requireComputable(Dtype dtype) {
    if (dtype == Dtype.FLOAT16 && !onGpu()) {
      throw EngineFailure.badRequest("--dtype fp16 needs a GPU: on this CPU use fp32 or bf16");
    }
    return dtype;
  }
}
