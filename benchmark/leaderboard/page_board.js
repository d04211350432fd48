"use strict";
// The leaderboard: its table, charts of all trackers, their differences and ranks.

function viewBoard(main) {
  document.title = `${DATA.dataset.name} · sweepbench`;
  const kept = keptSweeps();
  const rows = shownRows();
  const frames = sum(DATA.sweeps.map((sweep) => sweep.frames || 0));
  main.append(
    h("h1", {}, DATA.dataset.name),
    h("p", { class: "lead" }, "Trackers that estimate where each freehand ultrasound frame was taken, from the images alone. ",
      `Ranked by ${HEADLINE.label.toLowerCase()}: ${HEADLINE.about.replace(/\.$/, "")}. `, h("a", { href: "#/about" }, "What the numbers mean")),
    filterBar(kept));
  if (!kept.length || !rows.length) {
    main.append(h("p", { class: "note" }, "Nothing is left by these filters."));
    return;
  }
  main.append(scroller("Leaderboard table", board(rows, kept)), boardNote(frames));
  boardCharts(main, rows, kept);
}

function boardNote(frames) {
  const offer = () => (state.all ? "Main metrics only" : `All ${DATA.metrics.length} metrics`);
  const toggle = h("button", { type: "button", class: "plain", id: "columns" }, offer());
  toggle.addEventListener("click", () => {
    state.all = !state.all;
    redrawBoard();
    toggle.textContent = offer();
    say(state.all ? "All metrics are shown" : "The main metrics are shown");
  });
  const text = `Means over sweeps with 95 % intervals over subjects and training seeds; ${plural(frames, "frame")} in all. A range of ranks: ` +
    "the paired differences below leave these open. One training: interval and rank are those of these weights; another training of the same method would score otherwise. " +
    "Reference rows know the truth, or no image at all, and are not ranked; neither are rows with missing sweeps.";
  return h("div", { class: "panel-head" }, h("p", { class: "note" }, text), toggle);
}

function boardCharts(main, rows, kept) {
  const grid = h("div", { class: "grid" });
  main.append(grid);
  const points = rows.map((row) => ({ row, x: milliseconds(row), incomplete: row.missing > 0, ...statistic(row, DATA.headline, kept) }))
    .map((p) => ({ ...p, y: p.mean })).filter((p) => known(p.y) && known(p.x) && p.x > 0);
  if (points.length && SIGN > 0) {
    drawPareto(chart(section(grid, "Accuracy against speed", "Down and left is better. The stepped line joins the trackers that no other beats in both."), "points"), points, HEADLINE);
  }
  const lines = rows.map((row) => ({ row, curve: meanCurve(kept.map((i) => row.curves[i])) })).filter((l) => l.curve[0].length);
  if (lines.length) {
    driftChart(section(grid, "Drift along the path", "Mean over sweeps, as far as half of them reach. Press a name to hide its line."), lines);
  }
  biasTable(main, rows, kept);
  const compared = rows.filter((row) => row.compared);
  if (compared.length > 1) pairedSection(main, compared, kept);
  if (everySweep(kept)) rankSection(main, rows);
  if (FACTORS.length) breakdown(main, rows, kept);
  gallery(main, DATA.figures.filter((figure) => figure.tracker === null));
}

/** Mean drift of rows {row, curve}; logarithmic, so that lines far below others are told apart. */
function driftChart(parent, lines) {
  const late = lines.flatMap(({ curve: [x, y] }) => y.filter((v, i) => v > 0 && x[i] > 0.1 * x.at(-1)));
  const scale = upwards(late);
  namedLines(parent, lines.map((l) => ({ ...l, end: l.curve[1].at(-1) })), scale, drawDrift);
  const end = Math.max(...lines.map(({ curve }) => curve[0].at(-1)));
  const places = [0.2, 0.4, 0.6, 0.8, 1].map((share) => share * end);
  const at = (curve, x) => (x > curve[0].at(-1) + 1e-9 ? null : interpolate(...curve, x));
  numbers(parent, "Drift along the path", ["position error (mm) after", ...places.map((x) => `${significant(x)} mm`)],
    lines.map(({ row, curve }) => [row.label, ...places.map((x) => at(curve, x)?.toFixed(2) ?? "–")]));
}

