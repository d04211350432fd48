"use strict";
// What each route shows: the leaderboard, one tracker, the stress curves, what the numbers mean.

const short = (hash) => (hash ? String(hash).slice(0, 12) : "–");

function picker(label, options, value, onchange) {
  const id = `pick-${label.replace(/\W+/g, "-")}`;
  const items = options.map(([key, text]) => h("option", { value: key, selected: key === value }, text));
  return h("label", {}, label, h("select", { id, onchange: (event) => onchange(event.target.value) }, items));
}

function filterBar(kept) {
  const kinds = [...new Set(DATA.rows.map((row) => row.kind))].sort();
  const tracks = DATA.tracks.length > 1 ? DATA.tracks : [];
  const choices = [...FACTORS.map((f) => [f, factorValues(DATA.sweeps, f)]), ["tracker class", kinds.length > 1 ? kinds : []], ["track", tracks]];
  const bar = h("div", { class: "filters", role: "group", "aria-label": "Filters" });
  choices.filter(([, values]) => values.length).forEach(([name, values]) => {
    const options = [["", "all"], ...values.map((v) => [String(v), String(v)])];
    bar.append(picker(name, options, state.filters[name] || "", (value) => {
      state.filters[name] = value;
      refresh();
    }));
  });
  if (filtering()) {
    bar.append(h("button", { type: "button", class: "plain", id: "reset", onclick: () => { state.filters = {}; refresh(); } }, "Show all"));
  }
  const subjects = new Set(subjectsOf(kept)).size;
  const few = subjects < FEWEST_SUBJECTS ? ", too few for intervals and ranks" : "";
  bar.append(h("span", { class: "state", role: "status" }, `${plural(kept.length, "sweep")} of ${plural(subjects, "subject")}${few}`));
  return bar;
}

function section(parent, title, note, ...content) {
  const block = h("section", { class: "keep" }, h("h2", {}, title), note ? h("p", { class: "note" }, note) : null, ...content);
  parent.append(block);
  return block;
}

const folded = (parent, title, content) => parent.append(h("details", {}, h("summary", {}, title), content));

function chart(parent, kind = "") {
  const element = h("div", { class: `chart ${kind}` });
  parent.append(element);
  return element;
}

/** Names of the lines; pressing one hides its line in every chart of the page, or brings it back. */
function legend(rows) {
  const press = (row) => {
    if (!state.hidden.delete(row.label)) state.hidden.add(row.label);
    refresh();
  };
  return h("ul", { class: "legend" }, rows.map((row) => h("li", { style: `--dot: var(${row.colour})` },
    h("button", { type: "button", id: `line-${legends++}`, "aria-pressed": String(!state.hidden.has(row.label)), onclick: () => press(row) },
      h("i", { class: row.kind === "reference" ? "dashed" : null }), row.label))));
}

const drawn = (rows) => rows.filter((row) => !state.hidden.has(row.label));

// ---- leaderboard ------------------------------------------------------------------------------

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
  main.append(h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Leaderboard table" }, board(rows, kept)), boardNote(frames));
  boardCharts(main, rows, kept);
}

function boardNote(frames) {
  const toggle = h("button", { type: "button", class: "plain", id: "columns", onclick: () => { state.all = !state.all; refresh(); } },
    state.all ? "Main metrics only" : `All ${DATA.metrics.length} metrics`);
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
    drawPareto(chart(section(grid, "Accuracy against speed", "Down and left is better. The stepped line joins the trackers that no other beats in both.")), points, HEADLINE);
  }
  const lines = rows.map((row) => ({ row, curve: meanCurve(kept.map((i) => row.curves[i])) })).filter((l) => l.curve[0].length);
  if (lines.length) {
    const block = section(grid, "Drift along the path", "Mean over sweeps, as far as half of them reach. Press a name to hide its line.");
    drawDrift(chart(block), lines.filter((l) => drawn([l.row]).length));
    block.append(legend(lines.map((l) => l.row)));
  }
  biasCharts(main, rows, kept);
  const compared = rows.filter((row) => row.compared);
  if (compared.length > 1) pairedSection(main, compared, kept);
  if (everySweep(kept)) rankSection(main, rows);
  if (FACTORS.length) breakdown(main, rows, kept);
  gallery(main, DATA.figures.filter((figure) => figure.tracker === null));
}

