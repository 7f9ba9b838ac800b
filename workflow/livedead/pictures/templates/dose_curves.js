"use strict";
/* Viability against dose: a panel for each agent and cell line, drawn as the tables say. */

const PANEL = {width: 360, height: 220, left: 44, right: 12, top: 12, bottom: 40};

/** A panel for every curve of a timepoint. */
function doseCurves(plate, timepoint, chosenWell, choose) {
  return plate.curves
    .filter(curve => Number(curve.timepoint) === timepoint)
    .map(curve => dosePanel(plate, curve, chosenWell, choose));
}

function dosePanel(plate, curve, chosenWell, choose) {
  const wells = plate.wells.filter(
    one =>
      one.timepoint === Number(curve.timepoint) &&
      one.agent === curve.agent &&
      one.cellLine === curve.cell_line &&
      one.dose > 0 &&
      numberOf(one.row.viability) !== null,
  );
  const name = curve.agent + (curve.cell_line && `, ${curve.cell_line}`);
  const doses = wells.map(one => one.dose);
  if (!doses.length)
    return element("figure", {}, element("figcaption", {}, `${name}: no well with a dose and a viability`));
  const decades = [Math.floor(Math.log10(Math.min(...doses))), Math.ceil(Math.log10(Math.max(...doses)))];
  if (decades[0] === decades[1]) decades[1] += 1;
  const x = dose =>
    PANEL.left +
    ((PANEL.width - PANEL.left - PANEL.right) * (Math.log10(dose) - decades[0])) / (decades[1] - decades[0]);
  const y = share => PANEL.top + (PANEL.height - PANEL.top - PANEL.bottom) * (1 - share);
  const svg = drawing(
    "svg",
    {
      viewBox: `0 0 ${PANEL.width} ${PANEL.height}`,
      role: "group",
      "aria-label": `Viability against dose of ${name}`,
    },
    ...axes(x, y, decades, curve.dose_unit),
    fittedLine(curve, decades, x, y),
    ...wells.map(one => wellPoint(one, x, y, chosenWell, choose)),
  );
  return element(
    "figure",
    {},
    element(
      "figcaption",
      {},
      element("strong", {}, name),
      ...curveText(curve).map(text => element("div", {class: "quiet"}, text)),
    ),
    svg,
  );
}

function axes(x, y, decades, unit) {
  const parts = [];
  for (const share of [0, 0.5, 1]) {
    parts.push(
      drawing("line", {
        class: "grid-line",
        x1: PANEL.left,
        x2: PANEL.width - PANEL.right,
        y1: y(share),
        y2: y(share),
      }),
    );
    parts.push(drawing("text", {x: PANEL.left - 6, y: y(share) + 4, "text-anchor": "end"}, String(share)));
  }
  for (let power = decades[0]; power <= decades[1]; power++) {
    parts.push(
      drawing("line", {class: "grid-line", x1: x(10 ** power), x2: x(10 ** power), y1: y(0), y2: y(0) + 4}),
    );
    parts.push(
      drawing(
        "text",
        {x: x(10 ** power), y: y(0) + 17, "text-anchor": "middle"},
        String(Number((10 ** power).toPrecision(1))),
      ),
    );
  }
  parts.push(
    drawing(
      "text",
      {x: (PANEL.left + PANEL.width - PANEL.right) / 2, y: PANEL.height - 5, "text-anchor": "middle"},
      `dose, ${unit}`,
    ),
  );
  parts.push(
    drawing(
      "text",
      {x: 0, y: 0, transform: `translate(11 ${(y(0) + y(1)) / 2}) rotate(-90)`, "text-anchor": "middle"},
      "viability",
    ),
  );
  return parts;
}

/** The curve of livedead.statistics.dose_response, from the parameters in the table. */
function fittedLine(curve, decades, x, y) {
  const [top, bottom, ic50, slope] = ["top", "bottom", "ic50", "slope"].map(name => numberOf(curve[name]));
  if ([top, bottom, ic50, slope].includes(null)) return null;
  const points = Array.from({length: 81}, (_, k) => {
    const dose = 10 ** (decades[0] + (k / 80) * (decades[1] - decades[0]));
    return `${x(dose).toFixed(1)},${y(bottom + (top - bottom) / (1 + (dose / ic50) ** slope)).toFixed(1)}`;
  });
  return drawing("polyline", {class: "curve", points: points.join(" ")});
}

function wellPoint(one, x, y, chosenWell, choose) {
  const [value, low, high] = ["viability", "viability_low", "viability_high"].map(name =>
    numberOf(one.row[name]),
  );
  const interval = low === null ? "" : ` (${one.row.viability_low} to ${one.row.viability_high})`;
  return drawing(
    "g",
    {class: one.well === chosenWell ? "point chosen" : "point", onclick: () => choose(one.well)},
    drawing("title", {}, `${one.well}: ${one.row.viability}${interval}`),
    low === null ? null : drawing("line", {x1: x(one.dose), x2: x(one.dose), y1: y(low), y2: y(high)}),
    drawing("circle", {cx: x(one.dose), cy: y(value), r: one.well === chosenWell ? 5 : 3}),
  );
}

function curveText(curve) {
  if (numberOf(curve.ic50) === null) return [`IC50: ${curve.verdict}`];
  const said = curve.verdict === "estimated" ? "" : `, ${curve.verdict}`;
  return [
    `IC50 ${rounded(curve.ic50)} ${curve.dose_unit}${said}`,
    `95 % interval ${rounded(curve.ic50_low)} to ${rounded(curve.ic50_high)}`,
  ];
}
