// The desk of the server's page: hands text, a file or an address to the server, shows the answer, and keeps it in
// this browser's IndexedDB. What comes back is HTML of this very server, in which all text is escaped.
(() => {
  "use strict";
  const at = (id) => document.getElementById(id);
  const root = document.documentElement;
  const articles = at("articles");
  const KEEP = 50;
  const WORDS = {
    bad_host: "لا يُعرف الخادم بهذا الاسم.",
    busy: "الخادم مشغول بطلبات كثيرة؛ حاول بعد ثانية.",
    failed: "وقع خطأ في الخادم؛ حاول مرة أخرى.",
    foreign_origin: "جاء الطلب من صفحة موقع آخر.",
    invalid: "الطلب غير سليم؛ أعد تحميل الصفحة.",
    not_fetched: "تعذّر جلب هذا العنوان؛ احفظ الصفحة وأسقط ملفها هنا.",
    timeout: "استغرق التصنيف أكثر مما يُسمح به؛ أرسل نصاً أقصر.",
    too_large: "هذا أكبر مما يُقبل في طلب واحد؛ قسّمه وأرسله في أجزاء.",
    too_slow: "وصل الطلب ببطء شديد؛ حاول مرة أخرى.",
    unreadable: "لم يُعثر فيه على مقال يُقرأ؛ ألصق النص نفسه أو احفظه بترميز UTF-8.",
  };
  const OFFLINE = ["The server does not answer; see whether it still runs.", "الخادم لا يجيب؛ تحقّق من أنه يعمل."];
  const EMPTY = ["Paste a text first, or drop a file.", "ألصق نصاً أولاً، أو أسقط ملفاً."];
  const ONE_FILE = ["One file at a time, please.", "ملف واحد في كل مرة من فضلك."];
  const NOT_KEPT = ["Labelled; this browser refuses to keep it.", "صُنّف، غير أن المتصفح يأبى حفظه."];

  // --- saying things in both languages --------------------------------------------------------------------
  const both = (en, ar) => [["en", en], ["ar", ar]].map(([language, words]) => {
    const span = document.createElement("span");
    Object.assign(span, { className: `ui-${language}`, lang: language, textContent: words });
    return span;
  });
  const say = (en, ar) => at("said").replaceChildren(...(en ? both(en, ar) : []));
  const complain = (en, ar) => { say(); at("problem").replaceChildren(...(en ? both(en, ar) : [])); };

  // --- asking the server ----------------------------------------------------------------------------------
  let running = null;
  const ask = async (path, kind, body) => {
    running?.abort();
    const mine = running = new AbortController();
    complain();
    busy(true);
    try {
      const answer = await fetch(path, { method: "POST", headers: { "Content-Type": kind }, body, signal: mine.signal });
      if (answer.ok) return await answer.text();
      const { code, message } = (await answer.json()).error;
      complain(message.charAt(0).toUpperCase() + message.slice(1), WORDS[code] ?? WORDS.failed);
    } catch {
      if (!mine.signal.aborted) complain(...OFFLINE);
    } finally {
      if (running === mine) busy(false);
    }
    return null;
  };
  const busy = (yes) => {
    at("working").hidden = !yes;
    at("send").disabled = yes;
    articles.setAttribute("aria-busy", String(yes));
  };

  const label = async (path, kind, body, entry) => {
    const html = await ask(path, kind, body);
    if (html === null) return;
    show(html);
    const count = articles.querySelectorAll(".s[id]").length;
    say(`Labelled: ${count} sentences.`, `صُنّفت الجمل، وعددها ${count}.`);
    articles.focus({ preventScroll: true });
    articles.scrollIntoView({ block: "start" });
    await keep({ ...entry, name: entry.title || entry.name || begin(entry.text), when: Date.now(), html });
  };
  const show = (html) => {
    articles.innerHTML = html;
    document.body.classList.add("filled");
  };
  const begin = (text) => text.trim().split("\n").find((line) => line.length > 30)?.slice(0, 90) ?? text.trim().slice(0, 90);

  const sendBoxes = () => {
    const [text, title, url] = ["text", "headline", "url"].map((id) => at(id)?.value.trim() ?? "");
    if (text) return label("page", "application/json", JSON.stringify({ text: at("text").value, title }), { text: at("text").value, title });
    if (url) return label("page", "application/json", JSON.stringify({ url }), { name: url });
    complain(...EMPTY);
    at("text").focus();
  };
  const sendFiles = (files) => {
    if (files.length !== 1) return complain(...ONE_FILE);
    const [file] = files;
    label(`page/file?name=${encodeURIComponent(file.name.slice(-200))}`, "application/octet-stream", file, { name: file.name });
  };

  // --- history, in this browser alone -----------------------------------------------------------------------
  const stored = (mode, work) => new Promise((done, failed) => {
    const opening = indexedDB.open("isnad", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("articles", { keyPath: "id", autoIncrement: true });
    opening.onerror = () => failed(opening.error);
    opening.onsuccess = () => {
      const transaction = opening.result.transaction("articles", mode);
      const request = work(transaction.objectStore("articles"));
      transaction.oncomplete = () => { opening.result.close(); done(request?.result); };
      transaction.onabort = () => { opening.result.close(); failed(transaction.error); };
    };
  });
  const keep = async (entry) => {
    try {
      await stored("readwrite", (store) => store.add(entry));
      const ids = await stored("readonly", (store) => store.getAllKeys());
      const old = ids.slice(0, -KEEP);
      if (old.length) await stored("readwrite", (store) => { for (const id of old) store.delete(id); });
    } catch {
      say(...NOT_KEPT);
    }
    await list();
  };
  const list = async () => {
    let entries = [];
    try { entries = await stored("readonly", (store) => store.getAll()); } catch { /* private window: no history */ }
    at("history").hidden = !entries.length;
    at("kept").textContent = entries.length;
    at("earlier").replaceChildren(...entries.reverse().map(line));
  };
  const line = ({ id, name, when }) => {
    const item = document.createElement("li");
    const again = Object.assign(document.createElement("button"), { type: "button", className: "again" });
    const title = Object.assign(document.createElement("bdi"), { textContent: name });
    const time = Object.assign(document.createElement("time"), { dateTime: new Date(when).toISOString() });
    time.textContent = new Date(when).toLocaleString(root.lang, { dateStyle: "medium", timeStyle: "short" });
    again.append(title, time);
    const forget = Object.assign(document.createElement("button"), { type: "button", className: "forget", textContent: "×" });
    const words = { labelEn: `Forget ${name}`, labelAr: `انسَ ${name}` };
    Object.assign(forget.dataset, words);
    forget.setAttribute("aria-label", root.lang === "ar" ? words.labelAr : words.labelEn);
    again.addEventListener("click", () => reopen(id));
    forget.addEventListener("click", async () => { await stored("readwrite", (store) => store.delete(id)); await list(); });
    item.append(again, forget);
    return item;
  };
  const reopen = async (id) => {
    const entry = await stored("readonly", (store) => store.get(id));
    if (!entry) return list();
    at("text").value = entry.text ?? "";
    at("headline").value = entry.title ?? "";
    complain();
    show(entry.html);
    articles.focus({ preventScroll: true });
    articles.scrollIntoView({ block: "start" });
  };

  // --- what the reader does ---------------------------------------------------------------------------------
  at("desk").addEventListener("submit", (event) => { event.preventDefault(); sendBoxes(); });
  at("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("desk").requestSubmit();
  });
  at("file").addEventListener("change", (event) => { if (event.target.files.length) sendFiles(event.target.files); event.target.value = ""; });
  at("sample").addEventListener("click", () => {
    at("text").value = at("sample-text").content.textContent;
    at("headline").value = at("sample-text").dataset.title;
    at("desk").requestSubmit();
  });
  at("clear").addEventListener("click", () => {
    running?.abort();
    for (const id of ["text", "headline", "url"]) if (at(id)) at(id).value = "";
    articles.replaceChildren();
    document.body.classList.remove("filled");
    complain(); busy(false);
    at("text").focus();
  });
  at("forget-all").addEventListener("click", async () => { await stored("readwrite", (store) => store.clear()); await list(); at("text").focus(); });

  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    root.classList.add("dragging");
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) root.classList.remove("dragging"); });
  document.addEventListener("drop", (event) => {
    root.classList.remove("dragging");
    if (!holdsFiles(event)) return;
    event.preventDefault();
    sendFiles(event.dataTransfer.files);
  });
  new MutationObserver(list).observe(root, { attributeFilter: ["lang"] });
  list();
})();
