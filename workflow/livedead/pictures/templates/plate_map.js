"use strict";
/* The plate as a map of coloured wells. */

const DEAD_TO_LIVE = ["#d55e00", "#f0b48a", "#f4f1ea", "#8fbcdc", "#0072b2"];
const FEW_TO_MANY = ["#f3f6f8", "#bcd3e4", "#7fabcb", "#4680a9", "#1c4e75"];
const USUAL_TO_UNUSUAL = ["#f5f3f7", "#d4c3df", "#b08ec4", "#84559f", "#542a6c"];
const NO_VALUE = "#e3e6e8";
const FLAGGED = "#e69f00";

/** What the map can be coloured by: a column, its colours, and where they end. */
const MEASURES = [
  {name: "viability", label: "viability", colours: DEAD_TO_LIVE, ends: () => [0, 1]},
  {name: "n_live", label: "live cells", colours: FEW_TO_MANY, ends: zeroToMost},
  {name: "n_dead", label: "dead cells", colours: FEW_TO_MANY, ends: zeroToMost},
  {name: "n_total", label: "all cells", colours: FEW_TO_MANY, ends: zeroToMost},
  {name: "unfamiliarity", label: "unfamiliarity", colours: USUAL_TO_UNUSUAL, ends: values => [0, Math.max(1, ...values)]},
];

function zeroToMost(values) {
  return [0, Math.max(1, ...values)];
}

/** A colour between colours, at a share from 0 to 1. */
function between(colours, share) {
  const at = Math.min(Math.max(share, 0), 1) * (colours.length - 1), k = Math.min(Math.floor(at), colours.length - 2);
  const [low, high] = [colours[k], colours[k + 1]].map(rgbOf);
  return "#" + low.map((part, j) => Math.round(part + (at - k) * (high[j] - part)).toString(16).padStart(2, "0")).join("");
}

function rgbOf(colour) {
  return [1, 3, 5].map(k => parseInt(colour.slice(k, k + 2), 16));
}

/** Black or white, whichever is read better on a colour (relative luminance of WCAG 2). */
function inkOn(colour) {
  const [r, g, b] = rgbOf(colour).map(part => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

/** The map: a grid of buttons, one of which is chosen. */
class PlateMap {
  constructor(plate, chosen) {
    this.plate = plate;
    this.chosen = chosen;
    [this.nRows, this.nColumns] = plate.data.shape;
    this.buttons = new Map();
    this.measures = MEASURES.filter(one => plate.wells.some(well => numberOf(well.row[one.name]) !== null));
    this.measures.push({name: "qc_flags", label: "QC flags"});
    this.measure = this.measures[0];
    this.agent = null;
    this._build();
  }

  _build() {
    const grid = byId("grid"), names = new Map();
    for (const {row} of this.plate.wells) names.set(`${row.row} ${row.column}`, row.well);
    grid.style.setProperty("--columns", this.nColumns);
    grid.classList.toggle("dense", this.nColumns > 12);
    const numbers = Array.from({length: this.nColumns}, (_, k) => k + 1);
    grid.append(element("div", {role: "row"}, element("span", {role: "gridcell"}),
      ...numbers.map(k => element("span", {role: "columnheader"}, String(k)))));
    for (let r = 0; r < this.nRows; r++) {
      const letters = (r >= 26 ? "A" : "") + String.fromCharCode(65 + (r % 26));
      grid.append(element("div", {role: "row"}, element("span", {role: "rowheader"}, letters),
        ...numbers.map(k => this._cell(names.get(`${letters} ${k}`)))));
    }
    grid.addEventListener("keydown", event => this._onKey(event));
  }

  _cell(name) {
    if (name === undefined) return element("span", {role: "gridcell", class: "no-well"});
    const button = element("button", {role: "gridcell", tabindex: -1, "data-well": name, onclick: () => this.chosen(name)});
    this.buttons.set(name, button);
    return button;
  }

  /** The well that an arrow key leads to; gaps are stepped over. */
  _onKey(event) {
    const step = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]}[event.key];
    const from = event.target.dataset && event.target.dataset.well;
    if (!step || !from) return;
    event.preventDefault();
    const rows = [...byId("grid").children].slice(1).map(row => [...row.children].slice(1));
    let r = rows.findIndex(row => row.includes(event.target)), c = rows[r].indexOf(event.target);
    do {
      r += step[0];
      c += step[1];
    } while (rows[r] && rows[r][c] && !rows[r][c].dataset.well);
    if (rows[r] && rows[r][c]) {
      rows[r][c].focus();
      this.chosen(rows[r][c].dataset.well);
    }
  }

  /** Show a timepoint, with one well chosen. */
  show(timepoint, chosen) {
    const {name, colours} = this.measure;
    const values = this.plate.wells.map(one => numberOf(one.row[name])).filter(value => value !== null);
    const ends = colours ? this.measure.ends(values) : null;
    for (const [well, button] of this.buttons) {
      const one = this.plate.well(well, timepoint);
      const text = one ? one.row[name] : "NA";
      const {colour, short} = colours ? coloured(text, colours, ends) : flagged(one);
      button.style.setProperty("--colour", colour);
      button.style.setProperty("--text", inkOn(colour));
      button.textContent = short;
      const status = one && one.row.status !== "ok" ? `, ${one.row.status}` : "";
      const treatment = one ? treatmentText(this.plate, one) : "";
      button.setAttribute("aria-label", `${well}, ${this.measure.label} ${short || "none"}${status}${treatment && `, ${treatment}`}`);
      button.title = `${well} · ${this.measure.label} ${text || "none"}${status}${treatment && ` · ${treatment}`}`;
      button.classList.toggle("dimmed", this.agent !== null && !(one && one.agent === this.agent));
      button.classList.toggle("control", Boolean(one && one.row.control));
      button.setAttribute("aria-selected", String(well === chosen));
      button.tabIndex = well === chosen ? 0 : -1;
    }
    this._showLegend(ends);
  }

  _showLegend(ends) {
    const {colours, label} = this.measure, parts = [];
    if (colours) {
      const bar = element("span", {class: "bar"});
      bar.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
      parts.push(element("span", {}, `${label} ${ends[0]} `, bar, ` ${ends[1]}`));
    } else {
      parts.push(keyed(FLAGGED, "!", "at least one flag"));
    }
    parts.push(keyed(NO_VALUE, "×", colours ? "no value" : "no images"));
    if (this.plate.wells.some(one => one.row.control)) {
      parts.push(element("span", {}, element("span", {class: "key control"}), " control"));
    }
    byId("legend").replaceChildren(...parts);
  }
}

function keyed(colour, sign, words) {
  const key = element("span", {class: "key"}, sign);
  key.style.background = colour;
  return element("span", {}, key, ` ${words}`);
}

/** Colour and short text of a value; the label of the well has the value as the table holds it. */
function coloured(text, colours, [low, high]) {
  const value = numberOf(text);
  if (value === null) return {colour: NO_VALUE, short: "×"};
  const short = Number.isInteger(value) && text.indexOf(".") < 0 && high > 1 ? text : value.toFixed(2);
  return {colour: between(colours, (value - low) / (high - low)), short};
}

function flagged(one) {
  if (!one || one.row.status === "no_images") return {colour: NO_VALUE, short: "×"};
  return one.row.qc_flags ? {colour: FLAGGED, short: "!"} : {colour: "#ffffff", short: ""};
}
