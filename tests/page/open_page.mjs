// Opens a report page in headless Chromium and checks what a reader would see. Speaks the DevTools protocol over a pipe: no packages.
//   node open_page.mjs CHROMIUM PAGE.html --charts N [--scenes N] [--no-webgl] [--pictures FOLDER]
// Fails (1) when a chart is not drawn or its SVG or CSV is empty, when the page is wider than a phone, when anything is asked of the
// network, or when the console holds a warning or an error.
import {spawn} from "node:child_process";
import {mkdtempSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import {join, resolve} from "node:path";
import {pathToFileURL} from "node:url";

const [chromium, page, ...rest] = process.argv.slice(2);
const value = name => rest.includes(name) ? rest[rest.indexOf(name) + 1] : undefined;
const expected = {charts: Number(value("--charts")), scenes: Number(value("--scenes") ?? 0)};
const webgl = !rest.includes("--no-webgl"), pictures = value("--pictures");

const profile = mkdtempSync(join(tmpdir(), "saltus-page-"));
const browser = spawn(chromium, ["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--disable-extensions", "--hide-scrollbars", "--mute-audio", "--remote-debugging-pipe", "--user-data-dir=" + profile,
  ...(webgl ? ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"] : ["--disable-gpu", "--disable-3d-apis"]), "about:blank"],
  {stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"], detached: true});
const ended = new Promise(done => browser.once("exit", done));
const failures = [], said = [], asked = [];
const check = (good, text) => { if (!good) failures.push(text); };

// --- protocol: JSON messages that end in a zero byte ---
let unread = "", id = 0, session;
const waiting = new Map(), listeners = [];
browser.stdio[4].setEncoding("utf8").on("data", text => {
  const messages = (unread + text).split("\0");
  unread = messages.pop();
  for (const message of messages.map(m => JSON.parse(m))) {
    if (message.id && waiting.has(message.id)) {
      const {done, fail} = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.error) fail(new Error(message.error.message)); else done(message.result);
    } else listeners.forEach(hear => hear(message));
  }
});
const send = (method, params = {}) => new Promise((done, fail) => {
  waiting.set(++id, {done, fail});
  browser.stdio[3].write(JSON.stringify({id, method, params, sessionId: session}) + "\0");
});
const event = method => new Promise(done => { const hear = m => { if (m.method === method) { listeners.splice(listeners.indexOf(hear), 1); done(m.params); } }; listeners.push(hear); });
async function evaluate(expression) {
  const {result, exceptionDetails} = await send("Runtime.evaluate", {expression, awaitPromise: true, returnByValue: true});
  if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
  return result.value;
}
const sleep = ms => new Promise(done => setTimeout(done, ms));

listeners.push(({method, params}) => {
  if (method === "Runtime.exceptionThrown") said.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
  if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type))
    said.push(`${params.type}: ${params.args.map(a => a.value ?? a.description).join(" ")}`);
  // What the driver says of its own speed is not the page's doing.
  if (method === "Log.entryAdded" && ["error", "warning"].includes(params.entry.level) && !/GPU stall due to ReadPixels/.test(params.entry.text)) said.push(`${params.entry.level}: ${params.entry.text}`);
  if (method === "Network.requestWillBeSent" && /^(https?|wss?|ftp):/.test(params.request.url)) asked.push(params.request.url);
});

async function open(width, height, {dark = false, phone = false} = {}) {
  await send("Emulation.setDeviceMetricsOverride", {width, height, deviceScaleFactor: 1, mobile: phone});
  await send("Emulation.setEmulatedMedia", {features: [{name: "prefers-color-scheme", value: dark ? "dark" : "light"}]});
  const loaded = event("Page.loadEventFired");
  await send("Page.navigate", {url: pathToFileURL(resolve(page)).href});
  await loaded;
  await sleep(500);
}
async function picture(name, whole) {
  if (!pictures) return;
  const {cssContentSize} = await send("Page.getLayoutMetrics");
  const clip = whole ? {x: 0, y: 0, width: cssContentSize.width, height: cssContentSize.height, scale: 1} : undefined;
  const {data} = await send("Page.captureScreenshot", {format: "png", captureBeyondViewport: Boolean(whole), clip});
  writeFileSync(join(pictures, name + ".png"), Buffer.from(data, "base64"));
}

async function checkPage(view) {
  const state = await evaluate(`({
    plots: [...document.querySelectorAll("figure .plot")].map(p => ({label: p.getAttribute("aria-label"),
      // Curves with something to show, and how many of them left a mark.
      curves: p.data.filter(t => t.y.some((v, k) => v !== null && t.x[k] !== null)).length,
      marks: [...p.querySelectorAll(".main-svg .scatterlayer > .trace, .main-svg .barlayer > .trace")].filter(t => [...t.querySelectorAll("path")].some(m => m.getBBox().width + m.getBBox().height > 0)).length, wide: p.querySelector(".main-svg")?.getBoundingClientRect().width ?? 0})),
    scenes: [...document.querySelectorAll(".scene")].map(s => ({drawn: s.dataset.drawn === "yes", canvas: Boolean(s.querySelector("canvas")), text: s.textContent})),
    titles: document.querySelectorAll("h1").length, width: document.documentElement.scrollWidth, window: innerWidth})`);
  check(state.titles === 1, `${view}: ${state.titles} titles`);
  check(state.plots.length === expected.charts, `${view}: ${state.plots.length} charts, expected ${expected.charts}`);
  for (const plot of state.plots) check(plot.curves > 0 && plot.marks >= plot.curves && plot.wide > 100, `${view}: ${plot.marks} of ${plot.curves} curves drawn: ${plot.label}`);
  check(state.scenes.length === expected.scenes, `${view}: ${state.scenes.length} scenes, expected ${expected.scenes}`);
  for (const scene of state.scenes)
    check(webgl ? scene.drawn && scene.canvas : scene.text.includes("WebGL"), `${view}: 3D view: ${webgl ? "not drawn" : "no message"}: ${scene.text.slice(0, 200)}`);
  check(state.width <= state.window, `${view}: the page is ${state.width} wide in a window of ${state.window}`);
}

const limit = setTimeout(() => { failures.push("not done after 300 s"); finish(); }, 300000);
async function finish() {
  clearTimeout(limit);
  // The browser's own processes outlive it by a moment and still write into the profile: the whole group ends, and what is
  // left of the profile after some tries is litter, not a finding.
  try { process.kill(-browser.pid, "SIGKILL"); } catch (error) { if (error.code !== "ESRCH") throw error; }
  await ended;
  for (let tries = 0; tries < 20; ++tries) {
    try { rmSync(profile, {recursive: true, force: true}); break; } catch { await sleep(100); }
  }
  for (const text of said) failures.push("console: " + text);
  for (const address of asked) failures.push("asked the network: " + address);
  for (const text of failures) console.error("page: " + text);
  if (!failures.length) console.log(`page: ${expected.charts} charts and ${expected.scenes} 3D views drawn, console empty, network not asked`);
  process.exit(failures.length ? 1 : 0);
}

try {
  const {targetInfos} = await send("Target.getTargets");
  ({sessionId: session} = await send("Target.attachToTarget", {targetId: targetInfos.find(t => t.type === "page").targetId, flatten: true}));
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(domain + ".enable");
  for (const [view, width, height, look] of [["wide", 1280, 900, {}], ["wide-dark", 1280, 900, {dark: true}], ["narrow", 390, 844, {phone: true}], ["narrow-dark", 390, 844, {dark: true, phone: true}]]) {
    await open(width, height, look);
    await checkPage(view);
    await picture(view, true);
  }
  // Every button saves something: the blobs it makes are caught on their way to the disk.
  await open(1280, 900);
  const saved = await evaluate(`(async () => {
    const blobs = [], make = URL.createObjectURL;
    URL.createObjectURL = blob => { blobs.push(blob); return make(blob); };
    HTMLAnchorElement.prototype.click = function () { blobs.at(-1).saltusName = this.download; };
    const buttons = [...document.querySelectorAll(".saves button")];
    for (const button of buttons) { button.click(); }
    for (let k = 0; k < 200 && blobs.length < buttons.length; ++k) await new Promise(done => setTimeout(done, 50));
    await new Promise(done => setTimeout(done, 50));
    return {buttons: buttons.length, files: await Promise.all(blobs.map(async b => ({name: b.saltusName, type: b.type, size: b.size, text: b.type === "image/png" ? "" : await b.text()})))};
  })()`);
  check(saved.files.length === saved.buttons, `${saved.buttons} buttons saved ${saved.files.length} files`);
  check(saved.files.filter(f => f.type === "image/svg+xml").length === expected.charts, "not every chart can be saved as SVG");
  check(new Set(saved.files.map(f => f.name)).size === saved.files.length, "two files of one name: " + saved.files.map(f => f.name).join(" "));
  for (const file of saved.files) {
    if (file.type === "image/svg+xml") check(file.text.startsWith("<svg") && file.text.includes("<path") && file.text.trimEnd().endsWith("</svg>"), `${file.name}: no SVG`);
    if (file.type === "text/csv") check(file.text.trim().split("\n").length > 2 && !/undefined|NaN|\[object/.test(file.text), `${file.name}: ${file.text.slice(0, 200)}`);
    if (file.type === "image/png") check(file.size > 2000, `${file.name}: ${file.size} bytes`);
    if (pictures && file.text) writeFileSync(join(pictures, file.name), file.text);
  }
  // Every view of the 3D scenes shows something of its own.
  await open(1280, 900);
  const shown = await evaluate(`(async () => {
    const pictures = [], make = URL.createObjectURL;
    URL.createObjectURL = blob => { pictures.push(blob); return make(blob); };
    HTMLAnchorElement.prototype.click = function () { pictures.at(-1).saltusName = this.download; };
    for (const choice of document.querySelectorAll("label.view select"))
      for (const option of choice.options) {
        choice.value = option.value;
        choice.dispatchEvent(new Event("change"));
        await new Promise(done => setTimeout(done, 50));
        [...choice.closest("figure").querySelectorAll("button")].find(b => b.textContent === "PNG").click();
      }
    await new Promise(done => setTimeout(done, 100));
    const bytes = blob => new Promise(done => { const reader = new FileReader(); reader.onload = () => done(reader.result); reader.readAsDataURL(blob); });
    return {options: document.querySelectorAll("label.view option").length, files: await Promise.all(pictures.map(async b => ({name: b.saltusName, url: await bytes(b)})))};
  })()`);
  if (webgl) {
    check(shown.files.length === shown.options, `${shown.options} views of 3D scenes gave ${shown.files.length} pictures`);
    check(new Set(shown.files.map(f => f.name)).size === shown.files.length && new Set(shown.files.map(f => f.url)).size === shown.files.length, "two views of a 3D scene look the same");
    if (pictures) for (const file of shown.files) writeFileSync(join(pictures, file.name), Buffer.from(file.url.split(",")[1], "base64"));
  }
  // Print: on white paper also from a dark screen, and with nothing folded; afterwards the page is as it was.
  await open(1280, 900, {dark: true});
  const folded = `document.querySelectorAll("details:not([open]):not(.licences)").length`;
  const foldedOnScreen = await evaluate(folded);
  await evaluate(`addEventListener("beforeprint", () => { window.foldedOnPaper = ${folded}; })`);
  const {data} = await send("Page.printToPDF", {printBackground: true, preferCSSPageSize: false, paperWidth: 8.27, paperHeight: 11.69});
  check(Buffer.from(data, "base64").length > 20000, "the printed page is empty");
  check(await evaluate("window.foldedOnPaper") === 0, "folded parts are printed closed");
  check(await evaluate(folded) === foldedOnScreen, "printing leaves folded parts open");
  if (pictures) writeFileSync(join(pictures, "print.pdf"), Buffer.from(data, "base64"));
} catch (error) { failures.push(String(error.stack ?? error)); }
finish();
