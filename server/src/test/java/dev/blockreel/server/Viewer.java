package dev.blockreel.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonObject;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** A client of {@code /v1/realtime/video} that keeps all it got. */
final class Viewer implements WebSocket.Listener {
  private final BlockingQueue<JsonObject> messages = new LinkedBlockingQueue<>();
  private final List<byte[]> chunks = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();
  private final ByteArrayOutputStream binary = new ByteArrayOutputStream();
  private final CompletableFuture<Integer> closed = new CompletableFuture<>();
  private WebSocket socket;

  static Viewer open(TestServer server) {
    return open(server, builder -> {});
  }

  static Viewer open(TestServer server, Consumer<WebSocket.Builder> settings) {
    Viewer viewer = new Viewer();
    WebSocket.Builder builder = HttpClient.newHttpClient().newWebSocketBuilder();
    settings.accept(builder);
    URI uri = URI.create(server.uri("/v1/realtime/video").toString().replace("http", "ws"));
    viewer.socket = builder.buildAsync(uri, viewer).join();
    return viewer;
  }

  WebSocket socket() {
    return socket;
  }

  Viewer send(String message) {
    socket.sendText(message, true).join();
    return this;
  }

  Viewer send(JsonObject message) {
    return send(message.encode());
  }

  Viewer start(JsonObject more) {
    return send(
        new JsonObject()
            .put("type", "session.start")
            .put("prompt", "walk-left")
            .put("seed", 7)
            .mergeIn(more));
  }

  Viewer start() {
    return start(new JsonObject());
  }

  /** The next message of this type; others before it are dropped. */
  JsonObject next(String type) {
    List<String> seen = new ArrayList<>();
    while (true) {
      try {
        JsonObject message = messages.poll(60, TimeUnit.SECONDS);
        assertThat(message).as("no %s after %s", type, seen).isNotNull();
        if (message.getString("type").equals(type)) {
          return message;
        }
        seen.add(message.encode());
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** All messages until the server closes. */
  List<JsonObject> all() {
    closed.join();
    return List.copyOf(messages);
  }

  int closeCode() {
    return closed.join();
  }

  List<byte[]> chunks() {
    closed.join();
    return chunks;
  }

  byte[] bytes() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    chunks().forEach(all::writeBytes);
    return all.toByteArray();
  }

  @Override
  public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
    text.append(part);
    if (last) {
      messages.add(new JsonObject(text.toString()));
      text.setLength(0);
    }
    from.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onBinary(WebSocket from, ByteBuffer part, boolean last) {
    byte[] bytes = new byte[part.remaining()];
    part.get(bytes);
    binary.writeBytes(bytes);
    if (last) {
      chunks.add(binary.toByteArray());
      binary.reset();
    }
    from.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
    closed.complete(code);
    return null;
  }

  @Override
  public void onError(WebSocket from, Throwable error) {
    closed.completeExceptionally(error);
  }
}
