package dev.blockreel.script;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import dev.blockreel.failure.EngineFailure;
import org.junit.jupiter.api.Test;

class DeviceTest {
  @Test
  void aGpuIsTakenWhereThereIsOne() {
    assertThat(Torch.device(null, 0)).isEqualTo(Device.cpu());
    assertThat(Torch.device("", 2)).isEqualTo(Device.gpu());
  }

  @Test
  void theDeviceCanBeNamed() {
    assertThat(Torch.device("cpu", 2)).isEqualTo(Device.cpu());
    assertThat(Torch.device("GPU1", 2)).isEqualTo(Device.gpu(1));
  }

  @Test
  void devicesThatDoNotExistAreRefused() {
    assertThatThrownBy(() -> Torch.device("gpu", 0))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("libtorch sees 0 GPUs");
    assertThatThrownBy(() -> Torch.device("tpu", 1))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("expected cpu, gpu, or gpu1");
  }
}
