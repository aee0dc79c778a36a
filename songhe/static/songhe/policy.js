// The editor of a policy draft: decision tables by dmn-js, figures and named test persons as plain tables beside them.
"use strict";
(() => {
  const form = document.getElementById("draft-form");
  if (!form) return;
  const draft = JSON.parse(document.getElementById("draft-data").textContent);
  const FIGURE = ["name", "value", "unit", "first", "last", "clause"];
  const LABELS = { name: "名称", value: "数值", unit: "单位", first: "自", last: "至", clause: "条款" };
  // What the tables' editor says, in Chinese; what is not here stays as it is.
  const WORDS = {
    "When": "当", "And": "且", "Then": "则", "Or": "或", "Annotations": "依据", "Annotation": "依据",
    "Hit policy:": "命中方式：", "Hit policy": "命中方式", "Decision name": "决策名称", "Decision name: ": "决策名称：",
    "Unique": "唯一（U）", "First": "第一条（F）", "Priority": "优先级（P）", "Any": "任一（A）",
    "Collect": "收集（C）", "Collect (Sum)": "求和（C+）", "Collect (Min)": "取最小（C<）",
    "Collect (Max)": "取最大（C>）", "Collect (Count)": "计数（C#）", "Rule order": "规则顺序（R）",
    "Output order": "输出顺序（O）", "No more than one rule matches.": "最多一条规则符合。",
    "Rules": "规则", "Rule": "规则", "Input": "条件", "Output": "结果", "Input columns": "条件列", "Output columns": "结果列",
    "Add rule": "增加规则", "Add rule above": "在上面增加规则", "Add rule below": "在下面增加规则", "Remove rule": "删除规则",
    "Copy rule": "复制规则", "Cut rule": "剪切规则", "Paste rule above": "粘贴到上面", "Paste rule below": "粘贴到下面",
    "Add input": "增加条件", "Add input column left": "在左边增加条件列", "Add input column right": "在右边增加条件列",
    "Add output": "增加结果", "Add output column left": "在左边增加结果列", "Add output column right": "在右边增加结果列",
    "Remove input column": "删除条件列", "Remove output column": "删除结果列", "Copy input column": "复制条件列",
    "Copy output column": "复制结果列", "Cut input column": "剪切条件列", "Cut output column": "剪切结果列",
    "Add cell description": "增加说明", "Remove cell description": "删除说明", "Edit input": "修改条件", "Edit output": "修改结果",
    "Input label": "条件名称", "Input label: ": "条件名称：", "Input expression": "取值", "Input expression: ": "取值：",
    "Output label": "结果名称", "Output label: ": "结果名称：", "Output name": "结果变量", "Output name: ": "结果变量：",
    "Expression": "表达式", "Enter expression": "填写表达式", "Edit": "修改", "Resize": "调整宽度",
    "Expression language": "表达式语言", "Expression language:": "表达式语言：", "Variable name": "变量名称", "Type": "类型",
  };
  const translate = (text, values = {}) =>
    (WORDS[text] ?? text).replace(/\{([^}]+)\}/g, (whole, name) => values[name] ?? whole);
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
    // Each kind of view takes its modules by itself; those under ``common`` are passed over.
    const chinese = { additionalModules: [{ translate: ["value", translate] }] };
    modeler = new DmnJS({
      container: "#dmn", drd: chinese, decisionTable: chinese, literalExpression: chinese, boxedExpression: chinese,
    });
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
