// The page reads and filters without this script; it switches the language, counts, and follows links into hidden text.
(() => {
  "use strict";
  const root = document.documentElement;
  const boxes = [...document.querySelectorAll(".filter input")];
  const sentences = [...document.querySelectorAll(".s[id]")];

  const languages = document.querySelector(".languages");
  languages.hidden = false;
  languages.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    root.lang = button.dataset.language;
    root.dir = root.lang === "ar" ? "rtl" : "ltr";
    for (const other of languages.querySelectorAll("button")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  });

  const count = () => {
    if (boxes.every((box) => box.checked)) return;
    const shown = sentences.filter((s) => s.getClientRects().length).length;
    for (const b of document.querySelectorAll("[data-shown]")) b.textContent = shown;
    for (const b of document.querySelectorAll("[data-all]")) b.textContent = sentences.length;
    document.querySelector(".shown").hidden = false;
  };
  document.querySelector(".filter").addEventListener("change", count);

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const target = link && document.getElementById(link.hash.slice(1));
    if (!target?.classList.contains("s") || target.getClientRects().length) return;
    for (const box of boxes) if (target.classList.contains(box.id.slice(2))) box.checked = true;
    count();
  });
})();
