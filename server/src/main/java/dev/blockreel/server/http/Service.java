package dev.blockreel.server.http;

import dev.blockreel.server.engine.Engine;
import dev.blockreel.server.engine.ServedModel;
import dev.blockreel.server.jobs.ImageStore;
import dev.blockreel.server.jobs.Jobs;
import java.util.Map;

/**
 * What requests are answered from, once the models are loaded.
 *
 * @param models by name; the first one is the default
 * @param jobs all jobs
 * @param images images that are kept to be fetched
 * @param engine for small native things
 */
public record Service(
    Map<String, ServedModel> models, Jobs jobs, ImageStore images, Engine engine) {}
