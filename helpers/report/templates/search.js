"use strict";
// Looks words up in the list that stands in this page; nothing is sent anywhere.
(function () {
  const list = JSON.parse(document.getElementById("found-in").textContent);
  const box = document.getElementById("words");
  const results = document.getElementById("results");
  const status = document.getElementById("status");
  const MOST = 40;
  for (const entry of list) {
    entry.low = entry.title.toLowerCase();
    entry.all = (entry.title + " " + entry.place + " " + entry.text).toLowerCase();
  }

  function score(entry, words) {
    let sum = entry.kind === "notebook" ? 0 : 2;
    for (const word of words) {
      if (!entry.all.includes(word)) { return 0; }
      const at = entry.low.indexOf(word);
      if (entry.low === word || entry.low.startsWith(word + " ")) { sum += 20; }
      else if (at >= 0) { sum += at === 0 || !/[a-z0-9]/.test(entry.low[at - 1]) ? 10 : 4; }
      sum += Math.min(entry.all.split(word).length - 1, 5);
    }
    return sum;
  }

  // Appends a text with the words marked; as text, never as markup.
  function say(parent, text, words) {
    const low = text.toLowerCase();
    let done = 0;
    while (done < text.length) {
      let next = -1, length = 0;
      for (const word of words) {
        const at = low.indexOf(word, done);
        if (at >= 0 && (next < 0 || at < next)) { next = at; length = word.length; }
      }
      if (next < 0) { break; }
      parent.append(text.slice(done, next));
      const mark = document.createElement("mark");
      mark.textContent = text.slice(next, next + length);
      parent.append(mark);
      done = next + length;
    }
    parent.append(text.slice(done));
  }

  function around(text, words) {
    const low = text.toLowerCase();
    const places = words.map((word) => low.indexOf(word)).filter((at) => at >= 0);
    let from = Math.max(0, (places.length ? Math.min(...places) : 0) - 70);
    if (from > 0) { from = text.indexOf(" ", from) + 1 || from; }
    const piece = text.slice(from, from + 220);
    return (from > 0 ? "… " : "") + piece + (from + 220 < text.length ? " …" : "");
  }

  function look() {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    results.replaceChildren();
    if (!words.length) { status.textContent = ""; return; }
    const found = list.map((entry) => [score(entry, words), entry]).filter((pair) => pair[0] > 0);
    found.sort((a, b) => b[0] - a[0]);
    status.textContent = found.length === 0 ? "Nothing was found for these words; try fewer of them."
      : found.length === 1 ? "1 place" : found.length + " places"
      + (found.length > MOST ? ", the first " + MOST + " of them" : "");
    for (const [, entry] of found.slice(0, MOST)) {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = entry.url;
      say(link, entry.title, words);
      const place = document.createElement("span");
      place.className = "note";
      place.textContent = entry.place;
      const text = document.createElement("p");
      say(text, around(entry.text, words), words);
      item.append(link, place, text);
      results.append(item);
    }
  }

  box.value = new URLSearchParams(location.search).get("q") || "";
  box.form.addEventListener("submit", (event) => { event.preventDefault(); look(); });
  box.addEventListener("input", look);
  look();
  if (!box.value) { box.focus(); }
})();
