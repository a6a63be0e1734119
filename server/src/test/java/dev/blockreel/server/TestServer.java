package dev.blockreel.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.blockreel.cli.TinyModel;
import dev.blockreel.script.Dtype;
import dev.blockreel.server.engine.ModelSource;
import dev.blockreel.server.jobs.Job;
import dev.blockreel.server.jobs.Limits;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.function.Predicate;
import org.slf4j.LoggerFactory;

/**
 * A server with a model that knows nothing, at a free port, and a client. Closing it checks that
 * the event loop was never blocked.
 */
final class TestServer implements AutoCloseable {
  static final String KEY = "a-key-of-the-tests";

  private final ListAppender<ILoggingEvent> blocked = new ListAppender<>();
  private final Logger checker =
      (Logger) LoggerFactory.getLogger("io.vertx.core.impl.BlockedThreadChecker");
  private final HttpClient client = HttpClient.newHttpClient();
  private final List<CountDownLatch> holds = new ArrayList<>();
  private final Server server;
  private String key;

  private TestServer(ServerOptions options) {
    blocked.start();
    checker.addAppender(blocked);
    server = Server.start(options);
  }

  /** With everything as it comes. */
  static TestServer start(Path folder) {
    return start(folder, Limits.DEFAULT);
  }

  static TestServer start(Path folder, Limits limits) {
    return start(options(folder, limits, List.of(), Set.of()));
  }

  static TestServer start(ServerOptions options) {
    return new TestServer(options);
  }

  static ServerOptions options(Path folder, Limits limits, List<String> keys, Set<String> origins) {
    Path model = folder.resolve("models/tiny");
    if (!model.toFile().exists()) {
      TinyModel.write(model);
    }
    return new ServerOptions(
        "127.0.0.1",
        0,
        List.of(new ModelSource("tiny", model, Dtype.FLOAT32)),
        folder.resolve("data"),
        keys,
        origins,
        "test",
        1, // so that a test can hold it
        limits);
  }

  /** Sends this key with each request from now on. */
  TestServer withKey(String newKey) {
    key = newKey;
    return this;
  }

  Server server() {
    return server;
  }

  URI uri(String path) {
    return URI.create(server.url() + path);
  }

  HttpRequest.Builder request(String path) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(uri(path));
    return key == null ? builder : builder.header("authorization", "Bearer " + key);
  }

  HttpResponse<byte[]> send(HttpRequest.Builder request) {
    return send(request, BodyHandlers.ofByteArray());
  }

  /** With a stream for a body, it returns as soon as the head is there. */
  <T> HttpResponse<T> send(HttpRequest.Builder request, HttpResponse.BodyHandler<T> body) {
    try {
      return client.send(request.build(), body);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  HttpResponse<byte[]> get(String path) {
    return send(request(path));
  }

  HttpResponse<byte[]> delete(String path) {
    return send(request(path).DELETE());
  }

  HttpResponse<byte[]> post(String path, JsonObject body) {
    return post(path, "application/json", body.encode());
  }

  HttpResponse<byte[]> post(String path, String type, String body) {
    return send(request(path).header("content-type", type).POST(BodyPublishers.ofString(body)));
  }

  static JsonObject json(HttpResponse<byte[]> response) {
    return new JsonObject(new String(response.body(), java.nio.charset.StandardCharsets.UTF_8));
  }

  /** The answer is this error. */
  static JsonObject error(HttpResponse<byte[]> response, int status, String code, String param) {
    JsonObject error = json(response).getJsonObject("error");
    assertThat(error.getString("code")).as(error.encode()).isEqualTo(code);
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(error.getString("param")).isEqualTo(param);
    assertThat(error.getString("message")).isNotBlank().doesNotContain("\n");
    assertThat(response.headers().firstValue("x-request-id")).isPresent();
    return error;
  }

  /** Takes on a clip of the tiny model. */
  String create(JsonObject more) {
    JsonObject body = new JsonObject().put("prompt", "walk-left").put("seed", 7).mergeIn(more);
    HttpResponse<byte[]> response = post("/v1/videos", body);
    assertThat(response.statusCode()).as(json(response).encode()).isEqualTo(200);
    return json(response).getString("id");
  }

  String create() {
    return create(new JsonObject());
  }

  JsonObject video(String id) {
    return json(get("/v1/videos/" + id));
  }

  /** Waits until a clip is over. */
  JsonObject over(String id) {
    return await(id, video -> Set.of("completed", "failed").contains(video.getString("status")));
  }

  JsonObject await(String id, Predicate<JsonObject> wanted) {
    while (true) {
      JsonObject video = video(id);
      if (wanted.test(video)) {
        return video;
      }
      Thread.onSpinWait();
    }
  }

  /** Keeps the engine from working until the latch is counted down. */
  CountDownLatch holdEngine() {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    holds.add(release); // else a test that fails meanwhile would never end
    CompletableFuture<Object> errand =
        server
            .engine()
            .errand(
                () -> {
                  held.countDown();
                  release.await();
                  return null;
                });
    await(held);
    assertThat(errand).isNotDone();
    return release;
  }

  static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What the server itself knows of a clip. */
  Job job(String id) {
    return server.jobs().find(id, "anyone").orElseThrow();
  }

  @Override
  public void close() {
    holds.forEach(CountDownLatch::countDown);
    server.close();
    checker.detachAppender(blocked);
    assertThat(blocked.list).as("the event loop was blocked").isEmpty();
  }
}
