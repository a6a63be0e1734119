/** Small pictures made of squares, as text. */

const SVG = 'http://www.w3.org/2000/svg';

const LETTERS = {
  B: ['####.', '#...#', '####.', '#...#', '####.'],
  L: ['#....', '#....', '#....', '#....', '#####'],
  O: ['.###.', '#...#', '#...#', '#...#', '.###.'],
  C: ['.####', '#....', '#....', '#....', '.####'],
  K: ['#..#.', '#.#..', '##...', '#.#..', '#..##'],
  R: ['####.', '#...#', '####.', '#..#.', '#...#'],
  E: ['#####', '#....', '####.', '#....', '#####'],
};

const MOVES = {
  walk: [
    '............',
    '...####.....',
    '...####.....',
    '...####.....',
    '...####.....',
    '...####.....',
    '...#####....',
    '...########.',
    '...#########',
    '...#########',
    '............',
    '...###..####',
  ],
  cast: [
    '.....#......',
    '.....#...#..',
    '....###.###.',
    '....###..#..',
    '.#########..',
    '....###.....',
    '....###.....',
    '.#...#......',
    '###..#...#..',
    '.#......###.',
    '.........#..',
    '............',
  ],
  thrust: [
    '.......#####',
    '........####',
    '.......#####',
    '......####.#',
    '.....###...#',
    '....###.....',
    '...###......',
    '..###.......',
    '.###........',
    '###.........',
    '##..........',
    '............',
  ],
  slash: [
    '.........###',
    '........####',
    '.......####.',
    '......####..',
    '.....####...',
    '##..####....',
    '.######.....',
    '..####......',
    '..###.......',
    '.##.##......',
    '###..##.....',
    '##..........',
  ],
  shoot: [
    '....###.....',
    '....#.##....',
    '....#...#...',
    '....#...##..',
    '#...#....##.',
    '.###########',
    '.###########',
    '#...#....##.',
    '....#...##..',
    '....#...#...',
    '....#.##....',
    '....###.....',
  ],
};

function path(rows, left = 0) {
  let d = '';
  rows.forEach((row, y) => {
    for (const run of row.matchAll(/#+/g)) {
      d += `M${left + run.index} ${y}h${run[0].length}v1h-${run[0].length}z`;
    }
  });
  return d;
}

function draw(svg, width, height, d) {
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const shape = document.createElementNS(SVG, 'path');
  shape.setAttribute('d', d);
  svg.replaceChildren(shape);
  return svg;
}

/** Writes the text of each svg[data-letters]. */
export function writeLetters() {
  for (const svg of document.querySelectorAll('svg[data-letters]')) {
    const letters = [...svg.dataset.letters];
    const d = letters.map((letter, i) => path(LETTERS[letter], 6 * i)).join('');
    draw(svg, 6 * letters.length - 1, 5, d);
  }
}

/** The picture of a move, or null where there is none. */
export function movePicture(move) {
  const rows = MOVES[move];
  if (!rows) {
    return null;
  }
  const svg = draw(document.createElementNS(SVG, 'svg'), 12, 12, path(rows));
  svg.setAttribute('aria-hidden', 'true');
  return svg;
}

/** One of the symbols of the page. */
export function symbol(name) {
  const svg = document.createElementNS(SVG, 'svg');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#${name}`);
  svg.append(use);
  svg.setAttribute('aria-hidden', 'true');
  return svg;
}
