package dev.blockreel.cli;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.media.MediaLibraries;
import dev.blockreel.script.ConvolutionProbe;
import dev.blockreel.script.Torch;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/** Prints what a bug report needs. */
@Command(
    name = "doctor",
    description = "Shows versions, device, memory and models: all that a bug report needs.")
final class Doctor extends EngineCommand {
  private static final List<String> TELLING_FLAGS =
      List.of("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16");
  private static final List<String> TELLING_VARIABLES =
      List.of(
          "BLOCKREEL_DEVICE",
          "BLOCKREEL_HOME",
          "BLOCKREEL_JAVA_OPTS",
          "OMP_NUM_THREADS",
          "PYTORCH_FLAVOR",
          "PYTORCH_LIBRARY_PATH");

  private boolean healthy = true;

  @Override
  void run() {
    print("blockreel", Main.Version::text);
    print("java", () -> property("java.version") + " (" + property("java.vm.name") + ")");
    print("system", () -> property("os.name") + " " + property("os.version") + " " + arch());
    print("cpu", Doctor::cpu);
    print("memory", Doctor::memory);
    print("torch", Torch::version);
    print("device", Torch::device);
    print("threads", () -> String.valueOf(Torch.threads()));
    print("default dtype", () -> Torch.fastDtype().shortName());
    print("convolutions", Doctor::convolutions);
    print("ffmpeg", MediaLibraries::ffmpeg);
    print("opencv", MediaLibraries::opencv);
    print("environment", Doctor::environment);
    List<Path> models = ModelDirectory.found();
    print("models", () -> models.isEmpty() ? "none" : join(models.stream().map(Path::toString)));
    if (!healthy) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED, "something above failed: Blockreel cannot work like this");
    }
  }

  /** One broken library must not hide the facts about the others. */
  private void print(String name, Supplier<String> fact) {
    String text;
    try {
      text = fact.get();
    } catch (RuntimeException | LinkageError e) {
      healthy = false;
      Throwable root = Main.root(e);
      text = "FAILED: " + (root instanceof EngineFailure ? root.getMessage() : root);
    }
    out().printf("%-14s %s%n", name, text);
  }

  private static String cpu() {
    String flags = join(TELLING_FLAGS.stream().filter(Torch.cpuFlags()::contains));
    return "%d cores%s"
        .formatted(
            Runtime.getRuntime().availableProcessors(), flags.isEmpty() ? "" : " with " + flags);
  }

  private static String memory() {
    String heap = gigabytes(Runtime.getRuntime().maxMemory()) + " for Java";
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? "%s in all, %s free, %s"
            .formatted(
                gigabytes(system.getTotalMemorySize()), gigabytes(system.getFreeMemorySize()), heap)
        : heap;
  }

  private static String convolutions() {
    return ConvolutionProbe.right()
        ? "right"
        : "right in Blockreel's networks; TorchScript ones (--fvd, --fid, --classifier FILE) may"
            + " compute wrongly here";
  }

  private static String environment() {
    String set =
        join(
            TELLING_VARIABLES.stream()
                .filter(name -> System.getenv(name) != null)
                .map(name -> name + "=" + System.getenv(name)));
    return set.isEmpty() ? "none of " + join(TELLING_VARIABLES.stream()) : set;
  }

  private static String arch() {
    return property("os.arch");
  }

  private static String property(String name) {
    return System.getProperty(name);
  }

  private static String gigabytes(long bytes) {
    return "%.1f GiB".formatted(bytes / (double) (1L << 30));
  }

  private static String join(Stream<String> parts) {
    return parts.collect(Collectors.joining(", "));
  }
}
