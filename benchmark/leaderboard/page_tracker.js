"use strict";
// One tracker: its card, its paths and drift, its numbers.

function viewTracker(main, ...address) {
  const label = address.join("/");
  const row = DATA.rows.find((r) => r.label === label);
  if (!row) {
    main.append(h("h1", {}, "No such tracker"), h("p", {}, `There is no row named ${label} here. `, h("a", { href: "#/" }, "All trackers")));
    return;
  }
  document.title = `${row.label} · ${DATA.dataset.name} · sweepbench`;
  const all = DATA.sweeps.map((_, i) => i);
  main.append(h("a", { class: "back", href: "#/" }, "← All trackers"), h("h1", {}, row.label), trackerMeta(row),
    DATA.rows.length > 1 ? h("p", {}, h("a", { href: compareHref(row, rivalOf(row)) }, "Compare with another tracker")) : null);
  if (row.card) main.append(prose(row.card));
  main.append(trackerFacts(row));
  trajectoryPanels(main, row);
  const curves = all.filter((i) => row.curves[i]).map((i) => ({ name: DATA.sweeps[i].name, curve: row.curves[i] }));
  if (curves.length) sweepDrift(main, row, curves);
  gallery(main, DATA.figures.filter((f) => f.tracker === row.name || f.tracker === row.label));
  metricTable(main, row);
  sweepTable(main, row);
  failures(main, row);
  const settings = JSON.stringify({ config: row.config, training: row.training, environment: row.environment }, null, 2);
  folded(section(main, "Provenance", null, copyable("These numbers", provenance([row]))), "Configuration and environment", preformatted("Configuration and environment", settings));
}

function sweepDrift(main, row, curves) {
  const block = section(main, "Drift of each sweep", "Thin lines are sweeps, the thick one is their mean.");
  drawSweepDrift(chart(block), row, curves);
  numbers(block, "Drift of each sweep", ["sweep", "true path (mm)", "position error at its end (mm)"],
    curves.map(({ name, curve: [path, drift] }) => [name, path.at(-1).toFixed(1), drift.at(-1).toFixed(2)]));
}

function trackerMeta(row) {
  const count = DATA.rows.filter((r) => r.ranked && r.track === row.track).length;
  const parts = [row.kind === "reference" ? "reference row, not ranked" : row.kind];
  if (row.rank) parts.push(`rank ${rankText(row.rank)} of ${count}`);
  const s = row.summary[DATA.headline];
  if (s && known(s.mean)) parts.push(`${HEADLINE.label} ${format(s.mean, HEADLINE)} ${HEADLINE.unit} (${span(s.low, s.high, HEADLINE)})`);
  parts.push(...row.remarks);
  if (row.collapsed) parts.push("mean-collapsed: its steps hardly follow the true ones");
  if (row.missing) parts.push(`${row.missing} of ${row.expected} sweeps missing, so not ranked`);
  return h("p", { class: "meta" }, parts.map((part) => h("span", {}, part)));
}

