// The board: carers as rows, visits as bars. Only the rows in sight are in the page, so two thousand visits scroll freely.
import { clock, element } from "./api.js";

const ROW = 40;
const NAMES = 132;
const STEP = 5;
const SPARE = 6;

export class Gantt {
  constructor(place, { select, weigh, move, choose }) {
    Object.assign(this, { place, select, weigh, move, choose, sheet: null, chosen: null, carer: null, proposal: null });
    this.rows = new Map();
    this.axis = element("div", { class: "gantt-axis", "aria-hidden": "true" });
    this.body = element("div", { class: "gantt-rows" });
    this.place.append(this.axis, this.body);
    this.ghost = element("div", { class: "gantt-ghost", "aria-hidden": "true" });
    let waiting = false;
    this.place.addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; this.draw(); });
    });
    this.place.addEventListener("pointerdown", (event) => this.grab(event));
    this.place.addEventListener("keydown", (event) => this.key(event));
    let wide = 0;
    new ResizeObserver(([entry]) => {
      if (!this.sheet) return;
      if (Math.abs(entry.contentRect.width - wide) > 2) { wide = entry.contentRect.width; this.show(this.sheet); this.mark(this.chosen); } else this.draw();
    }).observe(this.place);
  }

  show(sheet) {
    this.sheet = sheet;
    this.byId = new Map(sheet.stops.map((stop) => [stop.id, stop]));
    this.index = new Map(sheet.carers.map((carer, row) => [carer.id, row]));
    this.stops = sheet.carers.map(() => []);
    for (const stop of sheet.stops) {
      const row = this.index.get(stop.staff);
      if (row !== undefined) this.stops[row].push(stop);
    }
    for (const row of this.stops) row.sort((one, two) => one.start - two.start);
    const times = sheet.carers.flatMap((carer) => carer.shifts.flat()).concat(sheet.stops.filter((stop) => stop.staff).flatMap((stop) => [stop.start, stop.start + stop.minutes]));
    this.first = Math.floor((times.length ? Math.min(...times) : 480) / 60) * 60;
    this.last = Math.ceil((times.length ? Math.max(...times) : 1080) / 60) * 60;
    const room = this.place.clientWidth - NAMES - 18;
    this.scale = Math.max(0.95, room / Math.max(60, this.last - this.first));
    const width = `${NAMES + (this.last - this.first) * this.scale}px`;
    this.axis.style.width = this.body.style.width = width;
    this.body.style.height = `${sheet.carers.length * ROW}px`;
    // As high as the carers need, and no higher than the window allows.
    this.place.style.height = `min(68vh, ${Math.max(6, sheet.carers.length) * ROW + 46}px)`;
    this.axis.replaceChildren(element("div", { class: "gantt-corner" }));
    for (let hour = this.first; hour < this.last; hour += 60) {
      const mark = element("span", {}, clock(hour));
      mark.style.left = `${this.x(hour)}px`;
      this.axis.append(mark);
    }
    this.rows.clear();
    this.body.replaceChildren();
    if (!sheet.carers.length) this.body.append(element("p", { class: "gantt-empty" }, "这一天没有排班的护理员。请先在“班次”里给护理员排班。"));
    if (sheet.since > this.first && sheet.since < this.last) {
      const now = element("div", { class: "gantt-now" });
      now.style.left = `${this.x(sheet.since)}px`;
      this.body.append(now);
    }
    this.draw();
  }

  x(minute) { return NAMES + (minute - this.first) * this.scale; }

  minute(x) { return Math.round((this.first + (x - NAMES) / this.scale) / STEP) * STEP; }

  draw() {
    const top = Math.max(0, this.place.scrollTop - 28);
    const from = Math.max(0, Math.floor(top / ROW) - SPARE);
    const to = Math.min(this.sheet.carers.length, Math.ceil((top + this.place.clientHeight) / ROW) + SPARE);
    for (const [row, made] of this.rows) {
      if (row >= from && row < to) continue;
      if (made.contains(document.activeElement)) continue;
      made.remove();
      this.rows.delete(row);
    }
    for (let row = from; row < to; row += 1) if (!this.rows.has(row)) this.add(row);
  }

  add(row) {
    const carer = this.sheet.carers[row];
    const made = element("div", { class: "gantt-row", role: "group", "aria-label": carer.name, "data-row": row });
    made.style.top = `${row * ROW}px`;
    for (const [start, end] of carer.shifts) {
      const shift = element("div", { class: "gantt-shift" });
      shift.style.left = `${this.x(start)}px`;
      shift.style.width = `${(end - start) * this.scale}px`;
      made.append(shift);
    }
    const load = carer.load ? `${(carer.load / 60).toFixed(1)} 小时，${this.stops[row].length} 次` : carer.shifts.length ? "空闲" : "不在班";
    made.append(element("button", { type: "button", class: "gantt-name", "aria-pressed": String(this.carer === carer.id), onclick: () => this.choose(carer.id) }, carer.name, element("small", {}, load)));
    for (const stop of this.stops[row]) {
      if (stop.way > 0) {
        const way = element("div", { class: "gantt-way", title: `路上 ${stop.way} 分钟` });
        way.style.left = `${this.x(stop.start - stop.way)}px`;
        way.style.width = `${stop.way * this.scale}px`;
        made.append(way);
      }
      made.append(this.bar(stop));
    }
    this.rows.set(row, made);
    this.body.append(made);
  }

  bar(stop) {
    const marks = ["gantt-stop", stop.published && "published", stop.frozen && "frozen", stop.hand && "hand", stop.troubles.length && "trouble", stop.urgent && "urgent"];
    const said = [`${clock(stop.start)} ${stop.name} ${stop.service}`, stop.frozen && "不可改动", stop.held && "已锁定", stop.answer, ...stop.troubles].filter(Boolean).join("，");
    const bar = element("button", { type: "button", class: marks.filter(Boolean).join(" "), "data-stop": stop.id, "aria-pressed": String(this.chosen === stop.id), "aria-label": said, title: said, tabindex: this.chosen === stop.id ? 0 : -1, onclick: () => this.select(stop.id) },
      `${stop.held ? "🔒" : ""}${stop.name}`, element("small", {}, stop.service));
    bar.style.left = `${this.x(stop.start)}px`;
    bar.style.width = `${Math.max(14, stop.minutes * this.scale - 1)}px`;
    return bar;
  }

  mark(id, { focus = false } = {}) {
    this.chosen = id;
    const stop = this.byId?.get(id);
    if (stop && this.index.has(stop.staff)) this.reveal(this.index.get(stop.staff), stop.start);
    for (const bar of this.body.querySelectorAll(".gantt-stop")) {
      const here = bar.dataset.stop === id;
      bar.setAttribute("aria-pressed", String(here));
      bar.tabIndex = here ? 0 : -1;
      if (here && focus) bar.focus({ preventScroll: true });
    }
    if (!this.body.querySelector('.gantt-stop[tabindex="0"]')) this.body.querySelector(".gantt-stop")?.setAttribute("tabindex", "0");
  }

  markCarer(id) {
    this.carer = id;
    for (const row of this.rows.values()) {
      const name = row.querySelector(".gantt-name");
      name.setAttribute("aria-pressed", String(this.sheet.carers[row.dataset.row].id === id));
    }
  }

  reveal(row, minute) {
    const top = row * ROW;
    const view = this.place.clientHeight - 28;
    if (top < this.place.scrollTop) this.place.scrollTop = top;
    else if (top + ROW > this.place.scrollTop + view) this.place.scrollTop = top + ROW - view;
    const x = this.x(minute);
    if (x - NAMES < this.place.scrollLeft || x > this.place.scrollLeft + this.place.clientWidth - 60) this.place.scrollLeft = x - NAMES - 40;
    this.draw();
  }

  // --- the mouse and the finger ---
  grab(event) {
    const bar = event.target.closest(".gantt-stop");
    const stop = bar && this.byId.get(bar.dataset.stop);
    if (!stop || event.button > 0 || stop.frozen || !this.sheet.editable) return;
    this.drag(event, stop, event.clientX - bar.getBoundingClientRect().left, bar);
  }

  drag(event, stop, hold, source) {
    const from = [event.clientX, event.clientY];
    let moving = false;
    const follow = (next) => {
      if (!moving && Math.hypot(next.clientX - from[0], next.clientY - from[1]) < 5) return;
      if (!moving) { moving = true; source.classList.add("dragged"); source.setPointerCapture?.(event.pointerId); }
      next.preventDefault();
      const aim = this.aim(next, hold);
      this.propose(stop, aim, [next.clientX, next.clientY]);
    };
    const end = async (next) => {
      document.removeEventListener("pointermove", follow);
      document.removeEventListener("pointerup", end);
      document.removeEventListener("keydown", stopped, true);
      source.classList.remove("dragged");
      if (!moving) return;
      const swallow = (click) => { click.stopPropagation(); click.preventDefault(); };
      window.addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => window.removeEventListener("click", swallow, { capture: true }), 0);
      const out = document.elementFromPoint(next.clientX, next.clientY)?.closest("#desk-open");
      if (out && stop.staff) { this.clear(); await this.move(stop, null, null); return; }
      await this.confirm();
    };
    const stopped = (press) => { if (press.key === "Escape") { press.preventDefault(); moving = false; this.clear(); end(event); } };
    document.addEventListener("pointermove", follow, { passive: false });
    document.addEventListener("pointerup", end);
    document.addEventListener("keydown", stopped, true);
  }

  aim(event, hold) {
    const box = this.place.getBoundingClientRect();
    if (event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom) return null;
    const edge = 28;
    if (event.clientY > box.bottom - edge) this.place.scrollTop += 12;
    if (event.clientY < box.top + 28 + edge) this.place.scrollTop -= 12;
    const y = event.clientY - box.top + this.place.scrollTop - 28;
    const row = Math.max(0, Math.min(this.sheet.carers.length - 1, Math.floor(y / ROW)));
    return { row, start: this.minute(event.clientX - box.left + this.place.scrollLeft - hold) };
  }

  propose(stop, aim, point) {
    if (!aim) { this.clear(); return; }
    const carer = this.sheet.carers[aim.row];
    const start = Math.max(0, Math.min(1440 - stop.minutes, aim.start));
    if (this.proposal && this.proposal.carer.id === carer.id && this.proposal.start === start && this.proposal.stop === stop) {
      this.weigh(this.proposal, point);
      return;
    }
    this.proposal = { stop, carer, start, row: aim.row, made: null };
    this.ghost.textContent = `${clock(start)} ${stop.name}`;
    this.ghost.classList.remove("bad");
    Object.assign(this.ghost.style, { left: `${this.x(start)}px`, top: `${aim.row * ROW + 4}px`, width: `${Math.max(40, stop.minutes * this.scale)}px` });
    this.body.append(this.ghost);
    this.weigh(this.proposal, point ?? this.corner());
  }

  corner() {
    const box = this.ghost.getBoundingClientRect();
    return [box.left, box.bottom];
  }

  judged(proposal) { if (proposal === this.proposal) this.ghost.classList.toggle("bad", !proposal.made.possible); }

  clear() {
    this.proposal = null;
    this.ghost.remove();
    this.weigh(null);
  }

  async confirm() {
    const proposal = this.proposal;
    if (!proposal) return;
    await this.weigh(proposal, null, { now: true });
    this.clear();
    if (proposal.made) await this.move(proposal.stop, proposal.carer.id, proposal.start, proposal.made);
  }

  // --- the keyboard ---
  key(event) {
    const stop = this.byId?.get(this.chosen);
    if (!event.target.closest(".gantt-stop") || !stop) return;
    if (event.key === "Escape" && this.proposal) { event.preventDefault(); this.clear(); return; }
    if (event.key === "Enter" && this.proposal) { event.preventDefault(); this.confirm(); return; }
    const arrow = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (!arrow) return;
    event.preventDefault();
    if (event.shiftKey) {
      if (stop.frozen || !this.sheet.editable) return;
      const now = this.proposal?.stop === stop ? this.proposal : { row: this.index.get(stop.staff), start: stop.start };
      const row = Math.max(0, Math.min(this.sheet.carers.length - 1, now.row + arrow[0]));
      this.reveal(row, now.start);
      this.propose(stop, { row, start: now.start + arrow[1] * STEP }, null);
      return;
    }
    this.clear();
    const next = arrow[0] ? this.across(stop, arrow[0]) : this.along(stop, arrow[1]);
    if (next) { this.select(next.id); this.mark(next.id, { focus: true }); }
  }

  along(stop, way) {
    const row = this.stops[this.index.get(stop.staff)];
    return row[row.indexOf(stop) + way];
  }

  across(stop, way) {
    for (let row = this.index.get(stop.staff) + way; row >= 0 && row < this.stops.length; row += way) {
      if (!this.stops[row].length) continue;
      return this.stops[row].reduce((best, each) => (Math.abs(each.start - stop.start) < Math.abs(best.start - stop.start) ? each : best));
    }
    return undefined;
  }
}
