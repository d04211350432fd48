"use strict";
// The page: its state, its routes and what each route shows. Text from files only ever becomes
// text nodes and attributes, never markup.

const DATA = JSON.parse(document.getElementById("data").textContent);
const METRICS = new Map(DATA.metrics.map((metric) => [metric.id, metric]));
const HEADLINE = METRICS.get(DATA.headline);
const SIGN = HEADLINE.higher_is_better ? -1 : 1; // so that less is better
const SUBJECTS = DATA.sweeps.map((sweep) => sweep.subject);
const FACTORS = DATA.factors.filter((factor) => factorValues(DATA.sweeps, factor).length > 1);
const state = {
  filters: {}, sort: { key: "rank", down: false }, all: false, split: FACTORS[0], hidden: new Set(),
};

let charts = 0; // numbers the charts with named lines, so that focus survives a redraw
let series = 0;
DATA.rows.forEach((row) => {
  const reference = row.kind === "reference";
  row.colour = reference ? "--reference" : `--series-${series % 8}`;
  row.dash = reference ? "dot" : ["solid", "dash", "longdashdot"][Math.floor(series / 8) % 3];
  series += reference ? 0 : 1;
  row.curves = row.drifts.map((drift, i) => (drift ? [DATA.sweeps[i].path, drift] : null));
  row.values = Object.fromEntries(Object.entries(row.tables).map(([id, table]) => [id, meanOverSeeds(table)]));
});

/** h("td", {class: "x"}, "text", node): an element; strings become text. */
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  element.append(...children);
  return element;
}

const minus = (text) => text.replace("-", "−");
const format = (value, metric) => (known(value) ? minus(value.toFixed(metric.digits)) : "–");
const withUnit = (metric) => (metric.unit ? `${metric.label} (${metric.unit})` : metric.label);
const span = (low, high, metric) =>
  known(low) && known(high) ? `${format(low, metric)} ${low < 0 ? "to" : "–"} ${format(high, metric)}` : "";
const signed = (value, metric) => (value > 0 ? "+" : "") + format(value, metric);
const intervalNote = (s, metric) => (known(s.low) && known(s.high) ? h("small", {}, span(s.low, s.high, metric)) : null);
const plural = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

function significant(value, digits = 2) {
  if (!known(value)) return "–";
  if (value === 0) return "0";
  if (Math.abs(value) < 0.001) return "< 0.001";
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString("en", { maximumFractionDigits: places });
}

const href = (row) => `#/tracker/${encodeURIComponent(row.label)}`;
const compareHref = (one, other) => `#/compare/${encodeURIComponent(one.label)}/${encodeURIComponent(other.label)}`;
const rowName = (row) => h("th", { scope: "row", class: "text row", style: `--dot: var(${row.colour})` },
  h("span", { class: `dot${row.kind === "reference" ? " hollow" : ""}` }), h("a", { href: href(row) }, row.label));
const milliseconds = (row) => (known(row.seconds_per_frame) ? 1000 * row.seconds_per_frame : null);

// ---- what the filters leave -------------------------------------------------------------------

const filtering = () => Object.entries(state.filters).some(([, value]) => value !== "");

function keptSweeps() {
  return DATA.sweeps
    .map((sweep, i) => [sweep, i])
    .filter(([sweep]) => FACTORS.every((f) => !state.filters[f] || String(sweep.factors[f]) === state.filters[f]))
    .map(([, i]) => i);
}

const everySweep = (kept) => kept.length === DATA.sweeps.length;
const subjectsOf = (kept) => kept.map((i) => SUBJECTS[i]);
const tableOf = (row, id, kept) => chosen(row.tables[id] || [DATA.sweeps.map(() => null)], kept);

function statistic(row, id, kept) {
  if (everySweep(kept)) return row.summary[id] || { mean: null };
  return summarise(tableOf(row, id, kept), subjectsOf(kept));
}

/** Differences of the headline between all rows, whichever of them are shown. */
function differencesOf(kept) {
  if (everySweep(kept)) return DATA.paired;
  const rows = DATA.rows.filter((row) => row.compared).map(({ label, track, ...row }) => ({ label, track, table: tableOf(row, DATA.headline, kept) }));
  return pairedDifferences(rows, subjectsOf(kept));
}

function rankingOf(rows, kept) {
  if (everySweep(kept)) return new Map(rows.map((row) => [row, row.rank]));
  const enough = new Set(subjectsOf(kept)).size >= FEWEST_SUBJECTS;
  const differences = differencesOf(kept);
  const able = enough ? rows.filter((row) => row.ranked) : [];
  const rivals = (row) => able.filter((other) => other !== row && other.track === row.track);
  return new Map(rows.map((row) => [row, able.includes(row)
    ? rankRange(rivals(row).map((other) => differences[row.label][other.label]), SIGN) : null]));
}

