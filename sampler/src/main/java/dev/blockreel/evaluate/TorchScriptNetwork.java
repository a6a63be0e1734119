package dev.blockreel.evaluate;

import dev.blockreel.checkpoint.ModelDirectory;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import dev.blockreel.grid.Clip;
import dev.blockreel.script.Dtype;
import dev.blockreel.script.Script;
import dev.blockreel.script.ScriptWriter;
import dev.blockreel.script.Sym;
import dev.blockreel.script.Tensor;
import dev.blockreel.script.TensorScope;
import dev.blockreel.script.TorchScriptFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A user's own network from a TorchScript file. */
public final class TorchScriptNetwork implements Network {
  private final String name;
  private final String identity;
  private final NetworkInput input;
  private final TorchScriptFile file;
  private final Script preparation;

  private TorchScriptNetwork(
      String name, String identity, NetworkInput input, TorchScriptFile file, Script preparation) {
    this.name = name;
    this.identity = identity;
    this.input = input;
    this.file = file;
    this.preparation = preparation;
  }

  /**
   * Loads a network.
   *
   * @param name for reports, such as {@code fvd}
   * @param path a file that {@code torch.jit.save} wrote
   * @param input what it wants to be given
   * @throws EngineFailure as {@link TorchScriptFile#open}
   */
  public static TorchScriptNetwork load(String name, Path path, NetworkInput input) {
    TorchScriptFile file = TorchScriptFile.open(path);
    try {
      NetworkInput fitting = input.fitting(file.arguments());
      String identity = ModelDirectory.sha256(path) + " " + fitting;
      return new TorchScriptNetwork(name, identity, fitting, file, preparation(fitting).compile());
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** {@code prepare}: (B,3,T,H,W) in [0,1] to the input of a network of clips or of images. */
  private static ScriptWriter preparation(NetworkInput input) {
    return new ScriptWriter("Preparation")
        .method(
            "prepare",
            m -> {
              Sym x = m.tensor("pixels");
              Sym frames = x.size(2);
              Sym images =
                  x.permute(0, 2, 1, 3, 4).reshape(-1, 3, x.size(3), x.size(4)); // (B·T, 3, H, W)
              if (input.side() > 0) {
                images =
                    m.let(
                        "torch.upsample_bilinear2d(%s, [%d, %d], False, None)"
                            .formatted(images, input.side(), input.side()));
              }
              images =
                  switch (input.range()) {
                    case UNIT -> images;
                    case SIGNED -> images.mul(2).sub(1);
                    case UINT8 -> m.let(images.mul(255).round().clamp(0, 255) + ".to(0)");
                  };
              if (input.frames() == 0) {
                m.returns(images);
              } else {
                m.returns(
                    images
                        .reshape(x.size(0), frames, 3, images.size(2), images.size(3))
                        .permute(0, 2, 1, 3, 4)
                        .contiguous());
              }
            })
        .method("softmax", m -> m.returns(m.tensor("logits").softmax(-1)))
        .method("widen", m -> m.returns(m.tensor("x").to(Dtype.FLOAT32)));
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public String identity() {
    return identity;
  }

  @Override
  public int frames() {
    return Math.max(1, input.frames());
  }

  @Override
  public int readings(int frames) {
    return input.frames() > 0 ? 1 : Math.min(frames, input.images());
  }

  @Override
  public List<Reading> read(List<Clip> clips) {
    List<Clip> shown = clips.stream().map(this::shown).toList();
    Clip first = shown.get(0);
    float[] pixels = new float[shown.size() * first.pixels().length];
    for (int i = 0; i < shown.size(); i++) {
      System.arraycopy(
          shown.get(i).pixels(), 0, pixels, i * first.pixels().length, first.pixels().length);
    }
    int rows = shown.size() * (input.frames() > 0 ? 1 : first.frames());
    try (TensorScope scope = TensorScope.open()) {
      Tensor given =
          preparation.call(
              scope,
              "prepare",
              scope.floats(pixels, shown.size(), 3, first.frames(), first.height(), first.width()));
      Tensor result = file.forward(scope, given, input.options());
      if (input.gives() == NetworkInput.Gives.LOGITS) {
        result = preparation.call(scope, "softmax", result);
      }
      result = preparation.call(scope, "widen", result);
      float[] values = result.toFloats();
      if (result.shape().length == 0 || result.shape()[0] != rows) {
        throw new EngineFailure(
            FailureCode.CHECKPOINT_MISMATCH,
            "the network %s made %s of %d inputs: expected one row for each"
                .formatted(name, Arrays.toString(result.shape()), rows));
      }
      return readings(values, rows);
    }
  }

  private List<Reading> readings(float[] values, int rows) {
    int length = values.length / rows;
    List<Reading> readings = new ArrayList<>();
    for (int i = 0; i < rows; i++) {
      float[] row = Arrays.copyOfRange(values, i * length, (i + 1) * length);
      readings.add(
          input.gives() == NetworkInput.Gives.FEATURES
              ? new Reading(row, null)
              : new Reading(null, row));
    }
    return readings;
  }

  /** The frames that it sees. */
  private Clip shown(Clip clip) {
    if (input.frames() > 0) {
      if (clip.frames() < input.frames()) {
        throw EngineFailure.badRequest(
            "the network %s takes %d frames: got a clip of %d",
            name, input.frames(), clip.frames());
      }
      return clip.slice(0, input.frames());
    }
    int count = readings(clip.frames());
    List<Clip> frames = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int at = (int) ((2L * i + 1) * clip.frames() / (2L * count)); // the middle of each part
      frames.add(clip.slice(at, at + 1));
    }
    return Clip.join(frames);
  }

  @Override
  public void close() {
    preparation.close();
    file.close();
  }
}
