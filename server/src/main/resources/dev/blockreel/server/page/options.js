/** What can be set about drawing, in the words of the interface. */
const KNOWN = {
  temperature: { label: 'Temperature', hint: '0 always takes the likeliest', min: 0, max: 2, step: 0.05 },
  top_k: { label: 'Top k', hint: 'draw from so many tokens; 0 from all', min: 0, max: 1000, step: 10, whole: true },
  top_p: { label: 'Top p', hint: 'draw from this share of probability', min: 0.05, max: 1, step: 0.05 },
  cfg_scale: { label: 'Guidance', hint: 'how strictly it follows the class; 0 is off', min: 0, max: 10, step: 0.1 },
  num_inference_steps: { label: 'Flow steps', hint: 'more are finer and slower', min: 1, max: 100, step: 1, whole: true },
};

/** Sliders for the options that a model takes. */
export class Options {
  constructor(root, changed) {
    this.root = root;
    this.changed = changed;
    this.fields = [];
  }

  show(model) {
    this.root.replaceChildren();
    this.fields = [];
    for (const name of model.options) {
      const known = KNOWN[name];
      const normal = Number(model.defaults[name]);
      if (known && Number.isFinite(normal)) {
        this.add(name, known, normal);
      }
    }
    this.changed(0);
  }

  add(name, { label, hint, min, max, step, whole }, normal) {
    const field = document.createElement('div');
    field.className = 'slider';
    const head = Object.assign(document.createElement('label'), { textContent: label, htmlFor: `o-${name}` });
    const number = Object.assign(document.createElement('input'), {
      id: `o-${name}`,
      type: 'number',
      min,
      step: whole ? 1 : 'any',
      inputMode: whole ? 'numeric' : 'decimal',
    });
    const range = Object.assign(document.createElement('input'), {
      type: 'range',
      min,
      max: Math.max(max, normal),
      step,
      tabIndex: -1,
    });
    range.setAttribute('aria-hidden', 'true');
    const note = Object.assign(document.createElement('p'), { className: 'small', textContent: hint, id: `h-${name}` });
    number.setAttribute('aria-describedby', note.id);
    const one = { name, normal, number, range };
    number.addEventListener('input', () => {
      range.value = number.value;
      this.tell();
    });
    range.addEventListener('input', () => {
      number.value = range.value;
      this.tell();
    });
    field.append(head, number, range, note);
    this.root.append(field);
    this.fields.push(one);
    this.put(one, normal);
  }

  put(field, value) {
    field.number.value = value;
    field.range.value = value;
  }

  tell() {
    this.changed(Object.keys(this.values()).length);
  }

  reset() {
    for (const field of this.fields) {
      this.put(field, field.normal);
    }
    this.tell();
  }

  /** What differs from what the model likes. */
  values() {
    const values = {};
    for (const { name, normal, number } of this.fields) {
      if (number.value !== '' && Number(number.value) !== normal) {
        values[name] = Number(number.value);
      }
    }
    return values;
  }

  /** Takes over the options of a clip. */
  set(values = {}) {
    for (const field of this.fields) {
      const value = Number(values[field.name]);
      this.put(field, Number.isFinite(value) && values[field.name] !== null ? value : field.normal);
    }
    this.tell();
  }
}
