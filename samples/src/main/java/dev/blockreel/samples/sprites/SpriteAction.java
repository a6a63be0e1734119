package dev.blockreel.samples.sprites;

/** What a character does: four rows of a layer sheet, one for each {@link Direction}. */
enum SpriteAction {
  CAST(0, 0, 7),
  THRUST(4, 0, 8),
  /** Column 0 of these rows is standing still, so walking starts at column 1. */
  WALK(8, 1, 8),
  SLASH(12, 0, 6),
  SHOOT(16, 0, 13);

  /** Where a character looks. */
  enum Direction {
    UP(0),
    LEFT(1),
    DOWN(2),
    RIGHT(3);

    private final int row;

    Direction(int row) {
      this.row = row;
    }
  }

  private final int firstRow;
  private final int firstColumn;
  private final int columns;

  SpriteAction(int firstRow, int firstColumn, int columns) {
    this.firstRow = firstRow;
    this.firstColumn = firstColumn;
    this.columns = columns;
  }

  /** The sheet row of this action seen from {@code direction}. */
  int row(Direction direction) {
    return firstRow + direction.row;
  }

  /** The sheet column of frame {@code t} of the endless loop. */
  int column(int t) {
    return firstColumn + t % columns;
  }
}
