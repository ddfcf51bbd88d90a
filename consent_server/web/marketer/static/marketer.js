// The marketers' page works without this file. It adds a read-out to the lines, under the pointer and by keyboard,
// sends a form when its choice changes, copies and prints.

/**
 * Give a line a cursor and a read-out. The numbers are those of the table behind it; the slider is a native one,
 * so that arrow keys, Home, End and screen readers work as everywhere.
 * @param {HTMLElement} figure
 */
function readOut(figure) {
  const svg = /** @type {SVGSVGElement} */ (figure.querySelector("svg"));
  const cursor = /** @type {SVGGElement} */ (svg.querySelector(".cursor"));
  const [hair, dot] = [cursor.querySelector("path"), cursor.querySelector("circle")];
  const [first, last] = (figure.dataset.line ?? "").split(" ").map(Number);
  const down = figure.dataset.down?.split(" ") ?? [];
  const rows = [...figure.querySelectorAll("tbody tr")];
  const points = rows.map((row, i) => ({
    x: first + ((last - first) * i) / Math.max(rows.length - 1, 1),
    y: down[i],
    cells: [...row.children].map((cell) => (cell.textContent ?? "").trim()),
  }));
  if (!points.length || !hair || !dot) return;

  const slider = document.createElement("input");
  const output = document.createElement("output");
  Object.assign(slider, { type: "range", min: "0", max: String(points.length - 1), value: String(points.length - 1) });
  slider.setAttribute("aria-label", figure.dataset.label ?? "");
  output.setAttribute("aria-hidden", "true"); // the slider says the same
  svg.after(slider, output);

  /** @param {number} i */
  const show = (i) => {
    const { x, y, cells } = points[i];
    const [day, value, interval, count] = cells;
    slider.value = String(i);
    slider.setAttribute("aria-valuetext", `${day}: ${value}${interval ? ` (${interval}), ${count}` : ""}`);
    const strong = document.createElement("b");
    strong.textContent = value;
    output.replaceChildren(`${day} `, strong, ` ${interval ?? ""}`, document.createElement("br"), count ?? "");
    cursor.setAttribute("visibility", "visible");
    hair.setAttribute("transform", `translate(${x})`);
    dot.setAttribute("visibility", y ? "inherit" : "hidden");
    dot.setAttribute("cx", String(x));
    dot.setAttribute("cy", y || "0");
  };
  const hide = () => {
    if (document.activeElement === slider) return;
    cursor.setAttribute("visibility", "hidden");
    output.replaceChildren();
  };

  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 320;
    let nearest = 0;
    points.forEach((point, i) => {
      if (Math.abs(point.x - x) < Math.abs(points[nearest].x - x)) nearest = i;
    });
    show(nearest);
  });
  svg.addEventListener("pointerleave", hide);
  slider.addEventListener("input", () => show(Number(slider.value)));
  slider.addEventListener("focus", () => show(Number(slider.value)));
  slider.addEventListener("blur", hide);
  slider.setAttribute("aria-valuetext", points[points.length - 1].cells.join(", "));
}

/** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-line]")).forEach(readOut);

for (const choice of /** @type {NodeListOf<HTMLSelectElement>} */ (document.querySelectorAll("[data-send]"))) {
  choice.addEventListener("change", () => {
    // Days of one's own come before any other comparison, until another one is chosen.
    const own = choice.name === "against" ? (choice.form?.querySelectorAll("[name^=against_]") ?? []) : [];
    for (const field of /** @type {Iterable<HTMLInputElement>} */ (own)) field.value = "";
    choice.form?.submit();
  });
}
const months = /** @type {HTMLElement | null} */ (document.querySelector("[data-months]"))?.dataset.months?.split(" ") ?? [];

// A day is written as the page writes it; the browser's own calendar, which has a language of its own, only picks it.
for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("[data-day]"))) {
  const [picker, button] = [document.createElement("input"), document.createElement("button")];
  if (!picker.showPicker) continue;
  Object.assign(picker, { type: "date", value: field.dataset.day, max: field.dataset.max, tabIndex: -1, className: "picker" });
  picker.setAttribute("aria-hidden", "true");
  Object.assign(button, { type: "button", className: "calendar" });
  button.setAttribute("aria-label", field.dataset.calendar ?? "");
  button.addEventListener("click", () => picker.showPicker());
  picker.addEventListener("change", () => {
    const [year, month, day] = picker.value.split("-").map(Number);
    if (day) field.value = `${day} ${months[month - 1]} ${year}`;
    field.focus();
  });
  const box = document.createElement("span");
  box.className = "picked";
  box.append(button, picker);
  field.closest(".field")?.append(box);
}

for (const spare of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-hide]"))) spare.hidden = true;

for (const block of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-copy]"))) {
  const button = document.createElement("button");
  const text = block.textContent ?? "";
  button.type = "button";
  button.textContent = block.dataset.copy ?? "";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = block.dataset.copied ?? "";
  });
  block.append(button);
}

for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-print]"))) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