// With a class chosen the ranks stay those among all trackers of the track, so that they mean one
// thing. Reference rows know the truth: they stand beside every track.
const shownRows = () =>
  DATA.rows.filter((row) => (!state.filters["tracker class"] || row.kind === state.filters["tracker class"]) &&
    (!state.filters.track || row.track === null || row.track === state.filters.track));

// ---- the table --------------------------------------------------------------------------------

function tableColumns() {
  const ids = state.all ? DATA.metrics.map((m) => m.id) : DATA.columns;
  const others = ids.filter((id) => id !== DATA.headline).map((id) => METRICS.get(id));
  return [HEADLINE, ...others];
}

function header(label, key, options = {}) {
  const active = state.sort.key === key;
  const sort = active ? (state.sort.down ? "descending" : "ascending") : null;
  const button = h("button", { type: "button", "data-sort": key, onclick: () => sortBy(key) }, label);
  if (options.unit !== undefined) button.append(h("small", {}, options.unit || "\u00a0"));
  return h("th", { scope: "col", class: options.class, "aria-sort": sort, title: options.about }, button);
}

function sortBy(key) {
  const again = state.sort.key === key;
  const down = again ? !state.sort.down : METRICS.get(key)?.higher_is_better || false;
  state.sort = { key, down };
  redrawBoard();
  document.querySelector(`[data-sort="${CSS.escape(key)}"]`)?.focus();
}

function sortedRows(rows, results) {
  const value = {
    rank: (row) => known(results.get(row)[DATA.headline].mean) ? SIGN * results.get(row)[DATA.headline].mean : null,
    name: (row) => row.label.toLowerCase(),
    time: milliseconds,
    memory: (row) => row.peak_memory_mb,
    parameters: (row) => row.parameters,
    training: (row) => row.training_seconds,
    seeds: (row) => row.seeds.length,
  }[state.sort.key] || ((row) => results.get(row)[state.sort.key]?.mean);
  const sign = state.sort.down ? -1 : 1;
  const late = (row) => state.sort.key === "rank" && row.missing > 0;
  return [...rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (late(a) !== late(b)) return late(a) ? 1 : -1;
    if ((x ?? null) === null || (y ?? null) === null) return ((x ?? null) === null) - ((y ?? null) === null);
    return sign * (x < y ? -1 : x > y ? 1 : 0);
  });
}

function rankText(range) {
  if (!range) return "–";
  return range[0] === range[1] ? String(range[0]) : `${range[0]}–${range[1]}`;
}

/** Position of a value between two ends, 0 to 1; logarithmic where the field spans a decade. */
function scaleOf(results) {
  const values = results.flatMap((s) => [s.low, s.mean, s.high]).filter(known);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low > 0 && high > 10 * low) {
    return { low, high, name: ", log", place: (v) => Math.log(v / low) / Math.log(high / low) };
  }
  const base = Math.min(0, low);
  return { low: base, high, name: "", place: (v) => (v - base) / (high - base || 1) };
}

function whisker(result, row, scale) {
  const x = (value) => (4 + 182 * scale.place(value)).toFixed(1);
  const tone = `var(${row.colour})`;
  const box = svg("svg", { class: "bar", viewBox: "0 0 190 26", preserveAspectRatio: "none", "aria-hidden": "true" });
  box.append(svg("line", { x1: 4, x2: 186, y1: 13, y2: 13, style: "stroke: var(--rule)" }));
  if (!known(result.mean)) return box;
  if (known(result.low)) {
    box.append(svg("line", { x1: x(result.low), x2: x(result.high), y1: 13, y2: 13, style: `stroke: ${tone}; stroke-width: 5; stroke-opacity: .38` }));
  }
  box.append(svg("line", { x1: x(result.mean), x2: x(result.mean), y1: 6, y2: 20, style: `stroke: ${tone}; stroke-width: 2.5` }));
  return box;
}

function nameCell(row, rank) {
  const kind = (row.kind === "reference" ? "reference row" : row.kind) +
    (row.track && DATA.tracks.length > 1 ? ` · ${row.track}` : "");
  const place = row.ranked && rank ? h("span", { class: "place" }, `rank ${rankText(rank)} · `) : null;
  const cell = h("td", { class: "text name", style: `--dot: var(${row.colour})` },
    h("span", { class: `dot${row.kind === "reference" ? " hollow" : ""}` }),
    h("a", { href: href(row) }, row.label),
    h("span", { class: "sub" }, place, kind));
  const flags = h("span", { class: "sub" });
  if (row.collapsed) flags.append(h("span", { class: "flag", title: "Its steps hardly follow the true ones: it answers the mean motion." }, "mean-collapsed"));
  row.remarks.forEach((remark) => flags.append(h("span", { class: "flag" }, remark)));
  if (row.missing) flags.append(h("span", { class: "flag" }, `${row.missing} of ${row.expected} sweeps missing`));
  if (flags.childNodes.length) cell.append(flags);
  return cell;
}

