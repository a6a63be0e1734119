package dev.blockreel.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.script.Dtype;
import dev.blockreel.server.Server;
import dev.blockreel.server.ServerOptions;
import dev.blockreel.server.engine.ModelSource;
import dev.blockreel.server.jobs.Limits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Serves models over HTTP until it is told to end. */
@Command(
    name = "serve",
    description = "Serves models over HTTP: an API, live streams and a page to try them.")
final class Serve extends EngineCommand {
  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      paramLabel = "ADDRESS",
      description = "Where to listen; 0.0.0.0 lets other machines in. Default: ${DEFAULT-VALUE}.")
  private String host;

  @Option(
      names = "--port",
      defaultValue = "8080",
      paramLabel = "N",
      description = "0 takes a free one. Default: ${DEFAULT-VALUE}.")
  private int port;

  @Option(
      names = "--model",
      split = ",",
      defaultValue = "sprites-nbp",
      paramLabel = "MODEL",
      description =
          "Model directories or names; the first one is what requests get that name none."
              + " Default: ${DEFAULT-VALUE}.")
  private List<String> models;

  @Option(
      names = "--dtype",
      paramLabel = "fp32|bf16|fp16",
      description =
          "Numbers to compute in. Default: bf16 where the device is fast at it, else fp32.")
  private String dtype;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description =
          "Where jobs and clips are kept; they survive a restart. Default: $BLOCKREEL_HOME/server,"
              + " else .blockreel/server in the home folder.")
  private Path data;

  @Option(
      names = "--api-keys",
      paramLabel = "FILE",
      description = "A file with API keys, one a line; without it everybody is let in.")
  private Path keys;

  @Option(
      names = "--allow-origin",
      split = ",",
      paramLabel = "ORIGIN",
      description = "Foreign pages that may use the server, such as https://example.org.")
  private Set<String> origins = Set.of();

  @Option(
      names = "--node",
      defaultValue = "a",
      paramLabel = "NAME",
      description = "Name of this server in the ids of its jobs. Default: ${DEFAULT-VALUE}.")
  private String node;

  @Option(
      names = "--batch",
      defaultValue = "8",
      paramLabel = "N",
      description =
          "Clips of a model that are generated at the same time; one with guidance counts twice."
              + " Default: ${DEFAULT-VALUE}.")
  private int batch;

  @Option(
      names = "--engine-threads",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Threads that generate side by side; they share the clips of --batch and the processor."
              + " Default: 0, one a core (up to 4) for small models, else one.")
  private int engineThreads;

  @Option(
      names = "--queue",
      defaultValue = "64",
      paramLabel = "N",
      description = "Jobs that may wait; further ones are refused. Default: ${DEFAULT-VALUE}.")
  private int queue;

  @Option(
      names = "--per-key",
      defaultValue = "64",
      paramLabel = "N",
      description = "Clips and images of one key that may wait or run. Default: ${DEFAULT-VALUE}.")
  private int perKey;

  @Option(
      names = "--queue-seconds",
      defaultValue = "600",
      paramLabel = "S",
      description = "How long a job may wait. Default: ${DEFAULT-VALUE}.")
  private int queueSeconds;

  @Option(
      names = "--job-seconds",
      defaultValue = "600",
      paramLabel = "S",
      description = "How long a job may run. Default: ${DEFAULT-VALUE}.")
  private int jobSeconds;

  @Option(
      names = "--keep-hours",
      defaultValue = "24",
      paramLabel = "H",
      description = "How long finished clips are kept. Default: ${DEFAULT-VALUE}.")
  private double keepHours;

  @Option(
      names = "--keep-jobs",
      defaultValue = "1000",
      paramLabel = "N",
      description =
          "How many finished clips are kept, and how many images. Default: ${DEFAULT-VALUE}.")
  private int keepJobs;

  @Option(
      names = "--disk-mb",
      defaultValue = "4096",
      paramLabel = "MB",
      description =
          "What finished clips may take on disk, and what images may. Default: ${DEFAULT-VALUE}.")
  private long diskMegabytes;

  @Option(
      names = "--body-mb",
      defaultValue = "16",
      paramLabel = "MB",
      description = "Largest request. Default: ${DEFAULT-VALUE}.")
  private long bodyMegabytes;

  @Option(
      names = "--grace-seconds",
      defaultValue = "10",
      paramLabel = "S",
      description =
          "How long running clips may go on when the server is told to end; what is not done then"
              + " is made by the next server. Default: ${DEFAULT-VALUE}.")
  private int graceSeconds;

  private final CountDownLatch closed = new CountDownLatch(1);
  private volatile Server server;

  @Override
  void run() {
    server = Server.start(options());
    out().printf("Blockreel is ready at %s (%s)%n", server.url(), String.join(", ", models));
    out().flush();
    try {
      closed.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Running clips may still need the engine, so the server goes first. */
  @Override
  void end() {
    Server running = server;
    if (running != null) {
      running.close();
    }
    closed.countDown();
    super.end();
  }

  private ServerOptions options() {
    Dtype numbers = dtype == null ? null : Dtype.parse(dtype);
    return new ServerOptions(
        host,
        port,
        models.stream().map(model -> source(model, numbers)).toList(),
        data == null ? home().resolve("server") : data,
        keys == null ? List.of() : readKeys(),
        origins,
        node,
        engineThreads,
        new Limits(
            batch,
            queue,
            perKey,
            Duration.ofSeconds(queueSeconds),
            Duration.ofSeconds(jobSeconds),
            keep(),
            keepJobs,
            diskMegabytes << 20,
            bodyMegabytes << 20,
            Duration.ofSeconds(graceSeconds)));
  }

  private Duration keep() {
    long most = Limits.LONGEST.toHours();
    if (!(keepHours >= 0 && keepHours <= most)) {
      throw EngineFailure.badRequest(
          "--keep-hours must lie between 0 and %d (100 years): got %s", most, keepHours);
    }
    return Duration.ofMillis((long) (keepHours * 3_600_000));
  }

  private static ModelSource source(String model, Dtype dtype) {
    Path directory = ModelDirectory.resolve(model.strip());
    return new ModelSource(
        String.valueOf(directory.toAbsolutePath().normalize().getFileName()), directory, dtype);
  }

  private static Path home() {
    String home = System.getenv("BLOCKREEL_HOME");
    return home == null || home.isBlank()
        ? Path.of(System.getProperty("user.home"), ".blockreel")
        : Path.of(home);
  }

  private List<String> readKeys() {
    try {
      List<String> lines =
          Files.readAllLines(keys, UTF_8).stream()
              .map(String::strip)
              .filter(line -> !line.isEmpty() && !line.startsWith("#"))
              .toList();
      if (lines.isEmpty()) {
        throw EngineFailure.badRequest("%s holds no key", keys);
      }
      return lines;
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot read %s", keys);
    }
  }
}
