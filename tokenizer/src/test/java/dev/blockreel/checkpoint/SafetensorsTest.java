package dev.blockreel.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.failure.FailureCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
  @TempDir Path folder;

  @Test
  void whatIsWrittenIsRead() {
    Path path = folder.resolve("all.safetensors");
    SafetensorsWriter.to(path)
        .metadata("format", "pt")
        .addFloats("w", new long[] {2, 3}, new float[] {1, 2, 3, 4, 5, -0.5f})
        .addFloats("h", ElementType.F16, new long[] {2}, new float[] {1.5f, 65504})
        .addFloats("b", ElementType.BF16, new long[] {2}, new float[] {-2, 3})
        .addFloats("d", ElementType.F64, new long[] {1}, new float[] {0.25f})
        .addInts("i", new long[] {3}, new int[] {7, -8, 9})
        .add(
            new TensorInfo("u", ElementType.U8, new long[] {2}),
            (first, count) -> ByteBuffer.wrap(new byte[] {1, -1}))
        .addFloats("scalar", new long[0], new float[] {42})
        .addFloats("none", new long[] {0, 64}, new float[0])
        .write();
    try (TensorFile file = Safetensors.open(path)) {
      assertThat(file.names()).containsExactly("w", "h", "b", "d", "i", "u", "scalar", "none");
      assertThat(file.metadata()).containsEntry("format", "pt").hasSize(1);
      assertThat(file.path()).isEqualTo(path);
      assertThat(file.info("w"))
          .isEqualTo(new TensorInfo("w", ElementType.F32, new long[] {2, 3}))
          .hasToString("\"w\" F32 [2, 3]");
      assertThat(file.floats("w")).containsExactly(1, 2, 3, 4, 5, -0.5f);
      assertThat(file.floats("h")).containsExactly(1.5f, 65504);
      assertThat(file.floats("b")).containsExactly(-2, 3);
      assertThat(file.floats("d")).containsExactly(0.25f);
      assertThat(file.integers("i")).containsExactly(7, -8, 9);
      assertThat(file.integers("u")).containsExactly(1, 255);
      assertThat(file.floats("scalar")).containsExactly(42);
      assertThat(file.floats("none")).isEmpty();
    }
  }

  @Test
  void buffersAreDirectLittleEndianAndStartAtZero() {
    Path path = folder.resolve("w.safetensors");
    SafetensorsWriter.to(path)
        .addFloats("before", new long[] {3}, new float[3])
        .addFloats("w", new long[] {3}, new float[] {1, 2, 3})
        .write();
    try (TensorFile file = Safetensors.open(path)) {
      ByteBuffer all = file.bytes("w");
      assertThat(all.isDirect()).isTrue();
      assertThat(all.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
      assertThat(all.position()).isZero();
      assertThat(all.limit()).isEqualTo(12);
      assertThat(file.bytes("w", 1, 2).getFloat()).isEqualTo(2);
      assertThatThrownBy(() -> file.bytes("w", 2, 2)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @Test
  void theHeaderIsPaddedToAMultipleOfEight() throws IOException {
    for (String name : List.of("a", "ab", "abc", "abcd", "abcde", "abcdef")) {
      Path path = folder.resolve(name);
      SafetensorsWriter.to(path).addInts(name, new long[] {1}, new int[] {1}).write();
      byte[] bytes = Files.readAllBytes(path);
      long header = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
      assertThat(header % 8).isZero();
      assertThat(bytes).hasSize((int) (8 + header + 4));
      assertThat(new String(bytes, 8, (int) header, UTF_8)).startsWith("{").matches("(?s).*\\} *");
    }
  }

  @Test
  void wrongNamesAndTypesAreNamed() {
    Path path = folder.resolve("w.safetensors");
    SafetensorsWriter.to(path)
        .addFloats("weight", new long[] {1}, new float[] {1})
        .addInts("codes", new long[] {1}, new int[] {1})
        .write();
    try (TensorFile file = Safetensors.open(path)) {
      assertFails(() -> file.info("wait"), "has no tensor \"wait\"; it has \"weight\", \"codes\"");
      assertFails(() -> file.integers("weight"), "\"weight\" F32 [1]", "expected an integer type");
      assertFails(() -> file.floats("codes"), "\"codes\" I32 [1]", "expected a float type");
    }
  }

  @Test
  void aTruncatedFileSaysWhereItShouldEnd() throws IOException {
    Path path = folder.resolve("w.safetensors");
    SafetensorsWriter.to(path).addFloats("w", new long[] {4}, new float[4]).write();
    byte[] bytes = Files.readAllBytes(path);
    Files.write(path, Arrays.copyOf(bytes, bytes.length - 1));
    assertFails(
        () -> Safetensors.open(path),
        path + " is not a whole safetensors file: header says tensors end at byte " + bytes.length,
        "the file has " + (bytes.length - 1));
    Files.write(path, Arrays.copyOf(bytes, bytes.length + 1));
    assertFails(() -> Safetensors.open(path), "the file has " + (bytes.length + 1));
    Files.write(path, Arrays.copyOf(bytes, 30));
    assertFails(() -> Safetensors.open(path), "the header ends at byte", "the file has 30");
    Files.write(path, new byte[0]);
    assertFails(() -> Safetensors.open(path), "it has 0 bytes");
    Files.writeString(path, "just some text, no tensors\n");
    assertFails(() -> Safetensors.open(path), "no sane header length");
  }

  @Test
  void anEmptyTensorMayStandBehindItsNeighbourInTheHeader() throws IOException {
    String header =
        """
        {"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},\
        "b":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]}}""";
    Path path = folder.resolve("empty.safetensors");
    Files.write(path, headed(header, 8));
    try (TensorFile tensors = Safetensors.open(path)) {
      assertThat(tensors.names()).containsExactlyInAnyOrder("a", "b");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {"w":{"dtype":"F12","shape":[2],"data_offsets":[0,8]}}                      | has dtype "F12"
          {"w":{"shape":[2],"data_offsets":[0,8]}}                                    | has dtype
          {"w":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}                      | needs 12 bytes
          {"w":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}                     | not a list of sizes
          {"w":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}                    | not a list of sizes
          {"w":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}                        | not a list of sizes
          {"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}                      | no begin and end
          {"w":{"dtype":"F32","shape":[2],"data_offsets":[0]}}                        | no begin and end
          {"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}                     | tensors end at byte
          {"w":{"dtype":"U8","shape":[6],"data_offsets":[2,8]}}                       | begins at byte
          {"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}} | begins at byte
          {"w":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}  | impossible shape
          {"w":{"dtype":"F32","shape":[2],"data_offsets":[0,9223372036854775807]}}    | needs 8 bytes
          {"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} | not valid JSON
          {"w":7}                                                                     | has dtype
          {"__metadata__":{"a":1}}                                                    | is not a string
          {"__metadata__":3}                                                          | is not a JSON object
          [1,2,3]                                                                     | not a JSON object
          {"w":                                                                       | not valid JSON
          {} {}                                                                       | not valid JSON
          """)
  void aMalformedHeaderIsRefused(String header, String why) throws IOException {
    Path path = folder.resolve("bad.safetensors");
    Files.write(path, headed(header, 8));
    assertFails(() -> Safetensors.open(path), "is not a whole safetensors file", why);
  }

  @Test
  void deeplyNestedHeadersAreRefused() throws IOException {
    Path path = folder.resolve("deep.safetensors");
    Files.write(path, headed("{\"a\":" + "[".repeat(100_000), 0));
    assertFails(() -> Safetensors.open(path), "not valid JSON");
  }

  @Test
  void aMissingFileOrADirectoryIsNamed() {
    assertThatThrownBy(() -> Safetensors.open(folder.resolve("none.safetensors")))
        .isInstanceOf(EngineFailure.class)
        .hasMessage("cannot read %s: no such file or directory", folder.resolve("none.safetensors"))
        .extracting("code")
        .isEqualTo(FailureCode.MEDIA);
    assertThatThrownBy(() -> Safetensors.open(folder)).hasMessageContaining("it is a directory");
  }

  @Test
  void filesBeyondTwoGibibytesAreMapped() throws IOException {
    // Three tensors, the middle one 3 GiB of hole: sparse, so it costs neither disk nor time.
    Path path = folder.resolve("giant.safetensors");
    long giant = 3L << 30;
    String header =
        """
        {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},\
        "g":{"dtype":"F32","shape":[3,268435456],"data_offsets":[4,%d]},\
        "z":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}}"""
            .formatted(4 + giant, 4 + giant, 8 + giant);
    try (FileChannel out =
        FileChannel.open(
            path,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.WRITE,
            StandardOpenOption.SPARSE)) {
      out.write(
          littleEndian(8 + header.length()).putLong(header.length()).put(ascii(header)).flip());
      long data = out.position();
      out.write(littleEndian(4).putFloat(1).flip());
      out.write(littleEndian(8).putFloat(2).putFloat(3).flip(), data + giant);
    }
    try (TensorFile file = Safetensors.open(path)) {
      assertThat(file.floats("a")).containsExactly(1);
      assertThat(file.floats("z")).containsExactly(3);
      assertThat(file.bytes("g", (3L << 28) - 1, 1).getFloat()).isEqualTo(2);
      assertThatThrownBy(() -> file.bytes("g"))
          .isInstanceOf(EngineFailure.class)
          .hasMessageContaining("one buffer holds less than 2 GiB")
          .extracting("code")
          .isEqualTo(FailureCode.UNSUPPORTED);
    }
  }

  /** A file of this header and so many bytes of zeros. */
  private static byte[] headed(String header, int bytes) {
    byte[] json = header.getBytes(UTF_8);
    return ByteBuffer.allocate(8 + json.length + bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(UTF_8);
  }

  private static void assertFails(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(EngineFailure.class)
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("\n")
        .extracting("code")
        .isEqualTo(FailureCode.CHECKPOINT_MISMATCH);
  }
}
