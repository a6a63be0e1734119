package dev.blockreel.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.blockreel.server.http.Api;
import dev.blockreel.server.operations.Measures;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.core.json.JsonObject;
import io.vertx.core.json.pointer.JsonPointer;
import io.vertx.json.schema.Draft;
import io.vertx.json.schema.JsonSchema;
import io.vertx.json.schema.JsonSchemaOptions;
import io.vertx.json.schema.OutputUnit;
import io.vertx.json.schema.SchemaRepository;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/** What the server sends and takes is what its OpenAPI file promises. */
class ContractTest {
  private static final String PLACE = "https://blockreel.dev/openapi.json";

  @TempDir private static Path folder;
  private static TestServer server;
  private static JsonObject contract;
  private static SchemaRepository schemas;

  @BeforeAll
  static void start() {
    server = TestServer.start(folder);
    Map<String, Object> yaml =
        new Yaml().load(new String(server.get("/openapi.yaml").body(), UTF_8));
    contract = new JsonObject(new JsonObject(yaml).encode());
    schemas =
        SchemaRepository.create(
            new JsonSchemaOptions().setDraft(Draft.DRAFT202012).setBaseUri(PLACE));
    schemas.dereference(PLACE, JsonSchema.of(contract.copy().put("$id", PLACE)));
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static OutputUnit validate(Object json, String pointer) {
    return schemas
        .validator(JsonSchema.of(new JsonObject().put("$ref", PLACE + "#" + pointer)))
        .validate(json);
  }

  private static void assertFits(Object json, String pointer) {
    OutputUnit result = validate(json, pointer);
    assertThat(result.getValid())
        .as("%s against %s: %s", json, pointer, result.getErrors())
        .isTrue();
  }

  /** The answer has a status and a body that the operation has in the contract. */
  private static JsonObject assertPromised(
      String path, String method, HttpResponse<byte[]> answer) {
    JsonObject responses =
        contract
            .getJsonObject("paths")
            .getJsonObject(path)
            .getJsonObject(method)
            .getJsonObject("responses");
    String status = String.valueOf(answer.statusCode());
    JsonObject body = new JsonObject(new String(answer.body(), UTF_8));
    assertThat(responses.fieldNames()).as("%s %s: %s", method, path, body).contains(status);
    String pointer =
        "/paths/%s/%s/responses/%s"
            .formatted(
                path.replace("/", "~1").replace("{", "%7B").replace("}", "%7D"), method, status);
    if (responses.getJsonObject(status).containsKey("$ref")) {
      pointer = responses.getJsonObject(status).getString("$ref").substring(1);
    }
    assertFits(body, pointer + "/content/application~1json/schema");
    return body;
  }

  @Test
  void everyAnswerIsPromised() {
    assertPromised("/health", "get", server.get("/health"));
    assertPromised("/readyz", "get", server.get("/readyz"));
    assertPromised("/v1/models", "get", server.get("/v1/models"));
    assertPromised("/v1/models/{model}", "get", server.get("/v1/models/tiny"));
    assertPromised("/v1/models/{model}", "get", server.get("/v1/models/no"));
    assertPromised("/v1/videos", "get", server.get("/v1/videos"));
    assertPromised("/v1/videos", "get", server.get("/v1/videos?limit=x"));
    assertPromised("/v1/realtime/video", "get", server.get("/v1/realtime/video"));
    JsonObject image = new JsonObject().put("prompt", "walk-left");
    String images = "/v1/images/generations";
    assertPromised(images, "post", server.post(images, image));
    assertPromised(images, "post", server.post(images, image.put("n", 0)));
  }

  /** All addresses that are read, with something in the place of what they name. */
  private static Map<String, String> gets() {
    Map<String, String> gets = new TreeMap<>();
    for (String path : contract.getJsonObject("paths").fieldNames()) {
      if (path.startsWith("/v1")
          && contract.getJsonObject("paths").getJsonObject(path).containsKey("get")) {
        gets.put(path, path.replaceAll("\\{.*\\}", "any"));
      }
    }
    assertThat(gets).hasSizeGreaterThan(5);
    return gets;
  }

  @Test
  void foreignPagesAreRefusedAsPromised() {
    Map<String, String> gets = gets();
    gets.put("/metrics", "/metrics");
    gets.forEach(
        (path, address) -> {
          HttpResponse<byte[]> answer =
              server.send(server.request(address).header("origin", "https://evil.example"));
          assertThat(answer.statusCode()).as(address).isEqualTo(403);
          assertPromised(path, "get", answer);
        });
  }

  @Test
  void whileModelsAreLoadedTheAnswersAreAsPromised() throws IOException, InterruptedException {
    Vertx vertx = Vertx.vertx();
    try {
      PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
      Path uploads = Files.createDirectories(folder.resolve("starting"));
      Api.Doors doors = new Api.Doors("127.0.0.1", List.of(), Set.of(), 1000, uploads);
      Api starting = new Api(vertx, doors, List.of("tiny"), registry, new Measures(registry));
      HttpServer http =
          vertx
              .createHttpServer()
              .requestHandler(starting.router(doors))
              .listen(0, "127.0.0.1")
              .toCompletionStage()
              .toCompletableFuture()
              .join();
      for (Map.Entry<String, String> get : gets().entrySet()) {
        URI uri = URI.create("http://127.0.0.1:" + http.actualPort() + get.getValue());
        HttpResponse<byte[]> answer =
            HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofByteArray());
        assertThat(answer.statusCode()).as(get.getKey()).isEqualTo(503);
        assertPromised(get.getKey(), "get", answer);
      }
    } finally {
      vertx.close().toCompletionStage().toCompletableFuture().join();
    }
  }

