package dev.blockreel.sampler;

import dev.blockreel.checkpoint.TensorFile;
import dev.blockreel.failure.EngineFailure;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Noise that another run drew: tensors {@code noise.E.init} (B,n,C) and {@code noise.E.sde}
 * (steps-1,B,n,C) for entity E = 0, 1, …, so that the run can be repeated exactly.
 */
public final class RecordedNoise implements NoiseSource {
  private final List<float[]> starts;
  private final List<float[]> steps;
  private final int recorded;
  private final int first;
  private final int images;

  private RecordedNoise(
      List<float[]> starts, List<float[]> steps, int recorded, int first, int images) {
    this.starts = starts;
    this.steps = steps;
    this.recorded = recorded;
    this.first = first;
    this.images = images;
  }

  /**
   * Reads a file, and checks that it holds what a generation will ask for.
   *
   * @param images B
   * @param sizes n of each entity
   * @param channels C
   * @param draws how often noise is drawn for an entity beside its start
   * @throws EngineFailure BAD_REQUEST when a tensor is missing or has another shape
   */
  public static RecordedNoise read(
      TensorFile file, int images, List<Integer> sizes, int channels, int draws) {
    List<float[]> starts = new ArrayList<>();
    List<float[]> steps = new ArrayList<>();
    for (int e = 0; e < sizes.size(); e++) {
      starts.add(tensor(file, "noise." + e + ".init", images, sizes.get(e), channels));
      steps.add(
          draws == 0
              ? new float[0]
              : tensor(file, "noise." + e + ".sde", draws, images, sizes.get(e), channels));
    }
    return new RecordedNoise(starts, steps, images, 0, images);
  }

  private static float[] tensor(TensorFile file, String name, long... shape) {
    if (!file.names().contains(name)) {
      throw EngineFailure.badRequest(
          "%s has no tensor %s: expected F32 %s", file.path(), name, Arrays.toString(shape));
    }
    if (!file.info(name).type().isFloat() || !Arrays.equals(file.info(name).shape(), shape)) {
      throw EngineFailure.badRequest(
          "%s holds %s: expected F32 %s", file.path(), file.info(name), Arrays.toString(shape));
    }
    return file.floats(name);
  }

  /** The noise of images {@code from} (inclusive) to {@code to} (exclusive). */
  public RecordedNoise slice(int from, int to) {
    return new RecordedNoise(starts, steps, recorded, first + from, to - from);
  }

  @Override
  public float[] start(int entity, int values) {
    return part(starts.get(entity), 0, values);
  }

  @Override
  public float[] step(int entity, int step, int values) {
    return part(steps.get(entity), step, values);
  }

  private float[] part(float[] all, int step, int values) {
    int from = (step * recorded + first) * (values / images);
    return Arrays.copyOfRange(all, from, from + values);
  }
}
