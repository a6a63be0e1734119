package dev.blockreel.server;

import static dev.blockreel.server.TestServer.error;
import static dev.blockreel.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What forms cannot say. */
class FormsTest {
  @TempDir private static Path folder;
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(folder);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @ParameterizedTest
  @CsvSource({
    "fps,8f",
    "fps,0x1p3",
    "fps,' 8 '",
    "fps,NaN",
    "fps,08",
    "seed,+7",
    "seed,007",
    "seed,1e0"
  })
  void formsTakeNumbersAsJsonWritesThem(String field, String value) {
    String part = "--b\r\ncontent-disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n";
    String form =
        part.formatted("prompt", "walk-left") + part.formatted(field, value) + "--b--\r\n";
    error(
        server.post("/v1/videos", "multipart/form-data; boundary=b", form),
        400,
        "invalid_type",
        field);
  }

  @Test
  void aFormSaysWhatIsTooMuchOfIt() {
    String part = "--b\r\ncontent-disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n";
    StringBuilder many = new StringBuilder();
    for (int i = 0; i < 65; i++) {
      many.append(part.formatted("f" + i, "1"));
    }
    assertThat(refusal(many + "--b--\r\n")).isEqualTo("a form has up to 64 fields");
    assertThat(refusal(part.formatted("prompt", "x".repeat(300_000)) + "--b--\r\n"))
        .startsWith("a field of a form has up to 262144 bytes");
  }

  private static String refusal(String form) {
    HttpResponse<byte[]> answer =
        server.post("/v1/videos", "multipart/form-data; boundary=b", form);
    error(answer, 400, "invalid_request", null);
    return json(answer).getJsonObject("error").getString("message");
  }
}
