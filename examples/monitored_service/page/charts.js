/* Lines over time: small ones without axes, and charts. */

/** So many seconds are kept, and so many are drawn on a small line. */
const KEPT = 300;
const SMALL = 60;
/** The seconds that a chart spans, the least that holds what there is, and those between two marks. */
const SPANS = [[60, 15], [120, 30], [KEPT, 60]];

/** The path of one series; where nothing was measured it has a gap. */
const path = (points, value, x, y) => {
  let text = "";
  let pen = "M";
  for (const point of points) {
    const at = value(point);
    if (is(at)) {
      text += `${pen}${x(point.at).toFixed(1)} ${y(at).toFixed(1)}`;
      pen = "L";
    } else {
      pen = "M";
    }
  }
  return text;
};

/** A small line without axes; the figure beside it says how much it is. */
class Spark {
  constructor(parent, value, kind, floor) {
    this.value = value;
    this.floor = floor;
    this.svg = draw("svg", { "aria-hidden": "true", preserveAspectRatio: "none", viewBox: "0 0 100 30" });
    this.fill = draw("path", { class: `fill ${kind}`, opacity: "0.16" });
    this.line = draw("path", { class: `line ${kind}`, style: "fill: none", "vector-effect": "non-scaling-stroke" });
    this.svg.append(this.fill, this.line);
    parent.append(this.svg);
  }

  draw(points, now) {
    const last = points.slice(-SMALL - 1);
    const values = last.map(this.value).filter(is);
    const most = Math.max(...values, this.floor);
    const least = Math.min(...values, 0);
    const x = (at) => 100 - (now - at) / (SMALL * 10);
    const y = (value) => 28.5 - (27 * (value - least)) / (most - least || 1);
    const line = path(last, this.value, x, y);
    set(this.line, "d", line);
    const first = last.find((point) => is(this.value(point)));
    set(this.fill, "d", first ? `${line}L100 ${y(0)}L${x(first.at).toFixed(1)} ${y(0)}Z` : "");
  }
}

/** 1, 2 or 5 times a power of ten, at least as large. */
const round = (value) => {
  const power = 10 ** Math.floor(Math.log10(value));
  const lead = value / power;
  return (lead <= 1.0001 ? 1 : lead <= 2.0001 ? 2 : lead <= 5.0001 ? 5 : 10) * power;
};

const linear = (values, least) => {
  const high = Math.max(...values, least) * 1.02;
  const step = round(high / 5);
  const most = Math.ceil(high / step) * step;
  const marks = [];
  for (let mark = 0; mark <= most + step / 100; mark += step) marks.push(mark);
  return { marks, place: (value) => value / most };
};

const logarithmic = (values) => {
  const positive = values.filter((value) => value > 0);
  const low = Math.min(...positive, 1e-3);
  const high = Math.max(...positive, 1e-2);
  let first = Math.floor(Math.log10(low) + 0.0001);
  const last = Math.max(Math.log10(round(high * 1.05)), first + 1);
  const marks = [];
  for (let power = first; power <= last + 0.001; power += 1) {
    for (const lead of last - first > 2.2 ? [1] : [1, 3]) {
      const mark = lead * 10 ** power;
      if (Math.log10(mark) <= last + 0.001) marks.push(mark);
    }
  }
  return { marks, place: (value) => (Math.log10(Math.max(value, 10 ** first)) - first) / (last - first) };
};

