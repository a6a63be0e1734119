package dev.blockreel.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Bodies that are broken or mean no good. Each gets a 4xx. */
class AbuseTest extends AbusedServer {
  private static final long SEED = 20_250_214;

  // ---- JSON ----

  @Test
  void mutatedJsonIsTakenOrRefusedButNeverBreaksAnything() {
    CountDownLatch hold = server.holdEngine();
    String valid =
        new JsonObject()
            .put("prompt", "walk-left")
            .put("model", "tiny")
            .put("seed", 7)
            .put("num_frames", 5)
            .put("size", "16x16")
            .put("extra_params", new JsonObject().put("temperature", 0.5).put("top_k", 3))
            .encode();
    Random random = new Random(SEED);
    int refused = 0;
    for (int i = 0; i < 300; i++) {
      HttpResponse<byte[]> response =
          server.post("/v1/videos", "application/json", mutated(valid, random));
      assertRefusedOr200(response, "case " + i);
      if (response.statusCode() == 200) {
        server.delete("/v1/videos/" + TestServer.json(response).getString("id"));
      } else {
        refused++;
      }
    }
    hold.countDown();
    assertThat(refused).isGreaterThan(150);
  }

  private static String mutated(String valid, Random random) {
    StringBuilder text = new StringBuilder(valid);
    for (int n = 1 + random.nextInt(3); n > 0; n--) {
      int at = random.nextInt(text.length());
      switch (random.nextInt(6)) {
        case 0 -> text.setCharAt(at, (char) random.nextInt(256));
        case 1 -> text.deleteCharAt(at);
        case 2 -> text.insert(at, "{[\"}]:,\\\u0000-e0\ud800".charAt(random.nextInt(13)));
        case 3 -> text.setLength(at + 1);
        case 4 -> text.insert(at, text.substring(0, at));
        default -> text.replace(at, Math.min(at + 3, text.length()), "1e999");
      }
    }
    return text.toString();
  }

  @Test
  void everyFieldOfAWrongTypeIsNamed() {
    Map<String, List<Object>> wrong = new LinkedHashMap<>();
    List<Object> noText = List.of(1, true, new JsonArray(), new JsonObject());
    List<Object> noNumber =
        List.of("1", "x", true, new JsonArray().add(1), new JsonObject(), -1, 1e300);
    for (String text : List.of("prompt", "model", "seconds", "size", "negative_prompt")) {
      wrong.put(text, noText);
    }
    for (String number : List.of("width", "height", "num_frames", "fps", "seed")) {
      wrong.put(number, noNumber);
    }
    wrong.put("guidance_scale", noNumber);
    wrong.put("num_inference_steps", noNumber);
    wrong.put("extra_params", List.of(1, "x", true, new JsonArray()));
    wrong.put("input_reference", List.of(1, "x", true, new JsonArray(), new JsonObject()));
    for (String number : List.of("temperature", "top_k", "top_p", "cfg_scale", "block_size")) {
      wrong.put("extra_params." + number, noNumber);
    }
    wrong.put("extra_params.class_label", List.of(true, new JsonArray(), -1, "", 1e300));
    wrong.put("extra_params.prediction_unit", noText);
    wrong.forEach(
        (name, values) -> {
          for (Object value : values) {
            HttpResponse<byte[]> response = server.post("/v1/videos", with(name, value));
            String what = name + " = " + value;
            assertThat(response.statusCode()).as(what).isIn(400, 404);
            assertThat(errorOf(response).getString("param")).as(what).startsWith(name);
          }
        });
  }

  private static JsonObject with(String name, Object value) {
    JsonObject body = new JsonObject().put("prompt", "walk-left");
    int dot = name.indexOf('.');
    return dot < 0
        ? body.put(name, value)
        : body.put(name.substring(0, dot), new JsonObject().put(name.substring(dot + 1), value));
  }

  @ParameterizedTest
  @MethodSource("strangeBodies")
  void strangeBodiesAreRefused(String body) {
    assertRefused(server.post("/v1/videos", "application/json", body), body.length() + " chars");
  }

