package dev.blockreel.server;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.server.engine.Engine;
import dev.blockreel.server.engine.ModelSource;
import dev.blockreel.server.engine.ServedModel;
import dev.blockreel.server.http.Api;
import dev.blockreel.server.http.Service;
import dev.blockreel.server.jobs.ImageStore;
import dev.blockreel.server.jobs.Jobs;
import dev.blockreel.server.jobs.Limits;
import dev.blockreel.server.operations.Measures;
import dev.blockreel.server.operations.NativeHeap;
import dev.blockreel.server.streams.ClipRecorder;
import io.micrometer.core.instrument.Tags;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.spi.observability.HttpRequest;
import io.vertx.micrometer.Label;
import io.vertx.micrometer.MicrometerMetricsFactory;
import io.vertx.micrometer.MicrometerMetricsOptions;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running server. {@link #start} returns when models are loaded and requests are taken; {@link
 * #close} ends it in order. Neither is for an event loop.
 */
public final class Server implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final long CLOSE_SECONDS = 5;

  /** For what comes after a job: its files are written and sent. */
  private static final Duration IDLE_MARGIN = Duration.ofMinutes(5);

  private static final Set<HttpMethod> COUNTED_METHODS =
      Set.of(HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST, HttpMethod.DELETE);

  private final ServerOptions options;
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final Measures measures = new Measures(registry);
  private final NativeHeap nativeHeap = new NativeHeap();
  private FileChannel lock;
  private Vertx vertx;
  private HttpServer http;
  private Engine engine;
  private Jobs jobs;
  private Api api;
  private long sweeper = -1;
  private boolean closed; // guarded by this

  private Server(ServerOptions options) {
    this.options = options;
  }

  /**
   * Starts a server.
   *
   * @throws EngineFailure when the address is taken, the data folder cannot be used or a model not
   *     be loaded
   */
  public static Server start(ServerOptions options) {
    Server server = new Server(options);
    try {
      server.open();
      return server;
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  private void open() {
    Path uploads = options.data().resolve("uploads");
    prepare(uploads);
    vertx =
        Vertx.builder()
            .with(
                new VertxOptions()
                    .setEventLoopPoolSize(2)
                    .setMetricsOptions(
                        new MicrometerMetricsOptions()
                            .setEnabled(true)
                            .setLabels(EnumSet.of(Label.HTTP_CODE))
                            .setServerRequestTagsProvider(Server::method)))
            .withMetrics(new MicrometerMetricsFactory(registry))
            .build();
    Api.Doors doors =
        new Api.Doors(
            options.host(),
            options.keys(),
            options.origins(),
            options.limits().bodyBytes(),
            uploads);
    List<String> names = options.models().stream().map(ModelSource::name).toList();
    api = new Api(vertx, doors, names, registry, measures);
    http =
        vertx
            .createHttpServer(httpOptions(options))
            .connectionHandler(api::connected)
            .invalidRequestHandler(api::unreadable)
            .requestHandler(api.router(doors));
    try {
      http.listen().toCompletionStage().toCompletableFuture().join();
    } catch (CompletionException e) {
      throw new EngineFailure(
          FailureCode.BAD_REQUEST,
          "cannot listen at %s port %d: %s"
              .formatted(options.host(), options.port(), e.getCause().getMessage()),
          e);
    }
    engine =
        Engine.start(options.models(), options.limits().batch(), options.engineThreads(), measures);
    Map<String, ServedModel> models = loaded();
    warmUp(models);
    jobs =
        new Jobs(
            options.data().resolve("videos"),
            options.node(),
            engine,
            models,
            options.limits(),
            measures);
    ImageStore images = new ImageStore(options.data().resolve("images"), options.limits());
    sweeper =
        vertx.setPeriodic(
            1000,
            second -> {
              jobs.sweep();
              if (engine.impaired()) {
                api.impaired();
              }
              api.sweep();
              jobs.later(images::sweep);
              if (nativeHeap.due(engine.busy())) {
                jobs.later(nativeHeap::trim);
              }
            });
    api.open(new Service(models, jobs, images, engine));
  }

  /** A method may be any word, and each value of a tag is a series that stays for ever. */
  private static Tags method(HttpRequest request) {
    HttpMethod method = request.method();
    return Tags.of("method", COUNTED_METHODS.contains(method) ? method.name() : "other");
  }

  private Map<String, ServedModel> loaded() {
    try {
      return engine.loaded().join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof EngineFailure failure) {
        throw failure;
      }
      throw e;
    }
  }

  /**
   * The first clip loads codecs and compiles: better now than while a user waits. Where it cannot
   * be made, as on a full disk, there are still finished clips to serve.
   */
  private void warmUp(Map<String, ServedModel> models) {
    for (ServedModel model : models.values()) {
      try {
        engine
            .errand(
                () -> {
                  ClipRecorder.warmUp(model.width(), model.height(), model.fps());
                  return model;
                })
            .join();
      } catch (CompletionException e) {
        LOG.warn("no warm-up of {}: {}", model.name(), e.getCause().getMessage());
      }
    }
  }

  static HttpServerOptions httpOptions(ServerOptions options) {
    return new HttpServerOptions()
        .setHost(options.host())
        .setPort(options.port())
        // Else a connection is not known before its first head is whole, which may be never.
        .setHttp2ClearTextEnabled(false)
        // A long prompt is a long form field.
        .setMaxFormAttributeSize(Api.FORM_FIELD_BYTES)
        .setMaxFormFields(Api.FORM_FIELDS)
        .setMaxWebSocketMessageSize(Api.WEB_SOCKET_READ_BYTES)
        .setMaxWebSocketFrameSize(Api.WEB_SOCKET_READ_BYTES)
        .setWebSocketSubProtocols(List.of("realtime"))
        .setIdleTimeout(idleSeconds(options.limits()))
        .setIdleTimeoutUnit(TimeUnit.SECONDS);
  }

  /** Who waits for a job to get its turn and to be made may see no byte for as long as that. */
  private static int idleSeconds(Limits limits) {
    Duration silence = limits.queueTime().plus(limits.jobTime()).plus(IDLE_MARGIN);
    return (int) Math.min(silence.toSeconds(), Integer.MAX_VALUE);
  }

  /** Two servers on one folder would run each other's jobs: the second one is refused. */
  private void prepare(Path uploads) {
    try {
      Files.createDirectories(uploads);
      lock =
          FileChannel.open(
              options.data().resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (lock.tryLock() == null) {
        throw inUse();
      }
    } catch (OverlappingFileLockException e) {
      throw inUse();
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot use the folder %s", options.data());
    }
  }

  private EngineFailure inUse() {
    return EngineFailure.badRequest("%s is in use by another server", options.data());
  }

  /** For tests: what runs on its thread delays all generation. */
  Engine engine() {
    return engine;
  }

  /** For tests: what only the server sees of its clips. */
  Jobs jobs() {
    return jobs;
  }

  /** The port it listens at. */
  public int port() {
    return http.actualPort();
  }

  /** Where it is reached. */
  public String url() {
    String host = options.host().contains(":") ? "[" + options.host() + "]" : options.host();
    return "http://%s:%d".formatted(host, port());
  }

  /**
   * Ends it: takes no more requests, lets running jobs finish for a while, stores all states,
   * closes connections, frees everything native. Does nothing the second time.
   */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
    }
    if (api != null) {
      api.drain();
    }
    if (vertx != null) {
      vertx.cancelTimer(sweeper);
    }
    if (jobs != null) {
      jobs.close();
    } else if (engine != null) {
      engine.close();
    }
    if (http != null) {
      await(http.shutdown(CLOSE_SECONDS, TimeUnit.SECONDS));
    }
    if (vertx != null) {
      await(vertx.close());
    }
    registry.close();
    if (lock != null) {
      try {
        lock.close();
      } catch (IOException e) {
        throw EngineFailure.media(e, "cannot release the data folder");
      }
    }
  }

  private static void await(io.vertx.core.Future<?> future) {
    try {
      future
          .toCompletionStage()
          .toCompletableFuture()
          .orTimeout(2 * CLOSE_SECONDS, TimeUnit.SECONDS)
          .join();
    } catch (CompletionException e) {
      // What could not be closed in time ends with the process.
    }
  }
}
