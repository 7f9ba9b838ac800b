"use strict";
/* Outlines of cells: lists of corners [y, x] in px of the field, whose first pixel goes from 0 to 1. */

const STEPS = [[0, 1], [1, 0], [0, -1], [-1, 0]];
const TURNS = [0, 1, 3];

/**
 * The corners of an outline that `outline_code` in plate_page.py wrote.
 * @param {string} code "y x direction letters"
 * @returns {number[][]}
 */
function decodedOutline(code) {
  const [y0, x0, start, letters] = code.split(" ");
  let y = Number(y0), x = Number(x0), direction = Number(start) % 4;
  const steps = 3 * letters.length - Math.floor(Number(start) / 4);
  const corners = [[y, x]];
  for (let k = 0; k < steps; k++) {
    const letter = letters.charCodeAt(Math.floor(k / 3)) - 64;
    const turn = TURNS[Math.floor(letter / 3 ** (2 - (k % 3))) % 3];
    direction = (direction + turn) % 4;
    if (turn && k) corners.push([y, x]);
    y += STEPS[direction][0];
    x += STEPS[direction][1];
  }
  return corners;
}

/** Area inside a polygon, px² (shoelace formula). */
function areaOf(polygon) {
  let sum = 0;
  for (let k = 0; k < polygon.length; k++) {
    const [y, x] = polygon[k], [nextY, nextX] = polygon[(k + 1) % polygon.length];
    sum += x * nextY - nextX * y;
  }
  return Math.abs(sum) / 2;
}

/** The middle of the box around polygons, [y, x]. */
function middleOf(polygons) {
  const box = boxOf(polygons);
  return [(box.top + box.bottom) / 2, (box.left + box.right) / 2];
}

function boxOf(polygons) {
  const corners = polygons.flat(), ys = corners.map(c => c[0]), xs = corners.map(c => c[1]);
  return {top: Math.min(...ys), bottom: Math.max(...ys), left: Math.min(...xs), right: Math.max(...xs)};
}

/** Whether a point lies inside any of the polygons (even-odd rule). */
function isInside(y, x, polygons) {
  return polygons.some(polygon => {
    let inside = false;
    for (let k = 0, before = polygon.length - 1; k < polygon.length; before = k++) {
      const [y1, x1] = polygon[k], [y2, x2] = polygon[before];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
    }
    return inside;
  });
}

/** Centres [y, x] of the pixels inside polygons, within a field of the given size. */
function pixelCentres(polygons, height, width) {
  const box = boxOf(polygons), centres = [];
  for (let y = Math.max(0, Math.floor(box.top)); y < Math.min(height, box.bottom); y++) {
    for (let x = Math.max(0, Math.floor(box.left)); x < Math.min(width, box.right); x++) {
      if (isInside(y + 0.5, x + 0.5, polygons)) centres.push([y + 0.5, x + 0.5]);
    }
  }
  return centres;
}

/**
 * On which side of a line through two points another point lies, as livedead/cells/corrections.py has it:
 * the first part of a split cell is where this is not above 0.
 */
function sideOf([[y0, x0], [y1, x1]], y, x) {
  return (y1 - y0) * (x - x0) - (x1 - x0) * (y - y0);
}

/** The part of a polygon on one side of a line: the first side, or the other (Sutherland and Hodgman 1974). */
function halfOf(polygon, line, first) {
  const sign = first ? 1 : -1, kept = [];
  polygon.forEach((here, k) => {
    const next = polygon[(k + 1) % polygon.length];
    const a = sign * sideOf(line, ...here), b = sign * sideOf(line, ...next);
    if (a <= 0) kept.push(here);
    if (a < 0 !== b < 0 && a !== b) {
      const share = a / (a - b);
      kept.push([here[0] + share * (next[0] - here[0]), here[1] + share * (next[1] - here[1])]);
    }
  });
  return kept;
}