  /** What is sent are the fields of the contract, all of them and no others. */
  private static void assertAllOf(JsonObject json, String pointer) {
    JsonObject schema = (JsonObject) JsonPointer.from(pointer).queryJson(contract);
    assertThat(json.fieldNames())
        .as(pointer)
        .containsExactlyInAnyOrderElementsOf(schema.getJsonObject("properties").fieldNames());
  }

  @Test
  void everyPromisedFieldIsSent() {
    assertAllOf(
        TestServer.json(server.get("/health")),
        "/paths/~1health/get/responses/200/content/application~1json/schema");
    JsonObject prompt = new JsonObject().put("prompt", "walk-left");
    assertAllOf(TestServer.json(server.post("/v1/videos", prompt)), "/components/schemas/Video");
    assertAllOf(
        TestServer.json(server.post("/v1/images/generations", prompt)),
        "/components/schemas/ImageList");
  }

  @Test
  void whatAnErrorOfASessionSaysIsPromised() {
    JsonObject schema =
        contract
            .getJsonObject("components")
            .getJsonObject("schemas")
            .getJsonObject("RealtimeServerMessage");
    JsonObject promised =
        schema.getJsonArray("oneOf").stream()
            .map(JsonObject.class::cast)
            .filter(message -> "error".equals(message.getString("title")))
            .findFirst()
            .orElseThrow()
            .getJsonObject("properties");
    JsonObject unknown =
        Viewer.open(server)
            .send("{\"type\":\"session.start\",\"prompt\":\"dancing\"}")
            .next("error");
    assertThat(unknown.fieldNames()).contains("suggestions");
    assertThat(promised.fieldNames()).containsAll(unknown.fieldNames());
    assertThat(promised.fieldNames()).contains("retry_after_ms", "queue_depth");
  }

