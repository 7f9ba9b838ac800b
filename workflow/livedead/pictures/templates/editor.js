"use strict";
/* Correcting the cells of a field with pointer and keyboard. */

const HINTS = {
  choose: "Click a cell, or go to the picture with Tab and from cell to cell with the arrow keys. Shift adds a second cell to merge.",
  add: "Click where a cell is missing, or draw its outline.",
  split: "Draw a line across the cell.",
};
const KEYS = {l: "live", d: "dead", a: "ambiguous", Delete: "delete", Backspace: "delete", m: "merge"};

/* Cells can be chosen at any time, but changed only while the editor is open: no key changes one unseen. */

/** A movement of the pointer that is shorter, in px of the screen, is a click. */
const CLICK_PX = 5;

class Editor {
  /**
   * @param {FieldView} view
   * @param {Corrections} corrections
   * @param {function} told called after every change
   */
  constructor(view, corrections, told) {
    Object.assign(this, {view, corrections, told, field: view.field, mode: "choose", path: null});
    this.node = byId("editor").content.firstElementChild.cloneNode(true);
    for (const button of this.node.querySelectorAll("[data-mode]")) button.addEventListener("click", () => this._enter(button.dataset.mode));
    for (const button of this.node.querySelectorAll("[data-do]")) button.addEventListener("click", () => this._do(button.dataset.do));
    for (const box of this.node.querySelectorAll("[data-mark]")) box.addEventListener("change", () => this._mark());
    this.node.open = SHOWN.editor;
    this.node.addEventListener("toggle", () => this._enter("choose"));
    const {stage} = view;
    stage.addEventListener("keydown", event => this._onKey(event));
    stage.addEventListener("pointerdown", event => this._onDown(event));
    stage.addEventListener("pointermove", event => this._onMove(event));
    stage.addEventListener("pointerup", event => this._onUp(event));
    stage.addEventListener("pointercancel", () => this._forgetPath());
    this._enter("choose");
    this._show();
  }

