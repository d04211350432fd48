"use strict";
// The error against one factor at a time, and where each tracker breaks.

/** Points of a row along a factor: mean and interval at each of its values. */
const factorPoints = (row, metric, factor) =>
  factor.points.map((p) => ({ x: p.x, ...statistic(row, metric.id, p.sweeps) })).filter((p) => known(p.mean));

function viewStress(main) {
  document.title = `Stress · ${DATA.dataset.name} · sweepbench`;
  main.append(h("h1", {}, "When it breaks"),
    h("p", { class: "lead" }, "The error against one factor at a time. A tracker breaks where it becomes worse than the mean motion of the training data, which sees no image. Press a name at the end of a line to hide it."));
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
  const grid = h("div", { class: "grid" });
  main.append(grid);
  const breaks = DATA.stress.map((factor) => {
    const lines = rows.map((row) => ({ row, points: factorPoints(row, metric, factor) }));
    const block = section(grid, factor.label, null);
    const some = lines.filter((l) => l.points.length).map((l) => ({ ...l, end: l.points.at(-1).mean }));
    const scale = upwards(some.flatMap((l) => l.points.map((p) => p.mean)));
    if (some.length) namedLines(block, some, scale, (element, shown) => drawFactor(element, shown, factor, metric, scale));
    factorNumbers(block, lines, factor, metric);
    return [factor, lines];
  });
  breakTable(main, breaks);
}

/** Means and intervals at the values of a factor, the numbers of its chart. */
function factorNumbers(parent, lines, factor, metric) {
  const cells = (points) => {
    const at = new Map(points.map((p) => [p.x, p]));
    return factor.points.map(({ x }) => {
      const found = at.get(x);
      return found ? [format(found.mean, metric), intervalNote(found, metric)] : "–";
    });
  };
  numbers(parent, `${withUnit(metric)} against ${factor.label}`, ["tracker", ...factor.points.map(levelText)],
    lines.map(({ row, points }) => [row.label, ...cells(points)]));
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
    scroller("Breaking points", h("table", { class: "matrix dense", id: "breaks" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "text" }, "factor"), rows.map((row) => h("th", { scope: "col" }, h("span", {}, row.label))))),
      h("tbody", {}, breaks.map(([factor, lines]) => h("tr", {}, h("th", { scope: "row", class: "text" }, factor.label), rows.map((row) => h("td", {}, first(factor, lines, row)))))))));
}
