package dev.blockreel.samples.sprites;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a character does: where its cells lie on a layer sheet of 64x64 cells. Each action has four
 * rows, one a direction.
 */
enum SpriteAction {
  CAST(0, 0, 6),
  THRUST(4, 0, 7),
  /** Column 0 is standing still. */
  WALK(8, 1, 8),
  SLASH(12, 0, 5),
  SHOOT(16, 0, 12);

  /** Directions in the order of the rows. */
  static final List<String> DIRECTIONS = List.of("up", "left", "down", "right");

  private final int firstRow;
  private final int firstColumn;
  private final int lastColumn;

  SpriteAction(int firstRow, int firstColumn, int lastColumn) {
    this.firstRow = firstRow;
    this.firstColumn = firstColumn;
    this.lastColumn = lastColumn;
  }

  /** Row of the sheet, from 0. */
  int row(String direction) {
    return firstRow + DIRECTIONS.indexOf(direction);
  }

  /** Column of frame {@code frame}: the action's columns over and over, from its first. */
  int column(int frame) {
    return firstColumn + frame % (lastColumn - firstColumn + 1);
  }

  /** Such as {@code walk-left}. */
  String className(String direction) {
    return name().toLowerCase(Locale.ROOT) + "-" + direction;
  }

  /** All class names, sorted. */
  static List<String> classNames() {
    List<String> names = new ArrayList<>();
    for (SpriteAction action : values()) {
      for (String direction : DIRECTIONS) {
        names.add(action.className(direction));
      }
    }
    names.sort(null);
    return names;
  }
}
