// The dispatcher's page: the board, the open orders, the list and the map show one sheet, which each change returns anew.
import { Refusal, clock, element, get, post } from "./api.js";
import { Detail, weighed } from "./detail.js";
import { Gantt } from "./gantt.js";
import { RouteMap } from "./map.js";

const $ = (id) => document.getElementById(id);
const tip = $("desk-tip");
let sheet = null;
let chosen = null;
let carer = null;

function trouble(text) {
  const box = $("trouble");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(trouble.timer);
  trouble.timer = setTimeout(() => { box.hidden = true; }, 8000);
}

const say = (text) => { $("status").textContent = text; };

async function attempt(act) {
  try { return await act(); } catch (error) {
    trouble(error instanceof Refusal ? error.message : "网络不通，请检查网络后重试。");
    if (!(error instanceof Refusal) && !(error instanceof TypeError)) throw error;
    return null;
  }
}

// --- what a change would come to: asked while a visit hangs in the air, a moment after it last moved ---
let asking = null;
let timer = 0;
async function weigh(proposal, point, { now = false } = {}) {
  clearTimeout(timer);
  if (!proposal) { asking?.abort(); asking = null; tip.hidden = true; return; }
  if (point) Object.assign(tip.style, { left: `${Math.min(point[0] + 16, innerWidth - 370)}px`, top: `${Math.min(point[1] + 18, innerHeight - 140)}px` });
  if (proposal.made) { show(proposal); return; }
  const ask = async () => {
    asking?.abort();
    asking = new AbortController();
    try {
      proposal.made = await post("consequence", { order: proposal.stop.id, staff: proposal.carer.id, start: proposal.start }, asking.signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      proposal.made = { possible: false, km: 0, travel: 0, waiting: 0, breaches: [{ text: error.message, hard: true }] };
    }
    show(proposal);
  };
  if (now) await ask(); else timer = setTimeout(ask, 90);
}

function show(proposal) {
  gantt.judged(proposal);
  if (proposal !== gantt.proposal) return;
  tip.replaceChildren(element("strong", {}, `${proposal.carer.name} ${clock(proposal.start)}`), ...weighed(proposal.made));
  tip.hidden = false;
}

// --- changes ---
async function move(stop, staff, start, made = null) {
  if (made && !made.possible) { trouble(made.breaches.filter((each) => each.hard).map((each) => each.text).join("；")); return; }
  const answer = await attempt(() => post("move", { order: stop.id, staff, start }));
  if (!answer) return;
  take(answer);
  say(staff ? `${stop.name}改到 ${clock(start)}` : `${stop.name}已移出`);
  if (staff) gantt.mark(stop.id, { focus: true });
}

async function hold(stop, held) {
  const answer = await attempt(() => post("hold", { order: stop.id, held: held ? 1 : 0 }));
  if (answer) { take(answer); say(held ? "已锁定" : "已解除锁定"); }
}

async function away(person) {
  if (!window.confirm(`${person.name}从现在起不能上门？已经开始的仍由本人做完，其余的马上改派成一份草案。`)) return;
  const answer = await attempt(() => post("away", { staff: person.id }));
  if (answer) location.assign(answer.to);
}

function select(id) {
  chosen = id;
  const stop = sheet.stops.find((each) => each.id === id);
  if (stop?.staff) carer = stop.staff;
  gantt.mark(id);
  gantt.markCarer(carer);
  detail.show(stop, sheet);
  for (const each of document.querySelectorAll("[data-open]")) each.setAttribute("aria-pressed", String(each.dataset.open === id));
  map?.show(sheet, chosen, carer);
}

function choose(id) {
  carer = carer === id ? null : id;
  gantt.markCarer(carer);
  const person = sheet.carers.find((each) => each.id === carer);
  if (person) detail.carer(person, sheet.may ? away : null);
  map?.show(sheet, chosen, carer);
}

const gantt = new Gantt($("gantt"), { select, weigh, move, choose });
const detail = new Detail($("desk-detail"), { move, hold });
let map = null;
try { map = new RouteMap($("desk-map"), { select, ground: () => get("ground") }); } catch {
  // A browser without WebGL still plans; only the map is missing.
  $("desk-map").textContent = "这个浏览器不能显示地图。";
}

function openOrders() {
  const waiting = sheet.stops.filter((stop) => !stop.staff);
  $("open-count").textContent = waiting.length ? `${waiting.length} 单` : "";
  $("desk-open").replaceChildren(...waiting.map((stop) => {
    const box = element("button", { type: "button", class: "open-order", "data-open": stop.id, "aria-pressed": String(stop.id === chosen), onclick: () => select(stop.id) },
      element("strong", {}, `${stop.urgent ? "【紧急】" : ""}${stop.name}`), ` ${stop.service}`, element("small", {}, `期望 ${stop.wish}，${stop.minutes} 分钟`), element("small", { class: "why" }, stop.reason));
    box.addEventListener("pointerdown", (event) => { if (sheet.editable && !stop.frozen && event.pointerType === "mouse" && event.button === 0) gantt.drag(event, stop, 20, box); });
    return box;
  }));
  if (!waiting.length) $("desk-open").append(element("p", { class: "text-secondary m-3" }, "每一单都有人去。"));
}

// What publishing would change of what carers and elders were told: they are the ones to be told anew.
function told(stop) {
  const name = (id) => sheet.carers.find((each) => each.id === id)?.name ?? "";
  if (!stop.was || stop.frozen) return null;
  if (!stop.staff) return `撤回：原为${stop.was.name} ${clock(stop.was.start)}`;
  if (stop.staff !== stop.was.staff) return `${stop.was.name} ${clock(stop.was.start)} → ${name(stop.staff)} ${clock(stop.start)}`;
  return stop.start === stop.was.start ? null : `${stop.was.name} ${clock(stop.was.start)} → ${clock(stop.start)}`;
}

function changes() {
  const rows = sheet.editable ? sheet.stops.map((stop) => [stop, told(stop)]).filter(([, text]) => text) : [];
  $("desk-changed").hidden = !rows.length;
  $("changed-count").textContent = rows.length ? `${rows.length} 次` : "";
  $("desk-changes").replaceChildren(...rows.map(([stop, text]) =>
    element("button", { type: "button", class: "open-order", "data-changed": stop.id, onclick: () => select(stop.id) }, element("strong", {}, stop.name), ` ${stop.service}`, element("small", {}, text))));
}

function list() {
  const open = new Set(Array.from(document.querySelectorAll(".desk-list details[open]"), (each) => each.dataset.carer));
  $("desk-list").replaceChildren(...sheet.carers.map((each) => {
    const mine = sheet.stops.filter((stop) => stop.staff === each.id).sort((one, two) => one.start - two.start);
    const box = element("details", { "data-carer": each.id, open: open.has(each.id) }, element("summary", {}, each.name, element("small", {}, mine.length ? `${mine.length} 次，${(each.load / 60).toFixed(1)} 小时` : each.shifts.length ? "空闲" : "不在班")));
    for (const stop of mine) {
      box.append(element("button", { type: "button", class: "list-stop", onclick: () => { select(stop.id); $("desk-detail").scrollIntoView({ block: "start" }); } },
        element("time", {}, clock(stop.start)), element("span", {}, `${stop.held ? "🔒" : ""}${stop.name} ${stop.service}`, element("small", {}, stop.place), ...stop.troubles.map((text) => element("small", { class: "why" }, text)))));
    }
    return box;
  }));
}

function take(answer) {
  if (answer.stops) {
    sheet = answer;
    gantt.show(sheet);
    for (const each of sheet.measures) {
      const place = document.querySelector(`[data-measure="${each.name}"]`);
      if (place) place.textContent = each.text;
    }
    openOrders();
    changes();
    list();
    if (chosen) { detail.show(sheet.stops.find((stop) => stop.id === chosen), sheet); gantt.mark(chosen); }
    else gantt.mark(null);
    gantt.markCarer(carer);
    map?.show(sheet, chosen, carer);
    document.documentElement.dataset.board = "ready";
  }
  if (answer.run !== undefined) running(answer.run);
}

// --- computing ---
function running(run) {
  const box = $("desk-run");
  box.hidden = !run?.open;
  for (const button of document.querySelectorAll('[data-desk="run"], [data-desk="publish"], [data-desk="undo"], [data-desk="refresh"]')) button.disabled = Boolean(run?.open);
  if (!run) return;
  $("desk-run-text").textContent = run.lost ? "计算没有回音，可能已中断" : `${run.stage} ${run.percent}%`;
  $("desk-run-bar").value = run.percent;
  box.querySelector('[data-desk="give-up"]').hidden = !run.lost;
  if (run.open) setTimeout(poll, 1000);
  else if (run.failure) trouble(`这次计算没有完成：${run.failure}`);
}

let missed = 0;
async function poll() {
  let answer = null;
  try { answer = await get("progress"); missed = 0; } catch (error) {
    // One question that found no answer is asked again; only a silence is told.
    missed += 1;
    if (missed > 2) trouble(error instanceof Refusal ? error.message : "网络不通，请检查网络后重试。");
    setTimeout(poll, 2000);
    return;
  }
  if (answer.run?.open) running(answer.run);
  else if (await attempt(async () => { take(await get("sheet")); return true; })) say("排单计算完成");
}

const acts = {
  undo: () => post("undo"),
  refresh: () => post("refresh"),
  run: () => post("run"),
  stop: () => post("stop"),
  "give-up": () => post("give-up"),
  publish: async () => {
    const open = sheet.stops.filter((stop) => !stop.staff).length;
    const wrong = sheet.stops.filter((stop) => stop.troubles.length).length;
    const doubts = [open && `${open} 单没有人去`, wrong && `${wrong} 次上门违反规则`].filter(Boolean).join("，");
    if (doubts && !window.confirm(`${doubts}。仍然发布？`)) return {};
    await post("publish", { version: sheet.version });
    location.reload();
    return {};
  },
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-desk]");
  if (!button || button.disabled) return;
  button.disabled = true;
  const answer = await attempt(acts[button.dataset.desk]);
  button.disabled = false;
  if (answer) take(answer);
});

document.addEventListener("keydown", async (event) => {
  if (event.target.closest("input, select, textarea, dialog")) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && sheet?.editable) {
    event.preventDefault();
    const answer = await attempt(acts.undo);
    if (answer) { take(answer); say("已撤销"); }
  }
  const stop = sheet?.stops.find((each) => each.id === chosen);
  if (!stop || !sheet.editable || stop.frozen || event.ctrlKey || event.metaKey) return;
  if (event.key.toLowerCase() === "l" && stop.staff) hold(stop, !stop.held);
  if (event.key === "Delete" && stop.staff) move(stop, null, null);
});

attempt(async () => take(await get("sheet")));
