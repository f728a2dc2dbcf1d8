// Runs the book's widgets in a static page: no kernel, no other host. It reads the widget state that the page
// carries, gives each module the model it knows from Jupyter, and puts what it draws where the first picture was.

const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';
const MOUNT = ".ml-widget[data-model-id]";

/** All widget states of the page, by model id. */
function readStates(page) {
  const found = [...page.querySelectorAll(STATE)].map((script) => Object.entries(JSON.parse(script.textContent).state));
  return new Map(found.flat().map(([id, model]) => [id, model.state]));
}

/** The part of Jupyter's model that an anywidget uses; a change is told at once, and there is no one to save it to. */
function createModel(state) {
  const values = { ...state };
  const listeners = new Map();
  const emit = (name, ...data) => [...(listeners.get(name) ?? [])].forEach((tell) => tell(...data));
  const model = {
    get: (key) => values[key],
    set(key, value) {
      if (Object.is(values[key], value)) return;
      values[key] = value;
      emit(`change:${key}`, model, value);
      emit("change", model);
    },
    on(name, tell) { listeners.set(name, [...(listeners.get(name) ?? []), tell]); },
    off(name, tell) {
      if (name === undefined || name === null) listeners.clear();
      else listeners.set(name, (listeners.get(name) ?? []).filter((other) => tell && other !== tell));
    },
    save_changes() {},
    send() {},
  };
  return model;
}

/** Import a module from its source, once for each distinct source. */
function importSource(source, modules) {
  if (!modules.has(source)) {
    const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
    modules.set(source, import(url).finally(() => URL.revokeObjectURL(url)));
  }
  return modules.get(source);
}

function addStyle(css, page) {
  const present = [...page.querySelectorAll("style.ml-style")].some((style) => style.textContent === css);
  if (!css || present) return;
  const style = page.createElement("style");
  style.className = "ml-style";
  style.textContent = css;
  page.head.append(style);
}

/** One model of the page with its widget, made when first asked for; two views of a model share it. */
async function start(state, modules) {
  const { default: made } = await importSource(state._esm, modules);
  const widget = typeof made === "function" ? await made() : made;
  const model = createModel(state);
  await widget.initialize?.({ model });
  return { widget, model };
}

/** Draw unseen beside the first picture, then change places; if anything fails, the picture stays. */
async function mount(place, state, starting, page) {
  const el = page.createElement("div");
  el.style.cssText = "position:absolute;inset:0 0 auto 0;visibility:hidden";
  try {
    const { widget, model } = await starting;
    addStyle(state._css, page);
    place.style.position = "relative";
    place.append(el);
    await widget.render({ model, el });
    el.style.cssText = "";
    place.replaceChildren(el);
    place.dataset.state = "live";
  } catch (error) {
    el.remove();
    place.dataset.state = "failed";
    console.error(`widget ${place.dataset.modelId}:`, error);
  }
}

/** Bring every widget of the page to life; resolves when all are drawn. */
export function startWidgets(page = document) {
  const states = readStates(page);
  const modules = new Map();
  const started = new Map();
  const ready = [...page.querySelectorAll(MOUNT)].filter((place) => states.get(place.dataset.modelId)?._esm);
  return Promise.all(ready.map((place) => {
    const id = place.dataset.modelId;
    const state = states.get(id);
    if (!started.has(id)) started.set(id, start(state, modules));
    return mount(place, state, started.get(id), page);
  }));
}

if (typeof document !== "undefined") startWidgets();
