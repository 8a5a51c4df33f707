/* The page: what it is told, and where it shows it. */

/** Without news for so long, the figures are old. */
const STALE_MILLIS = 4000;

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
