"use strict";
// Two trackers beside each other: their difference sweep by sweep, who wins where, both paths.

/** The row that a row is first compared with: the best other one that is ranked. */
function rivalOf(row) {
  const others = DATA.rows.filter((other) => other !== row);
  return others.find((other) => other.ranked) || others[0];
}

function viewCompare(main, first, second) {
  document.title = `Compare · ${DATA.dataset.name} · sweepbench`;
  main.append(h("h1", {}, "Compare two trackers"));
  if (DATA.rows.length < 2) {
    main.append(h("p", { class: "meta" }, "There is one row here, and so nothing to compare it with."));
    return;
  }
  const named = (label) => DATA.rows.find((row) => row.label === label);
  const one = named(first) || DATA.rows.find((row) => row.ranked) || DATA.rows[0];
  const rival = named(second) && named(second) !== one ? named(second) : rivalOf(one);
  const other = toldApart(one, rival);
  main.append(pairPickers(one, rival));
  const kept = keptSweeps();
  if (FACTORS.length) main.append(filterBar(kept, false));
  const pairs = sweepPairs(one, other, kept);
  if (!pairs.length) {
    main.append(h("p", { class: "note" }, "No sweep is left that both have a score of."));
    return;
  }
  main.append(verdict(one, other, pairs, kept));
  compareCharts(main, one, other, pairs, kept);
  pairPaths(main, one, other, pairs);
  winsTable(main, one, other, kept);
  pairMetrics(main, one, other, kept);
  pairSweeps(main, one, other, pairs);
}

/** The second row, in a colour of its own where the first has the same. */
function toldApart(one, other) {
  if (one.colour !== other.colour) return other;
  return { ...other, colour: one.colour === "--series-1" ? "--series-0" : "--series-1" };
}

function pairPickers(one, other) {
  const go = (a, b) => { location.hash = compareHref(a, b); };
  const options = (without) => DATA.rows.map((row, i) => [String(i), row]).filter(([, row]) => row !== without).map(([i, row]) => [i, row.label]);
  const index = (row) => String(DATA.rows.indexOf(row));
  return h("div", { class: "filters", role: "group", "aria-label": "Trackers" },
    picker("first", options(other), index(one), (i) => go(DATA.rows[i], other)),
    picker("second", options(one), index(other), (i) => go(one, DATA.rows[i])),
    h("button", { type: "button", class: "plain", id: "swap", onclick: () => go(other, one) }, "Swap"));
}

/** Sweeps that both rows have, by rising difference: {index, name, one, other, difference}. */
function sweepPairs(one, other, kept, id = DATA.headline) {
  return kept.map((index) => ({ index, name: DATA.sweeps[index].name, one: one.values[id]?.[index], other: other.values[id]?.[index] }))
    .filter((p) => known(p.one) && known(p.other)).map((p) => ({ ...p, difference: p.one - p.other }))
    .sort((a, b) => a.difference - b.difference);
}

/** How many sweeps each of both is better on. */
function wins(pairs, sign) {
  return [pairs.filter((p) => sign * p.difference < 0).length, pairs.filter((p) => sign * p.difference > 0).length];
}

const probability = (p) => (p < 0.001 ? "p < 0.001" : `p = ${significant(p)}`);

function verdict(one, other, pairs, kept) {
  const d = differencesOf(kept)[one.label]?.[other.label] || pairedDifference(tableOf(one, DATA.headline, kept), tableOf(other, DATA.headline, kept), subjectsOf(kept));
  const [won, lost] = wins(pairs, SIGN);
  const better = SIGN * d.mean < 0 ? one : other;
  const interval = span(d.low, d.high, HEADLINE);
  const chance = !known(d.p_holm) ? "There are too few subjects, or no common field, to tell it from chance."
    : isClear(d) ? `Beyond chance after Holm's correction over all pairs (${probability(d.p_holm)}): ${better.label} is the better one.`
      : `Not told from chance after Holm's correction over all pairs (${probability(d.p_holm)}).`;
  return h("p", { class: "verdict", id: "verdict" },
    `${HEADLINE.label} of ${one.label} minus that of ${other.label}: `, h("b", {}, `${signed(d.mean, HEADLINE)} ${HEADLINE.unit}`), interval ? ` (${interval}). ` : ". ",
    `${one.label} is better on ${won}, ${other.label} on ${lost} of ${plural(pairs.length, "sweep")}. ${chance}`);
}

function compareCharts(main, one, other, pairs, kept) {
  const grid = h("div", { class: "grid" });
  main.append(grid);
  const block = section(grid, "Difference per sweep", "One bar a sweep, in the colour of the tracker that is better on it.");
  drawDifferences(chart(block), [one, other], pairs, HEADLINE);
  block.append(h("ul", { class: "legend", "aria-label": "Colours" }, [one, other].map((row) => h("li", { style: `--dot: var(${row.colour})` }, h("i"), `${row.label} better`))));
  const lines = [one, other].map((row) => ({ row, curve: meanCurve(kept.map((i) => row.curves[i])) })).filter((l) => l.curve[0].length);
  if (lines.length) driftChart(section(grid, "Drift along the path", "Mean over sweeps, as far as half of them reach."), lines);
}