/** One chart per unit of the metrics bias_<dof> and noise_<dof>. */
function biasCharts(main, rows, kept) {
  const pairs = DATA.bias_noise.map((p) => ({ label: p.label, unit: p.unit, bias: METRICS.get(p.bias), noise: METRICS.get(p.noise) }));
  if (!pairs.length) return;
  const size = (row, metric) => mean(kept.map((i) => row.values[metric.id]?.[i]).filter(known).map(Math.abs));
  const block = section(main, "Bias and noise of the steps",
    "Per degree of freedom: the constant part of the error (narrow, full) adds up along the sweep, the random part (wide, pale) largely averages out. Mean size over sweeps.");
  const grid = h("div", { class: "grid" });
  block.append(grid);
  for (const unit of new Set(pairs.map((p) => p.unit))) {
    drawBiasNoise(chart(grid), drawn(rows), pairs.filter((p) => p.unit === unit), unit, size);
  }
  block.append(legend(rows));
}

function pairedSection(main, rows, kept) {
  const ordered = sortedByHeadline(rows, kept);
  const differences = differencesOf(kept);
  const cell = (a, b) => {
    if (a === b) return h("td", { class: "none" }, "·");
    const d = differences[a.label][b.label];
    if (!known(d.mean)) return h("td", { class: "none" }, "–");
    const better = HEADLINE.higher_is_better ? d.mean > 0 : d.mean < 0;
    const shade = isClear(d) ? `--cell: rgba(var(--${better ? "better" : "worse"}), .16)` : null;
    const sign = d.mean > 0 ? "+" : "";
    return h("td", { style: shade }, sign + format(d.mean, HEADLINE), h("small", {}, span(d.low, d.high, HEADLINE) || "\u00a0"));
  };
  const name = (row) => h("th", { scope: "row", class: "text" }, row.label);
  const table = h("table", { class: "matrix", id: "paired" },
    h("thead", {}, h("tr", {}, h("th", { class: "text" }, `difference, ${HEADLINE.unit}`), ordered.map((row) => h("th", { scope: "col" }, row.label)))),
    h("tbody", {}, ordered.map((a) => h("tr", {}, name(a), ordered.map((b) => cell(a, b))))));
  section(main, "Paired differences",
    `${HEADLINE.label} of the row minus that of the column, over the sweeps that both have, with 95 % intervals. Tinted where the difference is beyond chance after Holm's correction over all pairs: green, the row is better; orange, it is worse. With one training a verdict is about these weights.`,
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
    return h("td", { style: `--cell: rgba(var(--better), ${(0.75 * share).toFixed(3)})` }, text);
  };
  const table = h("table", { class: "matrix", id: "ranks" },
    h("thead", {}, h("tr", {}, h("th", { class: "text" }, "% of draws at rank"), Array.from({ length: places }, (_, k) => h("th", { scope: "col" }, String(k + 1))))),
    h("tbody", {}, shown.map((row) => h("tr", {}, h("th", { scope: "row", class: "text" }, row.label), Array.from({ length: places }, (_, k) => cell(shares(row)[k]))))));
  section(main, "How often each rank occurs",
    "Subjects are drawn again with replacement, and of rows with several trainings the trainings too; each draw ranks all trackers of a track by their means.",
    scroller("Rank frequencies", table));
}

const scroller = (label, table) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);

function sortedByHeadline(rows, kept) {
  const value = new Map(rows.map((row) => [row, statistic(row, DATA.headline, kept).mean ?? SIGN * Infinity]));
  return [...rows].sort((a, b) => SIGN * (value.get(a) - value.get(b)));
}

