package dev.blockreel.cli;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.checkpoint.PartFile;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.measure.BenchReport;
import dev.blockreel.measure.Peaks;
import dev.blockreel.measure.StandInModel;
import dev.blockreel.measure.Workload;
import dev.blockreel.measure.Workloads;
import dev.blockreel.progress.ProgressLine;
import dev.blockreel.sampler.Pipeline;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Torch;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures a model on this machine. */
@Command(
    name = "bench",
    description =
        "Measures a model on this machine: times, and what share they are of the bandwidth and the"
            + " arithmetic that the machine has, which is measured too. Takes a few minutes.")
final class Bench extends EngineCommand {
  private static final long SEED = 1;

  /** Seconds that a workload is measured for. */
  private static final double SECONDS = 4;

  private static final double QUICK_SECONDS = 1;

  /** Clips in blocks of fewer tokens take minutes. */
  private static final int QUICK_BLOCK = 16;

  @ArgGroup private Which which = new Which();

  private static final class Which {
    @Option(
        names = "--model",
        paramLabel = "MODEL",
        description = "An NBP model's directory, or its name. Default: random weights.")
    private String model;

    @Option(
        names = "--random-weights",
        paramLabel = "PRESET",
        description = "A published NBP model without its weights. Default: nbp-ucf-base.")
    private String preset = "nbp-ucf-base";
  }

  @Option(
      names = "--dtype",
      paramLabel = "fp32|bf16|fp16",
      description =
          "Numbers to compute in. Default: bf16 where the device is fast at it, else fp32.")
  private String dtype;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "NAME",
      description =
          "What to measure: step, prefill, sampling, encode, decode, stream, clip, load. Default:"
              + " all.")
  private List<String> only = List.of();

  @Option(
      names = "--quick",
      description = "Less exact, and without the clips in small blocks: under a minute or two.")
  private boolean quick;

  @Option(names = "--json", paramLabel = "FILE", description = "Write what was measured here too.")
  private Path json;

  @Option(
      names = "--compare",
      paramLabel = "FILE",
      description = "An earlier --json, to compare with.")
  private Path compare;

  private final List<BenchReport.Row> rows = new ArrayList<>();

  @Override
  void run() {
    for (String name : only) {
      if (!name.equals("load") && !Workloads.NAMES.contains(name)) {
        throw EngineFailure.badRequest(
            "nothing is measured under the name \"%s\"; there are %s, load",
            name, String.join(", ", Workloads.NAMES));
      }
    }
    BenchReport earlier = compare == null ? null : BenchReport.read(compare);
    if (json != null) {
      OutputFiles.requireWritable(json);
    }
    Dtype compute = dtype == null ? Torch.fastDtype() : Dtype.parse(dtype);
    ProgressLine progress = ProgressLine.onError(err());
    progress.show("measuring the machine");
    Peaks peaks = Peaks.measure(compute);
    Optional<Path> files = modelFiles(progress);
    progress.show("loading the model");
    long began = System.nanoTime();
    try (Pipeline pipeline =
        files.isPresent()
            ? Pipeline.load(files.get(), compute)
            : Pipeline.standIn(which.preset, compute, SEED)) {
      if (files.isPresent()) {
        loaded(files.get(), (System.nanoTime() - began) / 1e9);
      }
      if (which.model == null) {
        deleteDraft(files);
      }
      try (Workloads workloads = new Workloads(pipeline, compute)) {
        for (String name : Workloads.NAMES) {
          if (only.isEmpty() || only.contains(name)) {
            measure(workloads.named(name), progress);
          }
        }
      }
    }
    progress.close();
    String model = which.model == null ? which.preset + ", random weights" : which.model;
    BenchReport report = new BenchReport(model, machine(compute), peaks, List.copyOf(rows));
    report.table(earlier).forEach(out()::println);
    if (json != null) {
      PartFile.write(json, report.json());
    }
  }

  /** The model's directory. To measure loading, a published model gets files for a while. */
  private Optional<Path> modelFiles(ProgressLine progress) {
    if (which.model != null) {
      return Optional.of(ModelDirectory.resolve(which.model));
    }
    if (!only.contains("load")) {
      return Optional.empty();
    }
    progress.show("writing random weights");
    try {
      Path directory = Files.createTempDirectory("blockreel-bench");
      Thread atExit = new Thread(() -> deleteDraft(Optional.of(directory)));
      Runtime.getRuntime().addShutdownHook(atExit);
      StandInModel.write(which.preset, directory);
      return Optional.of(directory);
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot make a temporary folder");
    }
  }

  private static void deleteDraft(Optional<Path> directory) {
    if (directory.isEmpty() || !Files.exists(directory.get())) {
      return;
    }
    try (Stream<Path> files = Files.walk(directory.get())) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot delete %s", directory.get());
    }
  }

  private void loaded(Path files, double seconds) {
    if (only.isEmpty() || only.contains("load")) {
      rows.add(
          BenchReport.Row.of(
              new Workload(
                  "load", OutputFiles.size(files) + " of files to ready", 0, 0, 0, () -> {}),
              new Workload.Timing(seconds, seconds, 1)));
    }
    memory();
  }

  /** What the process holds, and the most it ever held, where the system says so. */
  private void memory() {
    Path status = Path.of("/proc/self/status");
    if (!verbose() || !Files.exists(status)) {
      return;
    }
    try (Stream<String> lines = Files.lines(status)) {
      lines
          .filter(line -> line.startsWith("VmRSS") || line.startsWith("VmHWM"))
          .forEach(line -> out().println("after loading " + line.replaceAll("\\s+", " ")));
    } catch (IOException e) {
      out().println("after loading: " + e.getMessage());
    }
  }

  private void measure(List<Workload> workloads, ProgressLine progress) {
    for (int i = 0; i < workloads.size(); i++) {
      Workload workload = workloads.get(i);
      boolean clip = workload.name().equals("clip");
      if (clip && quick && !workload.what().endsWith(" " + QUICK_BLOCK)) {
        continue;
      }
      progress.show("%s: %s", workload.name(), workload.what());
      rows.add(
          BenchReport.Row.of(
              workload,
              // Their steps are warm by then.
              clip ? workload.timeOnce() : workload.time(quick ? QUICK_SECONDS : SECONDS, 1)));
    }
  }

  private static BenchReport.Machine machine(Dtype dtype) {
    String device =
        Torch.onGpu()
            ? Torch.device()
            : "%s, %d cores".formatted(cpu(), Runtime.getRuntime().availableProcessors());
    return new BenchReport.Machine(
        device, Torch.threads(), dtype.shortName(), Torch.version(), commit());
  }

  private static String cpu() {
    try (var lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .findFirst()
          .map(line -> line.substring(line.indexOf(':') + 1).strip())
          .orElse(System.getProperty("os.arch"));
    } catch (IOException e) {
      return System.getProperty("os.arch"); // no such file outside Linux
    }
  }

  /** Of the checkout that runs, where there is one and git too. */
  private static String commit() {
    String root = System.getProperty("blockreel.root");
    if (root == null) {
      return "unknown";
    }
    try {
      Process git =
          new ProcessBuilder("git", "-C", root, "describe", "--always", "--dirty")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      try (InputStream answer = git.getInputStream()) {
        String text = new String(answer.readAllBytes(), StandardCharsets.UTF_8).strip();
        return text.isEmpty() ? "unknown" : text;
      }
    } catch (IOException e) {
      return "unknown"; // no git here
    }
  }
}