/** A table with one small chart a cell: bias and noise of each degree of freedom on one scale per unit. */
function biasTable(main, rows, kept) {
  const pairs = DATA.bias_noise.map((p) => ({ ...p, bias: METRICS.get(p.bias), noise: METRICS.get(p.noise) }));
  if (!pairs.length) return;
  const size = (row, metric) => mean(kept.map((i) => row.values[metric.id]?.[i]).filter(known).map(Math.abs));
  const scales = new Map([...new Set(pairs.map((p) => p.unit))].map((unit) => [unit,
    decades(rows.flatMap((row) => pairs.filter((p) => p.unit === unit).flatMap((p) => [size(row, p.bias), size(row, p.noise)])))]));
  const cell = (row, pair) => {
    const [bias, noise] = [size(row, pair.bias), size(row, pair.noise)];
    return h("td", {}, dots(row, bias, noise, scales.get(pair.unit)), h("small", {}, `${brief(bias)} · ${brief(noise)}`));
  };
  const ends = ({ low, high }) => `${brief(low)} to ${brief(high)}`;
  const table = h("table", { class: "matrix", id: "bias" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, "bias · noise"),
      pairs.map((p) => h("th", { scope: "col" }, p.label, h("small", {}, `${p.unit}, ${ends(scales.get(p.unit))}`))))),
    h("tbody", {}, sortedByHeadline(rows, kept).map((row) => h("tr", {}, rowName(row), pairs.map((p) => cell(row, p))))));
  section(main, "Bias and noise of the steps",
    "Per degree of freedom, mean size over sweeps on a logarithmic scale: the constant part of the error (full dot, first number) adds up along the sweep, the random part (ring, second number) largely averages out.",
    scroller("Bias and noise", table));
}

/** A logarithmic scale over whole decades, four at most, up to the largest value. */
function decades(values) {
  const positive = values.filter((v) => known(v) && v > 0);
  const high = 10 ** Math.ceil(Math.log10(Math.max(...positive, 1e-12)) - 1e-9);
  const low = Math.max(high / 1e4, 10 ** Math.floor(Math.log10(Math.min(...positive, high / 10)) + 1e-9));
  return { low, high, place: (v) => Math.min(1, Math.max(0, Math.log(v / low) / Math.log(high / low))) };
}

const brief = (value) => (!known(value) ? "–" : value < 1e-5 ? "0" : String(Number(value.toPrecision(2))));

function dots(row, bias, noise, scale) {
  const x = (value) => (6 + 108 * scale.place(value)).toFixed(1);
  const tone = `var(${row.colour})`;
  const box = svg("svg", { class: "dots", viewBox: "0 0 120 16", "aria-hidden": "true" },
    svg("line", { x1: 6, x2: 114, y1: 8, y2: 8, style: "stroke: var(--rule)" }));
  if (known(noise)) box.append(svg("circle", { cx: x(noise), cy: 8, r: 4.5, style: `fill: var(--paper); stroke: ${tone}; stroke-width: 1.6` }));
  if (known(bias)) box.append(svg("circle", { cx: x(bias), cy: 8, r: 4, style: `fill: ${tone}` }));
  return box;
}

