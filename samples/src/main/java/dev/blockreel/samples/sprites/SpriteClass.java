package dev.blockreel.samples.sprites;

import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/**
 * One of the 20 classes of sprite clips.
 *
 * @param action what the character does
 * @param direction where it looks
 */
record SpriteClass(SpriteAction action, SpriteAction.Direction direction) {
  /** All classes, action by action. */
  static final List<SpriteClass> ALL =
      Stream.of(SpriteAction.values())
          .flatMap(
              action ->
                  Stream.of(SpriteAction.Direction.values())
                      .map(direction -> new SpriteClass(action, direction)))
          .toList();

  /** {@code action-direction}, such as {@code walk-left}. */
  String label() {
    return (action + "-" + direction).toLowerCase(Locale.ROOT);
  }
}
