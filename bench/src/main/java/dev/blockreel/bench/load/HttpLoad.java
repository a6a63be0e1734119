package dev.blockreel.bench.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.media.ClipReader;
import dev.blockreel.media.ClipSampling;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Puts load on the first model of a running server and prints a line of figures for a scenario;
 * {@code ./blockreel run-load} starts it:
 *
 * <pre>{@code
 * run-load URL single [CLIPS]          one live stream after the other
 * run-load URL streams [N] [ROUNDS]    N live streams at the same time, closed loop
 * run-load URL burst [N]               N jobs at once; each clip is compared with those of all seeds alone
 * run-load URL aborts [N]              N clips aborted at random moments; memory before and after
 * }</pre>
 *
 * Seconds are those of this client, from the request to what it sees. Each scenario begins with a
 * warm-up of the same shape, which does not count.
 */
public final class HttpLoad {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Scenarios, each with the numbers that it takes where none are given. */
  private static final Map<String, int[]> SCENARIOS = new TreeMap<>();

  static {
    SCENARIOS.put("single", new int[] {10});
    SCENARIOS.put("streams", new int[] {8, 3});
    SCENARIOS.put("burst", new int[] {64});
    SCENARIOS.put("aborts", new int[] {300});
  }

  private final HttpClient client = HttpClient.newHttpClient();
  private final URI server;
  private final PrintStream out;
  private final List<String> classes = new ArrayList<>();
  private final double fps;
  private final int frames;