/** Series over time, with axes, and a cross that all charts share. */
class Chart {
  constructor(id, { title, series, axis, format, stacked = false }) {
    this.parent = byId(id);
    this.title = title;
    this.series = series;
    this.axis = axis;
    this.format = format;
    this.stacked = stacked;
    this.svg = draw("svg", { role: "img", tabindex: "0" });
    this.grid = draw("g");
    this.body = draw("g");
    this.over = draw("g");
    this.svg.append(this.grid, this.body, this.over);
    this.parent.append(this.svg);
    this.lines = series.map(({ kind }) => {
      const line = draw("path", { class: `${stacked ? "fill" : "line"} ${kind}` });
      if (!stacked) line.style.fill = "none";
      this.body.append(line);
      return line;
    });
    this.edge = draw("path", { class: "line middle", style: "fill: none" });
    if (stacked) this.body.append(this.edge);
    this.readings = series.map(({ name, kind }) => {
      const reading = make("b", {}, NONE);
      const swatch = make("i", { class: `${kind}${stacked ? " block" : ""}`, "aria-hidden": "true" });
      byId(`${id}-legend`).append(make("span", {}, swatch, `${name} `, reading));
      return reading;
    });
    this.svg.addEventListener("pointermove", (event) => {
      const box = this.svg.getBoundingClientRect();
      page.look(this.when(event.clientX - box.left));
    });
    this.svg.addEventListener("pointerleave", () => page.look(null));
    this.svg.addEventListener("blur", () => page.look(null));
    this.svg.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1000, ArrowRight: 1000, PageUp: -30000, PageDown: 30000 }[event.key];
      if (step !== undefined) {
        event.preventDefault();
        page.look((page.cross ?? page.now) + step);
      } else if (event.key === "Escape") {
        page.look(null);
      }
    });
  }

  when(left) {
    return page.now - ((this.right - left) / (this.right - this.left)) * this.span * 1000;
  }

  draw(points, now, cross) {
    const width = this.parent.clientWidth;
    const height = this.parent.clientHeight;
    if (width === 0) return;
    set(this.svg, "viewBox", `0 0 ${width} ${height}`);
    [this.left, this.right] = [52, width - 8];
    const [top, bottom] = [10, height - 22];
    const age = (now - (points[0]?.at ?? now)) / 1000;
    [this.span, this.step] = SPANS.find(([span]) => age <= span) ?? SPANS.at(-1);
    const x = (at) => this.right - ((now - at) / (this.span * 1000)) * (this.right - this.left);
    const shown = points.filter((point) => x(point.at) >= this.left);
    const total = (point) => this.series.reduce((sum, { value }) => sum + (value(point) ?? 0), 0);
    const values = this.stacked ? shown.map(total) : shown.flatMap((point) => this.series.map(({ value }) => value(point)));
    const scale = this.axis(values.filter(is));
    const y = (value) => bottom - scale.place(value) * (bottom - top);
    this.rule(scale.marks, x, y, now, top, bottom);
    if (this.stacked) {
      this.fillAll(shown, x, y);
    } else {
      this.series.forEach(({ value }, at) => set(this.lines[at], "d", path(shown, value, x, y)));
    }
    const seen = cross === null ? points.at(-1) : nearest(shown, cross);
    this.series.forEach(({ value }, at) => put(this.readings[at], seen ? said(this.format(value(seen))) : NONE));
    this.over.replaceChildren();
    if (cross !== null && seen) {
      const at = x(seen.at).toFixed(1);
      this.over.append(draw("line", { class: "cross", x1: at, x2: at, y1: top, y2: bottom }));
      const words = draw("text", { x: at, y: bottom + 16, "text-anchor": at > this.right - 30 ? "end" : at < this.left + 30 ? "start" : "middle" });
      words.textContent = clock(seen.at);
      this.over.append(words);
    }
    const words = this.series.map(({ name, value }) => `${name} ${seen ? said(this.format(value(seen))) : "unknown"}`);
    set(this.svg, "aria-label", `${this.title} of the last ${said([String(this.span / 60), this.span === 60 ? "minute" : "minutes"])}; ${cross === null || !seen ? "now" : `at ${clock(seen.at)}`}: ${words.join(", ")}`);
  }

  /** Series on top of each other; they are seldom missing, and then nothing. */
  fillAll(shown, x, y) {
    set(this.edge, "d", path(shown, this.series[0].value, x, y));
    const below = shown.map(() => 0);
    this.series.forEach(({ value }, at) => {
      const under = shown.map((point, index) => `L${x(point.at).toFixed(1)} ${y(below[index]).toFixed(1)}`).reverse();
      shown.forEach((point, index) => (below[index] += value(point) ?? 0));
      const over = shown.map((point, index) => `L${x(point.at).toFixed(1)} ${y(below[index]).toFixed(1)}`);
      set(this.lines[at], "d", over.length > 1 ? `M${over.join("").slice(1)}${under.join("")}Z` : "");
    });
  }

  rule(marks, x, y, now, top, bottom) {
    const parts = [];
    for (const mark of marks) {
      const at = Math.round(y(mark)) + 0.5;
      if (at < top - 1) continue;
      const words = draw("text", { x: this.left - 8, y: at + 4, "text-anchor": "end" });
      words.textContent = mark === 0 ? "0" : said(this.format(mark));
      parts.push(draw("line", { class: "grid", x1: this.left, x2: this.right, y1: at, y2: at }), words);
    }
    // On a phone every other mark has room.
    const step = ((this.right - this.left) * this.step) / this.span < 64 ? 2 * this.step : this.step;
    for (let ago = 0; ago <= this.span && page.cross === null; ago += step) {
      const words = draw("text", { x: x(now - ago * 1000), y: bottom + 16, "text-anchor": ago === 0 ? "end" : ago === this.span ? "start" : "middle" });
      words.textContent = ago === 0 ? "now" : this.step % 60 === 0 ? `−${ago / 60} min` : `−${ago} s`;
      parts.push(words);
    }
    this.grid.replaceChildren(...parts);
  }
}

const nearest = (points, at) => {
  let best = points[0];
  for (const point of points) {
    if (Math.abs(point.at - at) < Math.abs(best.at - at)) best = point;
  }
  return best;
};
