document.querySelectorAll("table.sort").forEach(table => table.querySelectorAll("thead th").forEach((th, i) => {
  // A span, not a button: Chromium does not repeat a table head on the next printed page if it holds one.
  const button = Object.assign(document.createElement("span"), {className: "by", tabIndex: 0, role: "button"});
  button.append(...th.childNodes);
  th.append(button);
  const value = row => row.cells[i].dataset.v ?? row.cells[i].textContent.trim();
  button.onclick = () => {
    const down = th.getAttribute("aria-sort") === "ascending";
    table.querySelectorAll("th[aria-sort]").forEach(other => other.removeAttribute("aria-sort"));
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].sort((a, b) => {
      const x = value(a), y = value(b), gap = x - y;
      return (Number.isNaN(gap) ? x.localeCompare(y) : gap) * (down ? -1 : 1);
    });
    table.tBodies[0].append(...rows);
  };
  button.onkeydown = event => {
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); button.click(); }
  };
}));
