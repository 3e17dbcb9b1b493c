// Draws the report from the JSON the page carries. Text enters the page as text nodes only; names in charts are escaped.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("report").textContent);
  const page = document.getElementById("page");
  page.textContent = "";
  const charts = [];

  // --- elements ---------------------------------------------------------------------------------------------------------
  function el(tag, attributes, ...children) {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) if (value !== undefined && value !== null) node.setAttribute(key, value);
    for (const child of children.flat()) if (child !== null && child !== undefined) node.append(child);
    return node;
  }
  const add = (...nodes) => page.append(...nodes.filter(Boolean));
  function section(id, title) {
    add(el("h2", {id}, title));
    nav.append(el("a", {href: "#" + id}, title));
  }
  /// columns: [{title, left, wrap}], rows: arrays of cells.
  function table(columns, rows, own) {
    const head = el("tr", {}, columns.map(c => el("th", {class: c.left ? "left" : null}, c.title)));
    const body = rows.map((row, k) => el("tr", {class: own && own(k) ? "own" : null}, row.map((cell, j) =>
      el("td", {class: [columns[j].left ? "left" : "", columns[j].wrap ? "wrap" : "", columns[j].mono ? "mono" : ""].join(" ").trim() || null},
         cell === null || cell === undefined ? "–" : cell))));
    return el("div", {class: "scroll"}, el("table", {}, el("thead", {}, head), el("tbody", {}, body)));
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
  const unitNames = {ang2_per_ps: "Å²/ps", ang: "Å", ang2: "Å²", ev_ang: "eV/Å", mev_ang: "meV/Å", mev_per_atom: "meV/atom", ev_per_atom: "eV/atom", mev_per_atom_ps: "meV/atom/ps", kelvin: "K",
                     ps: "ps", fs: "fs", ns: "ns", ns_per_day: "ns/day", percent: "%", per_ps: "1/ps", microsecond: "µs", seconds: "s"};
  const unit = u => unitNames[u] || u || "";
  const interval = e => e.low === null || e.high === null || e.low === undefined ? "" : `${number(e.low)} … ${number(e.high)}`;

  // --- charts -----------------------------------------------------------------------------------------------------------
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const palette = () => ["--one", "--two", "--three", "--four", "--five"].map(css);
  const plain = text => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const faded = (hex, alpha) => `rgba(${[1, 3, 5].map(k => parseInt(hex.slice(k, k + 2), 16)).join(",")},${alpha})`;
  const haveCharts = typeof Plotly !== "undefined";

  /// make(colours) → {traces, layout}
  function chart(caption, make) {
    if (!haveCharts) return null;
    const plot = el("div", {class: "plot", role: "img", "aria-label": caption});
    charts.push({plot, make});
    return el("figure", {}, plot, el("figcaption", {}, caption));
  }
  const chartRow = (...figures) => figures.some(Boolean) ? el("div", {class: "charts"}, figures) : null;

  function axis(title, more) {
    return {title: {text: title, standoff: 8}, gridcolor: css("--line"), zerolinecolor: css("--line"), linecolor: css("--soft"),
            ticks: "outside", tickcolor: css("--soft"), showline: true, automargin: true, exponentformat: "power", ...more};
  }
  const logAxis = (title, more) => axis(title, {type: "log", dtick: "D2" in (more || {}) ? more.dtick : 1, minor: {showgrid: false}, ...more});
  function draw() {
    for (const {plot, make} of charts) {
      const {traces, x, y, layout} = make(palette());
      Plotly.react(plot, traces, {
        xaxis: x, yaxis: y, margin: {l: 62, r: 14, t: 12, b: 48}, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
        font: {family: "system-ui, sans-serif", size: 13, color: css("--ink")}, hovermode: "closest",
        legend: {orientation: "h", y: 1.02, yanchor: "bottom", x: 0, font: {size: 12}}, ...layout},
        {responsive: true, displaylogo: false, displayModeBar: false});
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
    return {type: "data", symmetric: false, array: y.map((v, k) => high[k] === null || v === null ? 0 : high[k] - v),
            arrayminus: y.map((v, k) => low[k] === null || v === null ? 0 : v - low[k]), thickness: 1.2, width: 3};
  }

  // --- heading ----------------------------------------------------------------------------------------------------------
  const stages = kind => data.stages.filter(s => s.kind === kind);
  const estimate = (stage, name) => (stage.estimates || []).find(e => e.name === name);
  const nav = el("nav", {"aria-label": "sections"});

  add(el("h1", {}, data.title));
  add(el("p", {class: "soft small"}, `Run ${data.run} of ${data.plan} · started ${data.started.replace("T", " ").replace("Z", " UTC")}`
      + (data.finished ? ` · ended ${data.finished.replace("T", " ").replace("Z", " UTC")}` : "") + ` · saltus ${data.version}`));
  if (data.state !== "done") add(el("p", {class: "error"}, `This run is not complete: ${data.state}. ${data.message || ""}`));
  add(nav);
  if (!haveCharts) add(el("p", {class: "soft"}, "This build of saltus carries no charts; the tables below are complete."));

  function flag(series) {
    const a = series && series.agreement;
    if (!a || a.agree === null || a.agree === undefined) return el("p", {}, el("span", {class: "flag open"}, "not decided"), " ", a ? a.text : "");
    return el("p", {}, el("span", {class: "flag " + (a.agree ? "yes" : "no")}, a.agree ? "the two routes agree" : "the two routes differ"), " ", a.text);
  }
  function headline(stage) {
    const series = (stage.series || {}).kinetics;
    const system = series && series.system;
    const box = el("section", {class: "head"}, el("h3", {}, system ? `${system.formula}, ${number(system.temperature_kelvin)} K` : stage.name));
    if (system) box.append(el("p", {class: "soft small"}, `${stage.name}: ${system.atoms} atoms, ${number(system.length_ps)} ps of molecular dynamics`
      + (system.carriers ? `, ${system.carriers}` : "")));
    const figures = el("div", {class: "figures"});
    for (const [name, label] of [["diffusion_msd", "D from the mean-square displacement"], ["diffusion_msm", "D from the Markov state model"]]) {
      const e = estimate(stage, name);
      if (!e) continue;
      const known = e.value !== null;
      figures.append(el("div", {class: "figure"}, el("span", {class: "soft small"}, label),
        el("b", {}, known ? `${number(e.value)} ${unit(e.unit)}` : "undetermined"),
        el("span", {class: "small"}, known ? `95 %: ${interval(e)}` : e.note || ""),
        known ? el("div", {class: "small soft"}, `= ${number(e.value * 1e-4)} cm²/s`) : null));
    }
    box.append(figures);
    const jumps = estimate(stage, "jumps");
    if (jumps && jumps.value !== null) box.append(el("p", {class: "small"}, `${number(jumps.value)} completed core-to-core jumps`));
    if (series) box.append(flag(series));
    return box;
  }
  if (stages("kinetics").length) add(el("div", {class: "heads"}, stages("kinetics").map(headline)));

  // --- fit --------------------------------------------------------------------------------------------------------------
  function parity(points, label, unitText) {
    return chart(`${label}: the fitted potential against the reference, held-out test blocks.`, colours => {
      const traces = points.map((p, k) => dots(p.reference, p.predicted, p.set, colours[k % colours.length],
        {type: "scatter", marker: {color: colours[k % colours.length], size: 4, opacity: 0.55}}));
      const all = points.flatMap(p => p.reference);
      const ends = [all.reduce((a, b) => Math.min(a, b), Infinity), all.reduce((a, b) => Math.max(a, b), -Infinity)];
      traces.unshift(line(ends, ends, "equal", css("--soft"), {line: {color: css("--soft"), width: 1, dash: "dot"}, showlegend: false}));
      return {traces, x: axis(`reference, ${unitText}`), y: axis(`predicted, ${unitText}`)};
    });
  }
  for (const stage of stages("fit")) {
    const fit = (stage.series || {}).fit;
    section("fit", "The potential");
    if (!fit) { add(el("p", {class: "soft"}, "This stage has left no data for charts.")); continue; }
    add(el("p", {}, fit.summary));
    add(chartRow(parity(fit.parity.energy, "Energies, each set's mean error removed", "eV/atom"), parity(fit.parity.force, "Force components (a sample)", "eV/Å")));
    add(el("h3", {}, "Errors per data set and part"));
    const rows = fit.errors.map(e => [e.set, e.part, e.frames, number(e.energy_rmse_raw_mev_per_atom), number(e.energy_rmse_mean_aligned_mev_per_atom),
      number(e.energy_rmse_aligned_mev_per_atom), number(e.force_rmse_mev_ang), number(e.force_mae_mev_ang), number(e.force_rms_mev_ang),
      number(100 * e.force_rmse_relative), ...fit.elements.map(symbol => number((e.elements[symbol] || {}).force_rmse_mev_ang))]);
    add(table([{title: "set", left: true}, {title: "part", left: true}, {title: "frames"}, {title: "E raw"}, {title: "E mean-aligned"},
      {title: "E composition-aligned"}, {title: "F RMSE"}, {title: "F MAE"}, {title: "F RMS (reference)"}, {title: "F RMSE, % of RMS"},
      ...fit.elements.map(symbol => ({title: `F RMSE ${symbol}`}))], rows, k => fit.errors[k].part === "test"));
    add(el("p", {class: "soft small"}, "Energies: RMSE in meV/atom, as they are, after removing the mean error, and after the best shift per element. Forces in meV/Å. "
      + "The test part is the last of each set, after a gap in time; nothing was fitted or chosen on it."));
    if (fit.trials && fit.trials.length) {
      add(el("details", {}, el("summary", {}, "Choice of the regularisation on validation blocks"),
        table([{title: "ridge"}, {title: "F RMSE train, meV/Å"}, {title: "F RMSE valid, meV/Å"}, {title: "E RMSE valid, meV/atom"}, {title: "loss"}],
          fit.trials.map(t => [number(t.ridge), number(t.train_force_rmse_mev_ang, 4), number(t.valid_force_rmse_mev_ang, 4),
            number(t.valid_energy_rmse_mev_per_atom, 4), number(t.valid_loss, 4)]), k => fit.trials[k].ridge === fit.chosen_ridge)));
    }
  }

  // --- molecular dynamics -----------------------------------------------------------------------------------------------
  if (stages("md").length) section("md", "Molecular dynamics");
  for (const stage of stages("md")) {
    const md = (stage.series || {}).md;
    add(el("h3", {}, md ? `${stage.name}: ${md.formula}` : stage.name));
    if (!md) { add(el("p", {class: "soft"}, "No data for charts yet.")); continue; }
    add(el("p", {}, md.summary));
    add(chartRow(
      chart("Temperature; the dotted line is the thermostat's.", c => ({
        traces: [line(md.time_ps, md.temperature_kelvin, "temperature", c[0], {line: {color: c[0], width: 1}}),
                 ...(md.target_kelvin ? [line([md.time_ps[0], md.time_ps.at(-1)], [md.target_kelvin, md.target_kelvin], "target", css("--ink"), {line: {color: css("--ink"), width: 1.5, dash: "dot"}})] : [])],
        x: axis("time, ps"), y: axis("temperature, K"), layout: {showlegend: false}})),
      chart("Drift of the conserved quantity (total energy less what the thermostat put in).", c => ({
        traces: [line(md.time_ps, md.conserved_mev_per_atom, "conserved", c[1], {line: {color: c[1], width: 1.2}})],
        x: axis("time, ps"), y: axis("drift, meV/atom"), layout: {showlegend: false}})),
      md.extrapolation && md.extrapolation.length ? chart("Largest extrapolation of any atom: 1 is the edge of the training data; the run stops at the dotted line.", c => ({
        traces: [line(md.time_ps, md.extrapolation, "largest", c[3], {line: {color: c[3], width: 1}}),
                 ...(md.max_extrapolation ? [line([md.time_ps[0], md.time_ps.at(-1)], [md.max_extrapolation, md.max_extrapolation], "limit", css("--ink"), {line: {color: css("--ink"), width: 1.5, dash: "dot"}})] : [])],
        x: axis("time, ps"), y: axis("extrapolation", {rangemode: "tozero"}), layout: {showlegend: false}})) : null));
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
        chart(`Mean-square displacement of ${f.element}: it must reach a plateau.`, c => ({
          traces: [line(f.lag_ps, f.msd_ang2, f.element, c[2])], x: logAxis("lag, ps"), y: axis("MSD, Å²", {rangemode: "tozero"}), layout: {showlegend: false}})),
        chart(`${f.element}–${f.element} radial distribution: the peaks of the beginning must still stand at the end.`, c => ({
          traces: f.rdf.map((r, j) => line(f.r_ang, r.g, r.name, c[[0, 1, 3][j % 3]], {line: {color: c[[0, 1, 3][j % 3]], width: j ? 1.5 : 2.5, dash: j ? "solid" : "solid"}})),
          x: axis("distance, Å"), y: axis("g(r)")}))));
    }
    add(el("h3", {}, "Diffusion by two routes"), flag(k), k.summary ? el("p", {class: "soft small"}, k.summary) : null);
    add(chartRow(
      k.msd ? chart("Mean-square displacement of the mobile ions, from the trajectory (with its 95 % band) and from the Markov model; shaded: where D is fitted.", c => ({
        traces: [...(k.msd.low ? [band(k.msd.lag_ps, k.msd.low, k.msd.high, c[0])] : []), line(k.msd.lag_ps, k.msd.trajectory_ang2, "trajectory", c[0]),
                 ...(k.msd.model ? [line(k.msd.model.lag_ps, k.msd.model.msd_ang2, "Markov model" + (k.msd.model.name ? ", " + k.msd.model.name : ""), c[1], {line: {color: c[1], width: 2, dash: "dash"}})] : [])],
        x: axis("lag, ps"), y: axis("MSD, Å²", {rangemode: "tozero"}),
        layout: {shapes: k.msd.fit_from_ps === null || k.msd.fit_from_ps === undefined ? [] : [{type: "rect", xref: "x", yref: "paper", x0: k.msd.fit_from_ps, x1: k.msd.fit_to_ps, y0: 0, y1: 1,
          line: {width: 0}, fillcolor: faded(css("--five"), 0.13), layer: "below"}]}})) : null,
      k.diffusion ? chart("D of the Markov model against its lag, with 95 % intervals, beside D from the mean-square displacement (band). A one-particle model knows no memory: compare on the plateau.", c => {
        const d = k.diffusion, msd = estimate(stage, "diffusion_msd"), traces = [];
        const ends = [d.lag_ps[0], d.lag_ps.at(-1)];
        if (msd && msd.value !== null) {
          traces.push(band(ends, [msd.low, msd.low], [msd.high, msd.high], c[0], ""), line(ends, [msd.value, msd.value], "from the MSD", c[0]));
        }
        traces.push(dots(d.lag_ps, d.value, "Markov model", c[1], {mode: "lines+markers", line: {color: c[1], width: 1}, error_y: bars(d.value, d.low, d.high)}));
        const shapes = d.plateau_from_ps === null || d.plateau_from_ps === undefined ? [] : [{type: "rect", xref: "x", yref: "paper", x0: d.plateau_from_ps, x1: d.plateau_to_ps,
          y0: 0, y1: 1, line: {width: 0}, fillcolor: faded(css("--five"), 0.13), layer: "below"}];
        return {traces, x: logAxis("lag, ps"), y: axis("D, Å²/ps", {rangemode: "tozero"}), layout: {shapes}};
      }) : null));
    if (k.timescales && k.timescales.processes.length) {
      add(el("h3", {}, "Implied timescales"));
      add(chartRow(chart("Slowest implied timescales against the lag, with 95 % bands where known; below the dotted line (timescale = lag) nothing can be resolved.", c => {
        const t = k.timescales, traces = [];
        t.processes.forEach((p, j) => {
          const color = c[j % c.length];
          if (p.low) traces.push(band(t.lag_ps, p.low, p.high, color));
          traces.push(dots(t.lag_ps, p.value, String(j + 1), color, {mode: "lines+markers", line: {color, width: 1.5}, marker: {color, size: 5}}));
        });
        traces.push(line(t.lag_ps, t.lag_ps, "lag", css("--soft"), {line: {color: css("--soft"), width: 1, dash: "dot"}}));
        return {traces, x: logAxis("lag, ps"), y: logAxis("timescale, ps")};
      }), k.sites ? occupationChart(k.sites) : null));
    }
    if (k.sites) {
      add(el("h3", {}, "Sites"), el("p", {class: "small soft"}, k.sites.text || ""));
      add(el("details", k.sites.rows.length <= 24 ? {open: ""} : {}, el("summary", {}, `${k.sites.rows.length} sites`),
        table(k.sites.columns.map((title, j) => ({title, left: j === 0})), k.sites.rows.map(row => row.map((v, j) => j === 0 ? v : number(v))))));
    }
  }
  function occupationChart(sites) {
    return chart("Occupation of the sites: share of frames in which an ion belongs to the site.", c => ({
      traces: [{x: sites.rows.map(r => r[0]), y: sites.rows.map(r => r[sites.occupation_column]), type: "bar", marker: {color: c[2]}}],
      x: axis("site"), y: axis("occupation", {rangemode: "tozero"}), layout: {showlegend: false}}));
  }

  // --- all numbers, warnings, settings ----------------------------------------------------------------------------------
  section("numbers", "All numbers");
  add(table([{title: "name", left: true}, {title: "stage", left: true}, {title: "value"}, {title: "95 % interval"}, {title: "unit", left: true}, {title: "note", left: true, wrap: true}],
    data.stages.flatMap(s => (s.estimates || []).map(e => [e.name, s.name, e.value === null ? "undetermined" : number(e.value, 4), interval(e), unit(e.unit), e.note || ""]))));

  const warnings = data.stages.flatMap(s => (s.warnings || []).map(w => [s.name, w]));
  section("warnings", "Warnings");
  add(warnings.length ? el("ul", {class: "warnings"}, warnings.map(([stage, text]) => el("li", {}, el("b", {}, stage + ": "), text))) : el("p", {}, "None."));

  section("settings", "Settings and hashes");
  add(table([{title: "stage", left: true}, {title: "state", left: true}, {title: "time, s"}, {title: "made", left: true}, {title: "key", left: true, mono: true}],
    data.stages.map(s => [s.name, s.state, s.seconds === undefined ? null : number(s.seconds), s.created || null, s.key.slice(0, 16)])));
  const inputs = new Map(data.stages.flatMap(s => (s.inputs || []).map(i => [i.file, i.sha256])));
  if (inputs.size) add(table([{title: "input", left: true}, {title: "sha256", left: true, mono: true}], [...inputs]));
  add(el("p", {class: "small soft"}, "Plan sha256: ", el("span", {class: "mono"}, data.plan_sha256)));
  for (const s of data.settings) {
    const title = s.table ? (s.name ? `[[${s.table}]] ${s.name}` : `[${s.table}]`) : "plan";
    add(el("details", {}, el("summary", {}, title), table([{title: "setting", left: true}, {title: "value", left: true, wrap: true}, {title: "unit", left: true}, {title: "", left: true}, {title: "meaning", left: true, wrap: true}],
      s.values.map(v => [v.key, v.value === "" ? "(none)" : typeof v.value === "string" ? v.value : JSON.stringify(v.value), v.unit, v.default ? "default" : "", v.help]))));
  }
  add(el("footer", {}, "Intervals are 95 %. The page is complete in itself: it carries its data and its scripts and asks the network for nothing."));

  if (haveCharts) {
    draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    const resize = () => charts.forEach(({plot}) => Plotly.Plots.resize(plot));
    addEventListener("beforeprint", resize);
    addEventListener("afterprint", resize);
  }
})();
