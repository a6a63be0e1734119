package dev.blockreel.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.blockreel.evaluate.Network.Reading;
import dev.blockreel.evaluate.NetworkInput.Gives;
import dev.blockreel.evaluate.NetworkInput.Range;
import dev.blockreel.failure.EngineFailure;
import dev.blockreel.grid.Clip;
import dev.blockreel.script.TorchScriptArchive;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TorchScriptNetworkTest {
  /** What it was given: sizes, type, least and greatest value; as the I3D file takes it. */
  private static final String CLIP_NETWORK =
      """
      x: Tensor,
      rescale: bool=True,
      resize: bool=True,
      return_features: bool=False) -> Tensor:
        if rescale or resize:
          x = x * 100
        low = torch.mul(torch.ones([x.size(0), 1]), torch.min(x))
        high = torch.mul(torch.ones([x.size(0), 1]), torch.max(x))
        frames = torch.ones([x.size(0), 1]) * x.size(2)
        height = torch.ones([x.size(0), 1]) * x.size(3)
        if not return_features:
          low = low * 0
        return torch.cat([low, high, frames, height], 1)
      """;

  private static final String IMAGE_NETWORK =
      """
      img: Tensor,
      return_features: bool=False) -> Tensor:
        kind = torch.ones([img.size(0), 1]) * img.element_size()
        means = torch.mean(img.to(6), [2, 3])
        return torch.cat([kind, means], 1)
      """;

  @TempDir private Path folder;

  /** Frame t is grey of the value t / 16; the first row is white, the second black. */
  private static Clip steps(int frames, int side) {
    float[] pixels = new float[3 * frames * side * side];
    for (int i = 0; i < pixels.length; i++) {
      int t = i / (side * side) % frames;
      int y = i / side % side;
      pixels[i] = y == 0 ? 1 : y == 1 ? 0 : t / 16f;
    }
    return new Clip(pixels, frames, side, side, 8);
  }

  private List<Reading> read(String forward, NetworkInput input, Clip... clips) {
    Path path = TorchScriptArchive.write(folder.resolve("net.pt"), forward);
    try (TorchScriptNetwork network = TorchScriptNetwork.load("net", path, input)) {
      return network.read(List.of(clips));
    }
  }

  @Test
  void clipsArriveAsTheI3dFileWantsThem() {
    List<Reading> readings = read(CLIP_NETWORK, NetworkInput.I3D, steps(17, 8), steps(17, 8));
    assertThat(readings).hasSize(2);
    // Both flags are off, values lie in [-1, 1], 16 of 17 frames, 224 rows.
    assertThat(readings.get(0).features()).containsExactly(new float[] {-1, 1, 16, 224});
    assertThat(readings.get(1).probabilities()).isNull();
  }

  @Test
  void imagesArriveAsBytes() {
    Clip clip = steps(17, 16);
    NetworkInput two =
        new NetworkInput(0, 2, 0, Range.UINT8, Map.of("return_features", true), Gives.FEATURES);
    List<Reading> readings = read(IMAGE_NETWORK, two, clip);
    assertThat(readings).hasSize(2);
    for (int i = 0; i < 2; i++) {
      int t = i == 0 ? 4 : 12; // the middles of two halves
      float mean = (255 + 14 * Math.round(t / 16f * 255)) / 16f;
      assertThat(readings.get(i).features()[0]).isEqualTo(1);
      assertThat(readings.get(i).features()[2]).isCloseTo(mean, within(1e-3f));
    }
    assertThat(read(IMAGE_NETWORK, NetworkInput.INCEPTION, clip, clip)).hasSize(2);
  }

  @Test
  void classScoresBecomeProbabilities() {
    NetworkInput classes = new NetworkInput(17, 1, 0, Range.UNIT, Map.of(), Gives.LOGITS);
    Reading reading = read(CLIP_NETWORK, classes, steps(17, 8)).get(0);
    float sum = 0;
    for (float probability : reading.probabilities()) {
      sum += probability;
    }
    assertThat(sum).isCloseTo(1, within(1e-5f));
    assertThat(reading.features()).isNull();
  }

  @Test
  void optionsThatAreNoBooleansAreRefused() {
    NetworkInput wrong =
        new NetworkInput(16, 1, 0, Range.UNIT, Map.of("rescale", 1L), Gives.FEATURES);
    assertThatThrownBy(() -> read(CLIP_NETWORK, wrong, steps(16, 8)))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("rescale: bool")
        .hasMessageContaining("1 cannot be given");
  }

  @Test
  void otherNetworksAreNotGivenWhatTheUsualOnesTake() {
    NetworkInput like = NetworkInput.I3D;
    List<Reading> readings =
        read("x: Tensor) -> Tensor:\n  return torch.mean(x, [2, 3, 4])\n", like, steps(16, 8));
    assertThat(readings.get(0).features()).hasSize(3);
    assertThat(like.fitting(Set.of("resize")).options()).containsOnlyKeys("resize");
  }

  @Test
  void theTextOfAnInputDoesNotDependOnTheProcess() {
    // By its text an evaluation knows what it saw before.
    assertThat(NetworkInput.I3D.toString())
        .contains("{rescale=false, resize=false, return_features=true}");
  }

  @Test
  void clipsThatAreTooShortAreRefused() {
    assertThatThrownBy(() -> read(CLIP_NETWORK, NetworkInput.I3D, steps(9, 8)))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("net takes 16 frames: got a clip of 9");
  }

  @Test
  void resultsWithoutARowForEachInputAreRefused() {
    assertThatThrownBy(
            () ->
                read(
                    "x: Tensor) -> Tensor:\n  return torch.mean(x)\n",
                    new NetworkInput(16, 1, 0, Range.UNIT, Map.of(), Gives.FEATURES),
                    steps(16, 8)))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("expected one row for each");
  }
}