  private HttpLoad(URI server, PrintStream out) {
    this.server = server;
    this.out = out;
    JsonNode model = get("/v1/models").path("data").path(0);
    if (!model.has("frames")) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED, server + " is no server of Blockreel: it lists no model");
    }
    model.path("classes").forEach(name -> classes.add(name.asText()));
    fps = model.path("fps").asDouble();
    frames = model.path("frames").asInt();
  }

  /** See above. Exit codes: 0 done, 1 failed, 2 wrong usage; a failure is one line. */
  public static void main(String[] args) {
    System.exit(run(args, System.out, System.err));
  }

  static int run(String[] arguments, PrintStream out, PrintStream err) {
    try {
      String scenario = arguments.length < 2 ? "" : arguments[1];
      int[] counts = counts(scenario, arguments);
      HttpLoad load = new HttpLoad(address(arguments[0]), out);
      switch (scenario) {
        case "single" -> load.streams(1, counts[0]);
        case "streams" -> load.streams(counts[0], counts[1]);
        case "burst" -> load.burst(counts[0]);
        default -> load.aborts(counts[0]);
      }
      return 0;
    } catch (EngineFailure e) {
      err.println("run-load: " + e.getMessage());
      return e.code() == FailureCode.BAD_REQUEST ? 2 : 1;
    } catch (CompletionException e) {
      boolean told = e.getCause() instanceof EngineFailure;
      err.println(
          "run-load: "
              + (told ? e.getCause().getMessage() : "the server was lost: " + e.getCause()));
      return 1;
    }
  }

  private static int[] counts(String scenario, String... arguments) {
    int[] counts = SCENARIOS.getOrDefault(scenario, new int[0]).clone();
    boolean fits = counts.length > 0 && arguments.length <= 2 + counts.length;
    for (int i = 2; fits && i < arguments.length; i++) {
      fits = arguments[i].matches("[1-9][0-9]{0,5}");
      counts[i - 2] = fits ? Integer.parseInt(arguments[i]) : 0;
    }
    if (!fits) {
      throw EngineFailure.badRequest(
          "needs URL SCENARIO [N], single [CLIPS], streams [N] [ROUNDS], burst [N] or aborts [N]:"
              + " got %s",
          arguments.length == 0 ? "nothing" : String.join(" ", arguments));
    }
    return counts;
  }

  private static URI address(String text) {
    // Paths are put behind it.
    String address = text.replaceFirst("/+$", "");
    if (!address.matches("https?://[^/?#\\s]+(/[^?#\\s]*)?")) {
      throw EngineFailure.badRequest(
          "the address of a server is like http://127.0.0.1:8080: got %s", text);
    }
    return URI.create(address);
  }

  private HttpResponse<byte[]> send(HttpRequest.Builder request) {
    try {
      return client.send(request.build(), BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.MEDIA,
          "no server answers at %s (%s): start one with ./blockreel serve".formatted(server, e),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create(server + path));
  }

  private JsonNode get(String path) {
    return json(send(request(path)));
  }

  private static JsonNode json(HttpResponse<byte[]> response) {
    try {
      return JSON.readTree(response.body());
    } catch (IOException e) {
      throw new EngineFailure(
          FailureCode.UNSUPPORTED, response.uri() + " is no address of Blockreel: got no JSON", e);
    }
  }

  /** A class; models without any take every text. */
  private String prompt(long seed) {
    return classes.isEmpty() ? "clip " + seed : classes.get((int) (seed % classes.size()));
  }

  private List<LiveClip> watch(int streams, int rounds, long firstSeed) {
    List<CompletableFuture<List<LiveClip>>> viewers = new ArrayList<>();
    for (int viewer = 0; viewer < streams; viewer++) {
      long seed = firstSeed + viewer;
      viewers.add(
          CompletableFuture.supplyAsync(
              () -> {
                List<LiveClip> seen = new ArrayList<>();
                for (int round = 0; round < rounds; round++) {
                  long own = seed + (long) round * streams;
                  seen.add(LiveClip.start(client, server, prompt(own), own).over().join());
                }
                return seen;
              },
              task -> new Thread(task).start()));
    }
    return viewers.stream().flatMap(viewer -> viewer.join().stream()).toList();
  }

  private void streams(int streams, int rounds) {
    List<LiveClip> warm = watch(streams, 1, 1);
    if (warm.stream().allMatch(clip -> clip.error() != null)) {
      throw refused(warm.get(0).error());
    }
    long began = System.nanoTime();
    List<LiveClip> clips = watch(streams, rounds, 1000);
    double seconds = (System.nanoTime() - began) / 1e9;
    long failed =
        clips.stream().filter(clip -> clip.error() != null || clip.frames() != frames).count();
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("scenario", streams == 1 ? "single" : "streams");
    figures.put("streams", streams);
    figures.put("clips", clips.size());
    figures.put("failed", failed);
    figures.put(
        "frames_per_second", round(clips.stream().mapToInt(LiveClip::frames).sum() / seconds));
    double[] first = sorted(clips.stream().mapToDouble(LiveClip::firstFrameSeconds).toArray());
    figures.put("first_frame_s", percentiles(first));
    double[] whole = sorted(clips.stream().mapToDouble(LiveClip::seconds).toArray());
    figures.put("whole_clip_s", percentiles(whole));
    if (fps > 0) { // images have no rate
      figures.put("clip_plays_s", round(frames / fps));
    }
    print(figures);
  }

  private static double[] sorted(double[] values) {
    Arrays.sort(values);
    return values;
  }

  private static Map<String, Double> percentiles(double[] sorted) {
    Map<String, Double> result = new LinkedHashMap<>();
    for (int percent : new int[] {50, 95, 100}) {
      int rank = (int) Math.ceil(percent / 100.0 * sorted.length) - 1;
      result.put("p" + percent, round(sorted[Math.max(0, rank)]));
    }
    return result;
  }

  private static double round(double value) {
    return Math.round(value * 1000) / 1000.0;
  }

  private void print(Map<String, Object> figures) {
    out.println(JSON.valueToTree(figures).toString());
  }

  private EngineFailure refused(String why) {
    return new EngineFailure(
        FailureCode.UNSUPPORTED, "%s refuses this load: %s".formatted(server, why));
  }

  private String body(long seed) {
    return JSON.createObjectNode().put("prompt", prompt(seed)).put("seed", seed).toString();
  }

  private CompletableFuture<HttpResponse<byte[]>> post(String path, long seed) {
    return client.sendAsync(
        request(path)
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(body(seed)))
            .build(),
        BodyHandlers.ofByteArray());
  }

  /** Jobs at once, more than run together; each clip must be that of its own seed. */
  private void burst(int count) {
    List<byte[]> alone = new ArrayList<>();
    for (long seed = 0; seed < count; seed++) {
      HttpResponse<byte[]> answer = post("/v1/videos/sync", seed).join();
      if (answer.statusCode() != 200) {
        throw refused(json(answer).at("/error/message").asText());
      }
      alone.add(answer.body());
    }
    List<CompletableFuture<HttpResponse<byte[]>>> answers = new ArrayList<>();
    long began = System.nanoTime();
    for (long seed = 0; seed < count; seed++) {
      answers.add(post("/v1/videos", seed));
    }
    int refused = 0;
    int lost = 0;
    int same = 0;
    int nearest = 0;
    int mixed = 0;
    List<float[]> pixelsAlone = new ArrayList<>();
    for (byte[] file : alone) {
      pixelsAlone.add(pixels(file));
    }
    double farthestOwn = 0;
    double nearestOther = 255;
    for (int seed = 0; seed < count; seed++) {
      HttpResponse<byte[]> answer = answers.get(seed).join();
      if (answer.statusCode() == 429) {
        refused++;
        continue;
      }
      byte[] file = finished(json(answer).path("id").asText());
      if (file == null) {
        lost++;
        continue;
      }
      if (Arrays.equals(file, alone.get(seed))) {
        same++;
      }
      float[] pixels = pixels(file);
      double own = difference(pixels, pixelsAlone.get(seed));
      double other = 255;
      for (int i = 0; i < count; i++) {
        other = i == seed ? other : Math.min(other, difference(pixels, pixelsAlone.get(i)));
      }
      farthestOwn = Math.max(farthestOwn, own);
      nearestOther = Math.min(nearestOther, other);
      // In company rounding may move a token that lies between two others, never the whole clip.
      if (own < other) {
        nearest++;
      } else {
        mixed++;
      }
    }
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("scenario", "burst");
    figures.put("requests", count);
    figures.put("seconds", round((System.nanoTime() - began) / 1e9));
    figures.put("identical_to_alone", same);
    figures.put("nearest_to_own_seed", nearest);
    figures.put("mixed_up", mixed);
    figures.put("farthest_from_own_seed", round(farthestOwn));
    figures.put("nearest_to_another_seed", round(nearestOther));
    figures.put("lost", lost);
    figures.put("refused_with_429", refused);
    print(figures);
  }

  /** The file of a job when it is over, or null where it failed. */
  private byte[] finished(String id) {
    while (true) {
      String status = get("/v1/videos/" + id).path("status").asText();
      if (status.equals("completed")) {
        return send(request("/v1/videos/" + id + "/content")).body();
      }
      if (!status.equals("queued") && !status.equals("in_progress")) {
        return null;
      }
      pause(20);
    }
  }

  private static float[] pixels(byte[] mp4) {
    try {
      Path file = Files.createTempFile("load", ".mp4");
      try {
        Files.write(file, mp4);
        return ClipReader.read(file, ClipSampling.ALL).pixels();
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw EngineFailure.media(e, "cannot keep a clip");
    }
  }

  /** Mean absolute difference in steps of 255; 255 where the lengths differ. */
  private static double difference(float[] a, float[] b) {
    if (a.length != b.length) {
      return 255;
    }
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs(a[i] - b[i]);
    }
    return 255 * sum / a.length;
  }

  private static void pause(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Clips that end early, eight at a time, in all ways that there are. */
  private void aborts(int count) {
    SplittableRandom random = new SplittableRandom(1);
    abort(Math.min(count, 40), random);
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("scenario", "aborts");
    figures.put("aborted", count);
    idle();
    figures.put("before", memory());
    long began = System.nanoTime();
    abort(count, random);
    figures.put("seconds", round((System.nanoTime() - began) / 1e9));
    idle();
    figures.put("after", memory());
    figures.put("stuck_jobs", metric("blockreel_jobs_running"));
    figures.put("open_streams", metric("blockreel_viewers"));
    print(figures);
  }

  private void abort(int count, SplittableRandom random) {
    for (int done = 0; done < count; done += 8) {
      List<CompletableFuture<Void>> together = new ArrayList<>();
      for (int i = 0; i < Math.min(8, count - done); i++) {
        int way = (done + i) % 3;
        long seed = random.nextLong(1000);
        long millis = random.nextLong(1200);
        together.add(
            CompletableFuture.runAsync(
                () -> abort(seed, way, millis), task -> new Thread(task).start()));
      }
      together.forEach(CompletableFuture::join);
    }
  }

  private void abort(long seed, int way, long millis) {
    LiveClip clip = LiveClip.start(client, server, prompt(seed), seed);
    pause(millis);
    if (clip.over().isDone()) {
      return; // it was quicker
    }
    switch (way) {
      case 0 -> clip.disconnect();
      case 1 -> clip.stop();
      default -> {
        try {
          send(request("/v1/videos/" + clip.id().join()).DELETE());
        } catch (CompletionException e) {
          // It ended before its id was known.
        }
      }
    }
    clip.over().join();
  }

  private void idle() {
    while (metric("blockreel_jobs_running") > 0 || metric("blockreel_queue_depth") > 0) {
      pause(50);
    }
    pause(13_000); // after ten seconds of rest the server gives free memory back
  }

  private Map<String, Object> memory() {
    Map<String, Object> memory = new LinkedHashMap<>();
    memory.put("native_mib", Math.round(metric("blockreel_native_memory_bytes") / (1 << 20)));
    memory.put("heap_mib_after_gc", Math.round(metric("blockreel_heap_live_bytes") / (1 << 20)));
    return memory;
  }

  private double metric(String name) {
    String text =
        new String(send(request("/metrics")).body(), java.nio.charset.StandardCharsets.UTF_8);
    Matcher matcher =
        Pattern.compile("^" + name + "(?:\\{[^}]*\\})? (\\S+)$", Pattern.MULTILINE).matcher(text);
    return matcher.find() ? Double.parseDouble(matcher.group(1)) : Double.NaN;
  }
}
