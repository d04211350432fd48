"use strict";
// Parts of which the routes are made: pickers, sections, charts with named lines, tables, images.

const short = (hash) => (hash ? String(hash).slice(0, 12) : "–");

function picker(label, options, value, onchange) {
  const id = `pick-${label.replace(/\W+/g, "-")}`;
  const items = options.map(([key, text]) => h("option", { value: key, selected: key === value }, text));
  return h("label", {}, label, h("select", { id, onchange: (event) => onchange(event.target.value) }, items));
}

const MOST_FILTERS = 8; // beyond these, what a spec varies is folded away

/** Draw what the filters leave, and tell how much that is. */
function refilter() {
  refresh();
  say(document.querySelector(".filters .state").textContent);
}

/** Filters by factor, and on request by what concerns rows; how many sweeps they leave. */
function filterBar(kept, ofRows = true) {
  const kinds = [...new Set(DATA.rows.map((row) => row.kind))].sort();
  const tracks = DATA.tracks.length > 1 ? DATA.tracks : [];
  const rowChoices = [["tracker class", kinds.length > 1 ? kinds : []], ["track", tracks]];
  const choices = [...FACTORS.map((f) => [f, factorValues(DATA.sweeps, f)]), ...(ofRows ? rowChoices : [])];
  const bar = h("div", { class: "filters", role: "group", "aria-label": "Filters" });
  const pickers = choices.filter(([, values]) => values.length).map(([name, values]) => {
    const options = [["", "all"], ...values.map((v) => [String(v), String(v)])];
    return [name, picker(name, options, state.filters[name] || "", (value) => {
      state.filters[name] = value;
      refilter();
    })];
  });
  const folds = pickers.length > MOST_FILTERS ? pickers.filter(([name]) => name.startsWith("vary.")) : [];
  bar.append(...pickers.filter((p) => !folds.includes(p)).map(([, item]) => item));
  if (folds.length) {
    const open = folds.some(([name]) => state.filters[name]);
    bar.append(h("details", { open }, h("summary", {}, `${folds.length} more filters`),
      h("div", { class: "filters" }, folds.map(([, item]) => item))));
  }
  if (filtering()) {
    bar.append(h("button", { type: "button", class: "plain", id: "reset", onclick: () => { state.filters = {}; refilter(); } }, "Show all"));
  }
  const subjects = new Set(subjectsOf(kept)).size;
  const few = subjects < FEWEST_SUBJECTS ? ", too few for intervals and ranks" : "";
  bar.append(h("span", { class: "state" }, `${plural(kept.length, "sweep")} of ${plural(subjects, "subject")}${few}`));
  return bar;
}

function section(parent, title, note, ...content) {
  const block = h("section", { class: "keep" }, h("h2", {}, title), note ? h("p", { class: "note" }, note) : null, ...content);
  parent.append(block);
  return block;
}

/** Content behind a title that opens it, and stays open when the route is drawn again. */
function folded(parent, title, content) {
  const summary = h("summary", { id: `fold-${title.replace(/\W+/g, "-")}` }, title);
  parent.append(h("details", { open: state.open.has(title), "data-fold": title }, summary, content));
}

/** The numbers of a chart as a table below it; heads: of all columns; lines: a name and its cells. */
function numbers(parent, title, heads, lines) {
  const head = heads.map((text, k) => h("th", { scope: "col", class: k ? null : "text" }, text));
  const body = lines.map(([name, ...cells]) => h("tr", {}, h("th", { scope: "row", class: "text" }, name), cells.map((cell) => h("td", {}, cell))));
  folded(parent, `Numbers: ${title}`, scroller(title, h("table", { class: "matrix numbers" }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, body))));
}

function chart(parent, kind = "") {
  const element = h("div", { class: `chart ${kind}` });
  parent.append(element);
  return element;
}

const drawn = (rows) => rows.filter((row) => !state.hidden.has(row.label));

/** A button that hides the line of a row in every chart of the page, or brings it back. */
function lineButton(row, id, style) {
  const press = () => {
    if (!state.hidden.delete(row.label)) state.hidden.add(row.label);
    refresh();
  };
  return h("li", { style: `--dot: var(${row.colour})${style}` },
    h("button", { type: "button", id, title: row.label, "aria-pressed": String(!state.hidden.has(row.label)), onclick: press }, row.label));
}

/**
 * A chart of one line per row, named at the lines' ends; pressing a name hides its line.
 * lines: [{row, end}], end the last value; scale: {low, high, place} of the upward axis;
 * paint(element, lines, scale) draws the lines that are not hidden.
 */
