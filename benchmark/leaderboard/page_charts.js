"use strict";
// Charts: each function draws into an element. Colours come from the style sheet, so that light,
// dark and print are decided in one place.

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const rowColour = (row) => colour(row.colour);

/** Plotly reads a little HTML in texts; a name must stay a name. */
const inert = (text) =>
  String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function axis(title, more = {}) {
  return {
    title: { text: inert(title), font: { size: 12, color: colour("--soft") }, standoff: 12 },
    tickfont: { size: 11.5, color: colour("--soft") },
    gridcolor: colour("--rule"),
    linecolor: colour("--strong-rule"),
    zerolinecolor: colour("--strong-rule"),
    fixedrange: true,
    automargin: true,
    ...more,
  };
}

function draw(element, label, traces, layout) {
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", label);
  const base = {
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: getComputedStyle(document.body).fontFamily, color: colour("--ink"), size: 12 },
    margin: { l: 52, r: 14, t: 14, b: 46 },
    showlegend: false,
    hovermode: "closest",
    dragmode: false,
    hoverlabel: {
      bgcolor: colour("--raised"),
      bordercolor: colour("--strong-rule"),
      font: { color: colour("--ink"), size: 12 },
      align: "left",
    },
  };
  const settings = { displayModeBar: false, responsive: true };
  const whole = Plotly.newPlot(element, traces, { ...base, ...layout }, settings);
  document.getElementById("js-plotly-tester")?.setAttribute("aria-hidden", "true"); // it measures texts
  return whole;
}

const lineStyle = (row, width = 2.2) => ({ color: rowColour(row), width, dash: row.dash });

/** Margins of charts with names at the ends of lines, fixed so that the names' places are known. */
const LINE_MARGIN = { l: 52, r: 0, t: 14, b: 46 };

/** An upward axis for values: from 0, or logarithmic where they span a decade. */
function upwards(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (!(low > 0 && high > 10 * low)) {
    const top = 1.06 * Math.max(high, 1e-9);
    return { axis: { range: [Math.min(0, low), top] }, name: "", place: (v) => (v - Math.min(0, low)) / (top - Math.min(0, low)) };
  }
  const [a, b] = [Math.log10(low) - 0.05, Math.log10(high) + 0.05];
  return { axis: { type: "log", range: [a, b], dtick: b - a > 1.6 ? 1 : "D2" }, name: ", logarithmic", place: (v) => (Math.log10(v) - a) / (b - a) };
}

/** Axes of a chart with names at the ends of its lines. */
const lineLayout = (x, up, scale) => ({
  margin: LINE_MARGIN,
  xaxis: { ...x, automargin: false },
  yaxis: axis(`${up}${scale.name}`, { ...scale.axis, automargin: false, zeroline: false }),
});

/** Error against the time that a frame takes; the stepped line joins what nothing else beats. */
function drawPareto(element, points, metric) {
  const front = paretoFront(points.filter((p) => p.row.kind !== "reference" && !p.incomplete));
  const across = logRange(points.map((p) => p.x), 0.16);
  const up = logRange(points.flatMap((p) => [p.low, p.y, p.high]).filter((v) => known(v) && v > 0), 0.1);
  const size = element.clientWidth < 420 ? 10.5 : 12;
  const margin = { l: 52, r: 10, t: 10, b: 46 };
  const frame = [element.clientWidth - margin.l - margin.r, element.clientHeight - margin.t - margin.b];
  const down = (v) => ((up[1] - Math.log10(v)) / (up[1] - up[0])) * frame[1];
  const at = points.map((p) => ({
    x: ((Math.log10(p.x) - across[0]) / (across[1] - across[0])) * frame[0], y: down(p.y),
    low: down(p.low > 0 ? p.low : p.y), high: down(p.high > 0 ? p.high : p.y),
  }));
  const widths = textWidths(points.map((p) => p.row.label), size);
  const places = labelPlaces(at, widths.map((width) => [width + 6, size + 4]), frame);
  const traces = [
    {
      x: front.map((p) => p.x), y: front.map((p) => p.y), mode: "lines", hoverinfo: "skip",
      line: { shape: "hv", color: colour("--strong-rule"), width: 1.2 },
    },
    ...points.map((p) => ({
      x: [p.x], y: [p.y], mode: "markers", cliponaxis: false,
      marker: {
        color: rowColour(p.row), size: 10,
        symbol: p.row.kind === "reference" ? "circle-open" : "circle", line: { width: 2, color: rowColour(p.row) },
      },
      error_y: {
        type: "data", symmetric: false, visible: known(p.high), thickness: 1.3, width: 0,
        array: [(p.high ?? p.y) - p.y], arrayminus: [p.y - (p.low ?? p.y)], color: rowColour(p.row),
      },
      hovertemplate: `<b>${inert(p.row.label)}</b><br>${format(p.y, metric)} ${inert(metric.unit)}` +
        `<br>${significant(p.x)} ms per frame<extra></extra>`,
    })),
  ];
  const annotations = points.map((p, i) => ({
    x: Math.log10(p.x), y: Math.log10(p.y), text: inert(p.row.label), font: { size, color: rowColour(p.row) }, bgcolor: colour("--paper"),
    ax: places[i].x - at[i].x, ay: places[i].y - at[i].y, arrowhead: 0, arrowwidth: 1, standoff: 6, borderpad: 0,
    arrowcolor: places[i].away > 20 ? rowColour(p.row) : "rgba(0,0,0,0)", captureevents: false,
  }));
  const more = { type: "log", zeroline: false, automargin: false };
  const x = axis("milliseconds per frame, logarithmic", { ...more, range: across, dtick: 1 });
  const y = axis(`${withUnit(metric)}, logarithmic`, { ...more, range: up, dtick: "D2" });
  draw(element, `${metric.label} against milliseconds per frame; the numbers stand in the table above`, traces, { xaxis: x, yaxis: y, annotations, margin });
}

