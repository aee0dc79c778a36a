"use strict";
/* The console's own behaviour: dialogs, choosing rows, look-ups, kept drafts, shortcuts. No library but htmx. */
(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const say = (text) => { const box = $("#status"); if (box) box.textContent = text; };

  // --- dialogs ----------------------------------------------------------------------------------------------
  const show = (dialog) => { if (dialog && !dialog.open) dialog.showModal(); };
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "dialog-body" && event.target.childElementCount) {
      show($("#dialog"));
      const first = $("[autofocus], [aria-invalid=true], .is-invalid, textarea, input:not([type=hidden]), select", event.target);
      if (first) first.focus();
    }
    if (event.target.id === "rows") {
      const told = $("[data-status]", event.target);
      if (told) say(told.dataset.status);
    }
    prepare(event.target);
  });
  document.addEventListener("click", (event) => {
    const closer = event.target.closest("[data-close]");
    if (closer) {
      const dialog = closer.closest("dialog");
      if (dialog) dialog.close(); else history.back();
    }
    if (event.target.matches("dialog.sheet")) event.target.close();
    if (event.target.closest("[data-back]")) history.back();
    if (event.target.closest("[data-print]")) window.print();
    const toggle = event.target.closest("[data-toggle]");
    if (toggle) {
      const open = $("#" + toggle.dataset.toggle).classList.toggle("open");
      toggle.setAttribute("aria-expanded", String(open));
    }
  });
  document.addEventListener("close", (event) => {
    // What a dialog showed (a whole identity number) does not stay in the page.
    if (event.target.id === "dialog") $("#dialog-body").replaceChildren();
  }, true);

  // --- menu -------------------------------------------------------------------------------------------------
  const opened = new Set(JSON.parse(localStorage.getItem("menu") || "[]"));
  for (const part of $$(".side-part")) {
    const name = part.dataset.part;
    if (opened.has(name)) part.open = true;
    // What somebody opened stays open on the next page; the page's own group is opened by the server.
    $("summary", part).addEventListener("click", () => {
      if (part.open) opened.delete(name); else opened.add(name);
      localStorage.setItem("menu", JSON.stringify([...opened]));
    });
  }

  // --- trouble ----------------------------------------------------------------------------------------------
  const trouble = (text) => {
    const box = $("#trouble");
    if (!box) return;
    box.textContent = text;
    box.hidden = false;
    clearTimeout(trouble.timer);
    trouble.timer = setTimeout(() => { box.hidden = true; }, 8000);
  };
  document.addEventListener("htmx:sendError", () => trouble("网络不通，请检查网络后重试。填写的内容没有丢失。"));
  document.addEventListener("htmx:responseError", (event) => {
    const code = event.detail.xhr.status;
    trouble(code === 403 ? "没有权限，或页面已过期，请刷新后重试。" : code === 404 ? "没有找到，可能已被移走。" : "系统暂时没有响应，请稍后再试。");
  });

  // --- lists ------------------------------------------------------------------------------------------------
  const listForm = () => $("#list-form");
  document.addEventListener("change", (event) => {
    const target = event.target;
    if (target.matches("[data-submit]") && target.form) target.form.requestSubmit();
    if (target.matches("[data-choose-all]")) {
      $$("input[name=pk][form=bulk]").forEach((box) => { box.checked = target.checked; });
    }
    if (target.matches("[data-choose-all], input[name=pk][form=bulk]")) {
      const boxes = $$("input[name=pk][form=bulk]");
      const chosen = boxes.filter((box) => box.checked).length;
      const bar = $("#bulk-bar");
      if (bar) { bar.hidden = chosen === 0; $("[data-chosen]", bar).textContent = chosen; }
      const all = $("[data-choose-all]");
      if (all) { all.checked = chosen === boxes.length; all.indeterminate = chosen > 0 && chosen < boxes.length; }
    }
  });
  document.addEventListener("click", (event) => {
    const clear = event.target.closest("[data-clear]");
    if (!clear || !listForm()) return;
    clear.dataset.clear.split(",").forEach((name) => {
      $$(`[name="${CSS.escape(name)}"]`, listForm()).forEach((field) => {
        field.value = "";
        const lookup = field.closest(".lookup");
        if (lookup) { $(".lookup-text", lookup).value = ""; $(".lookup-clear", lookup).hidden = true; }
      });
    });
    listForm().requestSubmit();
  });
  document.addEventListener("click", (event) => {
    // A click anywhere in a row opens it, unless it was meant for something in the row or for selecting text.
    const row = event.target.closest(".cards-below tbody tr");
    if (!row || event.target.closest("a, button, input, label") || String(getSelection())) return;
    const link = $("a.row-link", row);
    if (link) { if (event.ctrlKey || event.metaKey) window.open(link.href); else link.click(); }
  });

  // Coming back to a list finds the name that was searched for again; a number is never kept.
  const searchKey = () => "search:" + location.pathname;
  if (listForm() && $("#list-q")) {
    const box = $("#list-q");
    listForm().addEventListener("htmx:configRequest", () => {
      if (box.value && !/\d/.test(box.value)) sessionStorage.setItem(searchKey(), box.value);
      else sessionStorage.removeItem(searchKey());
    });
    const [entry] = performance.getEntriesByType("navigation");
    const before = sessionStorage.getItem(searchKey());
    if (entry && entry.type === "back_forward" && before && !box.value) {
      box.value = before;
      window.addEventListener("load", () => listForm().requestSubmit());
    }
  }

  // --- forms ------------------------------------------------------------------------------------------------
  const DRAFT = "draft:";
  const draftKey = (form) => DRAFT + new URL(form.action, location.href).pathname;
  const kept = (field) => field.name && !field.matches("[data-sealed], [data-volatile], [type=password], [type=file], [name=csrfmiddlewaretoken], [name=form_token]") && !field.closest("[data-sealed]");
  const read = (form) => Array.from(form.elements).filter(kept).filter((field) => !/^(submit|button|fieldset)$/.test(field.type))
    .map((field) => [field.name, field.matches("[data-lookup-value]") ? [field.value, $(".lookup-text", field.closest(".lookup")).value] : field.type === "checkbox" || field.type === "radio" ? [field.value, field.checked] : field.multiple ? Array.from(field.selectedOptions, (option) => option.value) : field.value]);
  const write = (form, values) => {
    const seen = {};
    values.forEach(([name, value]) => {
      const fields = $$(`[name="${CSS.escape(name)}"]`, form).filter(kept);
      const field = fields[seen[name] = (seen[name] ?? -1) + 1];
      if (!field) return;
      if (field.type === "checkbox" || field.type === "radio") field.checked = value[1];
      else if (field.matches("[data-lookup-value]")) {
        const lookup = field.closest(".lookup");
        [field.value, $(".lookup-text", lookup).value] = value;
        $(".lookup-clear", lookup).hidden = !field.value;
      } else if (field.multiple) Array.from(field.options).forEach((option) => { option.selected = value.includes(option.value); });
      else field.value = value;
      field.dispatchEvent(new Event("songhe:restored", { bubbles: true }));
    });
  };
  const dirty = new Set();
  const prepareDraft = (form) => {
    if (form.dataset.drafted) return;
    form.dataset.drafted = "1";
    const key = draftKey(form);
    const stored = sessionStorage.getItem(key);
    if (form.hasAttribute("data-posted")) dirty.add(form);
    else if (stored) {
      const note = document.createElement("div");
      note.className = "alert alert-info";
      note.setAttribute("role", "status");
      note.innerHTML = '<i class="ti ti-history alert-icon" aria-hidden="true"></i><div class="flex-fill">已恢复您上次没有保存的内容。身份证号、电话等号码需要重新填写。</div><button type="button" class="btn btn-sm">不要恢复</button>';
      const before = read(form);
      write(form, JSON.parse(stored));
      dirty.add(form);
      $("button", note).addEventListener("click", () => { write(form, before); sessionStorage.removeItem(key); dirty.delete(form); note.remove(); });
      form.prepend(note);
    }
    let timer;
    form.addEventListener("input", () => {
      dirty.add(form);
      clearTimeout(timer);
      timer = setTimeout(() => sessionStorage.setItem(key, JSON.stringify(read(form))), 300);
    });
    window.addEventListener("pagehide", () => { if (dirty.has(form)) sessionStorage.setItem(key, JSON.stringify(read(form))); });
    form.addEventListener("submit", () => {
      clearTimeout(timer);
      sessionStorage.setItem(key, JSON.stringify(read(form)));
      sessionStorage.setItem("draft-sent", key);
      dirty.delete(form);
    });
  };
  window.addEventListener("beforeunload", (event) => { if (dirty.size) event.preventDefault(); });
  document.addEventListener("click", (event) => {
    const leave = event.target.closest("[data-discard]");
    if (!leave) return;
    $$("form[data-draft]").forEach((form) => { sessionStorage.removeItem(draftKey(form)); });
    dirty.clear();
  });
  // A form that was sent and led to another page was accepted; one that led to signing in was not.
  const sent = sessionStorage.getItem("draft-sent");
  if (sent && !location.pathname.startsWith("/accounts/")) {
    if (sent !== DRAFT + location.pathname && $("#main .page-head")) sessionStorage.removeItem(sent);
    sessionStorage.removeItem("draft-sent");
  }
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-once]") && !form.hasAttribute("hx-post")) {
      if (form.dataset.sent) { event.preventDefault(); return; }
      form.dataset.sent = "1";
      const button = event.submitter || $("[type=submit]", form);
      if (button) { button.classList.add("btn-loading"); button.setAttribute("aria-disabled", "true"); }
    }
    if (form.matches("[data-download]")) setTimeout(() => { const dialog = form.closest("dialog"); if (dialog) dialog.close(); }, 400);
    if (form.id === "bulk" && $("input[name=all][form=bulk]:checked") && listForm()) {
      new FormData(listForm()).forEach((value, name) => {
        if (name === "csrfmiddlewaretoken") return;
        const field = document.createElement("input");
        field.type = "hidden"; field.name = name; field.value = value;
        form.append(field);
      });
    }
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) $$("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      $$(".btn-loading", form).forEach((button) => { button.classList.remove("btn-loading"); button.removeAttribute("aria-disabled"); });
    });
  });

  // --- look-ups ---------------------------------------------------------------------------------------------
  const prepareLookup = (box) => {
    if (box.dataset.ready) return;
    box.dataset.ready = "1";
    const [hidden, text, clear, list] = [$("[data-lookup-value]", box), $(".lookup-text", box), $(".lookup-clear", box), $(".lookup-list", box)];
    let timer, current = -1, asked = 0;
    const options = () => $$("[role=option]", list);
    const open = (yes) => { list.hidden = !yes; text.setAttribute("aria-expanded", String(yes)); if (!yes) { current = -1; text.removeAttribute("aria-activedescendant"); } };
    const mark = (index) => {
      const all = options();
      if (!all.length) return;
      current = (index + all.length) % all.length;
      all.forEach((option, number) => { option.id = `${text.id}-${number}`; option.setAttribute("aria-selected", String(number === current)); });
      text.setAttribute("aria-activedescendant", all[current].id);
      all[current].scrollIntoView({ block: "nearest" });
    };
    const choose = (option) => {
      hidden.value = option ? option.dataset.value : "";
      text.value = option ? option.dataset.text : "";
      clear.hidden = !option;
      text.setCustomValidity("");
      open(false);
      hidden.dispatchEvent(new Event("input", { bubbles: true }));
      hidden.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const ask = async () => {
      const number = ++asked;
      const body = new FormData();
      body.append("q", text.value);
      const headers = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
      try {
        const answer = await fetch(box.dataset.lookup, { method: "POST", body, headers: { ...headers, "HX-Request": "true" } });
        if (!answer.ok || number !== asked) return;
        list.innerHTML = await answer.text();
        open(true);
        mark(0);
      } catch { trouble("网络不通，请检查网络后重试。"); }
    };
    text.addEventListener("input", (event) => {
      event.stopPropagation();
      if (hidden.value) { hidden.value = ""; clear.hidden = true; }
      clearTimeout(timer);
      timer = setTimeout(ask, 200);
    });
    text.addEventListener("change", (event) => event.stopPropagation());
    text.addEventListener("focus", () => { if (!hidden.value) ask(); });
    text.addEventListener("blur", () => setTimeout(() => { open(false); if (!hidden.value) text.value = ""; }, 150));
    text.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown") { event.preventDefault(); if (list.hidden) ask(); else mark(current + 1); }
      else if (event.key === "ArrowUp") { event.preventDefault(); mark(current - 1); }
      else if (event.key === "Enter" && !list.hidden) { event.preventDefault(); choose(options()[current]); }
      else if (event.key === "Escape") { if (!list.hidden) { event.preventDefault(); event.stopPropagation(); } open(false); }
    });
    list.addEventListener("mousedown", (event) => { const option = event.target.closest("[role=option]"); event.preventDefault(); if (option) choose(option); });
    clear.addEventListener("click", () => { choose(null); text.focus(); });
  };

  // --- tabs -------------------------------------------------------------------------------------------------
  // Many tabs scroll sideways; the one that is open is always in sight, without moving the page itself.
  const inSight = (tab) => {
    if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;
  };
  inSight($("[data-tab].active"));
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-tab]");
    if (!tab) return;
    $$("[data-tab]", tab.parentElement).forEach((other) => {
      const here = other === tab;
      other.classList.toggle("active", here);
      other.setAttribute("aria-selected", String(here));
      if (here) other.removeAttribute("tabindex"); else other.tabIndex = -1;
    });
    $("#tab-panel").setAttribute("aria-labelledby", tab.id);
    inSight(tab);
  });
  document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.("[data-tab]");
    if (!tab || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const tabs = $$("[data-tab]", tab.parentElement);
    const at = tabs.indexOf(tab);
    const next = event.key === "Home" ? 0 : event.key === "End" ? tabs.length - 1 : (at + (event.key === "ArrowRight" ? 1 : -1) + tabs.length) % tabs.length;
    tabs[next].focus();
    tabs[next].click();
  });

  // --- what the search box found ----------------------------------------------------------------------------
  const asked = $("#top-q"), offered = $("#top-found");
  if (asked && offered) {
    const options = () => $$("a[role=option]", offered);
    const open = (shown) => { offered.hidden = !shown; asked.setAttribute("aria-expanded", String(shown)); if (!shown) asked.removeAttribute("aria-activedescendant"); };
    const choose = (row) => {
      options().forEach((each) => each.setAttribute("aria-selected", String(each === row)));
      if (row) { asked.setAttribute("aria-activedescendant", row.id); row.scrollIntoView({ block: "nearest" }); } else asked.removeAttribute("aria-activedescendant");
    };
    offered.addEventListener("htmx:afterSwap", () => open(Boolean(asked.value.trim()) && offered.childElementCount > 0));
    asked.addEventListener("keydown", (event) => {
      const rows = options(), at = rows.findIndex((row) => row.getAttribute("aria-selected") === "true");
      if (event.key === "Escape") open(false);
      else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && rows.length) {
        event.preventDefault();
        open(true);
        choose(rows[(at + (event.key === "ArrowDown" ? 1 : -1) + rows.length + (at < 0 && event.key === "ArrowUp" ? 1 : 0)) % rows.length]);
      } else if (event.key === "Enter" && at >= 0 && !offered.hidden) { event.preventDefault(); location.href = rows[at].href; }
    });
    asked.form.addEventListener("focusout", (event) => { if (!asked.form.contains(event.relatedTarget)) open(false); });
    offered.addEventListener("mousedown", (event) => event.preventDefault());
  }

  // --- shortcuts --------------------------------------------------------------------------------------------
  let goes = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
    const went = Date.now() - goes < 1200;
    goes = 0;
    const key = event.key;
    const follow = (selector) => { const link = $(selector); if (link) { event.preventDefault(); link.click(); } };
    if (went && key === "h") follow(".side-link");
    else if (went && key === "t") follow("a.side-link[href$='/todos/']");
    else if (key === "g") goes = Date.now();
    else if (key === "/") { const box = $("#top-q") || $("#list-q"); if (box) { event.preventDefault(); box.focus(); box.select(); } }
    else if (key === "?") { event.preventDefault(); show($("#keys")); }
    else if (key === "n" || key === "e") follow(`[data-key=${key}]`);
  });

  // --- wide tables ------------------------------------------------------------------------------------------
  // Whatever scrolls sideways can be reached and scrolled by keyboard too.
  const reachable = (box) => {
    if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0; else box.removeAttribute("tabindex");
  };
  const watched = new ResizeObserver((entries) => entries.forEach((entry) => reachable(entry.target)));

  const prepare = (root) => {
    $$(".table-responsive:not([role])", root).forEach((box) => { reachable(box); watched.observe(box); });
    $$("[data-lookup]", root).forEach(prepareLookup);
    $$("form[data-draft]", root).forEach(prepareDraft);
  };
  prepare(document);
  const here = $(".side-link.active");
  if (here) { const box = here.closest(".side"); if (here.offsetTop > box.clientHeight - 60) box.scrollTop = here.offsetTop - box.clientHeight / 2; }
  const errors = $("#errors") || $(".conflict");
  if (errors) { errors.setAttribute("tabindex", "-1"); errors.focus(); }
})();