function namedLines(parent, lines, scale, paint) {
  const shown = lines.filter((line) => drawn([line.row]).length);
  const tall = Math.max(360, LINE_MARGIN.t + LINE_MARGIN.b + 15 * shown.length);
  const box = h("div", { class: "lines", style: `--tall: ${tall}px` });
  parent.append(box);
  const element = chart(box);
  const number = charts++;
  const inner = tall - LINE_MARGIN.t - LINE_MARGIN.b;
  const at = shown.map((line) => LINE_MARGIN.t + inner * (1 - Math.min(1, Math.max(0, scale.place(line.end)))));
  const names = apart(at, 15, 9, tall - 9);
  const joins = svg("svg", { class: "joins", viewBox: `0 0 18 ${tall}`, "aria-hidden": "true" },
    ...shown.map((line, i) => svg("path", { d: `M0 ${at[i].toFixed(1)} L4 ${at[i].toFixed(1)} L14 ${names[i].toFixed(1)} L18 ${names[i].toFixed(1)}`, style: `stroke: var(${line.row.colour})` })));
  const id = (line) => `line-${number}-${DATA.rows.findIndex((row) => row.label === line.row.label)}`;
  box.append(joins, h("ul", { class: "legend ends", "aria-label": "Lines, the highest first" },
    shown.map((line, i) => [names[i], line]).sort((a, b) => a[0] - b[0]).map(([y, line]) => lineButton(line.row, id(line), `; top: ${y.toFixed(1)}px`))));
  const hidden = lines.filter((line) => !shown.includes(line));
  if (hidden.length) parent.append(h("ul", { class: "legend", "aria-label": "Hidden lines" }, hidden.map((line) => lineButton(line.row, id(line), ""))));
  paint(element, shown, scale);
}

/** Paragraphs of a docstring: its line breaks are where its source was wide enough, not the reader's. */
function prose(text) {
  const paragraphs = String(text).split(/\n\s*\n/).filter((part) => part.trim());
  const inline = (line) => line.split(/(`+[^`\n]+`+)/).map((part) => (/^`+[^`]+`+$/.test(part) ? h("code", {}, part.replaceAll("`", "")) : part));
  const block = (part) => {
    const lines = part.split("\n");
    const laidOut = lines.length > 1 && lines.some((line) => /^(\s+|[-*] )/.test(line));
    return laidOut ? h("p", { class: "laid-out" }, inline(part)) : h("p", {}, inline(lines.join(" ")));
  };
  return h("div", { class: "card" }, paragraphs.map(block));
}

/** Text as it is, in a box that keys can scroll. */
const preformatted = (title, text) => h("pre", { tabindex: "0", role: "region", "aria-label": title }, text);

/** Text to take along: shown as it is, with a button that copies it. */
function copyable(title, text) {
  const block = preformatted(title, text);
  const said = h("span", { class: "note", role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(block);
      said.textContent = document.execCommand("copy") ? "copied" : "selected";
    }
  };
  return h("div", { class: "copyable" }, h("div", { class: "panel-head" }, h("h3", {}, title), said,
    h("button", { type: "button", class: "plain", onclick: copy, "aria-label": `Copy: ${title}` }, "Copy")), block);
}

/** A table with a caption, in a box that keys can scroll. */
function scroller(label, table) {
  if (!table.caption) table.prepend(h("caption", { class: "sr" }, label));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, table);
}

function sortedByHeadline(rows, kept) {
  const value = new Map(rows.map((row) => [row, statistic(row, DATA.headline, kept).mean ?? SIGN * Infinity]));
  return [...rows].sort((a, b) => SIGN * (value.get(a) - value.get(b)));
}

function gallery(main, figures) {
  if (!figures.length) return;
  const block = section(main, "Images", null);
  block.classList.remove("keep");
  figures.forEach((figure) => block.append(h("figure", {},
    h("img", { src: figure.source, alt: figure.title, loading: "lazy" }),
    h("figcaption", {}, h("b", {}, figure.title), figure.caption ? ` ${figure.caption}` : ""),
    figure.volume ? turnable(figure.volume) : null)));
}

/** A button that puts volumes to turn in its place; they are drawn when asked for. */
function turnable(volume) {
  const place = h("div", {}, h("button", { type: "button", class: "plain", onclick: () => turnVolumes(place, volume) }, "Turn in 3D"));
  return place;
}