  _enter(mode) {
    SHOWN.editor = this.node.open;
    this.mode = mode;
    for (const button of this.node.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    this.node.querySelector("[data-hint]").textContent = HINTS[mode];
    this.view.stage.dataset.mode = mode;
  }

  /** Do to the chosen cells what a button or a key says. */
  _do(what) {
    const {chosen} = this.view;
    if (what === "undo") {
      if (this.field.actions.length) this.field.undo();
      this._changed([]);
    } else if (what === "merge") {
      this._try({action: "merge", cells: chosen});
    } else if (!chosen.length) {
      this._say("Choose a cell first.");
    } else if (what === "delete") {
      for (const cell of chosen) this.field.do({action: "delete", cell});
      this._changed([]);
    } else {
      for (const cell of chosen) this.field.do({action: "state", cell, state: what});
      this._changed(chosen);
    }
  }

  /** Do an action, unless the workflow would refuse it. */
  _try(action) {
    const refusal = this.field.refusal(action);
    if (refusal) {
      this.view.draw();
      this._say(refusal);
    } else {
      this._changed(this.field.do(action));
    }
  }

  _mark() {
    this.field.looked = this.node.querySelector("[data-mark=looked]").checked;
    this.field.usable = !this.node.querySelector("[data-mark=unusable]").checked;
    this._changed(this.view.chosen);
  }

  _changed(chosen) {
    this.corrections.keep(this.field);
    this.view.choose(chosen);
    this._show();
    this.told();
  }

  _show() {
    this.node.querySelector("[data-mark=looked]").checked = this.field.looked;
    this.node.querySelector("[data-mark=unusable]").checked = !this.field.usable;
    this.node.querySelector("[data-do=undo]").disabled = !this.field.actions.length;
  }

  _say(text) {
    this.view.said.textContent = text;
  }

  _onKey(event) {
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[name];
    if ((event.ctrlKey || event.metaKey) && name === "z" && this.node.open) this._do("undo");
    else if (event.ctrlKey || event.metaKey || event.altKey) return;
    else if (step) this._go(step, event.shiftKey);
    else if (name === "Escape") this._forgetPath();
    else if (this.node.open && KEYS[name]) this._do(KEYS[name]);
    else return;
    event.preventDefault();
  }

  /** Go to the next cell, or the one before; with Shift keep the chosen ones, too. */
  _go(step, more) {
    const numbers = [...this.field.cells.keys()], {chosen} = this.view;
    if (!numbers.length) return;
    const at = numbers.indexOf(chosen.at(-1));
    const next = numbers[at < 0 ? (step > 0 ? 0 : numbers.length - 1) : (at + step + numbers.length) % numbers.length];
    this.view.choose(more ? [...chosen.filter(number => number !== next), next] : [next]);
  }

  _onDown(event) {
    if (event.button) return;
    this.path = {points: [this.view.place(event)], from: [event.clientY, event.clientX], moved: false};
    if (this.mode !== "choose") this.view.stage.setPointerCapture(event.pointerId);
  }

  _onMove(event) {
    if (!this.path) return;
    const [y, x] = this.path.from;
    this.path.moved = this.path.moved || Math.hypot(event.clientY - y, event.clientX - x) > CLICK_PX;
    if (this.mode === "split") this.path.points[1] = this.view.place(event);
    else this.path.points.push(this.view.place(event));
    if (this.mode !== "choose") this.view.drawn.setAttribute("d", pathOf([this.path.points]).replace(this.mode === "split" ? "Z" : "", ""));
  }

  _onUp(event) {
    if (!this.path) return;
    const {points, moved} = this.path;
    this._forgetPath();
    if (this.mode === "choose") this._choose(points[0], event.shiftKey);
    else if (this.mode === "add") this._try({action: "add", state: "live", outline_px: moved ? points : this._circle(points[0])});
    else if (moved) this._split(points);
  }

  _forgetPath() {
    this.path = null;
    this.view.drawn.setAttribute("d", "");
  }

  _choose([y, x], more) {
    const cell = this.field.cellAt(y, x), {chosen} = this.view;
    if (!cell) this.view.choose(more ? chosen : []);
    else if (more && chosen.includes(cell.number)) this.view.choose(chosen.filter(number => number !== cell.number));
    else this.view.choose(more ? [...chosen, cell.number] : [cell.number]);
  }

  /** Split the cell under the middle of the line, or else the chosen one. */
  _split(line) {
    const [[y0, x0], [y1, x1]] = line;
    const under = this.field.cellAt((y0 + y1) / 2, (x0 + x1) / 2);
    const cell = under ? under.number : this.view.chosen.at(-1);
    if (cell === undefined) this._say("The line does not cross a cell.");
    else this._try({action: "split", cell, line_px: line});
  }

  /** The outline of a cell of the field's usual size around a place. */
  _circle([y, x]) {
    const areas = [...this.field.cells.values()].map(cell => cell.polygons.reduce((sum, one) => sum + areaOf(one), 0)).sort((a, b) => a - b);
    const radius = areas.length ? Math.sqrt(areas[Math.floor(areas.length / 2)] / Math.PI) : 10;
    const rounded = value => Math.round(10 * value) / 10;
    return Array.from({length: 24}, (_, k) => [rounded(y + radius * Math.sin(k * Math.PI / 12)), rounded(x + radius * Math.cos(k * Math.PI / 12))]);
  }
}

/** What there is to download, below the well. */
function showCorrections(corrections) {
  const told = corrections.told(), n = told.reduce((sum, field) => sum + field.actions.length, 0);
  byId("corrections").hidden = !told.length;
  byId("corrections-told").textContent = `${told.length} field${told.length === 1 ? "" : "s"} looked at, ${n} change${n === 1 ? "" : "s"}.`
    + (corrections.keeps ? " They are kept in this browser until you change them." : " This browser keeps nothing: download them before you close the page.");
}
