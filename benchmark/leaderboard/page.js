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
  filters: {}, sort: { key: "rank", down: false }, all: false, split: FACTORS[0], hidden: new Set(), open: new Set(),
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

let shownRoute = null;

function show() {
  const [name, words] = route();
  const main = document.getElementById("content");
  main.querySelectorAll(".chart").forEach((chart) => Plotly.purge(chart));
  main.querySelectorAll("[data-fold]").forEach((fold) => state.open[fold.open ? "add" : "delete"](fold.dataset.fold));
  main.replaceChildren();
  charts = 0;
  document.getElementById("nav").replaceChildren(...SECTIONS.map(
    ([key, label]) => h("a", { href: `#/${key}`, "aria-current": key === name || (key === "" && name === "tracker") ? "page" : null }, label)));
  ROUTES[name](main, ...words);
  main.querySelector("h1").tabIndex = -1; // where a reader of a new route begins
  shownRoute = name;
}

/** Tell what changed to a reader who does not see it. */
function say(text) {
  document.getElementById("said").textContent = text;
}

/** Draw the route again where the reader is: after a filter, a sort or a change of colours. */
function refresh() {
  const [top, left] = [scrollY, document.querySelector(".scroll")?.scrollLeft];
  const focused = document.activeElement?.id;
  show();
  scrollTo(0, top);
  if (left) document.querySelector(".scroll").scrollLeft = left;
  if (focused) (document.getElementById(focused) || document.querySelector(".filters select"))?.focus();
}

/** After another address: a reader stays at a control that is still there, and else begins at the top. */
function arrive() {
  const [top, focused, before] = [scrollY, document.activeElement?.id, shownRoute];
  show();
  const held = shownRoute === before && focused && document.getElementById(focused);
  scrollTo(0, held ? top : 0);
  (held || document.querySelector("main h1")).focus({ preventScroll: true });
  say(held ? document.getElementById("verdict")?.textContent || "" : "");
}

document.getElementById("foot").textContent =
  `sweepbench ${DATA.version} · data set ${DATA.dataset.name} (${short(DATA.dataset.hash)}) · protocol ${DATA.protocol.name} (${short(DATA.protocol.hash)})`;
addEventListener("hashchange", arrive);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address holds the route
  document.getElementById("content").focus();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
for (const [event, printing] of [["beforeprint", true], ["afterprint", false]]) {
  addEventListener(event, () => {
    document.documentElement.classList.toggle("print", printing);
    refresh();
  });
}
show();
