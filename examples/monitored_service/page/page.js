"use strict";
(() => {
  /** So many seconds are kept, and so many are drawn on a small line. */
  const KEPT = 300;
  const SMALL = 60;
  /** The seconds that a chart spans, the least that holds what there is, and those between two marks. */
  const SPANS = [[60, 15], [120, 30], [KEPT, 60]];
  /** Without news for so long, the figures are old. */
  const STALE_MILLIS = 4000;
  const SVG = "http://www.w3.org/2000/svg";

  const byId = (id) => document.getElementById(id);

  // Text. What the service says is only ever set as text.

  const put = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const set = (element, name, value) => {
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  };
  const make = (tag, about = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(about)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const draw = (tag, about = {}) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(about)) element.setAttribute(name, value);
    return element;
  };

  // Figures.

  const NONE = "–";
  const is = (value) => typeof value === "number" && Number.isFinite(value);
  /** Three digits, or all before the point. */
  const digits = (value) => {
    if (value === 0) return "0";
    const whole = Math.floor(Math.log10(Math.abs(value))) + 1;
    const places = Math.min(Math.max(3 - whole, 0), 3);
    return value.toLocaleString("en", { maximumFractionDigits: places });
  };
  const count = (value) => Math.round(value).toLocaleString("en");
  /** A figure and its unit. */
  const time = (seconds) => {
    if (!is(seconds)) return [NONE, ""];
    if (seconds < 0.9995e-3) return [digits(seconds * 1e6), "µs"];
    if (seconds < 0.9995) return [digits(seconds * 1e3), "ms"];
    return [digits(seconds), "s"];
  };
  const rate = (value) => (is(value) ? [value < 10 ? value.toFixed(1) : count(value), "/s"] : [NONE, ""]);
  const share = (value) => {
    if (!is(value)) return [NONE, ""];
    const percent = value * 100;
    // What is not all must not be rounded to all.
    const places = percent !== 100 && percent > 99 ? 2 : percent !== 0 && Math.abs(percent) < 1 ? 2 : 1;
    const text = percent.toFixed(places);
    return [text === "100.00" && percent < 100 ? "99.99" : Number(text) === percent ? String(percent) : text, "%"];
  };
  const bytes = (value) => {
    if (!is(value)) return [NONE, ""];
    return value < 2 ** 30 ? [digits(value / 2 ** 20), "MiB"] : [digits(value / 2 ** 30), "GiB"];
  };
  const plain = (value) => (is(value) ? [digits(value), ""] : [NONE, ""]);
  const said = ([figure, unit]) => (unit === "" || unit === "/s" ? figure + unit : `${figure} ${unit}`);
  const span = (seconds) => {
    if (seconds < 120) return `${Math.round(seconds)} s`;
    if (seconds < 7200) return `${digits(Math.round(seconds / 6) / 10)} min`;
    if (seconds < 172800) return `${digits(Math.round(seconds / 360) / 10)} h`;
    return `${digits(Math.round(seconds / 8640) / 10)} days`;
  };
  const clock = (millis) => new Date(millis).toLocaleTimeString("en-GB");

  /** A figure with its unit beside it, smaller. */
  const show = (element, [figure, unit]) => {
    if (element.dataset.shown === figure + unit) return;
    element.dataset.shown = figure + unit;
    element.replaceChildren(figure, ...(unit === "" ? [] : [make("small", {}, unit === "/s" ? unit : ` ${unit}`)]));
  };

  // Lines.

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

  // Lists, whose elements stay while their text changes.

  const keep = (parent, wanted, create) => {
    while (parent.children.length > wanted) parent.lastElementChild.remove();
    while (parent.children.length < wanted) parent.append(create());
    return [...parent.children];
  };
  const rows = (body, table) => {
    const width = table[0]?.length ?? 0;
    keep(body, table.length, () => {
      const row = make("tr");
      for (let cell = 0; cell < width; cell += 1) row.append(cell === 0 ? make("th", { scope: "row" }) : make("td"));
      return row;
    }).forEach((row, at) => {
      [...row.children].forEach((cell, column) => {
        const { text, hot = false } = Object(table[at][column]) === table[at][column] ? table[at][column] : { text: table[at][column] };
        put(cell, text);
        cell.classList.toggle("hot", hot);
      });
    });
  };

  const LEVELS = { ok: "All well", warning: "Warning", critical: "Critical", unknown: "No requests yet" };

  const tile = (name) => {
    const parent = document.querySelector(`[data-tile="${name}"]`);
    return { value: parent.querySelector(".value"), under: parent.querySelector(".under"), spark: parent.querySelector(".spark") };
  };

  const page = {
    points: [],
    view: null,
    now: Date.now(),
    cross: null,
    paused: false,
    heard: 0,

    start() {
      this.tiles = Object.fromEntries(["p99", "rate", "failed", "budget", "hits", "flight"].map((name) => [name, tile(name)]));
      const { tiles } = this;
      this.sparks = [
        new Spark(tiles.p99.spark, (point) => point.p99, "middle", 1e-3),
        new Spark(tiles.rate.spark, (point) => point.rate, "middle", 1),
        new Spark(tiles.failed.spark, (point) => point.failed, "bad", 5),
        new Spark(tiles.budget.spark, (point) => point.budget, "middle", 1),
        new Spark(tiles.hits.spark, (point) => point.hits, "middle", 1),
        new Spark(tiles.flight.spark, (point) => point.flight, "middle", 4),
        new Spark(byId("memory-line"), (point) => point.memory, "middle", 1),
        new Spark(byId("cpu-line"), (point) => point.cpu, "middle", 0.1),
      ];
      this.charts = [
        new Chart("response", {
          title: "Response time",
          axis: logarithmic,
          format: time,
          series: [
            { name: "p99", kind: "high", value: (point) => point.p99 },
            { name: "p95", kind: "middle", value: (point) => point.p95 },
            { name: "p50", kind: "low", value: (point) => point.p50 },
          ],
        }),
        new Chart("throughput", {
          title: "Throughput",
          axis: (values) => linear(values, 1),
          format: rate,
          stacked: true,
          series: [
            { name: "answered", kind: "area", value: (point) => Math.max(point.rate - point.failed, 0) },
            { name: "failed", kind: "bad", value: (point) => point.failed },
          ],
        }),
      ];
      byId("pause").addEventListener("click", () => {
        this.paused = !this.paused;
        set(byId("pause"), "aria-pressed", this.paused);
        put(byId("pause"), this.paused ? "Resume" : "Pause");
        this.redraw();
      });
      new ResizeObserver(() => this.redraw()).observe(byId("response"));
      document.addEventListener("visibilitychange", () => this.redraw());
      setInterval(() => this.check(), 1000);
      this.listen();
    },

    listen() {
      const source = new EventSource("/events");
      source.addEventListener("history", (event) => {
        this.points = JSON.parse(event.data);
      });
      source.addEventListener("view", (event) => {
        this.heard = performance.now();
        const view = JSON.parse(event.data);
        this.points.push(view.point);
        while (this.points.length > KEPT + 2) this.points.shift();
        this.next = view;
        this.check();
        this.redraw();
      });
      source.addEventListener("error", () => {
        // It tries again by itself, unless the answer was no stream at all.
        if (source.readyState === EventSource.CLOSED) setTimeout(() => this.listen(), 2000);
      });
    },

    /** Whether the figures are still news. */
    check() {
      const stale = this.heard !== 0 && performance.now() - this.heard > STALE_MILLIS;
      if (stale === document.body.classList.contains("is-stale")) return;
      document.body.classList.toggle("is-stale", stale);
      if (stale) {
        set(byId("health"), "data-level", "unknown");
        put(document.querySelector("#health .words"), "No connection");
        put(byId("reason"), `The service has said nothing since ${clock(this.now)}. The page tries again by itself.`);
        byId("reason").hidden = false;
      }
    },

    look(at) {
      const first = this.points[0]?.at ?? this.now;
      this.cross = at === null ? null : Math.min(Math.max(at, first, this.now - KEPT * 1000), this.now);
      this.lines();
    },

    redraw() {
      if (document.hidden) return;
      if (!this.paused && this.next) {
        this.view = this.next;
        this.now = this.view.point.at;
        this.drawn = [...this.points];
        this.words();
      }
      this.lines();
    },

    lines() {
      const points = this.drawn ?? [];
      for (const spark of this.sparks) spark.draw(points, this.now);
      for (const chart of this.charts) chart.draw(points, this.now, this.cross);
    },

    words() {
      const { view, tiles } = this;
      const { point } = view;
      put(byId("about"), view.about);
      if (!document.body.classList.contains("is-stale")) {
        set(byId("health"), "data-level", view.health.level);
        put(document.querySelector("#health .words"), LEVELS[view.health.level]);
        byId("reason").hidden = view.health.level === "ok" || view.health.level === "unknown";
        put(byId("reason"), view.alerts.map(({ title }) => title).join("; "));
      }
      show(tiles.p99.value, time(point.p99));
      put(tiles.p99.under, is(view.apdex) ? `Apdex ${view.apdex.toFixed(2)}` : "no requests");
      show(tiles.rate.value, rate(point.rate));
      put(tiles.rate.under, `${count(view.requests)} in all`);
      show(tiles.failed.value, rate(point.failed));
      put(tiles.failed.under, `${count(view.failed)} in all`);
      show(tiles.budget.value, share(point.budget));
      put(tiles.budget.under, view.budget_of);
      show(tiles.hits.value, share(point.hits));
      put(tiles.hits.under, `${count(view.cache.entries)} of ${count(view.cache.capacity)} kept`);
      show(tiles.flight.value, plain(point.flight));
      put(tiles.flight.under, is(view.little) ? `Little's law: ${digits(view.little)}` : "");
      show(byId("memory"), bytes(point.memory));
      const [cpu, unit] = is(point.cpu) ? [point.cpu.toFixed(2), view.cores === 1 ? "of 1 core" : `of ${view.cores} cores`] : [NONE, ""];
      show(byId("cpu"), [cpu, unit]);
      this.alerts(view);
      this.objectives(view);
      this.advice(view);
      rows(
        byId("routes"),
        view.routes.map((route) => [
          route.route,
          said(rate(route.rate)),
          said(time(route.p50)),
          said(time(route.p95)),
          said(time(route.p99)),
          { text: said(share(route.failed)), hot: route.failed > 0.01 },
        ]),
      );
      byId("no-routes").hidden = view.routes.length > 0;
      this.saturation(view);
      put(byId("clock"), `Figures of ${clock(point.at)}.`);
    },

    alerts(view) {
      const parent = byId("alerts");
      keep(parent, view.alerts.length, () => make("li", { class: "alert" }, make("span", { class: "mark", "aria-hidden": "true" }), make("b"), make("span"))).forEach((element, at) => {
        const alert = view.alerts[at];
        set(element, "data-level", alert.level);
        put(element.children[1], alert.title);
        put(element.children[2], `${alert.reason} Raised at ${clock(alert.since)}.`);
      });
    },

    objectives(view) {
      const create = () =>
        make(
          "div",
          { class: "objective" },
          make("div", { class: "bar" }, make("h3"), make("span", { class: "left" })),
          make("div", { class: "gauge", role: "meter", "aria-valuemin": "0", "aria-valuemax": "100" }, make("i")),
          make("p", { class: "quiet" }),
          make(
            "div",
            { class: "scroll", role: "region", tabindex: "0" },
            make(
              "table",
              {},
              make("thead", {}, make("tr", {}, ...["Burnt over", "long", "short", "limit", "asks for"].map((name) => make("th", { scope: "col" }, name)))),
              make("tbody"),
            ),
          ),
        );
      keep(byId("objectives"), view.objectives.length, create).forEach((element, at) => {
        const objective = view.objectives[at];
        const [name, left] = element.querySelector(".bar").children;
        put(name, objective.promise);
        const known = is(objective.left);
        put(left, known ? (objective.left < 0 ? "budget overspent" : `${said(share(objective.left))} left`) : "no requests yet");
        const gauge = element.querySelector(".gauge");
        const width = known ? Math.min(Math.max(objective.left * 100, 0), 100) : 0;
        set(gauge, "aria-label", `Error budget left: ${objective.promise}`);
        set(gauge, "aria-valuenow", width.toFixed(1));
        gauge.firstElementChild.style.width = `${width.toFixed(1)}%`;
        set(gauge.firstElementChild, "data-level", !known || objective.left > 0.25 ? "ok" : objective.left > 0 ? "warning" : "critical");
        put(element.querySelector("p"), objective.words);
        set(element.querySelector(".scroll"), "aria-label", `Burn rates: ${objective.promise}`);
        rows(
          element.querySelector("tbody"),
          objective.burns.map((burn) => [
            `${span(burn.long_seconds)} and ${span(burn.short_seconds)}`,
            said(plain(burn.long)),
            said(plain(burn.short)),
            digits(burn.threshold),
            { text: burn.firing ? burn.level : NONE, hot: burn.firing },
          ]),
        );
      });
    },

    advice(view) {
      byId("no-advice").hidden = view.advice.length > 0;
      put(byId("no-advice"), view.no_advice);
      const create = () =>
        make("li", {}, make("h3"), make("p", { class: "effect" }), make("details", {}, make("summary", {}, "The numbers behind it"), make("ul")));
      keep(byId("advice"), view.advice.length, create).forEach((element, at) => {
        const { title, effect, facts } = view.advice[at];
        const [heading, words, details] = element.children;
        put(heading, title);
        put(words, effect);
        words.hidden = effect === "";
        keep(details.lastElementChild, facts.length, () => make("li")).forEach((fact, number) => put(fact, facts[number]));
      });
    },

    saturation(view) {
      const create = () =>
        make(
          "div",
          { class: "meter" },
          make("div", { class: "bar" }, make("span"), make("b")),
          make("div", { class: "gauge", role: "meter", "aria-valuemin": "0", "aria-valuemax": "100" }, make("i")),
          make("p", { class: "quiet" }),
        );
      keep(byId("saturation"), view.saturation.length, create).forEach((element, at) => {
        const { name, busy, words } = view.saturation[at];
        const [label, figure] = element.querySelector(".bar").children;
        put(label, name);
        put(figure, is(busy) ? `${said(share(busy))} busy` : NONE);
        const gauge = element.querySelector(".gauge");
        const width = is(busy) ? Math.min(Math.max(busy * 100, 0), 100).toFixed(1) : "0";
        set(gauge, "aria-label", `${name}: share of the time that it is busy`);
        set(gauge, "aria-valuenow", width);
        gauge.firstElementChild.style.width = `${width}%`;
        set(gauge.firstElementChild, "data-level", busy > 0.9 ? "critical" : busy > 0.75 ? "warning" : "ok");
        put(element.querySelector("p"), words);
      });
    },
  };

  page.start();
})();
