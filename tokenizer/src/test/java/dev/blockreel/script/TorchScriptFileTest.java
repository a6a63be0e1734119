package dev.blockreel.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TorchScriptFileTest {
  /** Options in another order than anybody would guess, each with a default. */
  private static final String FORWARD =
      """
      x: Tensor,
      times: float=10.,
      half: bool=True,
      plus: int=7,
      label: str="a, b) -> c",
      maybe: Optional[Tensor]=None) -> Tensor:
        y = x * times + plus
        if half:
          y = y * 0.5
        return y
      """;

  @TempDir private Path folder;

  private float[] forward(String code, Map<String, Object> options) {
    Path path = TorchScriptArchive.write(folder.resolve("net.pt"), code);
    try (TorchScriptFile file = TorchScriptFile.open(path);
        TensorScope scope = TensorScope.open()) {
      return file.forward(scope, scope.floats(new float[] {1, 2}, 2), options).toFloats();
    }
  }

  @Test
  void optionsGoByTheirNames() {
    assertThat(forward(FORWARD, Map.of())).containsExactly(8.5f, 13.5f);
    assertThat(forward(FORWARD, Map.of("half", false))).containsExactly(17, 27);
    assertThat(forward(FORWARD, Map.of("plus", 1L, "times", 2.0))).containsExactly(1.5f, 2.5f);
  }

  @Test
  void theFirstOfSeveralResultsCounts() {
    assertThat(
            forward(
                "x: Tensor) -> Tuple[Tensor, Tensor]:\n  return (x * 2, x)\n".indent(0), Map.of()))
        .containsExactly(2, 4);
  }

  @Test
  void unknownOptionsAreRefusedWithTheKnownOnes() {
    assertThatThrownBy(() -> forward(FORWARD, Map.of("return_features", true)))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("takes no return_features")
        .hasMessageContaining("it takes (x: Tensor, times: float=10., half: bool=True");
    assertThatThrownBy(() -> forward(FORWARD, Map.of("maybe", true)))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("cannot be given");
  }

  @Test
  void whatIsNoNetworkIsRefused() throws IOException {
    Path text = Files.writeString(folder.resolve("text.pt"), "hello");
    refused(text, "no zip archive");
    refused(folder.resolve("none.pt"), "does not exist");
    refused(
        TorchScriptArchive.write(
            folder.resolve("lists.pt"), "x: List[Tensor]) -> Tensor:\n  return x[0]\n"),
        "no forward that takes a tensor");
    refused(
        TorchScriptArchive.write(
            folder.resolve("broken.pt"), "x: Tensor) -> Tensor:\n  return torch.nonsense(x)\n"),
        "libtorch cannot load it");
  }

  private static void refused(Path path, String why) {
    assertThatThrownBy(() -> TorchScriptFile.open(path).close())
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining(path.getFileName().toString())
        .hasMessageContaining(why);
  }

  @Test
  void aFailingForwardNamesTheFile() {
    assertThatThrownBy(
            () -> forward("x: Tensor) -> Tensor:\n  return torch.view(x, [3])\n", Map.of()))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("net.pt")
        .hasMessageContaining("invalid for input of size 2");
  }
}
