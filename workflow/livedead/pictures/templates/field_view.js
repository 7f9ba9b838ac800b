"use strict";
/* One field: its picture, its class map, and its cells outlined. */

const STATE_NAMES = {live: "live", dead: "dead", ambiguous: "ambiguous", unknown: "state unknown", open: "state by vote"};

/** What is shown of every field, kept from well to well. */
const SHOWN = {outlines: true, image: true, classes: false, zoom: "1", editor: false};

/** "M y x ..." of SVG for polygons. */
function pathOf(polygons) {
  return polygons.map(polygon => `M${polygon.map(([y, x]) => `${x} ${y}`).join("L")}Z`).join("");
}

/** The mark of a state at the middle of a cell: a cross if dead, a triangle if ambiguous. */
function markOf(cell) {
  const [y, x] = middleOf(cell.polygons), {top, bottom, left, right} = cell.box;
  const r = Math.max(1.5, 0.18 * Math.min(bottom - top, right - left));
  if (cell.state === "dead") return `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`;
  if (cell.state === "ambiguous") return `M${x} ${y - r}L${x + r} ${y + r}L${x - r} ${y + r}Z`;
  return "";
}

/** A field on the page. `onpointer` is told of the pointer in px of the field. */
class FieldView {
  constructor(plate, field) {
    this.plate = plate;
    this.field = field;
    this.chosen = [];
    const {picture} = field, {height, width} = picture;
    this.image = element("img", {src: picture.image, alt: `Field ${picture.field} of well ${picture.well}`, draggable: "false"});
    this.classes = element("img", {class: "classes", src: picture.class_map, alt: "", draggable: "false"});
    this.svg = drawing("svg", {viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true"});
    this.stage = element("div", {class: "stage", tabindex: 0, role: "application"}, this.image, this.classes, this.svg);
    this.stage.style.aspectRatio = `${width} / ${height}`;
    this.legend = element("p", {class: "legend quiet"});
    this.said = element("p", {class: "said", role: "status"});
    this.controls = element("div", {class: "controls"}, this._toggle("outlines", "Outlines"), this._toggle("image", "Image"),
      this._toggle("classes", "Class map"), this._zoom());
    this.node = element("figure", {class: "field"},
      element("figcaption", {}, `Field ${picture.field}`), this.controls,
      element("div", {class: "frame"}, this.stage), this.legend, this.said);
    this.draw();
  }

  _toggle(name, label) {
    const box = element("input", {type: "checkbox", onchange: () => {
      SHOWN[name] = box.checked;
      this.draw();
    }});
    box.checked = SHOWN[name];
    return element("label", {}, box, ` ${label}`);
  }

  _zoom() {
    const choice = element("select", {onchange: () => {
      SHOWN.zoom = choice.value;
      this.draw();
    }}, ...["1", "2", "4"].map(times => element("option", {value: times}, `${times}×`)));
    choice.value = SHOWN.zoom;
    return element("label", {}, "Zoom ", choice);
  }

  /** Draw the cells as they are now. */
  draw() {
    const cells = [...this.field.cells.values()];
    this.stage.style.width = `${100 * Number(SHOWN.zoom)}%`;
    this.stage.classList.toggle("unusable", !this.field.usable);
    this.image.style.visibility = SHOWN.image ? "" : "hidden";
    this.classes.hidden = !SHOWN.classes;
    this.svg.classList.toggle("plain", !SHOWN.outlines);
    this.svg.replaceChildren(
      drawing("path", {class: "casing", d: cells.map(cell => pathOf(cell.polygons)).join("")}),
      ...cells.map(cell => drawing("path", {
        class: `cell ${cell.state}${this.chosen.includes(cell.number) ? " chosen" : ""}${cell.byHand ? " by-hand" : ""}`,
        "data-cell": cell.number,
        d: pathOf(cell.polygons),
      })),
      ...cells.filter(markOf).map(cell => drawing("path", {class: `mark ${cell.state}`, d: markOf(cell)})),
      this.drawn = drawing("path", {class: "drawn"}));
    this.legend.replaceChildren(...legendOf(this.plate, this.field));
    this.stage.setAttribute("aria-label", `Cells of well ${this.field.picture.well}, field ${this.field.picture.field}. `
      + "Arrow keys go from cell to cell; L, D and A set the state; Delete removes; M merges; Control Z undoes.");
  }

  /** Choose cells by number, and say which. */
  choose(numbers) {
    this.chosen = numbers.filter(number => this.field.cells.has(number));
    this.draw();
    const cell = this.field.cells.get(this.chosen.at(-1));
    if (!cell) this.said.textContent = "";
    else if (this.chosen.length > 1) this.said.textContent = `Cells ${this.chosen.join(", ")}`;
    else this.said.textContent = `Cell ${cell.number}: ${STATE_NAMES[cell.state]}${cell.byHand ? ", by hand" : ""}`;
  }

  /** A place of the pointer in px of the field, [y, x]. */
  place(event) {
    const box = this.svg.getBoundingClientRect(), {height, width} = this.field.picture;
    const rounded = value => Math.round(10 * value) / 10;
    return [rounded((event.clientY - box.top) / box.height * height), rounded((event.clientX - box.left) / box.width * width)];
  }
}

/** What the outlines and the colours of the class map mean. */
function legendOf(plate, field) {
  const found = new Set([...field.cells.values()].map(cell => cell.state));
  const states = Object.keys(STATE_NAMES).filter(state => found.has(state));
  const sample = state => drawing("svg", {class: "sample", viewBox: "0 0 20 20", "aria-hidden": "true"},
    drawing("circle", {class: "casing", cx: 10, cy: 10, r: 7}), drawing("circle", {class: `cell ${state}`, cx: 10, cy: 10, r: 7}),
    drawing("path", {class: `mark ${state}`, d: markOf({state, polygons: [[[4, 4], [16, 16]]], box: {top: 0, bottom: 18, left: 0, right: 18}})}));
  const roles = plate.data.roles.map(([role, colour]) => keyed(colour, "", role));
  return [...states.map(state => element("span", {}, sample(state), ` ${STATE_NAMES[state]}`)),
    ...(SHOWN.classes ? ["class map:", ...roles] : [])];
}