function breakdown(main, rows, kept) {
  const choose = picker("rows per", FACTORS.map((f) => [f, f]), state.split, (value) => { state.split = value; refresh(); });
  choose.className = "inline";
  const values = factorValues(kept.map((i) => DATA.sweeps[i]), state.split);
  const groups = values.map((value) => kept.filter((i) => DATA.sweeps[i].factors[state.split] === value));
  const ordered = sortedByHeadline(rows, kept);
  const cells = (s) => h("td", {}, format(s.mean, HEADLINE), h("small", {}, span(s.low, s.high, HEADLINE) || "\u00a0"));
  const table = h("table", { class: "matrix", id: "breakdown" },
    h("thead", {}, h("tr", {}, h("th", { class: "text" }, state.split), h("th", {}, "sweeps"), ordered.map((row) => h("th", { scope: "col" }, row.label)))),
    h("tbody", {}, [["all", kept], ...values.map((v, k) => [String(v), groups[k]])].map(([label, part]) =>
      h("tr", {}, h("th", { scope: "row", class: "text" }, label), h("td", { class: "none" }, String(part.length)),
        ordered.map((row) => cells(statistic(row, DATA.headline, part)))))));
  section(main, `${HEADLINE.label} by ${state.split}`, null,
    FACTORS.length > 1 ? h("div", { class: "panel-head" }, choose) : null, scroller("By factor", table));
}

function gallery(main, figures) {
  if (!figures.length) return;
  const block = section(main, "Images", null);
  block.classList.remove("keep");
  figures.forEach((figure) => block.append(h("figure", {},
    h("img", { src: figure.source, alt: figure.title, loading: "lazy" }),
    h("figcaption", {}, h("b", {}, figure.title), figure.caption ? ` ${figure.caption}` : ""))));
}

// ---- one tracker ------------------------------------------------------------------------------

function viewTracker(main, label) {
  const row = DATA.rows.find((r) => r.label === label);
  if (!row) {
    main.append(h("h1", {}, "No such tracker"), h("p", {}, `There is no row named ${label} here. `, h("a", { href: "#/" }, "All trackers")));
    return;
  }
  document.title = `${row.label} · ${DATA.dataset.name} · sweepbench`;
  const all = DATA.sweeps.map((_, i) => i);
  main.append(h("a", { class: "back", href: "#/" }, "← All trackers"), h("h1", {}, row.label), trackerMeta(row));
  if (row.card) main.append(h("p", { class: "card" }, row.card));
  main.append(trackerFacts(row));
  trajectoryPanels(main, row);
  const curves = all.filter((i) => row.curves[i]).map((i) => ({ name: DATA.sweeps[i].name, curve: row.curves[i] }));
  if (curves.length) drawSweepDrift(chart(section(main, "Drift of each sweep", "Thin lines are sweeps, the thick one is their mean.")), row, curves);
  gallery(main, DATA.figures.filter((f) => f.tracker === row.name || f.tracker === row.label));
  metricTable(main, row);
  sweepTable(main, row);
  failures(main, row);
  main.append(h("details", {}, h("summary", {}, "Configuration and environment"),
    h("pre", {}, JSON.stringify({ config: row.config, training: row.training, environment: row.environment }, null, 2))));
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
  section(main, "Path of the image centre", "True and predicted, the first frame at the origin; dots mark the ends. Drag to turn.", grid);
  const ends = order.length > 1 ? [["Worst sweep", order.at(-1)], ["Best sweep", order[0]]] : [["The sweep", order[0]]];
  ends.forEach(([title, start]) => {
    const options = order.map((i) => [String(i), `${DATA.sweeps[i].name}: ${format(row.values[DATA.headline][i], HEADLINE)} ${HEADLINE.unit}`]);
    const box = h("div");
    const heading = h("h3", {}, title);
    const select = h("select", { "aria-label": `Sweep shown as ${title.toLowerCase()}` }, options.map(([k, t]) => h("option", { value: k, selected: k === String(start) }, t)));
    box.append(h("div", { class: "panel-head" }, heading, select));
    grid.append(box);
    const element = chart(box, "space");
    const paint = (i) => drawSpace(element, row, DATA.sweeps[i].true, row.predicted[i]);
    select.addEventListener("change", () => {
      heading.textContent = Number(select.value) === start ? title : "Chosen sweep";
      paint(Number(select.value));
    });
    paint(start);
  });
  grid.after(h("ul", { class: "legend" }, h("li", { style: "--dot: var(--ink)" }, h("i"), "truth"),
    h("li", { style: `--dot: var(${row.colour})` }, h("i"), row.label)));
}

