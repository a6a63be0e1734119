package dev.blockreel.bench.load;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** A clip that is watched over {@code /v1/realtime/video} while it is made. */
final class LiveClip implements WebSocket.Listener {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final long began = System.nanoTime();
  private final StringBuilder text = new StringBuilder();
  private final List<Double> chunkSeconds = new ArrayList<>();
  private final CompletableFuture<String> id = new CompletableFuture<>();
  private final CompletableFuture<LiveClip> over = new CompletableFuture<>();
  private boolean framesNext;
  private int frames;
  private String error;
  private double seconds;
  private WebSocket socket;

  /** Begins a clip. */
  static LiveClip start(HttpClient client, URI server, String prompt, long seed) {
    LiveClip clip = new LiveClip();
    URI address = URI.create(server.toString().replaceFirst("http", "ws") + "/v1/realtime/video");
    clip.socket = client.newWebSocketBuilder().buildAsync(address, clip).join();
    clip.say(
        JSON.createObjectNode()
            .put("type", "session.start")
            .put("prompt", prompt)
            .put("seed", seed)
            .toString());
    return clip;
  }

  private void say(String message) {
    socket.sendText(message, true).join();
  }

  /** Asks the server to end the clip. */
  void stop() {
    say("{\"type\":\"session.stop\"}");
  }

  /** Leaves without a word. */
  void disconnect() {
    socket.abort();
    over.complete(this);
  }

  /** The id of the video, once the server has said it. */
  CompletableFuture<String> id() {
    return id;
  }

  /** Completes when the server has closed. */
  CompletableFuture<LiveClip> over() {
    return over;
  }

  /** Seconds from the request to the first frame. */
  double firstFrameSeconds() {
    return chunkSeconds.isEmpty() ? Double.NaN : chunkSeconds.get(0);
  }

  /** Seconds from the request to the last message. */
  double seconds() {
    return seconds;
  }

  int frames() {
    return frames;
  }

  /** What the server said went wrong, or null. */
  String error() {
    return error;
  }

  private double now() {
    return (System.nanoTime() - began) / 1e9;
  }

  @Override
  public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
    text.append(part);
    if (last) {
      try {
        message(JSON.readTree(text.toString()));
      } catch (JsonProcessingException e) {
        error = "no JSON: " + text;
      }
      text.setLength(0);
    }
    from.request(1);
    return null;
  }

  private void message(JsonNode message) {
    if (message.hasNonNull("video_id")) {
      id.complete(message.get("video_id").asText());
    }
    switch (message.path("type").asText()) {
      case "video.chunk_metadata" -> {
        framesNext = message.path("num_frames").asInt() > 0;
        frames += message.path("num_frames").asInt();
      }
      case "error" -> error = message.path("message").asText();
      default -> {}
    }
  }

  @Override
  public CompletionStage<?> onBinary(WebSocket from, ByteBuffer bytes, boolean last) {
    if (last && framesNext) {
      chunkSeconds.add(now());
    }
    from.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onClose(WebSocket from, int code, String reason) {
    end();
    return null;
  }

  @Override
  public void onError(WebSocket from, Throwable failure) {
    error = failure.toString();
    end();
  }

  private void end() {
    seconds = now();
    id.completeExceptionally(new IllegalStateException("closed"));
    over.complete(this);
  }
}
