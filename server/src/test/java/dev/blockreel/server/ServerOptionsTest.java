package dev.blockreel.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.server.jobs.Limits;
import io.vertx.core.http.HttpServerOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServerOptionsTest {
  @TempDir private Path folder;

  @Test
  void whoWaitsForTheLongestJobIsNotHungUpOn() {
    Limits usual = Limits.DEFAULT;
    Limits patient =
        new Limits(
            usual.batch(),
            usual.queue(),
            usual.perOwner(),
            Duration.ofHours(2),
            Duration.ofHours(1),
            usual.keep(),
            usual.storedJobs(),
            usual.storedBytes(),
            usual.bodyBytes(),
            usual.grace());
    for (Limits limits : List.of(usual, patient)) {
      HttpServerOptions http =
          Server.httpOptions(TestServer.options(folder, limits, List.of(), Set.of()));
      Duration idle = Duration.of(http.getIdleTimeout(), http.getIdleTimeoutUnit().toChronoUnit());
      assertThat(idle).isGreaterThan(limits.queueTime().plus(limits.jobTime()));
    }
  }

  @Test
  void keysThatNoBrowserCanSendAreRefused() {
    assertThat(withKey("sk-abcDEF_123.456~789").keys()).hasSize(1);
    for (String key : List.of("abcDEF/123+45678=", "a key with blanks", "a,key,with,commas")) {
      assertThatThrownBy(() -> withKey(key))
          .isInstanceOf(EngineFailure.class)
          .hasMessageStartingWith("an API key takes letters, digits and ")
          .hasMessageNotContaining(key);
    }
  }

  private ServerOptions withKey(String key) {
    return TestServer.options(folder, Limits.DEFAULT, List.of(key), Set.of());
  }
}
