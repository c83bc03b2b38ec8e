// Returns what is wrong with the layout and the outline of a page, one line each.
() => {
  const faults = [];
  const say = (what, element) => faults.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  const isSeen = (element) => element.getClientRects().length > 0 && !element.closest(".hidden, .skip");
  const cells = (root, selector) => [...root.querySelectorAll(selector)].filter((one) => !one.querySelector(".hidden"));
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    faults.push(`the page is ${root.scrollWidth} px wide in a window of ${root.clientWidth}`);
  }
  if (!document.title.endsWith("· taskqueue")) faults.push(`title: ${document.title}`);
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].filter(isSeen);
  if (levels.filter((one) => one.tagName === "H1").length !== 1) faults.push("not one h1");
  levels.forEach((one, at) => {
    const before = at ? Number(levels[at - 1].tagName[1]) : 0;
    if (Number(one.tagName[1]) > before + 1) say("a level is left out before", one);
  });
  for (const control of document.querySelectorAll("main button, main input, main select")) {
    const {left, right} = control.getBoundingClientRect();
    if (isSeen(control) && control.type !== "hidden" && (left < 0 || right > root.clientWidth)) {
      say("out of the window", control);
    }
  }
  // Contents keep a distance from the edges of their card, and from the next cell; tables that scroll have no edge.
  const extent = (element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    return range.getBoundingClientRect();
  };
  for (const card of document.querySelectorAll(".card")) {
    const edge = card.getBoundingClientRect();
    for (const inner of cells(card, "p, figure, svg, form, dd, th, td")) {
      const scroll = inner.closest(".scroll");
      const {left, right, width} = extent(inner);
      if (!isSeen(inner) || !width || (scroll && scroll.scrollWidth > scroll.clientWidth)) continue;
      if (right > edge.right - 6 || left < edge.left + 6) say("at the edge of its card", inner);
    }
  }
  for (const cell of cells(document, "main th, main td")) {
    const next = cell.nextElementSibling;
    if (!next || !isSeen(cell) || !isSeen(next)) continue;
    const [mine, its] = [extent(cell), extent(next)];
    if (mine.width && its.width && its.top < mine.bottom && its.left - mine.right < 6) say("touches the next cell", cell);
  }
  return faults;
}