function trackerFacts(row) {
  const training = row.training || {};
  const code = (text) => h("code", {}, text);
  const spread = row.seed_means.length > 1
    ? row.seed_means.map((s) => `${s.seed ?? "–"}: ${format(s.mean, HEADLINE)}`).join(", ") : row.seeds.filter((s) => s !== null).join(", ");
  const facts = [
    ["milliseconds per frame", known(milliseconds(row)) ? significant(milliseconds(row)) : null],
    ["peak memory", known(row.peak_memory_mb) ? `${significant(row.peak_memory_mb, 3)} MB` : null],
    ["parameters", row.parameters ? row.parameters.toLocaleString("en") : null],
    [row.seed_means.length > 1 ? `${HEADLINE.label.toLowerCase()} per seed` : "seed", spread],
    ["trained on", row.trained_on ? `${row.trained_on.name} (${short(row.trained_on.hash)})` : null],
    ["outside its training", (row.outside_training || []).join("; ")],
    ["track", row.track && DATA.tracks.length > 1 ? row.track : null],
    ["training", known(training.flops) ? `${significant(training.flops / 1e12, 3)} TFLOP` : null],
    ["training time", known(row.training_seconds) ? `${significant(row.training_seconds, 3)} s` : null],
    ["updates", known(training.updates) ? training.updates.toLocaleString("en") : null],
    ["configuration", row.config_hash ? code(short(row.config_hash)) : null],
    ["weights", row.weights.length ? code(row.weights.map(short).join(" ")) : null],
  ];
  return h("dl", { class: "facts" }, facts.filter(([, value]) => value !== null && value !== "").map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** Sweeps of a row by headline, best first. */
function sweepsByError(row) {
  const values = row.values[DATA.headline] || [];
  return DATA.sweeps.map((_, i) => i).filter((i) => known(values[i])).sort((a, b) => SIGN * (values[a] - values[b]));
}

function trajectoryPanels(main, row) {
  const order = sweepsByError(row).filter((i) => row.predicted[i] && DATA.sweeps[i].true);
  if (!order.length) return;
  const grid = h("div", { class: "grid" });
  section(main, "Path of the image centre", "True and predicted, the first frame at the origin; dots mark the ends. Drag to turn, or use the arrow keys.", grid);
  const ends = order.length > 1 ? [["Worst sweep", order.at(-1)], ["Best sweep", order[0]]] : [["The sweep", order[0]]];
  ends.forEach(([title, start]) => {
    const options = order.map((i) => [String(i), `${DATA.sweeps[i].name}: ${format(row.values[DATA.headline][i], HEADLINE)} ${HEADLINE.unit}`]);
    const box = h("div");
    const heading = h("h3", {}, title);
    const select = h("select", { "aria-label": `Sweep shown as ${title.toLowerCase()}` }, options.map(([k, t]) => h("option", { value: k, selected: k === String(start) }, t)));
    box.append(h("div", { class: "panel-head" }, heading, select));
    grid.append(box);
    const element = chart(box, "space");
    const paint = (i) => drawSpace(element, DATA.sweeps[i], [{ row, path: row.predicted[i] }]);
    select.addEventListener("change", () => {
      heading.textContent = Number(select.value) === start ? title : "Chosen sweep";
      paint(Number(select.value));
    });
    paint(start);
  });
  grid.after(pathLegend([row]));
}

function metricTable(main, row) {
  const lines = DATA.metrics.filter((m) => row.summary[m.id]).map((m) => {
    const s = row.summary[m.id];
    return h("tr", {}, h("th", { scope: "row", class: "text", title: m.about }, m.label, h("small", { class: "sub" }, m.id)),
      h("td", {}, format(s.mean, m)), h("td", {}, span(s.low, s.high, m) || "–"), h("td", {}, format(s.sd, m)), h("td", { class: "text" }, m.unit));
  });
  const head = ["mean", "95 % interval", "sd over sweeps"].map((text) => h("th", { scope: "col" }, text));
  folded(main, `All ${lines.length} metrics`, scroller("All metrics", h("table", { class: "matrix", id: "metrics" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, "metric"), head, h("th", { scope: "col", class: "text" }, "unit"))), h("tbody", {}, lines))));
}

function sweepTable(main, row) {
  const metrics = DATA.columns.map((id) => METRICS.get(id));
  const lines = sweepsByError(row).reverse().map((i) => {
    const sweep = DATA.sweeps[i];
    return h("tr", {}, h("th", { scope: "row", class: "text" }, sweep.name), h("td", { class: "text" }, String(sweep.subject ?? "–")),
      FACTORS.map((f) => h("td", { class: "text" }, String(sweep.factors[f] ?? "–"))),
      metrics.map((m) => h("td", {}, format(row.values[m.id]?.[i], m))));
  });
  folded(main, "Every sweep, worst first", scroller("Every sweep", h("table", { class: "matrix" },
    h("thead", {}, h("tr", {}, ["sweep", "subject", ...FACTORS].map((t) => h("th", { scope: "col", class: "text" }, t)), metrics.map((m) => h("th", { scope: "col" }, withUnit(m))))),
    h("tbody", {}, lines))));
}

function failures(main, row) {
  if (!row.failed.length) return;
  section(main, "Failed sweeps", null, h("ul", {}, row.failed.map((f) => h("li", {}, `${f.sweep}: ${f.reason}`))));
}
