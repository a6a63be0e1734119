package dev.blockreel.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.grid.Clip;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import dev.blockreel.server.jobs.Limits;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EngineThreadsTest {
  private static final int CLIPS = 10;

  @TempDir private Path folder;

  @Test
  void clipsOfThreadsSideBySideAreThoseOfOneThreadMadeOneByOne() throws IOException {
    List<Clip> alone = new ArrayList<>();
    try (TestServer server = server(1)) {
      for (int seed = 0; seed < CLIPS; seed++) {
        String id = create(server, seed);
        server.over(id);
        alone.add(clip(server, id));
      }
    }
    try (TestServer server = server(2)) {
      List<String> ids = new ArrayList<>();
      for (int seed = 0; seed < CLIPS; seed++) {
        ids.add(create(server, seed));
      }
      for (int seed = 0; seed < CLIPS; seed++) {
        server.over(ids.get(seed));
        assertThat(clip(server, ids.get(seed)).pixels())
            .as("seed %d", seed)
            .containsExactly(alone.get(seed).pixels(), within(1.5f / 255));
      }
    }
  }

  private TestServer server(int engineThreads) {
    ServerOptions one =
        TestServer.options(
            folder.resolve("of-" + engineThreads), Limits.DEFAULT, List.of(), Set.of());
    return TestServer.start(
        new ServerOptions(
            one.host(),
            one.port(),
            one.models(),
            one.data(),
            one.keys(),
            one.origins(),
            one.node(),
            engineThreads,
            one.limits()));
  }

  private static String create(TestServer server, int seed) {
    return server.create(new JsonObject().put("seed", seed));
  }

  private Clip clip(TestServer server, String id) throws IOException {
    Path file = folder.resolve("sheet.png");
    Files.write(file, server.get("/v1/videos/" + id + "/content?variant=spritesheet").body());
    return ClipReader.read(file, ClipSampling.ALL);
  }
}