function pairedSection(main, rows, kept) {
  const ordered = sortedByHeadline(rows, kept);
  const differences = differencesOf(kept);
  const cell = (a, b) => {
    if (a === b) return h("td", { class: "none" }, "·");
    const d = differences[a.label][b.label];
    if (!known(d.mean)) return h("td", { class: "none" }, "–");
    const better = HEADLINE.higher_is_better ? d.mean > 0 : d.mean < 0;
    const clear = isClear(d);
    const shade = clear ? `--cell: rgba(var(--${better ? "better" : "worse"}), .16)` : null;
    const text = signed(d.mean, HEADLINE);
    const about = `${a.label} minus ${b.label}: ${text} ${HEADLINE.unit} (${span(d.low, d.high, HEADLINE) || "no interval"})${clear ? ", beyond chance" : ""}`;
    return h("td", { class: clear ? "clear" : null, style: shade, title: about }, h("a", { href: compareHref(a, b), tabindex: "-1", "aria-label": about }, text));
  };
  const table = h("table", { class: "matrix dense", id: "paired" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, `difference, ${HEADLINE.unit}`), ordered.map((row) => h("th", { scope: "col" }, h("span", {}, row.label))))),
    h("tbody", {}, ordered.map((a) => h("tr", {}, rowName(a), ordered.map((b) => cell(a, b))))));
  section(main, "Paired differences",
    `${HEADLINE.label} of the row minus that of the column, over the sweeps that both have. Tinted and bold where the difference is beyond chance after Holm's correction over all pairs: green, the row is better; orange, it is worse. With one training a verdict is about these weights.`,
    h("p", { class: "note" }, "Press a number for both trackers sweep by sweep, or ", h("a", { href: "#/compare" }, "choose two to compare"), "."),
    scroller("Paired differences", table));
}

/** A table of shares: how often each ranked row takes each rank when subjects and seeds are drawn again. */
function rankSection(main, rows) {
  const shown = rows.filter((row) => DATA.rank_frequencies[row.label]);
  if (shown.length < 2) return;
  const shares = (row) => DATA.rank_frequencies[row.label];
  const places = Math.max(...shown.map((row) => shares(row).length));
  const cell = (share) => {
    if (share === undefined) return h("td", { class: "none" }, "·");
    const percent = Math.round(100 * share);
    const text = share === 0 ? "" : percent === 0 ? "< 1" : String(percent);
    return h("td", { style: `--cell: rgba(var(--better), ${(0.45 * share).toFixed(3)})` }, text);
  };
  const table = h("table", { class: "matrix dense plain-heads", id: "ranks" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, "share of draws, %, at rank"), Array.from({ length: places }, (_, k) => h("th", { scope: "col" }, String(k + 1))))),
    h("tbody", {}, shown.map((row) => h("tr", {}, rowName(row), Array.from({ length: places }, (_, k) => cell(shares(row)[k]))))));
  section(main, "How often each rank occurs",
    "Subjects are drawn again with replacement, and of rows with several trainings the trainings too; each draw ranks all trackers of a track by their means.",
    scroller("Rank frequencies", table));
}

function breakdown(main, rows, kept) {
  const choose = picker("rows per", FACTORS.map((f) => [f, f]), state.split, (value) => { state.split = value; refresh(); });
  choose.className = "inline";
  const values = factorValues(kept.map((i) => DATA.sweeps[i]), state.split);
  const groups = values.map((value) => kept.filter((i) => DATA.sweeps[i].factors[state.split] === value));
  const parts = [["all", kept], ...values.map((v, k) => [String(v), groups[k]])];
  const cells = (s) => h("td", {}, format(s.mean, HEADLINE), intervalNote(s, HEADLINE));
  const table = h("table", { class: "matrix", id: "breakdown" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, `${HEADLINE.label.toLowerCase()}, ${HEADLINE.unit}`),
      parts.map(([label, part]) => h("th", { scope: "col" }, label, h("small", {}, plural(part.length, "sweep")))))),
    h("tbody", {}, sortedByHeadline(rows, kept).map((row) => h("tr", {}, rowName(row), parts.map(([, part]) => cells(statistic(row, DATA.headline, part)))))));
  section(main, `${HEADLINE.label} by ${state.split}`, null,
    FACTORS.length > 1 ? h("div", { class: "panel-head" }, choose) : null, scroller("By factor", table));
}