  @Test
  void aVideoIsAsPromisedInEachOfItsStates() {
    String one = "/v1/videos/{video_id}";
    CountDownLatch release = server.holdEngine();
    JsonObject queued =
        assertPromised(
            "/v1/videos",
            "post",
            server.post("/v1/videos", new JsonObject().put("prompt", "walk-left")));
    assertThat(queued.getString("status")).isEqualTo("queued");
    String id = queued.getString("id");
    assertPromised(one, "get", server.get("/v1/videos/" + id));
    assertPromised(one + "/content", "get", server.get("/v1/videos/" + id + "/content"));
    String stopped = Viewer.open(server).start().next("queue_status").getString("video_id");
    release.countDown();
    server.over(id);
    assertPromised(one, "get", server.get("/v1/videos/" + id));
    server.over(stopped);
    assertPromised(one, "get", server.get("/v1/videos/" + stopped));
    assertPromised("/v1/videos", "get", server.get("/v1/videos?limit=100"));
    HttpResponse<byte[]> outside =
        server.send(
            server.request("/v1/videos/" + id + "/content").header("range", "bytes=9999999-"));
    assertPromised(one + "/content", "get", outside);
    assertPromised(one, "delete", server.delete("/v1/videos/" + id));
    assertPromised(one, "delete", server.delete("/v1/videos/" + id));
  }

  @Test
  void liveMessagesAreAsPromised() {
    List<JsonObject> all = Viewer.open(server).start().all();
    assertThat(all).hasSizeGreaterThan(5);
    all.forEach(message -> assertFits(message, "/components/schemas/RealtimeServerMessage"));
    Viewer.open(server)
        .send("{\"type\":\"session.start\",\"prompt\":\"?\"}")
        .all()
        .forEach(message -> assertFits(message, "/components/schemas/RealtimeServerMessage"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"prompt\":\"walk-left\"}",
        "{\"prompt\":\"walk-left\",\"seconds\":\"0.5\",\"size\":\"16x16\",\"seed\":0,\"fps\":8}",
        "{\"prompt\":\"x\",\"extra_params\":{\"class_label\":2,\"top_p\":1,\"temperature\":0}}",
        "{\"prompt\":\"x\",\"extra_params\":{\"class_label\":\"slash-up\",\"block_size\":1}}",
        "{\"prompt\":\"walk-left\",\"num_frames\":1,\"width\":16,\"guidance_scale\":1.5}",
        "{}",
        "{\"prompt\":\"\"}",
        "{\"prompt\":3}",
        "{\"prompt\":\"walk-left\",\"seconds\":2}",
        "{\"prompt\":\"walk-left\",\"seconds\":\"two\"}",
        "{\"prompt\":\"walk-left\",\"size\":\"auto\"}",
        "{\"prompt\":\"walk-left\",\"size\":\"large\"}",
        "{\"prompt\":\"walk-left\",\"seed\":-1}",
        "{\"prompt\":\"walk-left\",\"seed\":\"1\"}",
        "{\"prompt\":\"walk-left\",\"fps\":0}",
        "{\"prompt\":\"walk-left\",\"codec\":\"h264\"}",
        "{\"prompt\":\"walk-left\",\"input_reference\":\"x\"}",
        "{\"prompt\":\"walk-left\",\"input_reference\":{\"path\":\"/etc/passwd\"}}",
        "{\"prompt\":\"walk-left\",\"extra_params\":{\"top_p\":0}}",
        "{\"prompt\":\"walk-left\",\"extra_params\":{\"top_k\":1.5}}",
        "{\"prompt\":\"walk-left\",\"extra_params\":{\"class_label\":-1}}",
        "{\"prompt\":\"walk-left\",\"extra_params\":{\"prediction_unit\":\"pixel\"}}",
      })
  void whatTheContractRefusesTheServerRefusesAndTheRestItTakes(String body) {
    boolean valid = validate(new JsonObject(body), "/components/schemas/CreateVideo").getValid();
    int status =
        server
            .send(
                server
                    .request("/v1/videos")
                    .header("content-type", "application/json")
                    .POST(BodyPublishers.ofString(body)))
            .statusCode();
    assertThat(status).isEqualTo(valid ? 200 : 400);
  }
}
