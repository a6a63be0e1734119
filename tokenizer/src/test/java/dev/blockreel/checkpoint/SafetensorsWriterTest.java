package dev.blockreel.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsWriterTest {
  @TempDir Path folder;

  @Test
  void tensorsAreAskedForOneAfterTheOtherAndInParts() {
    Path path = folder.resolve("streamed.safetensors");
    List<String> asked = new ArrayList<>();
    int length = (1 << 20) + 3;
    SafetensorsWriter.to(path)
        .add(
            new TensorInfo("parts", ElementType.U8, new long[] {length}),
            (first, count) -> {
              asked.add("parts " + first + "+" + count);
              return ByteBuffer.allocate(count);
            })
        .addFloats(
            new TensorInfo("whole", ElementType.BF16, new long[] {2}),
            () -> {
              asked.add("whole");
              return new float[] {5, 6};
            })
        .write();
    assertThat(asked).containsExactly("parts 0+1048576", "parts 1048576+3", "whole");
    try (TensorFile file = Safetensors.open(path)) {
      assertThat(file.integers("parts")).hasSize(length).containsOnly(0);
      assertThat(file.floats("whole")).containsExactly(5, 6);
    }
  }

  @Test
  void aFailureLeavesNothingBehindAndTheOldFileAsItWas() throws IOException {
    Path path = folder.resolve("kept.safetensors");
    SafetensorsWriter.to(path).addInts("old", new long[] {1}, new int[] {1}).write();
    SafetensorsWriter writer =
        SafetensorsWriter.to(path)
            .addFloats(
                new TensorInfo("new", ElementType.F32, new long[] {1}),
                () -> {
                  throw new IllegalStateException("source failed");
                });
    assertThatThrownBy(writer::write).hasMessage("source failed");
    try (var entries = Files.list(folder)) {
      assertThat(entries).containsExactly(path);
    }
    try (TensorFile file = Safetensors.open(path)) {
      assertThat(file.names()).containsExactly("old");
    }
  }

  @Test
  void anUnwritablePathIsNamedInOneLine() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    Path below = file.resolve("tensors.safetensors");
    assertThatThrownBy(() -> SafetensorsWriter.to(below).write())
        .isInstanceOf(EngineFailure.class)
        .hasMessage("cannot write %s: %s is in the way", below, file)
        .extracting("code")
        .isEqualTo(FailureCode.MEDIA);
    Path directory = Files.createDirectory(folder.resolve("directory"));
    assertThatThrownBy(() -> SafetensorsWriter.to(directory).write())
        .isInstanceOf(EngineFailure.class)
        .hasMessage("cannot write %s: it is a folder", directory);
    try (var entries = Files.list(folder)) {
      assertThat(entries).containsExactlyInAnyOrder(file, directory);
    }
  }

  @Test
  void namesAreTakenOnceAndSizesMustFit() {
    SafetensorsWriter writer =
        SafetensorsWriter.to(folder.resolve("x")).addInts("a", new long[] {1}, new int[1]);
    assertThatThrownBy(() -> writer.addInts("a", new long[] {1}, new int[1]))
        .hasMessage("the name a is taken");
    assertThatThrownBy(() -> writer.addInts("b", new long[] {2}, new int[1]))
        .hasMessageContaining("\"b\" I32 [2]: got 1 values or bytes, expected 2");
    assertThatThrownBy(() -> writer.addFloats("c", new long[] {2}, new float[3]))
        .hasMessageContaining("got 3 values or bytes, expected 2");
    assertThatThrownBy(() -> writer.addFloats("d", ElementType.I32, new long[0], new float[1]))
        .hasMessage("I32 is not a float type");
  }

  @Test
  void everyF16SurvivesWideningAndNarrowing() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = HalfFloat.fromF16((short) bits);
      if (!Float.isNaN(value)) {
        assertThat(HalfFloat.toF16(value)).isEqualTo((short) bits);
      }
      float wide = HalfFloat.fromBf16((short) bits);
      if (!Float.isNaN(wide)) {
        assertThat(HalfFloat.toBf16(wide)).isEqualTo((short) bits);
      }
    }
  }

  @Test
  void narrowingRoundsToNearestAndTiesToEven() {
    // Each f16 from 0 to 65504 and its successor: their midpoint goes to the even one.
    for (int bits = 0; bits < 0x7bff; bits++) {
      float low = HalfFloat.fromF16((short) bits);
      float middle = (low + HalfFloat.fromF16((short) (bits + 1))) / 2;
      int even = bits % 2 == 0 ? bits : bits + 1;
      assertThat(HalfFloat.toF16(middle)).isEqualTo((short) even);
      assertThat(HalfFloat.toF16(Math.nextDown(middle))).isEqualTo((short) bits);
      assertThat(HalfFloat.toF16(Math.nextUp(middle))).isEqualTo((short) (bits + 1));
      assertThat(HalfFloat.toF16(-middle)).isEqualTo((short) (even | 0x8000));
    }
    assertThat(HalfFloat.toF16(65519.996f)).isEqualTo((short) 0x7bff);
    assertThat(HalfFloat.toF16(65520)).isEqualTo((short) 0x7c00);
    assertThat(HalfFloat.fromF16(HalfFloat.toF16(Float.NaN))).isNaN();
    assertThat(HalfFloat.toBf16(Float.intBitsToFloat(0x3f808000))).isEqualTo((short) 0x3f80);
    assertThat(HalfFloat.toBf16(Float.intBitsToFloat(0x3f818000))).isEqualTo((short) 0x3f82);
    assertThat(HalfFloat.toBf16(Float.intBitsToFloat(0x3f808001))).isEqualTo((short) 0x3f81);
    assertThat(HalfFloat.toBf16(Float.MAX_VALUE)).isEqualTo((short) 0x7f80);
    assertThat(HalfFloat.fromBf16(HalfFloat.toBf16(Float.intBitsToFloat(0x7f800001)))).isNaN();
  }
}
