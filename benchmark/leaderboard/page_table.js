"use strict";
// The table of the leaderboard: its columns, its order, its rows.

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
  const button = document.querySelector(`[data-sort="${CSS.escape(key)}"]`);
  button.focus();
  say(`Sorted by ${button.firstChild.data.toLowerCase()}, ${down ? "descending" : "ascending"}`);
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
  const box = svg("svg", { class: "bar", viewBox: "0 0 190 26", preserveAspectRatio: "none", role: "img", "aria-label": span(result.low, result.high, HEADLINE) || "no interval" });
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
  const cell = h("th", { scope: "row", class: "text name", style: `--dot: var(${row.colour})` },
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
      header("Rank", "rank", { class: "text rank" }), header("Tracker", "name", { class: "text name" }), titles,
      header("Time", "time", { unit: "ms/frame", about: "Milliseconds that a frame takes." }), header("Memory", "memory", { unit: "MB" }),
      header("Parameters", "parameters", { unit: "" }), header("Training", "training", { unit: "s" }),
      header("Seed", "seeds", { unit: "" }))),
    h("tbody", {}, sortedRows(rows, results).map((row) => boardRow(row, results, ranks.get(row), columns, scale))));
}

/** Draw the table again, and nothing of what its order and its columns leave as it is. */
function redrawBoard() {
  document.querySelector("table.board").replaceWith(board(shownRows(), keptSweeps()));
}
