// The page reads and prints without this script, which switches the language, filters, and moves between sentences.
// It listens on the document: articles that are put into #articles later need nothing more.
(() => {
  "use strict";
  const root = document.documentElement;
  const STORED = "isnad-language";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const chips = all("[data-kind]");
  const seen = (element) => element.getClientRects().length > 0;

  // --- language ---------------------------------------------------------------------------------------------
  const translate = (within) => {
    for (const element of all("[data-label-en]", within)) {
      element.setAttribute("aria-label", root.lang === "ar" ? element.dataset.labelAr : element.dataset.labelEn);
      element.lang = root.lang;
    }
  };
  const speak = (language) => {
    root.lang = language;
    root.dir = language === "ar" ? "rtl" : "ltr";
    for (const button of all("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language));
    }
    translate(document);
  };
  const stored = (language) => {
    try { // a browser may refuse storage to a page opened from a file
      if (language) localStorage.setItem(STORED, language);
      return localStorage.getItem(STORED);
    } catch {
      return null;
    }
  };

  // --- filter -----------------------------------------------------------------------------------------------
  const sentences = () => all("#articles .s[id]");
  const count = () => {
    const found = sentences();
    for (const chip of chips) {
      const kind = chip.dataset.kind;
      const number = kind ? found.filter((s) => s.classList.contains(kind)).length : found.length;
      chip.querySelector(".chip-count").textContent = number;
      if ("optional" in chip.dataset) chip.hidden = !number && chip.getAttribute("aria-pressed") !== "true";
    }
    for (const words of all(".shown-words")) words.hidden = !("show" in root.dataset);
    for (const b of all("[data-shown]")) b.textContent = found.filter(seen).length;
    for (const b of all("[data-all]")) b.textContent = found.length;
  };
  const show = (kinds) => {
    if (kinds.length) root.dataset.show = kinds.join(" ");
    else delete root.dataset.show;
    for (const chip of chips) {
      const kind = chip.dataset.kind;
      chip.setAttribute("aria-pressed", String(kind ? kinds.includes(kind) : !kinds.length));
    }
    count();
  };
  const press = (kind) => {
    const on = root.dataset.show?.split(" ") ?? [];
    show(!kind ? [] : on.includes(kind) ? on.filter((other) => other !== kind) : [...on, kind]);
  };

  // --- sentences --------------------------------------------------------------------------------------------
  const go = (step) => {
    const marks = all("#articles .tag").filter(seen);
    const at = marks.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? firstBelow(marks) : undefined) : marks[at + step];
    next?.focus();
    next?.closest(".s").scrollIntoView({ block: "nearest" });
  };
  const firstBelow = (marks) => marks.find((mark) => mark.getBoundingClientRect().top >= 0) ?? marks[0];
  const STEPS = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1, ArrowLeft: 1, ArrowRight: -1 }; // the text runs leftwards

  document.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey || document.querySelector(".details:popover-open")) return;
    const focused = document.activeElement;
    const onMark = focused?.classList.contains("tag");
    const nowhere = !focused || focused === document.body || focused.id === "articles";
    if (!onMark && (event.key.length > 1 || !nowhere)) return;
    event.preventDefault();
    go(step);
  });

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const language = target?.closest("[data-language]");
    if (language) speak(stored(language.dataset.language) ?? language.dataset.language);
    const chip = target?.closest("[data-kind]");
    if (chip) press(chip.dataset.kind);
    const link = target?.closest("a[href^='#']");
    if (link) follow(event, document.getElementById(link.hash.slice(1)));
    const part = target?.closest(".s");
    if (part && !target.closest("button, a") && getSelection().isCollapsed) {
      document.getElementById(part.dataset.s)?.querySelector(".tag")?.click();
    }
  });
  const follow = (event, target) => {
    if (!target?.classList.contains("s")) return;
    if (!seen(target)) show([]);
    const mark = target.querySelector(".tag");
    if (mark) setTimeout(() => mark.focus({ preventScroll: true })); // after the browser has gone to the target
  };

  // --- the beginning ----------------------------------------------------------------------------------------
  for (const hidden of all(".languages, .filter")) hidden.hidden = false;
  speak(stored() === "ar" ? "ar" : stored() === "en" ? "en" : root.lang);
  count();
  new MutationObserver(() => { translate(document); count(); })
    .observe(document.getElementById("articles"), { childList: true });
})();
