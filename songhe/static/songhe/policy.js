// The editor of a policy draft: decision tables by dmn-js, figures and named test persons as plain tables beside them.
"use strict";
(() => {
  const form = document.getElementById("draft-form");
  if (!form) return;
  const draft = JSON.parse(document.getElementById("draft-data").textContent);
  const FIGURE = ["name", "value", "unit", "first", "last", "clause"];
  const LABELS = { name: "名称", value: "数值", unit: "单位", first: "自", last: "至", clause: "条款" };
  let modeler = null;
  let waiting = 0;

  function cell(row, name, label) {
    const box = document.createElement("td");
    const input = document.createElement("input");
    input.className = "form-control form-control-sm";
    input.value = row[name] ?? "";
    input.setAttribute("aria-label", label);
    input.addEventListener("input", () => { row[name] = input.value; changed(); });
    box.append(input);
    return box;
  }

  function line(table, row, names, labels) {
    const element = document.createElement("tr");
    for (const name of names) element.append(cell(row, name, labels[name] ?? name));
    table.tBodies[0].append(element);
  }

  function fill() {
    const figures = document.getElementById("figures");
    for (const row of draft.parameters) line(figures, row, FIGURE, LABELS);
    const examples = document.getElementById("examples");
    for (const name of draft.columns) {
      const head = document.createElement("th");
      head.scope = "col";
      head.textContent = name;
      examples.tHead.rows[0].append(head);
    }
    for (const row of draft.examples) line(examples, row, draft.columns, {});
    document.addEventListener("click", (event) => {
      const kind = event.target.closest("[data-add]")?.dataset.add;
      if (!kind) return;
      const rows = kind === "figures" ? draft.parameters : draft.examples;
      const row = kind === "figures" ? { mark: "unverified", document: rows[0]?.document ?? "" } : {};
      for (const name of kind === "figures" ? FIGURE : draft.columns) row[name] = "";
      rows.push(row);
      line(document.getElementById(kind), row, kind === "figures" ? FIGURE : draft.columns, LABELS);
    });
  }

  async function contents() {
    const { xml } = await modeler.saveXML({ format: true });
    return { model_xml: xml, parameters: JSON.stringify(draft.parameters), examples: JSON.stringify(draft.examples) };
  }

  function changed() {
    clearTimeout(waiting);
    waiting = setTimeout(check, 800);
  }

  async function check() {
    htmx.ajax("POST", form.dataset.check, { values: await contents(), target: "#checks", swap: "innerHTML" });
  }

  function showViews() {
    const place = document.getElementById("dmn-views");
    place.replaceChildren();
    for (const view of modeler.getViews()) {
      if (view.type === "drd") continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-sm";
      button.textContent = view.element.name || view.id;
      button.setAttribute("aria-pressed", String(view.element === modeler.getActiveView()?.element));
      button.addEventListener("click", () => open(view));
      place.append(button);
    }
  }

  async function open(view) {
    await modeler.open(view);
    const bus = modeler.getActiveViewer().get("eventBus");
    bus.on("elements.changed", changed);
    bus.on("commandStack.changed", changed);
    showViews();
  }

  async function begin() {
    modeler = new DmnJS({ container: "#dmn" });
    await modeler.importXML(draft.xml, { open: false });
    const first = modeler.getViews().find((view) => view.type === "decisionTable") ?? modeler.getViews()[0];
    if (first) await open(first);
    document.documentElement.dataset.editor = "ready";
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    for (const [name, value] of Object.entries(await contents())) form.elements[name].value = value;
    form.submit();
  });

  document.getElementById("try-form")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const elder = new FormData(event.target).get("elder") ?? "";
    const values = { ...(await contents()), elder };
    htmx.ajax("POST", form.dataset.try, { values, target: "#tried", swap: "innerHTML" });
  });

  fill();
  begin();
})();
