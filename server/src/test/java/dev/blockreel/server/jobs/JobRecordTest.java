package dev.blockreel.server.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.sampler.GenerationRequest;
import dev.blockreel.sampler.SamplingOptions;
import org.junit.jupiter.api.Test;

class JobRecordTest {
  private static final VideoRequest REQUEST =
      new VideoRequest(
          "tiny",
          "walk-left",
          "walk-left",
          0,
          1,
          16,
          16,
          5,
          8,
          SamplingOptions.GREEDY,
          GenerationRequest.Mode.NBP,
          false);

  private static JobRecord queued(boolean session) {
    return JobRecord.queued("video_a_1", "anyone", null, session, REQUEST, 1000);
  }

  @Test
  void endsInGoodOrderLoseNoJob() {
    JobRecord record = queued(false);
    for (int server = 0; server < 10; server++) {
      record = record.begun(2000).failed(JobError.SHUTTING_DOWN, 3000, 4000).putBack();
      record = record.restored(true, 5000, 6000);
      assertThat(record).isEqualTo(queued(false));
    }
  }

  @Test
  void whatOnlyWaitedIsPutBackWithTheAttemptsItHad() {
    JobRecord cut = queued(false).begun(2000).restored(true, 3000, 4000);
    assertThat(cut.attempts()).isEqualTo(1);
    assertThat(cut.failed(JobError.SHUTTING_DOWN, 5000, 6000).putBack()).isEqualTo(cut);
  }

  @Test
  void aJobThatThreeServersDidNotSurviveIsGivenUp() {
    JobRecord record = queued(false);
    for (int server = 0; server < 3; server++) {
      assertThat(record.status()).isEqualTo(JobStatus.QUEUED);
      record = record.begun(2000).restored(true, 3000, 4000);
    }
    assertThat(record.error()).isEqualTo(JobError.SERVER_RESTARTED);
    assertThat(record.expiresAt()).isEqualTo(4000);
  }

  @Test
  void sessionsEndWithTheirServer() {
    assertThat(queued(true).restored(true, 3000, 4000).error())
        .isEqualTo(JobError.SERVER_RESTARTED);
  }

  @Test
  void aJobWhoseModelIsNoLongerServedSaysSo() {
    assertThat(queued(false).restored(false, 3000, 4000).error().code())
        .isEqualTo("model_not_found");
  }
}
