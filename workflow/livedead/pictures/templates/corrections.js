"use strict";
/* What a person changes of the cells of a field: a list of actions, as livedead/plates/corrections.py reads it. */

/** States by the letter that a picture has for them. */
const STATE_OF = {l: "live", d: "dead", a: "ambiguous", u: "unknown"};

/** The cells of one field, as counted and as corrected. */
class CorrectedField {
  /**
   * @param {object} picture the field, as field_picture in plate_page.py writes it
   * @param {object} kept {looked, usable, actions} of an earlier visit
   */
  constructor(picture, kept = {}) {
    this.picture = picture;
    this.looked = kept.looked || false;
    this.usable = kept.usable !== false;
    this.actions = kept.actions || [];
    this._replay();
  }

  /** Whether there is anything to tell the workflow. */
  get told() {
    return this.looked || !this.usable || this.actions.length > 0;
  }

  /** Do one action; returns the numbers of the cells that it made or changed. */
  do(action) {
    const changed = this._apply(action);
    this.actions.push(action);
    this.looked = true;
    return changed;
  }

  undo() {
    this.actions.pop();
    this._replay();
  }

  /** Why the workflow would refuse an action, or "". */
  refusal(action) {
    const {height, width} = this.picture;
    if (action.action === "split") {
      const centres = pixelCentres(this.cells.get(action.cell).polygons, height, width);
      const nFirst = centres.filter(([y, x]) => sideOf(action.line_px, y, x) <= 0).length;
      return nFirst && nFirst < centres.length ? "" : "The line does not cross the cell.";
    }
    if (action.action === "merge") return action.cells.length > 1 ? "" : "Choose two cells: click the second with Shift held.";
    if (action.action === "add") {
      const free = pixelCentres([action.outline_px], height, width).some(([y, x]) => this.cellAt(y, x) === null);
      return free ? "" : "There is a cell already, or nothing of the field.";
    }
    return "";
  }

  /** The cell at a place, or null. */
  cellAt(y, x) {
    for (const cell of this.cells.values()) {
      const box = cell.box;
      const near = y >= box.top && y <= box.bottom && x >= box.left && x <= box.right;
      if (near && isInside(y, x, cell.polygons)) return cell;
    }
    return null;
  }

  /** As one entry of the list `fields` of the file. */
  record() {
    const {well, field, timepoint, cells_sha256} = this.picture;
    return {well, field, timepoint, cells_sha256, usable: this.usable, actions: this.actions};
  }

  _replay() {
    this.cells = new Map();
    this.last = 0;
    this.picture.outlines.forEach((code, k) => this._make(STATE_OF[this.picture.states[k]], [decodedOutline(code)]));
    for (const cell of this.cells.values()) cell.byHand = false;
    this.actions.forEach(action => this._apply(action));
  }

  _make(state, polygons) {
    this.last += 1;
    this.cells.set(this.last, {number: this.last, state, polygons, box: boxOf(polygons), byHand: true});
    return this.last;
  }

  _take(number) {
    const cell = this.cells.get(number);
    this.cells.delete(number);
    return cell;
  }

  /** A cell that an action makes takes the next free number, as in livedead/cells/corrections.py. */
  _apply(action) {
    if (action.action === "state") {
      Object.assign(this.cells.get(action.cell), {state: action.state, byHand: true});
      return [action.cell];
    }
    if (action.action === "delete") {
      this._take(action.cell);
      return [];
    }
    if (action.action === "add") return [this._make(action.state, [action.outline_px])];
    if (action.action === "split") {
      const {state, polygons} = this._take(action.cell);
      const half = first => polygons.map(one => halfOf(one, action.line_px, first)).filter(one => one.length > 2);
      return [this._make(state, half(true)), this._make(state, half(false))];
    }
    const parts = action.cells.map(number => this._take(number));
    const alike = parts.every(part => part.state === parts[0].state);
    return [this._make(alike ? parts[0].state : "open", parts.flatMap(part => part.polygons))];
  }
}

/** The corrections of a plate, kept in the browser between visits. */
class Corrections {
  constructor(plate) {
    this.plate = plate;
    this.fields = new Map(plate.data.pictures.map(picture => [picture, null]));
    this.keeps = true;
  }

  /** The corrected field of a picture. */
  of(picture) {
    if (!this.fields.get(picture)) this.fields.set(picture, new CorrectedField(picture, this._read(this._key(picture)) || {}));
    return this.fields.get(picture);
  }

  keep(field) {
    const {looked, usable, actions} = field;
    this._write(this._key(field.picture), field.told ? {looked, usable, actions} : null);
  }

  /** The reviewer's name. */
  get reviewer() {
    return this._read("livedead reviewer") || "";
  }

  set reviewer(name) {
    this._write("livedead reviewer", name);
  }

  /** Fields that there is something to tell of; those of earlier visits, too. */
  told() {
    return this.plate.data.pictures
      .filter(picture => this.fields.get(picture) || this._read(this._key(picture)))
      .map(picture => this.of(picture))
      .filter(field => field.told);
  }

  /** The whole file. */
  text() {
    const fields = this.told().map(field => field.record());
    return JSON.stringify({livedead: "corrections", version: 1, plate: this.plate.name, reviewer: this.reviewer, fields}, null, 1) + "\n";
  }

  /** Two versions of a field's cells never share corrections: their hashes differ. */
  _key({well, field, timepoint, cells_sha256}) {
    return `livedead corrections ${this.plate.name} ${well} ${field} ${timepoint} ${cells_sha256}`;
  }

  _read(name) {
    try {
      return JSON.parse(localStorage.getItem(name));
    } catch {
      this.keeps = false;
      return null;
    }
  }

  _write(name, value) {
    try {
      if (value === null) localStorage.removeItem(name);
      else localStorage.setItem(name, JSON.stringify(value));
    } catch {
      this.keeps = false;
    }
  }
}
