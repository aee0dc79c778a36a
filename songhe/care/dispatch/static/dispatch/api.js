// Asking the server: every change is sent as a form, every refusal comes back as a sentence.
const urls = JSON.parse(document.getElementById("desk-urls").textContent);

export class Refusal extends Error {}

async function read(answer) {
  const data = await answer.json().catch(() => ({ error: "系统暂时没有响应，请稍后再试。" }));
  if (!answer.ok || data.error) throw new Refusal(data.error ?? "没有办成，请刷新页面后再试。");
  return data;
}

export async function get(name, query = {}) {
  const text = new URLSearchParams(query).toString();
  return read(await fetch(urls[name] + (text ? `?${text}` : "")));
}

export async function post(name, values = {}, signal = undefined) {
  const body = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== null && value !== undefined) body.set(key, value);
  const headers = JSON.parse(document.body.getAttribute("hx-headers"));
  return read(await fetch(urls[name], { method: "POST", body, headers, signal }));
}

export const clock = (minute) => `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}