  static List<String> strangeBodies() {
    return List.of(
        "",
        " ",
        "null",
        "0",
        "\"text\"",
        "[]",
        "[{\"prompt\":\"walk-left\"}]",
        "{\"prompt\":\"walk-left\"} {}",
        "{\"prompt\":\"walk-left\",}",
        "{'prompt':'walk-left'}",
        "{\"prompt\":NaN}",
        "\ufeff{\"prompt\":\"\"}",
        "[".repeat(100_000),
        "{\"a\":".repeat(50_000),
        "{\"extra_params\":" + "{\"a\":".repeat(900) + "1" + "}".repeat(901),
        "{\"prompt\":\"" + "x".repeat(40_000) + "\"}",
        "{\"prompt\":\"walk-left\",\"" + "k".repeat(100_000) + "\":1}",
        "{\"prompt\":\"walk-left\",\"seed\":" + "9".repeat(100_000) + "}",
        "{\"prompt\":\"walk-left\",\"fps\":1" + "0".repeat(400) + "}",
        "{\"prompt\":\"\\u0000\\u0007\\ud800\"}",
        "{\"prompt\":\"walk-left\",\"input_reference\":{\"image_url\":\"http://10.0.0.1/x\"}}",
        "{\"prompt\":\"walk-left\",\"input_reference\":{\"image_url\":\"file:///etc/passwd\"}}",
        "{\"prompt\":\"walk-left\",\"input_reference\":{\"image_url\":\"data:image/png;base64,!\"}}",
        "{\"prompt\":\"walk-left\",\"output_path\":\"/tmp/x.mp4\"}");
  }

  // ---- Forms ----

  @ParameterizedTest
  @MethodSource("badForms")
  void badFormsAreRefused(String type, String body) {
    assertRefused(server.post("/v1/videos", type, body), type + " " + body.length());
  }

  static List<Arguments> badForms() {
    String type = "multipart/form-data; boundary=b";
    String many =
        String.join("", IntStream.range(0, 200).mapToObj(i -> field("f" + i, "1")).toList());
    List<Arguments> forms = new ArrayList<>();
    add(forms, "multipart/form-data", "x");
    add(forms, "multipart/form-data; boundary=", "x");
    add(forms, type, "");
    add(forms, type, "no boundary at all");
    add(forms, type, "--b\r\n");
    add(forms, type, "--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n");
    add(forms, type, "--b\r\ncontent-disposition: nonsense; name=\"prompt\"\r\n\r\nx\r\n--b--\r\n");
    add(forms, type, "--b--\r\n");
    add(forms, type, field("seed", "1") + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + field("prompt", "slash-up") + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + field("colour", "red") + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + field("extra_params", "{") + "--b--\r\n");
    add(
        forms,
        type,
        field("prompt", "walk-left")
            + field("extra_params", "{}")
            + field("extra_params[top_k]", "1")
            + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + field("extra_params[", "1") + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + many + "--b--\r\n");
    add(forms, type, field("prompt", "x".repeat(300_000)) + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + file("../../evil", "text") + "--b--\r\n");
    add(forms, type, field("prompt", "walk-left") + file("a.png", "") + "--b--\r\n");
    add(
        forms,
        type,
        field("prompt", "walk-left")
            + file("a.png", "\u0089PNG\r\n\u001a\n and no more of it")
            + file("b.png", "\u0089PNG\r\n\u001a\n and no more of it")
            + "--b--\r\n");
    add(forms, "application/x-www-form-urlencoded", "prompt=walk-left");
    add(forms, "text/plain", "{\"prompt\":\"walk-left\"}");
    return forms;
  }

  private static void add(List<Arguments> forms, String type, String body) {
    forms.add(Arguments.of(type, body));
  }

  private static String file(String name, String content) {
    String part = "content-disposition: form-data; name=\"input_reference\"; filename=\"%s\"";
    return "--b\r\n%s\r\ncontent-type: image/png\r\n\r\n%s\r\n"
        .formatted(part.formatted(name), content);
  }

  @Test
  void aFormThatBreaksOffLeavesNothingBehind() throws IOException {
    String body = field("prompt", "walk-left") + file("a.png", "x".repeat(100_000));
    try (Socket socket = connect()) {
      write(
          socket,
          head("POST /v1/videos HTTP/1.1", "Content-Type: multipart/form-data; boundary=b")
                  .replace("\r\n\r\n", "\r\nContent-Length: 1000000\r\n\r\n")
              + body);
    }
    // The next one that ends in order shows that the server saw the first one end.
    assertRefused(server.post("/v1/videos", "multipart/form-data; boundary=b", "--b--\r\n"), "");
    Path uploads = folder.resolve("data/uploads");
    while (uploads.toFile().list().length > 0) {
      Thread.onSpinWait();
    }
  }
}
