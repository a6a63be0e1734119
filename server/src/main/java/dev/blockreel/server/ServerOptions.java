package dev.blockreel.server;

import static dev.blockreel.failure.EngineFailure.badRequest;
import static java.util.Objects.requireNonNull;

import dev.blockreel.server.engine.ModelSource;
import dev.blockreel.server.jobs.Limits;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * How the server runs.
 *
 * @param host address to bind to
 * @param port to listen at; 0 takes a free one
 * @param models to serve; the first one is the default
 * @param data folder for jobs and their media; for one server at a time
 * @param keys API keys, tokens (RFC 9110) of 16 characters or more; none lets everybody in
 * @param origins of foreign pages that may use the server
 * @param node name of this server in the ids of its jobs: letters and digits
 * @param engineThreads how many threads generate side by side; 0 for what suits the models
 * @param limits what it takes on
 */
public record ServerOptions(
    String host,
    int port,
    List<ModelSource> models,
    Path data,
    List<String> keys,
    Set<String> origins,
    String node,
    int engineThreads,
    Limits limits) {
  /** RFC 9110: what the name of a WebSocket's subprotocol, in which a key stands, consists of. */
  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]+");

  public ServerOptions {
    requireNonNull(host, "host is null");
    requireNonNull(data, "data is null");
    requireNonNull(limits, "limits is null");
    models = List.copyOf(models);
    keys = List.copyOf(keys);
    origins = Set.copyOf(origins);
    if (models.isEmpty()) {
      throw badRequest("a server needs at least one model");
    }
    if (models.stream().map(ModelSource::name).distinct().count() < models.size()) {
      throw badRequest("two models have the same name");
    }
    if (engineThreads < 0 || engineThreads > 64) {
      throw badRequest("--engine-threads must lie between 0 and 64: got %d", engineThreads);
    }
    if (port < 0 || port > 65_535) {
      throw badRequest("--port must lie between 0 and 65535: got %d", port);
    }
    if (!node.matches("[A-Za-z0-9]{1,32}")) {
      throw badRequest("--node takes up to 32 letters and digits: got %s", node);
    }
    for (String key : keys) {
      if (key.length() < 16) {
        throw badRequest("an API key needs at least 16 characters: got one of %d", key.length());
      }
      if (!TOKEN.matcher(key).matches()) {
        throw badRequest(
            "an API key takes letters, digits and !#$%%&'*+-.^_`|~, as browsers can send no others"
                + " for a WebSocket: got one of %d characters with another among them",
            key.length());
      }
    }
    for (String origin : origins) {
      if (!origin.matches("https?://[^/?#]+")) {
        throw badRequest("an origin looks like https://example.org: got %s", origin);
      }
    }
  }
}
