"use strict";
/* The page: what is chosen, and what follows from it. */

const plate = new Plate(JSON.parse(byId("data").textContent));
const corrections = new Corrections(plate);
const map = new PlateMap(plate, well => choose(well, page.timepoint));
const page = {well: null, timepoint: plate.timepoints.at(-1)};

function choose(well, timepoint) {
  Object.assign(page, {well, timepoint});
  map.show(timepoint, well);
  showWell(plate.well(well, timepoint));
  showPlateAt(timepoint);
  history.replaceState(null, "", `#${well}${plate.timepoints.length > 1 ? `/${timepoint}` : ""}`);
}

function showWell(one) {
  const {row} = one;
  byId("well-title").textContent = row.well;
  byId("treatment-text").textContent = treatmentText(plate, one) || "no treatment in the plate map";
  const words = plate.data.words.status[row.status];
  byId("well-status").hidden = !words;
  byId("well-status").textContent = words ? `${row.status}: ${words}` : "";
  byId("numbers").replaceChildren(
    number(
      "Viability",
      rounded(row.viability),
      row.viability_low === "NA"
        ? ""
        : `95 % interval ${rounded(row.viability_low)} to ${rounded(row.viability_high)}`,
    ),
    number("Live", row.n_live),
    number("Dead", row.n_dead),
    number("Ambiguous", row.n_ambiguous),
    number("All cells", row.n_total),
    number("Fields used", row.n_fields_used, `of ${row.n_fields_expected}`),
  );
  byId("flags").replaceChildren(
    ...row.qc_flags
      .split(";")
      .filter(Boolean)
      .map(flag =>
        element(
          "li",
          {},
          element("strong", {}, flag),
          plate.data.words.flags[flag] ? `: ${plate.data.words.flags[flag]}` : "",
        ),
      ),
  );
  showPictures(one);
  showFields(plate.fields(one.well, one.timepoint));
  byId("row").replaceChildren(
    ...plate.columns.map(name =>
      element("tr", {}, element("th", {scope: "row"}, name), element("td", {}, row[name])),
    ),
  );
  byId("row-said").textContent = "";
}

function number(name, text, more = "") {
  return element(
    "div",
    {},
    element("dt", {}, name),
    element("dd", {}, text),
    more && element("dd", {class: "quiet"}, more),
  );
}

function showPictures(one) {
  const pictures = plate.pictures(one.well, one.timepoint);
  if (pictures.length) {
    byId("pictures").replaceChildren(
      ...pictures.map(picture => {
        const view = new FieldView(plate, corrections.of(picture));
        view.node.append(new Editor(view, corrections, () => showCorrections(corrections)).node);
        return view.node;
      }),
    );
    return;
  }
  const times = plate.picturedTimes(one.well);
  byId("pictures").replaceChildren(
    element(
      "p",
      {class: "quiet"},
      times.length
        ? "No picture of this timepoint; there is one of "
        : "No picture: no field of this well could be used.",
      ...times.map(timepoint => element("button", {onclick: () => setTime(timepoint)}, plate.named(timepoint))),
    ),
  );
}

function showFields(fields) {
  const columns = ["field", "status", "n_live", "n_dead", "n_ambiguous", "n_total", "qc_flags"];
  const notes = fields
    .filter(row => row.message)
    .map(row => element("p", {class: "warning"}, `Field ${row.field} failed (${row.code}): ${row.message}`));
  const table = element(
    "table",
    {},
    element("tr", {}, ...columns.map(name => element("th", {scope: "col"}, name))),
    ...fields.map(row => element("tr", {}, ...columns.map(name => element("td", {}, row[name])))),
  );
  byId("fields").replaceChildren(
    ...notes,
    ...(fields.length
      ? [
          element(
            "div",
            {class: "scroll", tabindex: 0, role: "group", "aria-label": "All fields of the well"},
            table,
          ),
        ]
      : []),
  );
}

function showPlateAt(timepoint) {
  const rows = plate.quality.filter(row => Number(row.timepoint) === timepoint);
  const alarm = rows.map(row => row.alarm).find(Boolean);
  byId("alarm").hidden = !alarm;
  byId("alarm").textContent = alarm ? `${alarm}: ${plate.data.words.alarms[alarm] || ""}` : "";
  const separated = rows.filter(row => Number(row.n_negative) && Number(row.n_positive));
  byId("controls").hidden = !separated.length;
  byId("quality").replaceChildren(...separationTable(separated));
  const curves = doseCurves(plate, timepoint, page.well, well => choose(well, timepoint));
  byId("doses").hidden = !curves.length;
  byId("curves").replaceChildren(...curves);
}

