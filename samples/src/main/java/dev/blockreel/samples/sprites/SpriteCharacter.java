package dev.blockreel.samples.sprites;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Which layers make up a character.
 *
 * @param number its number; the same number is always the same character
 * @param layers names under the layer folder, such as {@code body/male/light.png}, in drawing order
 */
record SpriteCharacter(int number, List<String> layers) {
  /**
   * Draws a character's layers by its number: one sex, a body, clothes, and nine times in ten hair.
   */
  static SpriteCharacter of(int number, SpriteLayers layers) {
    // The generator mixes its seed, so neighbouring numbers are strangers.
    SplittableRandom random = new SplittableRandom(0x5EED_0000_0000L + number);
    String sex = random.nextBoolean() ? "male" : "female";
    List<String> chosen = new ArrayList<>();
    for (String kind : List.of("body", "legs", "feet", "torso", "hair")) {
      boolean worn = !kind.equals("hair") || random.nextInt(10) != 0;
      List<String> names = layers.names(kind, sex);
      String name = names.get(random.nextInt(names.size()));
      if (worn) {
        chosen.add(name);
      }
    }
    return new SpriteCharacter(number, List.copyOf(chosen));
  }

  /** Whether this character is kept from training. */
  boolean testOnly() {
    return number % 10 == 0;
  }
}
