// What is chosen: the elder's wish, what is broken, who else could go; on a phone this is where visits are moved.
import { clock, element, get, post } from "./api.js";

const signed = (value) => (value > 0 ? `+${value}` : `${value}`);

export function told(made) {
  return `里程 ${signed(made.km)} 公里，路上 ${signed(made.travel)} 分钟，等候 ${signed(made.waiting)} 分钟`;
}

export function weighed(made) {
  const list = element("ul");
  for (const breach of made.breaches) list.append(element("li", { class: breach.hard ? "hard" : "" }, breach.hard ? `不能：${breach.text}` : breach.text));
  return [element("div", {}, told(made)), made.breaches.length ? list : ""];
}

export class Detail {
  constructor(place, { move, hold }) { Object.assign(this, { place, move, hold, asked: 0 }); }

  show(stop, sheet) {
    if (!stop) return;
    const carer = sheet.carers.find((each) => each.id === stop.staff);
    const facts = [
      ["时间", stop.staff ? `${clock(stop.start)}–${clock(stop.start + stop.minutes)}，${carer?.name ?? ""}${stop.familiar ? `（${stop.familiar}）` : ""}` : "没有人去"],
      ["期望", `${stop.wish} 之间开始，${stop.minutes} 分钟`],
      ["地址", stop.place],
      ["应答", stop.answer],
    ];
    const list = element("dl");
    for (const [name, value] of facts) if (value) list.append(element("dt", {}, name), element("dd", {}, value));
    this.place.replaceChildren(element("h2", { class: "desk-detail-head" }, `${stop.urgent ? "【紧急】" : ""}${stop.name} ${stop.service}`), list);
    const wrong = stop.staff ? stop.troubles : [stop.reason].filter(Boolean);
    if (wrong.length) this.place.append(element("ul", { class: "troubles" }, ...wrong.map((text) => element("li", {}, text))));
    if (!sheet.editable || stop.frozen) {
      if (stop.frozen) this.place.append(element("p", { class: "text-secondary m-0" }, "已经开始或时间已过，不再改动。"));
      return;
    }
    if (stop.staff) {
      this.place.append(element("div", { class: "desk-buttons" },
        element("button", { type: "button", class: "btn btn-sm", "data-do": "hold", onclick: () => this.hold(stop, !stop.held) }, stop.held ? "解除锁定" : "锁定护理员"),
        element("button", { type: "button", class: "btn btn-sm", "data-do": "out", onclick: () => this.move(stop, null, null) }, "移出")));
    }
    this.form(stop, sheet);
    this.others(stop);
  }

  carer(person, away) {
    this.asked += 1;
    this.place.replaceChildren(element("h2", { class: "desk-detail-head" }, person.name),
      element("p", { class: "text-secondary" }, `${person.shifts.map(([start, end]) => `${clock(start)}–${clock(end)}`).join("、") || "当天不在班"}${person.load ? `，工作 ${(person.load / 60).toFixed(1)} 小时` : ""}`));
    if (away && person.shifts.length) this.place.append(element("button", { type: "button", class: "btn btn-sm btn-outline-danger", "data-do": "away", onclick: () => away(person) }, "病假：从现在起不能上门"));
  }

  form(stop, sheet) {
    const people = element("select", { class: "form-select form-select-sm", "aria-label": "改派给" });
    for (const carer of sheet.carers) people.append(element("option", { value: carer.id, selected: carer.id === stop.staff }, carer.name));
    const time = element("input", { type: "time", class: "form-control form-control-sm", step: 300, value: clock(stop.start ?? stop.earliest), "aria-label": "上门时间" });
    const said = element("div", { class: "small", role: "status" });
    const wanted = () => { const [hours, minutes] = time.value.split(":").map(Number); return { order: stop.id, staff: people.value, start: hours * 60 + minutes }; };
    const weigh = async () => {
      if (!time.value) return null;
      try {
        const made = await post("consequence", wanted());
        said.replaceChildren(...weighed(made));
        return made;
      } catch (refusal) { said.textContent = refusal.message; return null; }
    };
    people.addEventListener("change", weigh);
    time.addEventListener("change", weigh);
    const send = async (event) => { event.preventDefault(); const made = await weigh(); if (made?.possible) { const { staff, start } = wanted(); this.move(stop, staff, start); } };
    this.place.append(element("form", { class: "desk-move-form", onsubmit: send }, element("div", { class: "desk-move" }, people, time), said,
      element("button", { type: "submit", class: "btn btn-sm w-100 mt-1", "data-do": "move" }, "改派")));
  }

  async others(stop) {
    const number = ++this.asked;
    const box = element("div", { class: "mt-3" }, element("h3", { class: "small fw-bold m-0 p-0 border-0" }, "不动别人，还有谁能去"));
    this.place.append(box);
    try {
      const { others } = await get("others", { order: stop.id });
      if (number !== this.asked) return;
      if (!others.length) box.append(element("p", { class: "text-secondary small m-0" }, "期望时间内没有别人有空。"));
      for (const each of others) {
        box.append(element("button", { type: "button", class: "desk-other", onclick: () => this.move(stop, each.staff, each.start) },
          element("span", {}, `${each.clock} ${each.name}${each.familiar ? `（${each.familiar}）` : ""}`), element("small", {}, `${signed(each.km)} 公里 ${signed(each.travel)} 分`)));
      }
    } catch (refusal) { box.append(element("p", { class: "small m-0" }, refusal.message)); }
  }
}