const SEPARATION = {z_prime: "Z′", robust_z_prime: "robust Z′", ssmd: "SSMD", edge_effect: "edge effect"};

/** A row for each number, a column for each measure. */
function separationTable(rows) {
  const line = (name, text) =>
    element("tr", {}, element("th", {scope: "row"}, name), ...rows.map(row => element("td", {}, text(row))));
  const interval = (row, name) =>
    numberOf(row[`${name}_low`]) === null
      ? ""
      : ` (${rounded(row[`${name}_low`])} to ${rounded(row[`${name}_high`])})`;
  return [
    element("tr", {}, element("td"), ...rows.map(row => element("th", {scope: "col"}, row.measure))),
    line("mean of negative controls", row => `${rounded(row.mean_negative)} (${row.n_negative} wells)`),
    line("mean of positive controls", row => `${rounded(row.mean_positive)} (${row.n_positive} wells)`),
    ...Object.entries(SEPARATION).map(([name, words]) => line(words, row => rounded(row[name]) + interval(row, name))),
  ];
}

function setTime(timepoint) {
  byId("time").value = plate.timepoints.indexOf(timepoint);
  byId("time-text").textContent = `${plate.named(timepoint)} of ${plate.timepoints.at(-1)}`;
  choose(page.well, timepoint);
}

/** How many wells, when and by what: the first line of the page. */
function plateFacts() {
  const {row} = plate.wells[0],
    n = new Set(plate.wells.map(one => one.well)).size;
  const times =
    plate.timepoints.length > 1
      ? `${plate.timepoints.length} timepoints`
      : `timepoint ${plate.named(plate.timepoints[0])}`;
  return `${n} wells · ${times} · livedead ${row.version} · model ${row.model_sha256.slice(0, 8)}`;
}

function fillChoices() {
  byId("plate-facts").textContent = plateFacts();
  byId("measure").append(...map.measures.map((one, k) => element("option", {value: k}, one.label)));
  byId("measure").addEventListener("change", event => {
    map.measure = map.measures[event.target.value];
    map.show(page.timepoint, page.well);
  });
  const agents = [...new Set(plate.wells.map(one => one.agent))].filter(Boolean).sort();
  byId("treatment-choice").hidden = agents.length < 2;
  byId("treatment").append(
    element("option", {value: ""}, "all"),
    ...agents.map((agent, k) => element("option", {value: k + 1}, agent)),
  );
  byId("treatment").addEventListener("change", event => {
    map.agent = event.target.value ? agents[event.target.value - 1] : null;
    map.show(page.timepoint, page.well);
  });
  byId("times").hidden = plate.timepoints.length < 2;
  byId("time").max = plate.timepoints.length - 1;
  byId("time").addEventListener("input", event => setTime(plate.timepoints[event.target.value]));
}

async function copyRow(one) {
  try {
    await navigator.clipboard.writeText(plate.csv(one));
    byId("row-said").textContent = "Copied.";
  } catch {
    byId("row-said").textContent = "This browser does not let the page copy; download the row instead.";
  }
}

function wireButtons() {
  const chosen = () => plate.well(page.well, page.timepoint);
  byId("download-row").addEventListener("click", () =>
    download(`${plate.name}-${page.well}.csv`, plate.csv(chosen()), "text/csv"),
  );
  byId("copy-row").addEventListener("click", () => copyRow(chosen()));
  byId("corrections-file").textContent = plate.data.corrections_file;
  byId("reviewer").value = corrections.reviewer;
  byId("reviewer").addEventListener("change", event => (corrections.reviewer = event.target.value));
  byId("download-corrections").addEventListener("click", () =>
    download(plate.data.corrections_file, corrections.text(), "application/json"),
  );
}

/** The well and timepoint in the page's address, or the first well that has a picture. */
function start() {
  const [well, timepoint] = location.hash.slice(1).split("/");
  const first = plate.data.pictures[0] || plate.wells[0];
  const at = plate.timepoints.includes(Number(timepoint)) ? Number(timepoint) : page.timepoint;
  page.well = plate.well(well, at) ? well : first.well;
  setTime(at);
}

fillChoices();
wireButtons();
showCorrections(corrections);
start();
