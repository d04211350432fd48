"use strict";
// What the numbers mean, and how to cite them.

function viewAbout(main) {
  document.title = "About · sweepbench";
  const paragraphs = [
    ["", `The data set ${DATA.dataset.name} holds simulated or recorded freehand sweeps with known poses. A tracker is given the images and answers the pose of every frame relative to the first; ${plural(DATA.sweeps.length, "sweep")} of the ${DATA.dataset.split || "test"} split, of ${plural(new Set(SUBJECTS).size, "subject")} never used in training, are scored.`],
    ["Rank.", `${HEADLINE.label}, ${HEADLINE.id}, averaged over sweeps. Trackers are compared pair by pair on the same sweeps, and two are told apart where their difference is beyond chance at 95 % with Holm's correction over all pairs of the table. A rank is 1 and one more for each tracker that is better beyond chance; the range ends where all that are not worse beyond chance stand before it. Reference rows, rows with missing sweeps and rows of fewer than ${FEWEST_SUBJECTS} subjects are shown but take no rank.`],
    ["Intervals.", "95 %, over subjects and training seeds: sweeps of one subject are not independent, so the subject is the unit, and another training gives another mean. The error of a mean is that of subjects and that of seeds together, with Satterthwaite's degrees of freedom and room for skewed scores. A row of one training has the interval of these weights alone. The sd in the seed column is the spread of the seeds' means. With a filter set, means, intervals and ranks are computed anew in this page from the sweeps that are left."],
    ["Mean collapse.", "A network that learned nothing answers the mean motion of its training data, and its numbers can still look publishable. Such rows are flagged: on most sweeps their steps vary far less than the true ones and do not follow them."],
  ];
  main.append(h("h1", {}, "What the numbers mean"), ...paragraphs.map(([lead, text]) => h("p", {}, lead ? h("b", {}, `${lead} `) : null, text)));
  section(main, "Metrics", null, scroller("Metrics", h("table", { class: "matrix", id: "glossary" },
    h("thead", {}, h("tr", {}, ["metric", "name in files", "unit", "meaning"].map((t) => h("th", { scope: "col", class: "text" }, t)))),
    h("tbody", {}, DATA.metrics.map((m) => h("tr", {}, h("th", { scope: "row", class: "text" }, m.label),
      h("td", { class: "text" }, h("code", {}, m.id)), h("td", { class: "text" }, m.unit), h("td", { class: "text", style: "white-space: normal" }, m.about)))))));
  section(main, "Citation and provenance", "To cite these numbers: the software, the data set and the protocol, each by its hash.",
    copyable("Citation, BibTeX", citation()), copyable("Provenance of all rows", provenance(DATA.rows)));
}

/** The board as a BibTeX entry. */
function citation() {
  const braces = (text) => String(text).replace(/[{}\\%#&_$^~]/g, (c) => `\\${c === "\\" ? "textbackslash " : c}`);
  const key = `sweepbench-${String(DATA.dataset.name).replace(/[^\w-]/g, "-")}`;
  return [
    `@misc{${key},`, "  author = {{The sweepbench authors}},",
    `  title = {{sweepbench ${braces(DATA.version)}: trackerless freehand 3D ultrasound, leaderboard of ${braces(DATA.dataset.name)}}},`,
    `  note = {Data set ${braces(DATA.dataset.name)}, hash ${short(DATA.dataset.hash)}; protocol ${braces(DATA.protocol.name)}, hash ${short(DATA.protocol.hash)}},`, "}",
  ].join("\n");
}

/** What the numbers of rows come from, a line each; only what the results say. */
function provenance(rows) {
  const line = (name, value, indent = "") => (known(value) || (value && value !== "") ? [`${indent}${name}: ${value}`] : []);
  const about = (row) => [
    `${row.label}:`, ...line("configuration", row.config_hash, "  "), ...line("code", row.code_sha256, "  "),
    ...line("seeds", row.seeds.filter((seed) => seed !== null).join(", "), "  "), ...line("weights", row.weights.join(", "), "  "),
    ...line("trained on", row.trained_on && `${row.trained_on.name} ${row.trained_on.hash}`, "  "), ...line("commit", row.environment?.commit, "  "),
  ];
  return [
    ...line("sweepbench", DATA.version), ...line("data set", DATA.dataset.name), ...line("data set hash", DATA.dataset.hash),
    ...line("generator", DATA.dataset.generator), ...line("split", DATA.dataset.split || "test"), ...line("protocol", DATA.protocol.name),
    ...line("protocol hash", DATA.protocol.hash), ...rows.flatMap(about),
  ].join("\n");
}
