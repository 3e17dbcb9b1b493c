// Draws the report from the JSON the page carries. Text enters the page as text nodes only; names in charts are escaped.
"use strict";
(() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const page = document.getElementById("page");
  page.textContent = "";
  const charts = [], scenes = [], dark = matchMedia("(prefers-color-scheme: dark)");

  // --- elements ---------------------------------------------------------------------------------------------------------
  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) if (value !== undefined && value !== null) node.setAttribute(key, value);
    for (const child of children.flat()) if (child !== null && child !== undefined) node.append(child);
    return node;
  }
  const add = (...nodes) => page.append(...nodes.flat().filter(Boolean));
  function section(id, title) {
    add(el("h2", {id}, title));
    nav.append(el("a", {href: "#" + id}, title));
  }
  /// columns: [{title, left, wrap}], rows: arrays of cells.
  function table(columns, rows, own, kind) {
    const head = el("tr", {}, columns.map(c => el("th", {class: c.left ? "left" : null}, c.title)));
    const body = rows.map((row, k) => el("tr", {class: own && own(k) ? "own" : null}, row.map((cell, j) =>
      el("td", {class: [columns[j].left ? "left" : "", columns[j].wrap ? "wrap" : "", columns[j].mono ? "mono" : ""].join(" ").trim() || null},
         cell === null || cell === undefined ? "–" : cell))));
    return el("div", {class: "scroll"}, el("table", {class: kind}, el("thead", {}, head), el("tbody", {}, body)));
  }

  // --- numbers ----------------------------------------------------------------------------------------------------------
  const superscript = n => String(n).replace(/[-0-9]/g, c => c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]);
  function number(x, digits = 3) {
    if (x === null || x === undefined || !Number.isFinite(x)) return "–";
    if (x === 0) return "0";
    if (Number.isInteger(x) && Math.abs(x) < 1e9) return String(x).replace("-", "−");
    const size = Math.floor(Math.log10(Math.abs(x)));
    if (size < -3 || size > 5) {
      const [mantissa, power] = x.toExponential(digits - 1).split("e");
      return `${mantissa}·10${superscript(Number(power))}`.replace(/^-/, "−");
    }
    return x.toFixed(Math.max(0, digits - 1 - size)).replace("-", "−");
  }
  const unitNames = {ang2_per_ps: "Å²/ps", ev: "eV", kcal_mol: "kcal/mol", s_per_cm: "S/cm", ang: "Å", ang2: "Å²", ev_ang: "eV/Å", mev_ang: "meV/Å", mev_per_atom: "meV/atom", ev_per_atom: "eV/atom", mev_per_atom_ps: "meV/atom/ps", kelvin: "K", kelvin_per_ps: "K/ps", ang_per_ps: "Å/ps", per_ang3: "1/Å³",
                     ps: "ps", fs: "fs", ns: "ns", ns_per_day: "ns/day", percent: "%", per_ps: "1/ps", microsecond: "µs", seconds: "s"};
  const unit = u => unitNames[u] || u || "";
  const interval = e => e.low === null || e.high === null || e.low === undefined ? "" : `${number(e.low)} … ${number(e.high)}`;

  // --- charts -----------------------------------------------------------------------------------------------------------
  const root = document.documentElement;
  const css = name => getComputedStyle(root).getPropertyValue(name).trim();
  /// What `make` gives in the light colours, whatever the page wears: for paper.
  function inLight(make) {
    root.dataset.theme = "light";
    try { return make(); } finally { delete root.dataset.theme; }
  }
  const palette = () => ["--one", "--two", "--three", "--four", "--five"].map(css);
  const plain = text => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const faded = (hex, alpha) => `rgba(${[1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16)).join(",")},${alpha})`;
  const haveCharts = typeof Plotly !== "undefined";

  // --- downloads --------------------------------------------------------------------------------------------------------
  function save(name, type, content) {
    const address = URL.createObjectURL(new Blob([content], {type}));
    const link = el("a", {href: address, download: name});
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }
  const csvCell = v => v === null || v === undefined ? "" : /[",\n]/.test(String(v)) ? `"${String(v).replace(/"/g, '""')}"` : String(v);
  const csv = rows => rows.map(row => row.map(csvCell).join(",")).join("\n") + "\n";
  const unescaped = text => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
  const button = (text, title, act) => {
    const node = el("button", {type: "button", title, "aria-label": title}, text);
    node.addEventListener("click", act);
    return node;
  };
  const fileName = (...parts) => parts.join("-").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

  /// Every point with its interval; bands are the intervals of the curve they belong to.
  function chartCsv(caption, {traces, x, y}) {
    const rows = [["series", x.title.text || "at", y.title.text, "low", "high"]];
    for (const t of traces) {
      if (t.fill === "toself") continue;
      const meta = t.meta || {};
      t.x.forEach((at, k) => rows.push([unescaped(t.name || ""), meta.at ? meta.at[k] : at, t.y[k], meta.low ? meta.low[k] : null, meta.high ? meta.high[k] : null]));
    }
    return "# " + caption.replace(/\n/g, " ") + "\n" + csv(rows);
  }
  async function chartSvg(make) {
    const {traces, layout} = inLight(() => figureOf(make, "Helvetica, Arial, sans-serif"));
    const address = await Plotly.toImage({data: traces, layout: {...layout, paper_bgcolor: "#fff"}}, {format: "svg", width: 680, height: 440});
    return decodeURIComponent(address.slice(address.indexOf(",") + 1));
  }

  /// name: of the files that can be saved. make(colours) → {traces, x, y, layout, legend}
  function chart(name, caption, make) {
    if (!haveCharts) return null;
    const plot = el("div", {class: "plot", role: "img", "aria-label": caption});
    charts.push({plot, make});
    const file = fileName(prefix, name);
    return el("figure", {}, plot, el("figcaption", {}, caption, " ", el("span", {class: "saves"},
      button("SVG", "save this chart as SVG", async () => save(file + ".svg", "image/svg+xml", await chartSvg(make))),
      button("CSV", "save this chart's data as CSV", () => save(file + ".csv", "text/csv", chartCsv(caption, make(palette())))))));
  }
  const chartRow = (...figures) => figures.some(Boolean) ? el("div", {class: "charts"}, figures) : null;

  function axis(title, more) {
    return {title: {text: title, standoff: 8}, gridcolor: css("--line"), zerolinecolor: css("--line"), linecolor: css("--soft"),
            ticks: "outside", tickcolor: css("--soft"), showline: true, automargin: true, exponentformat: "power", ...more};
  }
  /// A logarithmic axis over all of `values`: labelled at 1, 2 and 5 of each decade where there is room, else at the decades.
  function logAxis(title, values) {
    const known = values.flat().filter(v => v > 0), low = Math.floor(Math.log10(Math.min(...known))), high = Math.ceil(Math.log10(Math.max(...known)));
    const steps = high - low <= 3 ? [1, 2, 5] : [1], spacing = Math.ceil((high - low) / 8);
    const ticks = [];
    for (let power = low; power <= high; power += spacing) for (const step of steps) ticks.push([step, power]);
    return axis(title, {type: "log", tickvals: ticks.map(([step, power]) => step * 10 ** power),
      ticktext: ticks.map(([step, power]) => power < -3 || power > 4 ? (step === 1 ? "" : step + "·") + "10" + superscript(power) : String(Number((step * 10 ** power).toPrecision(1))))});
  }
  function figureOf(make, font) {
    const {traces, x, y, layout, legend} = make(palette());
    return {traces, layout: {
      xaxis: x, yaxis: y, margin: {l: 62, r: 14, t: 12, b: 48}, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: {family: font, size: 13, color: css("--ink")}, hovermode: "closest", dragmode: matchMedia("(pointer: coarse)").matches ? false : "zoom",
      legend: {orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: {size: 12}, ...legend}, ...layout}};
  }
  /// Lets a drawn chart scale as a picture: print gives it another width than the screen.
  function scalable(plot) {
    for (const svg of plot.querySelectorAll("svg.main-svg")) svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
  }
  function draw() {
    for (const {plot, make} of charts) {
      const {traces, layout} = figureOf(make, "system-ui, sans-serif"), first = !plot.on;
      Plotly.react(plot, traces, layout, {responsive: true, displaylogo: false, displayModeBar: false});
      if (first) plot.on("plotly_afterplot", () => scalable(plot));
      scalable(plot);
    }
  }
  const line = (x, y, name, color, more) => ({x, y, name: plain(name), type: "scatter", mode: "lines", line: {color, width: 2}, ...more});
  const dots = (x, y, name, color, more) => ({x, y, name: plain(name), type: "scatter", mode: "markers", marker: {color, size: 7}, ...more});
  /// A band between two curves; points without both ends are left out.
  function band(x, low, high, color, name) {
    const keep = x.map((_, k) => k).filter(k => Number.isFinite(low[k]) && Number.isFinite(high[k]) && low[k] !== null && high[k] !== null);
    return {x: [...keep.map(k => x[k]), ...keep.map(k => x[k]).reverse()], y: [...keep.map(k => high[k]), ...keep.map(k => low[k]).reverse()],
            type: "scatter", mode: "lines", fill: "toself", fillcolor: faded(color, 0.18), line: {width: 0}, hoverinfo: "skip",
            showlegend: Boolean(name), name: plain(name || "")};
  }
  function bars(y, low, high) {
    return {type: "data", symmetric: false, array: y.map((v, k) => high[k] === null || v === null ? 0 : Math.max(0, high[k] - v)),
            arrayminus: y.map((v, k) => low[k] === null || v === null ? 0 : Math.max(0, v - low[k])), thickness: 1.2, width: 3};
  }

  const nav = el("nav", {"aria-label": "sections"});
  let prefix = "";
  const time = text => text.replace("T", " ").replace("Z", " UTC");
  const noCharts = () => haveCharts ? null : el("p", {class: "soft"}, "This build of saltus carries no charts; the tables below are complete.");
  const shaded = (from, to) => from === null || from === undefined ? [] : [{type: "rect", xref: "x", yref: "paper", x0: from, x1: to, y0: 0, y1: 1,
    line: {width: 0}, fillcolor: faded(css("--five"), 0.13), layer: "below"}];
  const estimate = (stage, name) => (stage.estimates || []).find(e => e.name === name);
  const footer = text => add(el("footer", {}, text, " Intervals are 95 %. The page is complete in itself: it carries its data and its scripts and asks the network for nothing. ",
    licences()));
  function licences() {
    const text = document.getElementById("licences").textContent.trim();
    return haveCharts && text ? el("details", {class: "licences"}, el("summary", {}, "Licences of the scripts"), el("pre", {}, text)) : null;
  }

  // --- cell, atoms, sites and jumps -------------------------------------------------------------------------------------
  const mol = window.$3Dmol || window["3Dmol"];
  const mixed = (a, b, share) => "#" + [1, 3, 5].map(k => Math.round((1 - share) * parseInt(a.slice(k, k + 2), 16) + share * parseInt(b.slice(k, k + 2), 16))
    .toString(16).padStart(2, "0")).join("");
  function haveWebgl() {
    try {
      const canvas = document.createElement("canvas");
      return Boolean(canvas.getContext("webgl2") || canvas.getContext("webgl"));
    } catch { return false; }
  }
  const mostJumps = 800;  // lines drawn
  /// What the sites' colours and the lines between them can mean: [{name, text, colour(k), label(k), line: its colour, lines: [{from, to, image, weight, arrow}]}].
  function sceneViews(k, s, jumps) {
    const occupation = k.sites.rows.map(r => r[k.sites.occupation_column]), departures = k.sites.columns.indexOf("departures");
    const least = Math.min(...occupation), greatest = Math.max(...occupation), none = () => css("--line");
    const busiest = jumps.length ? jumps[0].count : 1;
    const counted = jumps.slice(0, mostJumps).map(jump => ({...jump, weight: jump.count / busiest}));
    const views = [{name: "occupation and jumps",
      text: `Sites of ${s.mobile}: from yellow (occupation ${number(least)}) to blue (${number(greatest)}). Orange: jumps, thicker the more often they happened (${jumps.length} pairs of sites${jumps.length > mostJumps ? `; the ${mostJumps} busiest are drawn` : ""}), those that leave the cell drawn halfway from both sides.`,
      colour: j => mixed(css("--five"), css("--one"), greatest > least ? (occupation[j] - least) / (greatest - least) : 1),
      label: j => `occupation ${number(occupation[j])}, ${k.sites.rows[j][departures]} departures`, line: "--two", lines: counted}];
    (k.modes ? k.modes.rows : []).forEach((mode, m) => {
      const most = Math.max(...mode.value.filter(v => v !== null).map(Math.abs));
      views.push({name: `slow mode ${m + 1}${mode.time_ps ? `, ${number(mode.time_ps)} ps` : ""}`,
        text: `Slow mode ${m + 1}: ions flow between the blue sites and the orange ones${mode.time_ps ? ` in ${number(mode.time_ps)} ps` : ""}; the paler, the less a site takes part. Lines: jumps, thicker the more often they happened.`,
        colour: j => mode.value[j] === null ? none() : mixed(css("--line"), mode.value[j] > 0 ? css("--one") : css("--two"), Math.min(1, Math.abs(mode.value[j]) / most)),
        label: j => mode.value[j] === null ? "never visited" : `mode ${m + 1}: ${number(mode.value[j])}`, line: "--soft", lines: counted});
    });
    for (const d of k.channels ? k.channels.directions : []) {
      if (!d.progress) continue;
      const end = Math.max(...d.progress.filter(v => v !== null)), widest = d.paths.length ? d.paths[0][5] : 1;
      views.push({name: `transport along ${d.name}`,
        text: `Transport along ${d.name}: arrows show where ions go under a small force, thicker the larger the share of a jump in D (the ${d.paths.length} largest). Sites from yellow to blue: the committor, how far along its way across the crystal an ion is there, in cells.`,
        colour: j => d.progress[j] === null ? none() : mixed(css("--five"), css("--one"), end > 0 ? d.progress[j] / end : 0),
        label: j => d.progress[j] === null ? "never visited" : `${number(d.progress[j])} cells along ${d.name}`, line: "--two",
        lines: d.paths.map(([from, to, a, b, c, share]) => ({from, to, image: [a, b, c], weight: share / widest, arrow: true}))});
    }
    return views;
  }
  function sceneFigure(stage, k) {
    const s = k.scene;
    if (!s || !haveCharts || !mol) return null;
    const jumps = s.jumps.map(([from, to, a, b, c, there, back]) => ({from, to, image: [a, b, c], count: there + back})).sort((p, q) => q.count - p.count);
    const views = sceneViews(k, s, jumps), first = k.sites.first ?? 1,  // number of the first site
      common = `Cell of the sites. ${s.framework_ang.length ? `Grey: mean positions of ${s.element}. ` : ""}Sites are larger the more they are occupied. `;
    const box = el("div", {class: "scene", role: "img", "aria-label": common + views[0].text}), saves = el("span", {class: "saves"}), words = el("span", {}, views[0].text);
    const entry = {box, first, scene: s, views, view: views[0], occupation: k.sites.rows.map(r => r[k.sites.occupation_column]), viewer: null};
    const file = () => fileName(prefix, stage.name, entry.view.name);
    entry.saveViews = () => saves.prepend(button("PNG", "save this view as PNG", async () =>
      save(file() + ".png", "image/png", Uint8Array.from(atob(entry.viewer.pngURI().split(",")[1]), c => c.charCodeAt(0)))));
    saves.append(button("CSV", "save the jumps as CSV", () => save(fileName(prefix, stage.name, "jumps") + ".csv", "text/csv",
      csv([["from site", "to site", "image a", "image b", "image c", "jumps there", "jumps back"], ...s.jumps.map(([i, j, ...rest]) => [i + first, j + first, ...rest])]))));
    const choice = el("select", {"aria-label": "what the view shows"}, views.map((view, j) => el("option", {value: j}, view.name)));
    choice.addEventListener("change", () => {
      entry.view = views[choice.value];
      words.textContent = entry.view.text;
      box.setAttribute("aria-label", common + entry.view.text);
      colourScene(entry);
    });
    scenes.push(entry);
    return el("figure", {class: "wide"}, views.length > 1 ? el("label", {class: "view small soft"}, "Shown: ", choice) : null, box,
      el("figcaption", {}, common, words, el("span", {class: "turn"}, " Drag to turn, Ctrl and wheel or pinch to zoom; point at a site for its numbers."), " ", saves));
  }
  function drawScene(entry) {
    const {box, scene} = entry;
    const none = why => {
      box.classList.add("none");
      box.textContent = why;
      box.parentElement.querySelector("label.view")?.remove();
    };
    if (!haveWebgl()) { none("The 3D view needs WebGL, which this browser does not offer here. The sites are in the table below, the jumps in the CSV file."); return; }
    try {
      entry.viewer = mol.createViewer(box, {backgroundColor: css("--card"), antialias: true});
      fillScene(entry);
      entry.viewer.zoomTo();
      entry.viewer.rotate(-76, "x");
      entry.viewer.rotate(22, "z");
      entry.viewer.zoom(1.1);
      entry.viewer.render();
      // A wheel over the view scrolls the page unless Ctrl is held.
      box.addEventListener("wheel", event => { if (!event.ctrlKey) event.stopPropagation(); }, {capture: true});
      entry.saveViews();
      box.dataset.drawn = "yes";
    } catch (error) { none("The 3D view could not be drawn here: " + error.message); }
  }
  function fillScene({viewer, first, scene, view, occupation}) {
    const at = ([x, y, z]) => ({x, y, z}), [a, b, c] = scene.cell_ang;
    const plus = (...vectors) => vectors.reduce((p, q) => p.map((v, k) => v + q[k]), [0, 0, 0]);
    const times = (f, v) => v.map(x => f * x);
    const edge = (from, to) => viewer.addCylinder({start: at(from), end: at(to), radius: 0.035, color: css("--soft"), fromCap: 1, toCap: 1});
    for (const [along, p, q] of [[a, b, c], [b, a, c], [c, a, b]])
      for (const corner of [[0, 0, 0], p, q, plus(p, q)]) edge(corner, plus(corner, along));
    const model = viewer.addModel();
    model.addAtoms(scene.framework_ang.map(p => ({elem: scene.element, ...at(p), bonds: [], bondOrder: []})));
    viewer.setStyle({}, {sphere: {radius: 0.55, color: mixed(css("--soft"), css("--line"), 0.35)}});
    scene.sites_ang.forEach((p, k) => {
      let label = null;
      const show = () => { if (!label) label = viewer.addLabel(`site ${k + first}: ${view.label(k)}`,
        {position: at(p), fontSize: 13, backgroundColor: css("--ink"), fontColor: css("--paper"), backgroundOpacity: 0.9}); };
      const hide = () => { if (label) { viewer.removeLabel(label); label = null; } };
      viewer.addSphere({center: at(p), radius: 0.2 + 0.25 * Math.max(0, Math.min(1, occupation[k])), color: view.colour(k), hoverable: true, hover_callback: show, unhover_callback: hide,
        clickable: true, callback: () => label ? hide() : show()});
    });
    for (const {from, to, image, weight, arrow} of view.lines) {
      const shift = plus(times(image[0], a), times(image[1], b), times(image[2], c));
      const start = scene.sites_ang[from], end = scene.sites_ang[to], radius = 0.03 + 0.13 * Math.sqrt(weight), color = css(view.line);
      const stroke = (p, q) => arrow ? viewer.addArrow({start: at(p), end: at(q), radius, radiusRatio: 2, mid: 0.6, color})
        : viewer.addCylinder({start: at(p), end: at(q), radius, color, fromCap: 1, toCap: 1});
      if (image.every(n => n === 0)) { stroke(start, end); continue; }
      stroke(start, times(0.5, plus(start, end, shift)));
      const entry = times(0.5, plus(start, end, times(-1, shift)));
      if (arrow) stroke(entry, end); else stroke(end, entry);
    }
  }
  function colourScene(entry) {
    if (!entry.viewer) return;
    entry.viewer.removeAllModels(); entry.viewer.removeAllShapes(); entry.viewer.removeAllLabels();
    entry.viewer.setBackgroundColor(css("--card"));
    fillScene(entry);
    entry.viewer.render();
  }
  function pictureOfScene(entry) {
    if (!entry.viewer) return;
    if (dark.matches) inLight(() => colourScene(entry));
    const picture = entry.box.querySelector("img") || entry.box.appendChild(el("img", {alt: ""}));
    picture.src = entry.viewer.pngURI();
  }

  function occupationChart(stage, sites) {
    return chart(stage.name + " occupation", "Occupation of the sites: share of frames in which an ion belongs to the site.", c => ({
      traces: [{x: sites.rows.map(r => r[0]), y: sites.rows.map(r => r[sites.occupation_column]), type: "bar", name: "occupation", marker: {color: c[2]}}],
      x: axis("site"), y: axis("occupation", {rangemode: "tozero"}), layout: {showlegend: false}}));
  }
  function showSites(stage, k) {
    add(sceneFigure(stage, k));
    add(el("details", k.sites.rows.length <= 24 ? {open: ""} : {}, el("summary", {}, `${k.sites.rows.length} sites`),
      table(k.sites.columns.map((title, j) => ({title, left: j === 0})), k.sites.rows.map(row => row.map((v, j) => j === 0 || typeof v === "string" ? v : number(v)))),
      el("p", {class: "saves"}, button("CSV", "save the table of sites as CSV", () => save(fileName(prefix, stage.name, "sites") + ".csv", "text/csv", csv([k.sites.columns, ...k.sites.rows]))))));
  }

  /// A chart of curves, with bands or as dots with bars, as an analysis describes it.
  const curveChart = of => chart(of.name, of.caption, c => {
      const traces = of.curves.flatMap((curve, k) => {
        const color = c[k % c.length];
        if (curve.points)
          return [dots(curve.x, curve.y, curve.name, color, {...(curve.low ? {error_y: bars(curve.y, curve.low, curve.high)} : {}), meta: {low: curve.low, high: curve.high}})];
        return [...(curve.low ? [band(curve.x, curve.low, curve.high, color)] : []),
                line(curve.x, curve.y, curve.name, color, {line: {color, width: 1.6}, meta: {low: curve.low, high: curve.high}})];
      });
      return {traces, x: of.log_x ? logAxis(of.x, of.curves.map(curve => curve.x)) : axis(of.x, of.x_range ? {range: of.x_range} : {}),
              y: axis(of.y, of.curves.every(curve => curve.y.every(v => v === null || v >= 0)) ? {rangemode: "tozero"} : {}),
              layout: {showlegend: of.curves.length > 1, shapes: shaded(of.shaded_from, of.shaded_to)}};
    });

  // --- one run ----------------------------------------------------------------------------------------------------------
  function showRun(data) {
  const stages = kind => data.stages.filter(s => s.kind === kind);
  prefix = `run ${data.run}`;

  add(el("h1", {}, data.title));
  add(el("p", {class: "soft small"}, `Run ${data.run} of ${data.plan} · started ${time(data.started)}`
      + (data.finished ? ` · ended ${time(data.finished)}` : "") + ` · saltus ${data.version}`));
  if (data.state !== "done") add(el("p", {class: "error"}, `This run is not complete: ${data.state}. ${data.message || ""}`));
  add(nav);
  add(noCharts());

  function flag(series) {
    const a = series && series.agreement;
    if (!a || a.agree === null || a.agree === undefined) return el("p", {}, el("span", {class: "flag open"}, "not decided"), " ", a ? a.text : "");
    return el("p", {}, el("span", {class: "flag " + (a.agree ? "yes" : "no")}, a.agree ? "the two routes agree" : "the two routes differ"), " ", a.text);
  }
  function headline(stage) {
    const series = (stage.series || {}).kinetics;
    const system = series && series.system;
    const box = el("section", {class: "head"}, el("h3", {}, system ? `${system.formula}${system.temperature_kelvin ? `, ${number(system.temperature_kelvin)} K` : ""}` : stage.name));
    if (system) box.append(el("p", {class: "soft small"}, `${stage.name}: ${system.atoms} atoms, ${number(system.length_ps)} ps of molecular dynamics`
      + (system.carriers ? `, ${system.carriers}` : "")));
    const figures = el("div", {class: "figures"});
    for (const [name, label] of [["diffusion_msd", "D from the mean-square displacement"], ["diffusion_msm", "D from the Markov state model"]]) {
      const e = estimate(stage, name);
      if (!e) continue;
      const known = e.value !== null;
      figures.append(el("div", {class: "figure"}, el("span", {class: "soft small"}, label),
        el("b", {}, known ? `${number(e.value)} ${unit(e.unit)}` : "undetermined"),
        el("span", {class: "small"}, known ? `95 %: ${interval(e)}` : (e.note || "").replace(/^undetermined: /, "")),
        known ? el("div", {class: "small soft"}, `= ${number(e.value * 1e-4)} cm²/s`) : null));
    }
    box.append(figures);
    const jumps = estimate(stage, "jumps");
    if (jumps && jumps.value !== null) box.append(el("p", {class: "small"}, `${number(jumps.value)} completed core-to-core jumps`));
    if (series) box.append(flag(series));
    return box;
  }
  if (stages("kinetics").length) add(el("div", {class: "heads"}, stages("kinetics").map(headline)));

  // --- what analyses describe themselves ---------------------------------------------------------------------------------
  for (const [kind, title] of [["proton", "Shared protons"], ["wannier", "Wannier centres"], ["passage", "First passages and D(z)"]]) {
    if (stages(kind).length) section(kind, title);
    for (const stage of stages(kind)) {
      const own = (stage.series || {}).page;
      if (!own) { add(el("p", {class: "soft"}, `${stage.name}: no data for charts yet.`)); continue; }
      add(el("h3", {}, own.title), own.sentences.map(sentence => el("p", {}, sentence)), chartRow(...own.charts.map(curveChart)));
    }
  }

  // --- fit --------------------------------------------------------------------------------------------------------------
  function parity(name, points, label, unitText) {
    return chart(name, `${label}: the fitted potential against the reference, held-out test blocks.`, colours => {
      const traces = points.map((p, k) => dots(p.reference, p.predicted, p.set, colours[k % colours.length],
        {type: "scatter", marker: {color: colours[k % colours.length], size: 4, opacity: 0.55}}));
      const all = points.flatMap(p => p.reference);
      const ends = [all.reduce((a, b) => Math.min(a, b), Infinity), all.reduce((a, b) => Math.max(a, b), -Infinity)];
      traces.unshift(line(ends, ends, "equal", css("--soft"), {line: {color: css("--soft"), width: 1, dash: "dot"}, showlegend: false}));
      return {traces, x: axis(`reference, ${unitText}`), y: axis(`predicted, ${unitText}`), legend: {itemsizing: "constant"}};
    });
  }
  for (const stage of stages("finetune")) {
    const tuned = (stage.series || {}).finetune;
    section("finetune", "Fine-tuning");
    if (!tuned) { add(el("p", {class: "soft"}, "This stage has left no data for charts.")); continue; }
    const epochs = tuned.epochs, at = epochs.map(e => e.epoch), best = epochs.filter(e => e.best).at(-1);
    add(el("p", {}, `${number(tuned.trained_numbers)} of ${number(tuned.numbers)} numbers of a model of the family ${tuned.family}, trained on ${tuned.train_frames} frames; ${tuned.valid_frames} others chose epoch ${tuned.best_epoch} of ${epochs.length}.`));
    const marked = (y, color) => best ? [dots([best.epoch], [y(best)], "chosen", color, {marker: {color, size: 10, symbol: "circle-open", line: {width: 2}}})] : [];
    const many = at.length > 40 ? "lines" : "lines+markers";
    add(chartRow(
      chart("learning curve", "Loss after each epoch, on the frames trained on and on the validation blocks.", c => ({
        traces: [line(at, epochs.map(e => e.train_loss), "training", c[0], {mode: many}), line(at, epochs.map(e => e.valid_loss), "validation", c[1], {mode: many}), ...marked(e => e.valid_loss, css("--ink"))],
        x: axis("epoch", at.length < 12 ? {dtick: 1} : {}), y: logAxis("loss", [epochs.map(e => e.train_loss), epochs.map(e => e.valid_loss)])})),
      chart("learning curve force", "Force error on the validation blocks.", c => ({
        traces: [line(at, epochs.map(e => 1000 * e.valid_force_rmse_ev_ang), "validation", c[1], {mode: many}), ...marked(e => 1000 * e.valid_force_rmse_ev_ang, css("--ink"))],
        x: axis("epoch", at.length < 12 ? {dtick: 1} : {}), y: axis("force RMSE, meV/Å", {rangemode: "tozero"}), layout: {showlegend: false}}))));
    const scaled = (e, key, factor) => number(factor * e[key]) + (e["low_" + key] === null || e["low_" + key] === undefined ? "" : ` (${number(factor * e["low_" + key])} … ${number(factor * e["high_" + key])})`);
    const rows = tuned.before.flatMap((before, k) => [["before", before], ["after", tuned.after[k]]]).map(([when, e]) => [e.set, when, e.frames, scaled(e, "energy_rmse_ev_per_atom", 1000),
      scaled(e, "energy_rmse_aligned_ev_per_atom", 1000), scaled(e, "force_rmse_ev_ang", 1000), number(1000 * e.force_mae_ev_ang), number(100 * e.force_rmse_relative), number(e.force_cosine, 4)]);
    add(el("h3", {}, "Held-out errors before and after"));
    add(table([{title: "set", left: true}, {title: "", left: true}, {title: "frames"}, {title: "E raw"}, {title: "E composition-aligned"}, {title: "F RMSE"}, {title: "F MAE"}, {title: "F RMSE, % of RMS"}, {title: "F cosine"}],
      rows, k => k % 2 === 1));
    add(el("p", {class: "soft small"}, "Energies: RMSE in meV/atom, as they are and after the best shift per element; forces in meV/Å; in brackets 95 % intervals from blocks of frames. "
      + "The held-out part is the last of each set, after a gap in time; nothing was trained or chosen on it."));
  }
  for (const stage of [...stages("fit"), ...stages("distill")]) {
    const fit = (stage.series || {}).fit;
    section("fit", stage.kind === "distill" ? "The distilled potential" : "The potential");
    if (stage.kind === "distill") add(el("p", {class: "soft"}, "Fitted to frames that the model sampled and labelled: the reference below is that model. How both stand to the data is among the estimates."));
    if (!fit) { add(el("p", {class: "soft"}, "This stage has left no data for charts.")); continue; }
    add(el("p", {}, fit.summary));
    add(chartRow(parity("parity energy", fit.parity.energy, "Energies, each set's mean error removed", "eV/atom"), parity("parity force", fit.parity.force, "Force components (a sample)", "eV/Å")));
    add(el("h3", {}, "Errors per data set and part"));
    const rows = fit.errors.map(e => [e.set, e.part, e.frames, number(e.energy_rmse_raw_mev_per_atom), number(e.energy_rmse_mean_aligned_mev_per_atom),
      number(e.energy_rmse_aligned_mev_per_atom), number(e.force_rmse_mev_ang), number(e.force_mae_mev_ang), number(e.force_rms_mev_ang),
      number(100 * e.force_rmse_relative), ...fit.elements.map(symbol => number((e.elements[symbol] || {}).force_rmse_mev_ang))]);
    add(table([{title: "set", left: true}, {title: "part", left: true}, {title: "frames"}, {title: "E raw"}, {title: "E mean-aligned"},
      {title: "E composition-aligned"}, {title: "F RMSE"}, {title: "F MAE"}, {title: "F RMS (reference)"}, {title: "F RMSE, % of RMS"},
      ...fit.elements.map(symbol => ({title: `F RMSE ${symbol}`}))], rows, k => fit.errors[k].part === "test"));
    add(el("p", {class: "soft small"}, "Energies: RMSE in meV/atom, as they are, after removing the mean error, and after the best shift per element. Forces in meV/Å. "
      + "The test part is the last of each set, after a gap in time; nothing was fitted or chosen on it."));
    if (fit.candidates && fit.candidates.length > 1) {
      const tried = Object.keys(fit.candidates[0]).filter(key => !/^ridge$|rmse|loss/.test(key) && new Set(fit.candidates.map(c => c[key])).size > 1);
      add(el("details", {}, el("summary", {}, "Choice of the settings on validation blocks"),
        table([...tried.map(key => ({title: key.replaceAll("_", " ")})), {title: "ridge"}, {title: "F RMSE valid, meV/Å"}, {title: "E RMSE valid, meV/atom"}, {title: "loss"}],
          fit.candidates.map(c => [...tried.map(key => String(c[key])), number(c.ridge), number(c.valid_force_rmse_mev_ang, 4),
            number(c.valid_energy_rmse_mev_per_atom, 4), number(c.valid_loss, 4)]), k => k === fit.chosen_candidate)));
    }
    if (fit.trials && fit.trials.length) {
      add(el("details", {}, el("summary", {}, "Choice of the regularisation on validation blocks"),
        table([{title: "ridge"}, {title: "F RMSE train, meV/Å"}, {title: "F RMSE valid, meV/Å"}, {title: "E RMSE valid, meV/atom"}, {title: "loss"}],
          fit.trials.map(t => [number(t.ridge), number(t.train_force_rmse_mev_ang, 4), number(t.valid_force_rmse_mev_ang, 4),
            number(t.valid_energy_rmse_mev_per_atom, 4), number(t.valid_loss, 4)]), k => fit.trials[k].ridge === fit.chosen_ridge)));
    }
  }

  // --- refinement -------------------------------------------------------------------------------------------------------
  for (const stage of stages("refine")) {
    const refined = (stage.series || {}).refine;
    section("refine", "The potential refined");
    if (!refined) { add(el("p", {class: "soft"}, "This stage has left no data for charts.")); continue; }
    const committee = refined.measure === "max_force_spread_ev_ang";
    const most = simulations => Math.max(...simulations.map(s => s[refined.measure]));
    const rounds = refined.rounds, at = rounds.map((_, k) => k + 1);
    add(el("p", {}, `${rounds.length} rounds of simulations, labels by CP2K where the potential ${committee ? "doubts: where its members, fine-tuned from different seeds, do not agree" : "extrapolates"}, and training with them. It ended because ${refined.ended}.`));
    if (rounds.length) {
      const errors = which => rounds.map(r => r[which] ? 1000 * r[which].force_rmse_ev_ang : null);
      const reach = rounds.map(r => most(r.simulations)), beyond = refined.last_check.length ? [...reach, most(refined.last_check)] : reach;
      add(chartRow(
        chart("refine force", "Force error on all labels held out so far, by the potential before each round's training and after it.", c => ({
          traces: [line(at, errors("before"), "before", c[0], {mode: "lines+markers"}), line(at, errors("after"), "after", c[1], {mode: "lines+markers"})],
          x: axis("round", {dtick: 1}), y: axis("force RMSE, meV/Å", {rangemode: "tozero"})})),
        chart("refine doubt", (committee ? "Largest spread of the force on any atom among the members in each round's simulations, scaled so that on unseen labelled frames it is the error (root mean square)." : "Largest extrapolation of any atom in each round's simulations: 1 is the edge of the training data (dashed).") +
          " The last are those with the last potential; a simulation that reached its limit was ended there.", c => ({
          traces: [line(beyond.map((_, k) => k + 1), beyond, "largest", c[3], {mode: "lines+markers"}),
                   ...(committee ? [] : [line([1, beyond.length], [1, 1], "edge of the training data", css("--ink"), {line: {color: css("--ink"), width: 1.5, dash: "dash"}})])],
          x: axis("round", {dtick: 1}), y: committee ? axis("spread of a force, eV/Å", {rangemode: "tozero"}) : logAxis("extrapolation", [beyond, [1]]), layout: {showlegend: false}}))));
      const simulated = list => list.map(s => `${number(s.temperature_kelvin)} K: ${number(s.simulated_ps)} ps${s.ended_early ? ", ended early" : ""}`).join("; ");
      add(table([{title: "round"}, {title: "simulations", left: true}, {title: committee ? "spread, eV/Å" : "extrapolation"}, {title: "candidates"}, {title: "labels"}, {title: "refused"}, {title: "trained"}, {title: "held out"},
        {title: "F RMSE before"}, {title: "F RMSE after"}, {title: "F RMS (reference)"}],
      rounds.map((r, k) => [k + 1, simulated(r.simulations), number(reach[k]), r.candidates, r.labels.frames, r.labels.refused.length, r.trained, r.held_out,
        number(errors("before")[k]), number(errors("after")[k]), r.after ? number(1000 * r.after.force_rms_ev_ang) : ""])));
      add(el("p", {class: "soft small"}, "Forces in meV/Å, on every label held out up to that round; these were never trained on. A label is refused when its SCF did not converge, or when its forces sum to too much."));
    }
  }

  // --- molecular dynamics -----------------------------------------------------------------------------------------------
  if (stages("md").length) section("md", "Molecular dynamics");
  for (const stage of stages("md")) {
    const md = (stage.series || {}).md;
    add(el("h3", {}, md ? `${stage.name}: ${md.formula}` : stage.name));
    if (!md) { add(el("p", {class: "soft"}, "No data for charts yet.")); continue; }
    add(el("p", {}, md.summary));
    // How far the potential may be trusted along the run: null where nothing was measured.
    const doubt = (name, title, caption, values, limit, edge) => !values || !values.some(v => v !== null) ? null : chart(stage.name + " " + name, caption, c => {
      const at = md.time_ps.map((_, j) => j).filter(j => values[j] !== null), ends = [md.time_ps[0], md.time_ps.at(-1)];
      const level = (value, text, dash) => line(ends, [value, value], text, css("--ink"), {line: {color: css("--ink"), width: 1.5, dash}});
      return {traces: [line(at.map(j => md.time_ps[j]), at.map(j => values[j]), "largest", c[3], {mode: at.length > 200 ? "lines" : "lines+markers", line: {color: c[3], width: 1}, marker: {color: c[3], size: 4}}),
                       ...(edge ? [level(edge, "edge of the training data", "dash")] : []), ...(limit ? [level(limit, "limit", "dot")] : [])],
              x: axis("time, ps"), y: axis(title, {rangemode: "tozero"}), layout: {showlegend: false}};
    });
    add(chartRow(
      chart(stage.name + " temperature", "Temperature; the dotted line is the thermostat's.", c => ({
        traces: [line(md.time_ps, md.temperature_kelvin, "temperature", c[0], {line: {color: c[0], width: 1}}),
                 ...(md.target_kelvin ? [line([md.time_ps[0], md.time_ps.at(-1)], [md.target_kelvin, md.target_kelvin], "target", css("--ink"), {line: {color: css("--ink"), width: 1.5, dash: "dot"}})] : [])],
        x: axis("time, ps"), y: axis("temperature, K"), layout: {showlegend: false}})),
      chart(stage.name + " drift", "Drift of the conserved quantity (total energy less what the thermostat put in).", c => ({
        traces: [line(md.time_ps, md.conserved_mev_per_atom, "conserved", c[1], {line: {color: c[1], width: 1.2}})],
        x: axis("time, ps"), y: axis("drift, meV/atom"), layout: {showlegend: false}})),
      doubt("extrapolation", "extrapolation", "Largest extrapolation of any atom: 1 is the edge of the training data (dashed); the run stops at the dotted line.",
        md.extrapolation, md.max_extrapolation, 1),
      doubt("spread", "spread of a force, eV/Å", "Largest spread of the force on any atom among the members of the committee; the run stops at the dotted line.",
        md.force_spread_ev_ang, md.max_force_spread_ev_ang, null)));
  }

  // --- path integrals: one folded part per run ---------------------------------------------------------------------------
  if (stages("pimd").length) section("pimd", "Path integrals");
  for (const stage of stages("pimd")) {
    const own = (stage.series || {}).page;
    if (!own) { add(el("p", {class: "soft"}, `${stage.name}: no data for charts yet.`)); continue; }
    const part = el("details", {}, el("summary", {}, own.title), own.sentences.map(sentence => el("p", {}, sentence)), chartRow(...own.charts.map(curveChart)));
    part.addEventListener("toggle", () => { if (haveCharts && part.open) for (const plot of part.querySelectorAll(".plot")) Plotly.Plots.resize(plot); });
    add(part);
  }

  // --- kinetics ---------------------------------------------------------------------------------------------------------
  for (const stage of stages("kinetics")) {
    const k = (stage.series || {}).kinetics;
    section("kinetics-" + stage.name, stages("kinetics").length > 1 ? `Kinetics: ${stage.name.replace(/^kinetics-/, "")}` : "Kinetics");
    if (!k) { add(el("p", {class: "soft"}, "No data for charts yet.")); continue; }
    if (k.framework) {
      const f = k.framework;
      add(el("h3", {}, `Does the ${f.element} framework stay crystalline?`), el("p", {}, f.text));
      add(chartRow(
        chart(stage.name + " framework msd", `Mean-square displacement of ${f.element}: ` + (f.resting_msd_ang2 ? "that of the atoms that keep their places" : "it") + " must reach a plateau.", c => ({
          traces: f.resting_msd_ang2
            ? [line(f.lag_ps, f.msd_ang2, "all", c[1]), line(f.lag_ps, f.resting_msd_ang2, `without ${f.moved_atoms} that left their places`, c[2])]
            : [line(f.lag_ps, f.msd_ang2, f.element, c[2])],
          x: logAxis("lag, ps", f.lag_ps), y: axis("MSD, Å²", {rangemode: "tozero"}), layout: {showlegend: Boolean(f.resting_msd_ang2)}})),
        chart(stage.name + " framework rdf", `${f.element}–${f.element} radial distribution: the peaks of the beginning must still stand at the end.`, c => ({
          traces: f.rdf.map((r, j) => line(f.r_ang, r.g, r.name, c[[0, 1, 3][j % 3]], {line: {color: c[[0, 1, 3][j % 3]], width: j ? 1.5 : 2.5, dash: j ? "solid" : "solid"}})),
          x: axis("distance, Å"), y: axis("g(r)")}))));
    }
    add(el("h3", {}, "Diffusion by two routes"), flag(k), k.summary ? el("p", {class: "soft small"}, k.summary) : null);
    add(chartRow(
      k.msd ? chart(stage.name + " msd", "Mean-square displacement of the mobile ions, from the trajectory (with its 95 % band) and from the Markov model; shaded: where D is fitted.", c => ({
        traces: [...(k.msd.low ? [band(k.msd.lag_ps, k.msd.low, k.msd.high, c[0])] : []), line(k.msd.lag_ps, k.msd.trajectory_ang2, "trajectory", c[0], {meta: {low: k.msd.low, high: k.msd.high}}),
                 ...(k.msd.model ? [line(k.msd.model.lag_ps, k.msd.model.msd_ang2, "Markov model" + (k.msd.model.name ? ", " + k.msd.model.name : ""), c[1], {line: {color: c[1], width: 2, dash: "dash"}})] : [])],
        x: axis("lag, ps"), y: axis("MSD, Å²", {rangemode: "tozero"}),
        layout: {shapes: shaded(k.msd.fit_from_ps, k.msd.fit_to_ps)}})) : null,
      k.diffusion ? chart(stage.name + " diffusion", `D of the Markov model against its lag, with 95 % intervals${(estimate(stage, "diffusion_msd") || {value: null}).value === null ? "" : ", beside D from the mean-square displacement (band)"}. A one-particle model knows no memory: compare on the plateau.`, c => {
        const d = k.diffusion, msd = estimate(stage, "diffusion_msd"), traces = [];
        const ends = [d.lag_ps[0], d.lag_ps.at(-1)];
        if (msd && msd.value !== null) {
          traces.push(band(ends, [msd.low, msd.low], [msd.high, msd.high], c[0], ""), line(ends, [msd.value, msd.value], "from the MSD", c[0], {meta: {low: [msd.low, msd.low], high: [msd.high, msd.high]}}));
        }
        traces.push(dots(d.lag_ps, d.value, "Markov model", c[1], {mode: "lines+markers", line: {color: c[1], width: 1}, error_y: bars(d.value, d.low, d.high), meta: {low: d.low, high: d.high}}));
        return {traces, x: logAxis("lag, ps", d.lag_ps), y: axis("D, Å²/ps", {rangemode: "tozero"}), layout: {shapes: shaded(d.plateau_from_ps, d.plateau_to_ps)}};
      }) : null));
    if (k.timescales && k.timescales.processes.length) {
      add(el("h3", {}, "Implied timescales"));
      add(chartRow(chart(stage.name + " timescales", "Slowest implied timescales against the lag, with 95 % bands where known, cut a decade above; below the dotted line (timescale = lag) nothing can be resolved.", c => {
        const t = k.timescales, traces = [];
        t.processes.forEach((p, j) => {
          const color = c[j % c.length];
          if (p.low) traces.push(band(t.lag_ps, p.low, p.high, color));
          traces.push(dots(t.lag_ps, p.value, String(j + 1), color, {mode: "lines+markers", line: {color, width: 1.5}, marker: {color, size: 5}, meta: {low: p.low, high: p.high}}));
        });
        traces.push(line(t.lag_ps, t.lag_ps, "lag", css("--soft"), {line: {color: css("--soft"), width: 1, dash: "dot"}}));
        // Bands of what is hardly known reach over many decades: they are cut, so that the curves can be read.
        const known = [t.lag_ps, ...t.processes.map(p => p.value)].flat().filter(v => v > 0).map(Math.log10);
        const range = [Math.min(...known) - 0.5, Math.max(...known) + 1];
        return {traces, x: logAxis("lag, ps", t.lag_ps), y: {...logAxis("timescale, ps", range.map(v => 10 ** v)), range}};
      }), k.sites ? occupationChart(stage, k.sites) : null));
    }
    if (k.scattering || k.chapman_kolmogorov) {
      add(el("h3", {}, "Does the model hold beyond its lag?"), k.chapman_kolmogorov ? verdict(k.chapman_kolmogorov) : null);
      add(chartRow(chapmanKolmogorovChart(stage, k.chapman_kolmogorov), scatteringChart(stage, k.scattering)));
    }
    if (k.modes) {
      add(el("h3", {}, "Slow modes"), el("p", {}, k.modes.text),
        table([{title: "mode", left: true}, {title: "relaxation time, ps"}, {title: "95 % interval"}, {title: "takes from D, %"}, {title: "sites of one sign", left: true, wrap: true}, {title: "sites of the other", left: true, wrap: true}],
          k.modes.rows.map((mode, m) => [m + 1, number(mode.time_ps), interval({low: mode.low, high: mode.high}), number(100 * mode.share), leading(mode.value, 1), leading(mode.value, -1)])),
        el("p", {class: "soft small"}, "Named are the sites that take part most, at most six of each sign; the 3D view below can show a mode on all sites. ‘Takes from D’: how much of the D of uncorrelated jumps this relaxation takes away."));
    }
    if (k.channels) {
      add(el("h3", {}, "Ways through the crystal"), el("p", {}, k.channels.text));
      for (const d of k.channels.directions) {
        const rows = d.channels.map(c => [c.sites.map(j => j + 1).join(" → ") + " →", `[${c.image.join(" ")}]`, number(100 * c.share)]);
        add(el("details", {}, el("summary", {}, `Along ${d.name}: ${d.text.charAt(0).toLowerCase() + d.text.slice(1)}`),
          rows.length ? table([{title: "sites, then the first one in another cell", left: true, wrap: true}, {title: "cells further", left: true}, {title: "share of D, %"}], rows) : null));
      }
    }
    if (k.sites) {
      add(el("h3", {}, "Sites and jumps"), el("p", {class: "small soft"}, k.sites.text || ""));
      showSites(stage, k);
    }
  }
  function verdict(test) {
    const known = test.passed !== null;
    return el("p", {}, el("span", {class: "flag " + (!known ? "open" : test.passed ? "yes" : "no")}, !known ? "not decided" : test.passed ? "Markovian" : "not Markovian"), " ", test.text);
  }
  /// The sites with the largest values of one sign, by name.
  function leading(value, sign) {
    const members = value.map((v, j) => [sign * v, j]).filter(([v]) => v > 0).sort((p, q) => q[0] - p[0]);
    if (!members.length) return "–";
    const enough = members.filter(([v]) => v > 0.3 * members[0][0]);
    return enough.slice(0, 6).map(([, j]) => j + 1).join(", ") + (members.length > Math.min(6, enough.length) ? ", …" : "");
  }
  function chapmanKolmogorovChart(stage, test) {
    if (!test || !test.curves.length) return null;
    const own = test.curves.filter(curve => curve.from === curve.to);
    return chart(stage.name + " chapman kolmogorov", "Chapman–Kolmogorov test: probability to be in the set of sites where an ion began, as the model of one lag foretells it (lines with 95 % bands) and as models of longer lags find it (points). Sets: "
      + test.sets.map((set, j) => `${j + 1}, ${set.sites.length} sites with ${number(100 * set.population)} % of the ions`).join("; ") + ".", c => ({
      traces: own.flatMap((curve, j) => { const color = c[j % c.length]; return [band(curve.time_ps, curve.low, curve.high, color),
        line([0, ...curve.time_ps], [1, ...curve.foretold], `set ${j + 1}`, color, {meta: {low: [1, ...curve.low], high: [1, ...curve.high]}}),
        dots(curve.time_ps, curve.estimated, `set ${j + 1}, found`, color, {showlegend: false, error_y: bars(curve.estimated, curve.estimated_low, curve.estimated_high), meta: {low: curve.estimated_low, high: curve.estimated_high}})]; }),
      x: axis("time, ps", {rangemode: "tozero"}), y: axis("probability to be in the same set")}));
  }
  function scatteringChart(stage, scattering) {
    if (!scattering) return null;
    return chart(stage.name + " scattering", scattering.text + " Points: as counted, with 95 % intervals; lines: the Markov model.", c => ({
      traces: scattering.curves.flatMap((curve, j) => { const color = c[j % c.length]; return [
        ...(curve.model.length ? [line(curve.model_ps, curve.model, `k = ${number(curve.k_per_ang, 2)} 1/Å, model`, color, {showlegend: false, line: {color, width: 1.5}})] : []),
        dots(curve.time_ps, curve.value, `k = ${number(curve.k_per_ang, 2)} 1/Å`, color, {marker: {color, size: 5}, error_y: bars(curve.value, curve.low, curve.high), meta: {low: curve.low, high: curve.high}})]; }),
      x: logAxis("time, ps", scattering.curves.map(curve => [...curve.time_ps, ...curve.model_ps])), y: axis("F(k, t)", {rangemode: "tozero"})}));
  }

  // --- several temperatures ---------------------------------------------------------------------------------------------
  const lines = stages("arrhenius").map(stage => ({stage, name: stage.name.replace(/^arrhenius-/, ""), routes: ((stage.series || {}).arrhenius || {routes: []}).routes}));
  if (lines.some(l => l.routes.length)) {
    section("arrhenius", "Temperature");
    const inverse = kelvin => 1000 / kelvin;
    add(chartRow(...[["msd", "the mean-square displacement"], ["msm", "the Markov state model"]].map(([route, words]) => {
      const shown = lines.map((l, j) => ({...l, j, of: l.routes.find(r => r.route === route)})).filter(l => l.of && l.of.points.length);
      if (!shown.length) return null;
      return chart("arrhenius " + route, `D from ${words} against the inverse temperature: points with 95 % intervals, the line through them with its 95 % band, dotted where it is extrapolated.`, c => ({
        traces: shown.flatMap(({name, of, j}) => {
          const color = c[j % c.length], curve = of.curve, x = p => p.map(inverse);
          const part = keep => { const k = curve.kelvin.map((_, n) => n).filter(n => keep(curve.kelvin[n])); return [k.map(n => inverse(curve.kelvin[n])), k.map(n => curve.value[n])]; };
          return [...(curve ? [band(x(curve.kelvin), curve.low, curve.high, color),
                    line(...part(T => T >= of.from_kelvin * 0.999 && T <= of.to_kelvin * 1.001), name + ", line", color, {showlegend: false, line: {color, width: 1.5}}),
                    ...[T => T <= of.from_kelvin * 1.001, T => T >= of.to_kelvin * 0.999].filter(keep => part(keep)[0].length > 1)
                      .map(keep => line(...part(keep), name + ", extrapolated", color, {showlegend: false, line: {color, width: 1.5, dash: "dot"}}))] : []),
                  dots(of.points.map(p => inverse(p.kelvin)), of.points.map(p => p.value), name, color, {error_y: bars(of.points.map(p => p.value), of.points.map(p => p.low), of.points.map(p => p.high)),
                    meta: {low: of.points.map(p => p.low), high: of.points.map(p => p.high)}})];
        }),
        x: axis("1000 K / T"), y: logAxis("D, Å²/ps", shown.flatMap(({of}) => [of.points.map(p => p.value), of.curve ? of.curve.value : []]))}));
    })));
    const given = [...new Set(lines.flatMap(l => l.routes.flatMap(r => (r.at || []).map(a => a.kelvin))))].sort((a, b) => a - b);
    add(table([{title: "analyses", left: true}, {title: "D", left: true}, {title: "activation energy, eV"}, {title: "95 % interval"},
        ...given.flatMap(kelvin => [{title: `D at ${number(kelvin)} K, Å²/ps`}, {title: "95 % interval"}]), {title: "line", left: true, wrap: true}],
      lines.flatMap(({name, routes}) => routes.map(r => [name, r.name, ...(r.activation_energy_ev ? [number(r.activation_energy_ev.value), interval(r.activation_energy_ev)] : [null, ""]),
        ...given.flatMap(kelvin => { const at = (r.at || []).find(a => a.kelvin === kelvin); return at ? [number(at.value) + (at.extrapolated ? " *" : ""), interval(at)] : [null, ""]; }), r.text]))));
    if (lines.some(l => l.routes.some(r => (r.at || []).some(a => a.extrapolated))))
      add(el("p", {class: "soft small"}, "* extrapolated beyond the temperatures that were simulated: right only if ions move in the same way there."));
  }

  // --- all numbers, warnings, settings ----------------------------------------------------------------------------------
  section("numbers", "All numbers");
  const numbers = data.stages.flatMap(s => (s.estimates || []).map(e => ({...e, stage: s})));
  const origin = s => el("a", {href: "#stage-" + s.name, title: `made ${s.created ? time(s.created) : "?"}, artifact ${s.key}`}, s.name);
  add(table([{title: "name", left: true}, {title: "value"}, {title: "95 % interval"}, {title: "unit", left: true}, {title: "from", left: true}, {title: "note", left: true, wrap: true}],
    numbers.map(e => [e.name, e.value === null ? "undetermined" : number(e.value, 4), interval(e), unit(e.unit), origin(e.stage), e.note || ""]), null, "numbers"));
  add(el("p", {class: "saves"}, button("CSV", "save all numbers as CSV", () => save(fileName(prefix, "numbers") + ".csv", "text/csv",
    csv([["name", "value", "low", "high", "unit", "stage", "artifact", "made", "note"],
         ...numbers.map(e => [e.name, e.value, e.low, e.high, e.unit, e.stage.name, e.stage.key, e.stage.created, e.note])])))));
  add(el("p", {class: "small soft"}, "‘From’ leads to the stage that made the number: its settings, its inputs by hash and the program version are below."));

  const warnings = data.stages.flatMap(s => (s.warnings || []).map(w => [s.name, w]));
  section("warnings", "Warnings");
  add(warnings.length ? el("ul", {class: "warnings"}, warnings.map(([stage, text]) => el("li", {}, el("b", {}, stage + ": "), text))) : el("p", {}, "None."));

  section("settings", "Settings and hashes");
  add(table([{title: "stage", left: true}, {title: "state", left: true}, {title: "time, s"}, {title: "made", left: true}, {title: "key", left: true, mono: true}],
    data.stages.map(s => [el("span", {id: "stage-" + s.name}, s.name), s.state, s.seconds === undefined ? null : number(s.seconds), s.created || null, s.key.slice(0, 16)])));
  const inputs = new Map(data.stages.flatMap(s => (s.inputs || []).map(i => [i.file, i.sha256])));
  if (inputs.size) add(table([{title: "input", left: true}, {title: "sha256", left: true, mono: true}], [...inputs]));
  add(el("p", {class: "small soft"}, "Plan sha256: ", el("span", {class: "mono"}, data.plan_sha256)));
  for (const s of data.settings) {
    const title = s.table ? (s.name ? `[[${s.table}]] ${s.name}` : `[${s.table}]`) : "plan";
    add(el("details", {}, el("summary", {}, title), table([{title: "setting", left: true}, {title: "value", left: true, wrap: true}, {title: "unit", left: true}, {title: "", left: true}, {title: "meaning", left: true, wrap: true}],
      s.values.map(v => [v.key, v.value === "" ? "(none)" : typeof v.value === "string" ? v.value : JSON.stringify(v.value), v.unit, v.default ? "default" : "", v.help]))));
  }
  footer("");
  }

  // --- one analysis of a trajectory -------------------------------------------------------------------------------------
  function showAnalysis(data) {
    prefix = data.kind;
    add(el("h1", {}, data.title), el("p", {class: "soft small"}, data.subtitle), noCharts());
    for (const sentence of data.sentences) add(el("p", {}, sentence));
    for (const own of data.tables || [])
      add(el("h2", {}, own.title), table(own.columns.map((title, j) => ({title, left: j === 0 || j === own.wide, wrap: j === own.wide})), own.rows),
        el("p", {class: "saves"}, button("CSV", "save this table as CSV", () => save(fileName(prefix, own.name) + ".csv", "text/csv", csv([own.columns, ...own.rows])))));
    add(chartRow(...data.charts.map(curveChart), data.sites ? occupationChart({name: ""}, data.sites) : null));
    if (data.sites) showSites({name: ""}, data);
    if (data.estimates.length) {
      add(el("h2", {}, "Numbers"), table([{title: "name", left: true}, {title: "value"}, {title: "95 % interval"}, {title: "unit", left: true}, {title: "note", left: true, wrap: true}],
        data.estimates.map(e => [e.name, e.value === null ? "undetermined" : number(e.value, 4), interval(e), unit(e.unit), e.note || ""])),
        el("p", {class: "saves"}, button("CSV", "save the numbers as CSV", () => save(fileName(prefix, "numbers") + ".csv", "text/csv",
          csv([["name", "value", "low", "high", "unit", "note"], ...data.estimates.map(e => [e.name, e.value, e.low, e.high, e.unit, e.note])])))));
    }
    if (data.warnings.length) add(el("h2", {}, "Warnings"), el("ul", {class: "warnings"}, data.warnings.map(text => el("li", {}, text))));
    footer("");
  }

  // --- several runs -----------------------------------------------------------------------------------------------------
  function showComparison(runs) {
    const label = run => `run ${run.run}`, title = `Runs ${runs.map(r => r.run).join(", ")} compared`;
    prefix = "runs " + runs.map(r => r.run).join(" ");
    add(el("h1", {}, title), nav, noCharts());
    add(table([{title: "run", left: true}, {title: "title", left: true, wrap: true}, {title: "plan", left: true, wrap: true}, {title: "started", left: true}, {title: "state", left: true}, {title: "saltus", left: true, wrap: true, mono: true}],
      runs.map(r => [label(r), r.title, r.plan, time(r.started), r.message ? `${r.state}: ${r.message}` : r.state, r.version])));

    const kinetics = runs.map(r => r.stages.filter(s => s.kind === "kinetics"));
    const groups = kinetics.every(list => list.length <= 1) ? (kinetics.some(list => list.length) ? [{name: "kinetics", stages: kinetics.map(list => list[0])}] : [])
      : [...new Set(kinetics.flat().map(s => s.name))].map(name => ({name, stages: kinetics.map(list => list.find(s => s.name === name))}));
    for (const group of groups) {
      section("compared-" + group.name, groups.length > 1 ? `Kinetics: ${group.name.replace(/^kinetics-/, "")}` : "Kinetics");
      const present = group.stages.map((stage, k) => ({stage, run: runs[k], series: stage && (stage.series || {}).kinetics, k})).filter(p => p.series);
      if (!present.length) { add(el("p", {class: "soft"}, "No data for charts yet.")); continue; }
      add(table([{title: "run", left: true}, {title: "system", left: true, wrap: true}, {title: "MSD and Markov model", left: true, wrap: true}], present.map(p => {
        const y = p.series.system, a = p.series.agreement || {};
        return [label(p.run), y ? `${y.formula}${y.temperature_kelvin ? `, ${number(y.temperature_kelvin)} K` : ""}, ${number(y.length_ps)} ps` : "–",
                a.agree === true ? "the two routes agree" : a.agree === false ? "the two routes differ" : "not decided"];
      })));
      add(chartRow(
        chart(group.name + " coefficients", "Diffusion coefficients by both routes with 95 % intervals; where one is missing it is undetermined.", c => ({
          traces: [["diffusion_msd", "from the MSD"], ["diffusion_msm", "Markov model"]].map(([name, text], j) => {
            const known = present.map(p => ({run: p.run, e: estimate(p.stage, name)})).filter(p => p.e && p.e.value !== null);
            return dots(known.map(p => runs.indexOf(p.run) + (j ? 0.08 : -0.08)), known.map(p => p.e.value), text, c[j], {marker: {color: c[j], size: 9, symbol: j ? "square" : "circle"},
              error_y: bars(known.map(p => p.e.value), known.map(p => p.e.low), known.map(p => p.e.high)),
              meta: {at: known.map(p => label(p.run)), low: known.map(p => p.e.low), high: known.map(p => p.e.high)}});
          }),
          x: axis("", {tickvals: runs.map((_, k) => k), ticktext: runs.map(label), range: [-0.6, runs.length - 0.4], zeroline: false}), y: axis("D, Å²/ps", {rangemode: "tozero"})})),
        chart(group.name + " msd", "Mean-square displacement of the mobile ions from the trajectories, with 95 % bands.", c => ({
          traces: present.filter(p => p.series.msd).flatMap(p => { const m = p.series.msd, color = c[p.k % c.length]; return [
            ...(m.low ? [band(m.lag_ps, m.low, m.high, color)] : []), line(m.lag_ps, m.trajectory_ang2, label(p.run), color, {meta: {low: m.low, high: m.high}})]; }),
          x: axis("lag, ps"), y: axis("MSD, Å²", {rangemode: "tozero"})})),
        chart(group.name + " diffusion", "D of the Markov model against its lag, with 95 % intervals.", c => ({
          traces: present.filter(p => p.series.diffusion).map(p => { const d = p.series.diffusion, color = c[p.k % c.length]; return dots(d.lag_ps, d.value, label(p.run), color,
            {mode: "lines+markers", line: {color, width: 1}, error_y: bars(d.value, d.low, d.high), meta: {low: d.low, high: d.high}}); }),
          x: logAxis("lag, ps", present.map(p => (p.series.diffusion || {lag_ps: []}).lag_ps)), y: axis("D, Å²/ps", {rangemode: "tozero"})})),
        chart(group.name + " framework msd", "Mean-square displacement of the framework: it must reach a plateau.", c => ({
          traces: present.filter(p => p.series.framework).map(p => line(p.series.framework.lag_ps, p.series.framework.msd_ang2, label(p.run), c[p.k % c.length])),
          x: logAxis("lag, ps", present.map(p => (p.series.framework || {lag_ps: []}).lag_ps)), y: axis("MSD, Å²", {rangemode: "tozero"})}))));
    }

    section("numbers", "All numbers");
    const keys = [...new Set(runs.flatMap(r => r.stages.flatMap(s => (s.estimates || []).map(e => JSON.stringify([s.name, e.name])))))].map(k => JSON.parse(k));
    const found = (run, [stage, name]) => { const s = run.stages.find(x => x.name === stage); return s && estimate(s, name); };
    add(table([{title: "name", left: true}, {title: "stage", left: true}, {title: "unit", left: true}, ...runs.map(r => ({title: label(r)}))],
      keys.map(key => { const all = runs.map(r => found(r, key)); return [key[1], key[0], unit(all.find(Boolean).unit), ...all.map(e => !e ? null
        : e.value === null ? el("span", {title: e.note}, "undetermined") : el("span", {}, number(e.value, 4), interval(e) ? el("span", {class: "below small soft"}, interval(e)) : null))]; })));
    add(el("p", {class: "saves"}, button("CSV", "save all numbers as CSV", () => save(fileName(prefix, "numbers") + ".csv", "text/csv",
      csv([["name", "stage", "unit", "run", "value", "low", "high", "note"], ...keys.flatMap(key => runs.map(r => [r, found(r, key)]).filter(([, e]) => e)
        .map(([r, e]) => [key[1], key[0], e.unit, r.run, e.value, e.low, e.high, e.note]))])))));

    section("settings", "Settings that differ");
    const settings = runs.map(r => new Map(r.settings.flatMap(s => s.values.map(v => [JSON.stringify([s.table ? (s.name ? `[[${s.table}]] ${s.name}` : `[${s.table}]`) : "plan", v.key]), v]))));
    const differing = [...new Set(settings.flatMap(m => [...m.keys()]))].filter(key => new Set(settings.map(m => JSON.stringify((m.get(key) || {}).value))).size > 1);
    const shown = v => v === undefined ? null : v.value === "" ? "(none)" : typeof v.value === "string" ? v.value : JSON.stringify(v.value);
    add(differing.length ? table([{title: "section", left: true}, {title: "setting", left: true}, {title: "unit", left: true}, ...runs.map(r => ({title: label(r), left: true, wrap: true}))],
      differing.map(key => [...JSON.parse(key), (settings.map(m => m.get(key)).find(Boolean) || {}).unit, ...settings.map(m => shown(m.get(key)))])) : el("p", {}, "None."));

    section("origins", "Where the numbers come from");
    const names = [...new Set(runs.flatMap(r => r.stages.map(s => s.name)))];
    add(table([{title: "stage", left: true}, ...runs.map(r => ({title: label(r), left: true, mono: true}))], names.map(name => [name, ...runs.map((r, k) => {
      const s = r.stages.find(x => x.name === name);
      if (!s) return null;
      const same = runs.slice(0, k).find(q => q.stages.some(x => x.key === s.key));
      return same ? `as ${label(same)}` : `${s.key.slice(0, 16)} (${s.state})`;
    })])));
    add(el("p", {class: "small soft"}, "Keys of the artifacts: made from the settings, the contents of the inputs and the program's sources. ‘saltus report RUN’ shows one run in full."));
    const warnings = runs.flatMap(r => r.stages.flatMap(s => (s.warnings || []).map(w => [label(r), s.name, w])));
    section("warnings", "Warnings");
    add(warnings.length ? el("ul", {class: "warnings"}, warnings.map(([run, stage, text]) => el("li", {}, el("b", {}, `${run}, ${stage}: `), text))) : el("p", {}, "None."));
    footer("");
  }

  if (report.charts) showAnalysis(report); else if (report.runs) showComparison(report.runs); else showRun(report);
  scenes.forEach(drawScene);
  if (haveCharts) draw();
  dark.addEventListener("change", () => { if (haveCharts) draw(); scenes.forEach(colourScene); });
  // Paper is white and cannot be unfolded: charts are drawn again in the light colours, scenes stand in as pictures, folded parts open.
  let unfolded = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open]):not(.licences)")];
    unfolded.forEach(part => { part.open = true; });
    if (haveCharts && dark.matches) inLight(draw);
    scenes.forEach(pictureOfScene);
  });
  addEventListener("afterprint", () => {
    unfolded.forEach(part => { part.open = false; });
    if (dark.matches) { if (haveCharts) draw(); scenes.forEach(colourScene); }
  });
})();
