// A deck: reveal.js with the settings of the book, a switch between light and dark, and widgets that fill their slide.

const WIDTH = 1280, HEIGHT = 720, SMALLEST = 0.5, LARGEST = 1.5;

/** Zoom a widget so that it fills what its slide leaves free, and no more. */
function fit(box) {
  const inner = box.firstElementChild;
  inner.style.zoom = 1;
  const wanted = Math.max(inner.scrollHeight, 1), wide = Math.max(inner.scrollWidth, 1);
  const free = box.clientHeight / wanted, broad = box.clientWidth / wide;
  inner.style.zoom = Math.max(SMALLEST, Math.min(LARGEST, free, broad));
}

function fitAll() { document.querySelectorAll('.ml-shown[data-kind="widget"]').forEach(fit); }

/** Reveal leaves the keys to whoever has the focus inside of a widget. */
const outsideOfWidgets = () => !document.activeElement?.closest(".ml-widget");

function switchTheme() {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem("mode", root.dataset.theme);
  localStorage.setItem("theme", root.dataset.theme);
}

Reveal.initialize({
  width: WIDTH, height: HEIGHT, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: "none",
  backgroundTransition: "none", viewDistance: 1000, mobileViewDistance: 1000, scrollActivationWidth: null,
  keyboardCondition: outsideOfWidgets, pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1, plugins: [RevealNotes],
}).then(() => {
  Reveal.addKeyBinding({ keyCode: 84, key: "T", description: "Light or dark" }, switchTheme);
  fitAll();
  const watcher = new ResizeObserver((seen) => seen.forEach((entry) => fit(entry.target.closest(".ml-shown"))));
  document.querySelectorAll('.ml-shown[data-kind="widget"] .ml-widget').forEach((widget) => watcher.observe(widget));
});