function boardRow(row, results, rank, columns, scale) {
  const result = results.get(row);
  const cells = columns.flatMap((metric) => {
    const s = result[metric.id];
    const interval = h("small", {}, span(s.low, s.high, metric) || "\u00a0");
    const cell = h("td", { class: metric === HEADLINE ? "head" : null, "data-metric": metric.id }, format(s.mean, metric), interval);
    return metric === HEADLINE ? [cell, h("td", { class: "interval" }, whisker(s, row, scale))] : [cell];
  });
  const spread = row.seed_spread?.[DATA.headline];
  const seeds = row.seeds.filter((seed) => seed !== null);
  return h("tr", { class: row.ranked ? null : "unranked", "data-tracker": row.label },
    h("td", { class: "rank text" }, rankText(rank)),
    nameCell(row, rank), cells,
    h("td", {}, significant(milliseconds(row))),
    h("td", {}, significant(row.peak_memory_mb)),
    h("td", {}, row.parameters ? compact(row.parameters) : "–"),
    h("td", {}, significant(row.training_seconds)),
    h("td", {}, seeds.join(", ") || "–", known(spread) ? h("small", {}, `sd ${format(spread, HEADLINE)}`) : null));
}

const compact = (count) =>
  count >= 1e6 ? `${significant(count / 1e6)} M` : count >= 1e3 ? `${significant(count / 1e3)} k` : String(count);

function board(rows, kept) {
  const columns = tableColumns();
  const results = new Map(rows.map((row) => [row, Object.fromEntries(columns.map((m) => [m.id, statistic(row, m.id, kept)]))]));
  const ranks = rankingOf(DATA.rows, kept);
  const head = (row) => results.get(row)[DATA.headline];
  const scale = scaleOf(rows.map(head));
  const titles = columns.flatMap((metric) => {
    const title = header(metric.label, metric.id, { unit: metric.unit, about: metric.about });
    return metric === HEADLINE
      ? [title, h("th", { scope: "col", class: "interval" }, "95 % interval", h("br"), `${format(scale.low, HEADLINE)} to ${format(scale.high, HEADLINE)}${scale.name}`)] : [title];
  });
  return h("table", { class: "board" },
    h("caption", { class: "sr" }, `Trackers on ${DATA.dataset.name}, ${kept.length} sweeps`),
    h("thead", {}, h("tr", {},
      header("#", "rank", { class: "text rank" }), header("Tracker", "name", { class: "text name" }), titles,
      header("Time", "time", { unit: "ms per frame" }), header("Memory", "memory", { unit: "MB" }),
      header("Parameters", "parameters", { unit: "" }), header("Training", "training", { unit: "s" }),
      header("Seed", "seeds", { unit: "" }))),
    h("tbody", {}, sortedRows(rows, results).map((row) => boardRow(row, results, ranks.get(row), columns, scale))));
}

/** Draw the table again, and nothing of what its order and its columns leave as it is. */
function redrawBoard() {
  document.querySelector("table.board").replaceWith(board(shownRows(), keptSweeps()));
}

// ---- routes -----------------------------------------------------------------------------------

const ROUTES = { "": viewBoard, tracker: viewTracker, compare: viewCompare, stress: viewStress, about: viewAbout };
const SECTIONS = [["", "Leaderboard"], ["compare", "Compare"], ["stress", "Stress"], ["about", "About"]];

/** The route of the address and its words. */
function route() {
  const [, name = "", ...words] = location.hash.replace(/^#/, "").split("/");
  const plain = (word) => {
    try { return decodeURIComponent(word); } catch { return word; /* a hand-made address */ }
  };
  return [Object.hasOwn(ROUTES, name) ? name : "", words.map(plain)];
}

function show() {
  const [name, words] = route();
  const main = document.getElementById("content");
  main.querySelectorAll(".chart").forEach((chart) => Plotly.purge(chart));
  main.replaceChildren();
  charts = 0;
  document.getElementById("nav").replaceChildren(...SECTIONS.map(
    ([key, label]) => h("a", { href: `#/${key}`, "aria-current": key === name || (key === "" && name === "tracker") ? "page" : null }, label)));
  ROUTES[name](main, ...words);
}

/** Draw the route again where the reader is: after a filter, a sort or a change of colours. */
function refresh() {
  const [top, left] = [scrollY, document.querySelector(".scroll")?.scrollLeft];
  const focused = document.activeElement?.id;
  show();
  scrollTo(0, top);
  if (left) document.querySelector(".scroll").scrollLeft = left;
  if (focused) document.getElementById(focused)?.focus();
}

document.getElementById("foot").textContent =
  `sweepbench ${DATA.version} · data set ${DATA.dataset.name} (${short(DATA.dataset.hash)}) · protocol ${DATA.protocol.name} (${short(DATA.protocol.hash)})`;
addEventListener("hashchange", () => {
  show();
  scrollTo(0, 0);
  document.getElementById("content").focus({ preventScroll: true });
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(event, () => {
    document.documentElement.classList.toggle("print", printing);
    refresh();
  });
}
show();
