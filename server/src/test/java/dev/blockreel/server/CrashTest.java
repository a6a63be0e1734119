package dev.blockreel.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.cli.Main;
import dev.blockreel.cli.TinyModel;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.URLClassLoader;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CrashTest {
  private static final int CLIPS = 20;

  @TempDir private Path folder;
  private final HttpClient client = HttpClient.newHttpClient();

  @Test
  void afterAKillEveryAcceptedClipIsInATrueStateAndNoHalfFileIsLeft() throws Exception {
    Path model = TinyModel.write(folder.resolve("models/tiny"));
    Process first = serve(model);
    String url = url(first);
    List<String> accepted = new ArrayList<>();
    for (int i = 0; i < CLIPS; i++) {
      accepted.add(post(url, new JsonObject().put("prompt", "walk-left").put("seed", i)));
    }
    first.destroyForcibly().waitFor();

    Process second = serve(model);
    try {
      String again = url(second);
      for (String id : accepted) {
        JsonObject video = get(again, "/v1/videos/" + id);
        while (!List.of("completed", "failed").contains(video.getString("status"))) {
          video = get(again, "/v1/videos/" + id);
        }
        assertThat(video.getString("status")).as(video.encode()).isEqualTo("completed");
        Path file = folder.resolve("data/videos").resolve(id).resolve("video.mp4");
        assertThat(ClipReader.read(file, ClipSampling.ALL).frames()).isEqualTo(TinyModel.FRAMES);
      }
      JsonArray all = get(again, "/v1/videos?limit=100").getJsonArray("data");
      assertThat(all).hasSize(CLIPS);
      try (Stream<Path> files = Files.walk(folder.resolve("data/videos"))) {
        assertThat(files.filter(file -> file.toString().endsWith(".part"))).isEmpty();
      }
    } finally {
      second.destroy();
      second.waitFor();
    }
  }

  private Process serve(Path model) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx512m",
            "-cp",
            classPath(),
            "dev.blockreel.cli.Main",
            "serve",
            "--model",
            model.toString(),
            "--port",
            "0",
            "--data",
            folder.resolve("data").toString())
        .redirectError(folder.resolve("log").toFile())
        .start();
  }

  /** That of this test, however it was started. */
  private static String classPath() {
    if (Main.class.getClassLoader() instanceof URLClassLoader loader) {
      return Arrays.stream(loader.getURLs())
          .map(url -> Path.of(URI.create(url.toString())).toString())
          .collect(Collectors.joining(File.pathSeparator));
    }
    return System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
  }

  /** From the line that says that it is ready. */
  private String url(Process server) throws IOException {
    BufferedReader out =
        new BufferedReader(new InputStreamReader(server.getInputStream(), StandardCharsets.UTF_8));
    String line = out.readLine();
    assertThat(line)
        .as("%s", Files.readString(folder.resolve("log")))
        .startsWith("Blockreel is ready at http://127.0.0.1:");
    return line.replaceFirst(".*(http://\\S+).*", "$1");
  }

  private String post(String url, JsonObject body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url + "/v1/videos"))
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(body.encode()))
            .build();
    return new JsonObject(client.send(request, BodyHandlers.ofString()).body()).getString("id");
  }

  private JsonObject get(String url, String path) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url + path)).build();
    return new JsonObject(client.send(request, BodyHandlers.ofString()).body());
  }
}
