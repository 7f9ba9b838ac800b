"use strict";
/* What the page knows: the tables of the plate as texts, and the pictures of its fields. */

/** Rows of a table as objects: column -> text. */
function rowsOf(table) {
  return table.rows.map(row => Object.fromEntries(table.columns.map((name, k) => [name, row[k]])));
}

/** A text of a table as a number; null for NA. */
function numberOf(text) {
  return text === "NA" || text === "" || text === undefined ? null : Number(text);
}

/** A text of a table as it is read at a glance: three digits of a number, anything else as it is. */
function rounded(text) {
  const number = numberOf(text);
  return number === null || Number.isNaN(number) ? text : String(Number(number.toPrecision(3)));
}

function groupedBy(items, key) {
  const groups = new Map();
  for (const item of items) {
    if (!groups.has(key(item))) groups.set(key(item), []);
    groups.get(key(item)).push(item);
  }
  return groups;
}

/** The plate, looked up by well and timepoint. */
class Plate {
  constructor(data) {
    this.data = data;
    this.name = data.plate;
    this.columns = data.wells.columns;
    this.wells = rowsOf(data.wells).map((row, k) => ({
      row,
      well: row.well,
      timepoint: Number(row.timepoint),
      agent: data.agents[k],
      cellLine: data.cell_lines[k],
      dose: data.doses[k],
    }));
    this.timepoints = [...new Set(this.wells.map(one => one.timepoint))].sort((a, b) => a - b);
    this.quality = rowsOf(data.quality);
    this.curves = rowsOf(data.curves);
    const key = one => `${one.well} ${one.timepoint}`;
    this._wells = new Map(this.wells.map(one => [key(one), one]));
    this._fields = groupedBy(rowsOf(data.fields), key);
    this._pictures = groupedBy(data.pictures, key);
  }

  well(name, timepoint) {
    return this._wells.get(`${name} ${timepoint}`);
  }

  /** A timepoint with its hours where they are known, such as "3 (12.5 h)". */
  named(timepoint) {
    const hours = this.data.hours[timepoint];
    return hours ? `${timepoint} (${hours})` : String(timepoint);
  }

  fields(name, timepoint) {
    return this._fields.get(`${name} ${timepoint}`) || [];
  }

  pictures(name, timepoint) {
    return this._pictures.get(`${name} ${timepoint}`) || [];
  }

  /** Timepoints of a well that have pictures. */
  picturedTimes(name) {
    return this.timepoints.filter(timepoint => this.pictures(name, timepoint).length);
  }

  /** Header and row of a well, character by character as in wells.csv. */
  csv(one) {
    const line = texts => texts.map(quotedForCsv).join(",") + "\n";
    return line(this.columns) + line(this.columns.map(name => one.row[name]));
  }
}

function quotedForCsv(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** What a well got, in words. */
function treatmentText(plate, one) {
  return plate.data.map_columns
    .filter(name => one.row[name] !== "")
    .map(name => `${name} ${one.row[name]}`)
    .join(" · ");
}

/** An element with attributes and children; texts stay texts. */
function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same in SVG. */
function drawing(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter(child => child !== null));
  return node;
}

function byId(id) {
  return document.getElementById(id);
}

/** Give a file to the person who looks at the page. */
function download(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], {type}));
  const link = element("a", {href: address, download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
