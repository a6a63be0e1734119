package dev.blockreel.server;

import static dev.blockreel.server.TestServer.error;
import static dev.blockreel.server.TestServer.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What forms cannot say. */
class FormsTest extends AbusedServer {
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
    String form = field("prompt", "walk-left") + field(field, value) + "--b--\r\n";
    error(
        server.post("/v1/videos", "multipart/form-data; boundary=b", form),
        400,
        "invalid_type",
        field);
  }

  @Test
  void aFormSaysWhatIsTooMuchOfIt() {
    StringBuilder many = new StringBuilder();
    for (int i = 0; i < 65; i++) {
      many.append(field("f" + i, "1"));
    }
    assertThat(refusal(many + "--b--\r\n")).isEqualTo("a form has up to 64 fields");
    assertThat(refusal(field("prompt", "x".repeat(300_000)) + "--b--\r\n"))
        .startsWith("a field of a form has up to 262144 bytes");
  }

  private static String refusal(String form) {
    HttpResponse<byte[]> answer =
        server.post("/v1/videos", "multipart/form-data; boundary=b", form);
    error(answer, 400, "invalid_request", null);
    return json(answer).getJsonObject("error").getString("message");
  }
}
