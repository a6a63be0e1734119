import { movePicture, symbol } from './pixels.js';

const WAYS = ['up', 'left', 'right', 'down'];

/**
 * Picks what to generate. Classes that are moves in four directions get a row of moves and a pad;
 * other classes a list with a search field; a model without classes a text.
 */
export class Picker {
  /** Builds into one element; the pad, where there is one, into another. */
  constructor(root, side) {
    this.root = root;
    this.side = side;
    this.value = null;
  }

  /** Builds the picker for a model and keeps the choice where the model has it too. */
  show(model) {
    const before = this.value;
    this.classes = model.classes;
    this.root.replaceChildren();
    this.side.replaceChildren();
    const moves = movesOf(model.classes);
    if (!model.classes.length) {
      this.set = this.buildText();
    } else if (moves) {
      this.set = this.buildPad(moves);
    } else {
      this.set = this.buildList();
    }
    const usual = model.classes.includes('walk-right') ? 'walk-right' : model.classes[0];
    this.pick(model.classes.includes(before) ? before : (usual ?? ''));
  }

  pick(value) {
    if (this.classes.length && !this.classes.includes(value)) {
      return;
    }
    this.value = value;
    this.set(value);
  }

  buildPad(moves) {
    const names = radios('move', 'Move', moves, (move, label) => {
      const picture = movePicture(move);
      label.append(picture ?? Object.assign(document.createElement('b'), { textContent: move[0] }));
      label.append(Object.assign(document.createElement('span'), { textContent: move }));
    });
    names.classList.add('moves');
    const pad = radios('way', 'Direction', WAYS, (way, label) => {
      label.className = `way ${way}`;
      label.append(symbol('up'));
      label.append(Object.assign(document.createElement('span'), { textContent: way, className: 'unseen' }));
    });
    pad.classList.add('pad');
    // On a pad an arrow key means its own direction.
    pad.addEventListener('keydown', (e) => {
      const way = e.key.startsWith('Arrow') && e.key.slice(5).toLowerCase();
      if (WAYS.includes(way)) {
        e.preventDefault();
        take(pad, way).focus();
        read();
      }
    });
    this.root.append(names);
    this.side.append(pad);
    const read = () => {
      const move = names.querySelector('input:checked')?.value;
      const way = pad.querySelector('input:checked')?.value;
      this.value = `${move}-${way}`;
    };
    names.addEventListener('change', read);
    pad.addEventListener('change', read);
    return (value) => {
      const dash = value.lastIndexOf('-');
      take(names, value.slice(0, dash));
      take(pad, value.slice(dash + 1));
    };
  }

  buildList() {
    const field = document.createElement('div');
    field.className = 'field';
    const label = Object.assign(document.createElement('label'), { textContent: 'Class', htmlFor: 'class-search' });
    const search = Object.assign(document.createElement('input'), {
      id: 'class-search',
      type: 'search',
      placeholder: `Search ${this.classes.length} classes`,
      autocomplete: 'off',
    });
    const list = radios('class', 'Class', this.classes, (name, item) => item.append(Object.assign(document.createElement('span'), { textContent: name })));
    list.classList.add('class-list');
    list.querySelector('legend').classList.add('unseen');
    const none = Object.assign(document.createElement('p'), { className: 'small', textContent: 'No class has such a name.', hidden: true });
    search.addEventListener('input', () => {
      const wanted = search.value.toLowerCase().replace(/[\s_-]/g, '');
      let hits = 0;
      for (const item of list.querySelectorAll('label')) {
        item.hidden = !item.textContent.toLowerCase().replace(/[\s_-]/g, '').includes(wanted);
        hits += item.hidden ? 0 : 1;
      }
      none.hidden = hits > 0;
    });
    // Enter takes the first hit.
    search.addEventListener('keydown', (e) => {
      const first = list.querySelector('label:not([hidden]) input');
      if (e.key === 'Enter' && first) {
        e.preventDefault();
        first.checked = true;
        this.value = first.value;
      }
    });
    list.addEventListener('change', (e) => {
      this.value = e.target.value;
    });
    field.append(label, search, list, none);
    this.root.append(field);
    return (value) => {
      list.scrollTop = take(list, value).closest('label').offsetTop - list.offsetTop - 40;
    };
  }

  buildText() {
    const field = document.createElement('div');
    field.className = 'field';
    const text = Object.assign(document.createElement('textarea'), { id: 'prompt', rows: 3, maxLength: 32000 });
    field.append(Object.assign(document.createElement('label'), { textContent: 'Prompt', htmlFor: 'prompt' }), text);
    text.addEventListener('input', () => {
      this.value = text.value;
    });
    this.root.append(field);
    return (value) => {
      text.value = value;
    };
  }
}

/** A group of which one is chosen. */
function radios(name, legend, values, fill) {
  const set = document.createElement('fieldset');
  set.append(Object.assign(document.createElement('legend'), { textContent: legend }));
  const box = document.createElement('div');
  for (const value of values) {
    const label = document.createElement('label');
    label.append(Object.assign(document.createElement('input'), { type: 'radio', name, value }));
    fill(value, label);
    box.append(label);
  }
  set.append(box);
  return set;
}

/** Chooses one of a group by its value, which may hold anything: no selector could. */
function take(set, value) {
  const input = [...set.querySelectorAll('input')].find((one) => one.value === value);
  input.checked = true;
  return input;
}

/** The moves, where every class is one of them with a direction and none is missing; else null. */
function movesOf(classes) {
  const names = [];
  const all = new Set(classes);
  for (const name of classes) {
    const dash = name.lastIndexOf('-');
    if (dash < 1 || !WAYS.includes(name.slice(dash + 1))) {
      return null;
    }
    const move = name.slice(0, dash);
    if (!names.includes(move)) {
      names.push(move);
    }
  }
  const whole = names.length > 0 && names.every((move) => WAYS.every((way) => all.has(`${move}-${way}`)));
  return whole ? names.sort((a, b) => rank(a) - rank(b)) : null;
}

/** Walking first: it is what looks best. */
function rank(move) {
  return move === 'walk' ? 0 : 1;
}
