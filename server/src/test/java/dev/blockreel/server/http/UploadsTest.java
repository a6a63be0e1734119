package dev.blockreel.server.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UploadsTest {
  private static final byte[] PNG = "\u0089PNG\r\n\u001a\n and no more".getBytes(ISO_8859_1);

  @TempDir private Path folder;
  private final Vertx vertx = Vertx.vertx(new VertxOptions().setWorkerPoolSize(1));

  @AfterEach
  void close() {
    await(vertx.close());
  }

  @Test
  void dataAddressesAreReadByAWorker() throws Exception {
    Uploads uploads = new Uploads(vertx, folder);
    CountDownLatch release = new CountDownLatch(1);
    Future<Object> busy =
        vertx.executeBlocking(
            () -> {
              release.await();
              return null;
            });
    Future<Path> broken = uploads.save("data:image/png;base64,!");
    Future<Path> saved =
        uploads.save("data:image/png;base64," + Base64.getEncoder().encodeToString(PNG));
    assertThat(broken.isComplete()).isFalse();
    assertThat(saved.isComplete()).isFalse();
    release.countDown();
    await(busy);
    assertThat(await(saved)).hasBinaryContent(PNG);
    assertThatThrownBy(() -> await(broken))
        .hasMessageContaining("the data address is no valid base64");
    assertThat(folder.toFile().list()).hasSize(1);
  }

  @Test
  void uploadsOfAnEarlierServerAreRemovedAndNothingElse() throws Exception {
    Path left = Files.write(folder.resolve(UUID.randomUUID().toString()), PNG);
    Path foreign = Files.write(folder.resolve("cat.png"), PNG);
    Path inside = Files.createDirectory(folder.resolve(UUID.randomUUID().toString()));
    Files.write(inside.resolve("dog.png"), PNG);
    new Uploads(vertx, folder);
    assertThat(left).doesNotExist();
    assertThat(foreign).exists();
    assertThat(inside.resolve("dog.png")).exists();
  }

  private static <T> T await(Future<T> future) {
    return future.toCompletionStage().toCompletableFuture().join();
  }
}
