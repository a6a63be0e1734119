package dev.blockreel.checkpoint;

import static dev.blockreel.failure.FailureCode.CHECKPOINT_MISMATCH;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.blockreel.failure.EngineFailure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;

/**
 * Reads safetensors: 8 bytes little-endian header length, a JSON object, then the tensors back to
 * back. The header is checked in full before a tensor is handed out.
 */
public final class Safetensors {
  /** The bound of the reference implementation; real headers have some hundred kilobytes. */
  private static final int LONGEST_HEADER = 100_000_000;

  private static final int PREFIX = Long.BYTES;

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private Safetensors() {}

  /**
   * Whether a file looks like safetensors, going by its first bytes.
   *
   * @throws EngineFailure MEDIA when it cannot be read
   */
  public static boolean looksLike(Path path) {
    MappedFile file = MappedFile.open(path);
    try {
      return file.size() > PREFIX && file.window(PREFIX, 1).get() == '{';
    } finally {
      file.close();
    }
  }

  /**
   * Opens a file by mapping it into memory; it may be larger than 2 GiB.
   *
   * @return the tensors, to be closed by the caller
   * @throws EngineFailure MEDIA when the file cannot be read; CHECKPOINT_MISMATCH when it is not a
   *     whole, well-formed safetensors file
   */
  public static TensorFile open(Path path) {
    MappedFile file = MappedFile.open(path);
    try {
      return new Header(file).read();
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  /** Where a tensor lies: {@code begin} counts from the start of the file. */
  private record Slot(TensorInfo info, long begin) {}

  private static final class Header {
    private final MappedFile file;
    private final Map<String, String> metadata = new LinkedHashMap<>();
    private final List<Slot> slots = new ArrayList<>();
    private long dataStart;

    Header(MappedFile file) {
      this.file = file;
    }

    TensorFile read() {
      JsonNode json = json();
      json.properties()
          .forEach(
              field -> {
                if (field.getKey().equals("__metadata__")) {
                  readMetadata(field.getValue());
                } else {
                  slots.add(slot(field.getKey(), field.getValue()));
                }
              });
      // An empty tensor stands at the same place as its neighbour, and before it.
      slots.sort(
          Comparator.comparingLong(Slot::begin).thenComparingLong(slot -> slot.info().bytes()));
      checkCover();
      return new Tensors(file, slots, metadata);
    }

    private JsonNode json() {
      if (file.size() < PREFIX) {
        throw broken("it has %d bytes, less than the length of a header".formatted(file.size()));
      }
      long length = file.window(0, PREFIX).getLong();
      if (length < 2 || length > LONGEST_HEADER) {
        throw broken("its first 8 bytes give no sane header length (%d)".formatted(length));
      }
      if (length > file.size() - PREFIX) {
        throw broken(
            "the header ends at byte %d, the file has %d".formatted(PREFIX + length, file.size()));
      }
      dataStart = PREFIX + length;
      byte[] header = new byte[(int) length];
      file.window(PREFIX, header.length).get(header);
      try {
        JsonNode json = JSON.readTree(header);
        if (header[0] != '{' || !json.isObject()) {
          throw broken("the header is not a JSON object");
        }
        return json;
      } catch (JsonProcessingException e) {
        throw broken("the header is not valid JSON: " + Quoted.shortened(e.getOriginalMessage()));
      } catch (IOException e) {
        throw new EngineFailure(CHECKPOINT_MISMATCH, file.path() + ": " + e.getMessage(), e);
      }
    }

    private void readMetadata(JsonNode json) {
      if (!json.isObject()) {
        throw broken("__metadata__ is not a JSON object");
      }
      json.properties()
          .forEach(
              field -> {
                if (!field.getValue().isTextual()) {
                  throw broken("__metadata__ " + Quoted.of(field.getKey()) + " is not a string");
                }
                metadata.put(field.getKey(), field.getValue().textValue());
              });
    }

    private Slot slot(String name, JsonNode json) {
      ElementType type = null;
      for (ElementType candidate : ElementType.values()) {
        if (candidate.name().equals(json.path("dtype").asText())) {
          type = candidate;
        }
      }
      if (type == null) {
        throw broken(
            "tensor %s has dtype %s, expected one of %s"
                .formatted(
                    Quoted.of(name),
                    Quoted.shortened(json.path("dtype").toString()),
                    List.of(ElementType.values())));
      }
      long[] shape = numbers(name, json, "shape");
      long[] offsets = numbers(name, json, "data_offsets");
      if (offsets.length != 2 || offsets[0] > offsets[1]) {
        throw broken("tensor %s has no begin and end".formatted(Quoted.of(name)));
      }
      TensorInfo info;
      try {
        info = new TensorInfo(name, type, shape);
      } catch (EngineFailure e) {
        throw broken(e.getMessage());
      }
      if (info.bytes() != offsets[1] - offsets[0]) {
        throw broken(
            "tensor %s needs %d bytes, its offsets give it %d"
                .formatted(info, info.bytes(), offsets[1] - offsets[0]));
      }
      if (offsets[1] > file.size() - dataStart) {
        throw broken(
            "header says tensors end at byte %d, the file has %d"
                .formatted(dataStart + offsets[1], file.size()));
      }
      return new Slot(info, dataStart + offsets[0]);
    }

    private long[] numbers(String name, JsonNode json, String field) {
      JsonNode array = json.path(field);
      long[] numbers = new long[array.size()];
      boolean whole = array.isArray();
      for (int i = 0; whole && i < numbers.length; i++) {
        JsonNode number = array.get(i);
        whole = number.isIntegralNumber() && number.canConvertToLong() && number.asLong() >= 0;
        numbers[i] = number.asLong();
      }
      if (!whole) {
        throw broken(
            "%s of tensor %s is not a list of sizes: %s"
                .formatted(field, Quoted.of(name), Quoted.shortened(array.toString())));
      }
      return numbers;
    }

    private void checkCover() {
      long end = dataStart;
      for (Slot slot : slots) {
        if (slot.begin() != end) {
          throw broken(
              "tensor %s begins at byte %d, the tensors before it end at byte %d"
                  .formatted(slot.info(), slot.begin(), end));
        }
        end += slot.info().bytes();
      }
      if (end != file.size()) {
        throw broken(
            "header says tensors end at byte %d, the file has %d".formatted(end, file.size()));
      }
    }

    private EngineFailure broken(String why) {
      return new EngineFailure(
          CHECKPOINT_MISMATCH, file.path() + " is not a whole safetensors file: " + why);
    }
  }

  private static final class Tensors implements TensorFile {
    private final MappedFile file;
    private final Map<String, Slot> slots = new LinkedHashMap<>();
    private final Map<String, String> metadata;

    Tensors(MappedFile file, List<Slot> inOrder, Map<String, String> metadata) {
      this.file = file;
      this.metadata = Collections.unmodifiableMap(metadata);
      inOrder.forEach(slot -> slots.put(slot.info().name(), slot));
    }

    @Override
    public Set<String> names() {
      return Collections.unmodifiableSet(slots.keySet());
    }

    @Override
    public TensorInfo info(String name) {
      return slot(name).info();
    }

    @Override
    public ByteBuffer bytes(String name, long firstElement, int elements) {
      Slot slot = slot(name);
      int length = TensorValues.partLength(file.path(), slot.info(), firstElement, elements);
      return file.window(slot.begin() + firstElement * slot.info().type().bytes(), length);
    }

    @Override
    public OptionalLong place(String name) {
      return OptionalLong.of(slot(name).begin());
    }

    @Override
    public Map<String, String> metadata() {
      return metadata;
    }

    @Override
    public Path path() {
      return file.path();
    }

    @Override
    public void close() {
      file.close();
    }

    private Slot slot(String name) {
      Slot slot = slots.get(name);
      if (slot == null) {
        throw TensorValues.missing(file.path(), name, slots.keySet());
      }
      return slot;
    }
  }
}