function pairPaths(main, one, other, pairs) {
  const able = pairs.filter((p) => one.predicted[p.index] && other.predicted[p.index] && DATA.sweeps[p.index].true);
  if (!able.length) return;
  const words = (p) => `${p.name}: ${signed(p.difference, HEADLINE)} ${HEADLINE.unit}`;
  const ends = able.length > 1 ? [able[0], able.at(-1)] : able;
  const grid = h("div", { class: "grid" });
  section(main, "Both paths", "True and predicted path of the image centre where the difference is lowest and highest, or in a sweep of your choice. Drag to turn, or use the arrow keys.", grid);
  ends.forEach((end, k) => {
    const select = h("select", { "aria-label": `Sweep ${k + 1}` }, able.map((p) => h("option", { value: p.index, selected: p === end }, words(p))));
    const box = h("div", {}, h("div", { class: "panel-head" }, select));
    grid.append(box);
    const element = chart(box, "space");
    const paint = (i) => drawSpace(element, DATA.sweeps[i], [one, other].map((row) => ({ row, path: row.predicted[i] })));
    select.addEventListener("change", () => paint(Number(select.value)));
    paint(end.index);
  });
  grid.after(pathLegend([one, other]));
}

/** A bar of the shares that each of both wins. */
function shareBar(one, other, [won, lost]) {
  const all = won + lost || 1;
  const part = (row, from, share) => svg("rect", { x: 120 * from, y: 0, width: 120 * share, height: 12, style: `fill: var(${row.colour})` });
  const label = `${Math.round((100 * won) / all)} % won by ${one.label}`;
  return svg("svg", { class: "share", viewBox: "0 0 120 12", role: "img", "aria-label": label }, part(one, 0, won / all), part(other, won / all, lost / all));
}

function winsTable(main, one, other, kept) {
  if (!FACTORS.length) return;
  const lines = FACTORS.flatMap((factor) => factorValues(kept.map((i) => DATA.sweeps[i]), factor).map((value) => {
    const part = kept.filter((i) => DATA.sweeps[i].factors[factor] === value);
    const pairs = sweepPairs(one, other, part);
    const d = pairedDifference(tableOf(one, DATA.headline, part), tableOf(other, DATA.headline, part), subjectsOf(part));
    const count = wins(pairs, SIGN);
    return h("tr", {}, h("th", { scope: "row", class: "text" }, `${factor}: ${value}`), h("td", {}, String(pairs.length)),
      h("td", {}, known(d.mean) ? signed(d.mean, HEADLINE) : "–", intervalNote(d, HEADLINE)),
      h("td", {}, String(count[0])), h("td", {}, shareBar(one, other, count)), h("td", {}, String(count[1])));
  }));
  const titles = ["sweeps", `difference, ${HEADLINE.unit}`, `${one.label} better`, "share", `${other.label} better`];
  section(main, "Who wins where", null, scroller("Who wins where", h("table", { class: "matrix", id: "wins" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, "sweeps with"), titles.map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, lines))));
}

function pairMetrics(main, one, other, kept) {
  const lines = tableColumns().map((metric) => {
    const [a, b] = [one, other].map((row) => tableOf(row, metric.id, kept));
    const d = pairedDifference(a, b, subjectsOf(kept));
    const [won, lost] = wins(sweepPairs(one, other, kept, metric.id), metric.higher_is_better ? -1 : 1);
    return h("tr", {}, h("th", { scope: "row", class: "text", title: metric.about }, withUnit(metric)),
      [one, other].map((row) => h("td", {}, format(statistic(row, metric.id, kept).mean, metric))),
      h("td", {}, known(d.mean) ? signed(d.mean, metric) : "–", intervalNote(d, metric)), h("td", {}, known(d.p) ? significant(d.p) : "–"), h("td", {}, `${won} : ${lost}`));
  });
  const titles = [one.label, other.label, "difference, 95 % interval", "p", "better on"];
  section(main, "By other metrics", "p is of each metric alone, without correction for their number.",
    scroller("By metric", h("table", { class: "matrix", id: "pair-metrics" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, "metric"), titles.map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, lines))));
}

function pairSweeps(main, one, other, pairs) {
  const lines = pairs.map((p) => h("tr", {}, h("th", { scope: "row", class: "text" }, p.name), h("td", { class: "text" }, String(SUBJECTS[p.index] ?? "–")),
    FACTORS.map((f) => h("td", { class: "text" }, String(DATA.sweeps[p.index].factors[f] ?? "–"))),
    h("td", {}, format(p.one, HEADLINE)), h("td", {}, format(p.other, HEADLINE)), h("td", {}, signed(p.difference, HEADLINE))));
  folded(main, "Every sweep", scroller("Every sweep", h("table", { class: "matrix", id: "pair-sweeps" },
    h("thead", {}, h("tr", {}, ["sweep", "subject", ...FACTORS].map((t) => h("th", { scope: "col", class: "text" }, t)), [one.label, other.label, "difference"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, lines))));
}
