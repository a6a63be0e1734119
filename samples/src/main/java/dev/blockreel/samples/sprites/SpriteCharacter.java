package dev.blockreel.samples.sprites;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A character: the same number is always the same one, as long as the artwork is the same.
 *
 * @param number from 0
 * @param layers what to draw over each other, the body first
 */
record SpriteCharacter(long number, List<Path> layers) {
  private static final String[] ALWAYS = {"body", "legs", "feet", "torso"};

  /** Draws sex and layers of character {@code number}: hair nine times in ten. */
  static SpriteCharacter of(long number, SpriteLayers artwork) {
    SplittableRandom random = new SplittableRandom(mix(number));
    String sex = random.nextBoolean() ? "female" : "male";
    List<Path> layers = new ArrayList<>();
    for (String kind : ALWAYS) {
      layers.add(pick(artwork.choices(kind, sex), random));
    }
    if (random.nextInt(10) > 0) {
      layers.add(pick(artwork.choices("hair", sex), random));
    }
    return new SpriteCharacter(number, List.copyOf(layers));
  }

  /** Whether character {@code number} is kept from training. */
  static boolean forTesting(long number) {
    return number % 10 == 0;
  }

  private static Path pick(List<Path> choices, SplittableRandom random) {
    return choices.get(random.nextInt(choices.size()));
  }

  /**
   * Spreads consecutive numbers over all seeds (the finaliser of MurmurHash3): neighbours must not
   * be alike.
   */
  private static long mix(long number) {
    long z = number + 0x5DEECE66DL;
    z = (z ^ (z >>> 33)) * 0xff51afd7ed558ccdL;
    z = (z ^ (z >>> 33)) * 0xc4ceb9fe1a85ec53L;
    return z ^ (z >>> 33);
  }
}