function metricTable(main, row) {
  const lines = DATA.metrics.filter((m) => row.summary[m.id]).map((m) => {
    const s = row.summary[m.id];
    return h("tr", {}, h("th", { scope: "row", class: "text", title: m.about }, m.label, h("small", { class: "sub" }, m.id)),
      h("td", {}, format(s.mean, m)), h("td", {}, span(s.low, s.high, m) || "–"), h("td", {}, format(s.sd, m)), h("td", { class: "text" }, m.unit));
  });
  const head = ["mean", "95 % interval", "sd over sweeps"].map((text) => h("th", { scope: "col" }, text));
  folded(main, `All ${lines.length} metrics`, scroller("All metrics", h("table", { class: "matrix", id: "metrics" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, "metric"), head, h("th", { class: "text" }, "unit"))), h("tbody", {}, lines))));
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

// ---- stress -----------------------------------------------------------------------------------

/** Points of a row along a factor: mean and interval at each of its values. */
const factorPoints = (row, metric, factor) =>
  factor.points.map((p) => ({ x: p.x, ...statistic(row, metric.id, p.sweeps) })).filter((p) => known(p.mean));

function viewStress(main) {
  document.title = `Stress · ${DATA.dataset.name} · sweepbench`;
  main.append(h("h1", {}, "When it breaks"),
    h("p", { class: "lead" }, "The error against one factor at a time. A tracker breaks where it becomes worse than the mean motion of the training data, which sees no image."));
  if (!DATA.stress.length) {
    main.append(h("p", { class: "meta" }, `The sweeps of ${DATA.dataset.name} do not vary any numerical factor in steps, so there is no curve to draw.`));
    return;
  }
  const rows = shownRows();
  const metric = METRICS.get(state.stress) || METRICS.get(DATA.stress_metrics[0]) || HEADLINE;
  const choices = DATA.stress_metrics.map((id) => [id, withUnit(METRICS.get(id))]);
  if (choices.length > 1) {
    main.append(h("div", { class: "filters" }, picker("error", choices, metric.id, (value) => { state.stress = value; refresh(); })));
  }
  main.append(legend(rows));
  const grid = h("div", { class: "grid" });
  main.append(grid);
  const breaks = DATA.stress.map((factor) => {
    const lines = rows.map((row) => ({ row, points: factorPoints(row, metric, factor) }));
    const block = section(grid, factor.label, null);
    drawFactor(chart(block), lines.filter((l) => l.points.length && drawn([l.row]).length), factor, metric);
    return [factor, lines];
  });
  breakTable(main, breaks);
}

const levelText = (point) => (known(point.level) ? `${point.x} (${significant(point.level, 3)})` : String(point.x));

function breakTable(main, breaks) {
  const floor = DATA.rows.find((row) => row.name === DATA.floor);
  if (!floor || !shownRows().includes(floor)) return;
  const rows = shownRows().filter((row) => row !== floor && row.kind !== "reference");
  const first = (factor, lines, row) => {
    const level = new Map(lines.find((l) => l.row === floor).points.map((p) => [p.x, p.mean]));
    const point = lines.find((l) => l.row === row).points.find((p) => p.mean > (level.get(p.x) ?? Infinity));
    return point ? levelText(factor.points.find((p) => p.x === point.x)) : "never";
  };
  section(main, "Where each tracker breaks", `The lowest value of the factor at which the tracker's mean is worse than that of ${DATA.floor}; the factor's own level in brackets.`,
    scroller("Breaking points", h("table", { class: "matrix", id: "breaks" },
      h("thead", {}, h("tr", {}, h("th", { class: "text" }, "factor"), rows.map((row) => h("th", { scope: "col" }, row.label)))),
      h("tbody", {}, breaks.map(([factor, lines]) => h("tr", {}, h("th", { scope: "row", class: "text" }, factor.label), rows.map((row) => h("td", {}, first(factor, lines, row)))))))));
}

// ---- about ------------------------------------------------------------------------------------

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
  section(main, "Identity", null, h("dl", { class: "facts" }, [
    ["data set", DATA.dataset.name], ["data set hash", DATA.dataset.hash || "–"], ["protocol", DATA.protocol.name], ["protocol hash", DATA.protocol.hash || "–"],
  ].map(([k, v]) => h("div", {}, h("dt", {}, k), h("dd", {}, h("code", {}, v))))));
}
