package dev.blockreel.generator.xar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.blockreel.failure.EngineFailure;
import dev.blockreel.golden.GoldenCase;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EntityOrderTest {
  @ParameterizedTest
  @CsvSource({
    "token, 1, 8, 8, 64",
    "cell:1, 1, 4, 6, 24",
    "cell:2, 1, 8, 8, 16",
    "cell:8, 1, 16, 16, 4",
    "cell:3, 1, 6, 9, 6",
    "cell:2x4x4, 4, 8, 8, 8",
    "subsample:2, 1, 8, 8, 4",
    "subsample:4, 2, 8, 8, 32",
    "scale, 1, 8, 8, 4",
    "scale, 1, 5, 7, 3",
    "scale, 4, 8, 8, 4",
    "frame, 5, 4, 4, 5",
    "whole, 3, 4, 4, 1"
  })
  void everyPositionIsInExactlyOneEntity(
      String entity, int time, int height, int width, int entities) {
    EntityOrder order = EntityOrder.of(entity, time, height, width);
    assertThat(order.entities()).hasSize(entities).allMatch(positions -> positions.length > 0);
    int[] sequence = order.sequence();
    assertThat(Arrays.stream(sequence).sorted().toArray())
        .isEqualTo(IntStream.range(0, time * height * width).toArray());
    assertThat(order.entityOfToken()).hasSameSizeAs(sequence).isSorted();
    assertThat(order.start(entities)).isEqualTo(order.tokens());
  }

  @Test
  void latentsSurviveTheRoundTripThroughAnOrder() {
    float[] latents = new float[3 * 2 * 4 * 4];
    for (int i = 0; i < latents.length; i++) {
      latents[i] = i;
    }
    for (String entity : List.of("cell:2", "scale", "subsample:2")) {
      EntityOrder order = EntityOrder.of(entity, 2, 4, 4);
      assertThat(order.latents(order.tokens(latents, 3), 3)).isEqualTo(latents);
    }
  }

  @Test
  void scalesGoFromCoarseToFine() {
    List<int[]> scales = EntityOrder.of("scale", 1, 8, 8).entities();
    assertThat(scales.stream().map(scale -> scale.length).toList())
        .isEqualTo(List.of(1, 3, 12, 48));
    assertThat(scales.get(0)).containsExactly(4 * 8 + 4);
    assertThat(EntityOrder.of("scale", 1, 8, 8).even()).isFalse();
  }

  @Test
  void rotationsOfTheEightByEightCellAreThePublishedOnes() {
    try (GoldenCase golden = new GoldenCase("xar")) {
      float[] rotations = OrderTensors.rotations(EntityOrder.of("cell:8", 1, 16, 16), 16);
      // The published table holds each cosine twice, once for each channel of a pair.
      float[] cosines = new float[256 * 16];
      for (int i = 0; i < cosines.length; i++) {
        cosines[i] = rotations[i / 2 * 2];
      }
      golden.assertClose("rope.cos", cosines);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"cell:3", "cell:0", "cell:2x2x2", "subsample:5", "cell:16"})
  void entitiesThatDoNotFitTheGridAreRefused(String entity) {
    assertThatThrownBy(() -> EntityOrder.of(entity, 1, 8, 8))
        .isInstanceOf(EngineFailure.class)
        .hasMessageContaining("the entity " + entity + " does not fit a latent grid of 1x8x8");
  }

  @Test
  void unknownEntitiesAreAnsweredWithTheKnownOnes() {
    assertThatThrownBy(() -> EntityOrder.of("blob", 1, 8, 8))
        .hasMessageContaining("unknown entity \"blob\"")
        .hasMessageContaining("subsample:S");
  }
}