/** Decades that hold all values, with room on both sides. */
function logRange(values, room) {
  const [low, high] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const margin = Math.max(room * (high - low), 0.15);
  return [low - margin, high + margin];
}

/** Widths in pixels of texts in the page's type. */
function textWidths(texts, size) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
  return texts.map((text) => pen.measureText(text).width);
}

/** Mean drift against true path length, one line per tracker. */
function drawDrift(element, lines, scale) {
  const traces = lines.map(({ row, curve }) => ({
    x: curve[0], y: curve[1], mode: "lines", name: inert(row.label), line: lineStyle(row),
    hovertemplate: `<b>${inert(row.label)}</b><br>%{y:.2f} mm after %{x:.1f} mm<extra></extra>`,
  }));
  const end = Math.max(...lines.map(({ curve }) => curve[0].at(-1)));
  draw(element, "Mean drift against true path length, per tracker; the numbers are below", traces,
    lineLayout(axis("true path length (mm)", { range: [0, end], showgrid: false }), "position error (mm)", scale));
}

/** Drift of every sweep of one tracker, thin, and their mean. */
function drawSweepDrift(element, row, sweeps) {
  const thin = sweeps.map(({ name, curve }) => ({
    x: curve[0], y: curve[1], mode: "lines", opacity: 0.4, line: { color: rowColour(row), width: 1 },
    hovertemplate: `${inert(name)}<br>%{y:.2f} mm after %{x:.1f} mm<extra></extra>`,
  }));
  const middle = meanCurve(sweeps.map((s) => s.curve));
  const thick = {
    x: middle[0], y: middle[1], mode: "lines", line: { color: rowColour(row), width: 3 },
    hovertemplate: "mean<br>%{y:.2f} mm after %{x:.1f} mm<extra></extra>",
  };
  draw(element, `Drift of every sweep of ${row.label}; the numbers are below`, [...thin, thick], {
    xaxis: axis("true path length (mm)", { rangemode: "tozero", showgrid: false }),
    yaxis: axis("position error (mm)", { rangemode: "tozero" }),
  });
}

/** Difference of two rows sweep by sweep, sorted; each bar in the colour of the row that is better. */
function drawDifferences(element, [one, other], sweeps, metric) {
  const winner = (d) => (SIGN * d < 0 ? one : other);
  draw(element, `${metric.label} of ${one.label} minus that of ${other.label}, sweep by sweep; the numbers are under Every sweep below`, [{
    type: "bar", x: sweeps.map((_, k) => k), y: sweeps.map((s) => s.difference), marker: { color: sweeps.map((s) => rowColour(winner(s.difference))) },
    hovertemplate: sweeps.map((s) => `<b>${inert(s.name)}</b><br>${format(s.one, metric)} and ${format(s.other, metric)} ${inert(metric.unit)}<br>%{y:.3~g}<extra></extra>`),
  }], {
    bargap: sweeps.length > 60 ? 0 : 0.25,
    xaxis: axis(`${plural(sweeps.length, "sweep")}, sorted`, { showticklabels: false, showgrid: false, zeroline: false }),
    yaxis: axis(`difference (${metric.unit || metric.label})`),
  });
}

/** Error against the value of one factor, one line with intervals per tracker. */
function drawFactor(element, lines, factor, metric, scale) {
  const values = factor.points.map((p) => p.x);
  const text = factor.points.map((p) => (known(p.level) ? `${p.x}<br>(${significant(p.level, 3)})` : String(p.x)));
  const ticks = values.length <= 8 ? { tickvals: values, ticktext: text } : {};
  const name = factor.points.some((p) => known(p.level)) ? "severity (level)" : factor.label;
  const traces = lines.map(({ row, points }) => ({
    x: points.map((p) => p.x), y: points.map((p) => p.mean), mode: "lines+markers",
    line: lineStyle(row, 2), marker: { size: 6, color: rowColour(row) },
    error_y: {
      type: "data", symmetric: false, thickness: 1, width: 0, color: rowColour(row),
      array: points.map((p) => (known(p.high) ? p.high - p.mean : 0)),
      arrayminus: points.map((p) => (known(p.low) ? p.mean - p.low : 0)),
    },
    hovertemplate: `<b>${inert(row.label)}</b><br>${inert(factor.label)} %{x}<br>%{y:.3~g} ${inert(metric.unit)}<extra></extra>`,
  }));
  draw(element, `${metric.label} against ${factor.label}; the numbers are below`, traces,
    lineLayout(axis(name, { ...ticks, showgrid: false, zeroline: false }), withUnit(metric), scale));
}
