// The book's own model, from the page's site or from a notebook's kernel.

/** The model at the address; where there is none, as in a notebook, the kernel is asked for it. */
export async function loadModel(model, tell = () => {}) {
  try { return await fetchModel(model.get("url")); } catch (error) {
    tell("Asking the notebook's kernel for the model …");
    return new Promise((resolve, reject) => {
      model.on("msg:custom", (content, [bytes]) => {
        resolve(readModel(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)));
      });
      setTimeout(() => reject(error), 8000);
      model.send({ ask: "weights" });
    });
  }
}

/** Whether the page is one of our site, whose other pages can be linked to. */
export function onSite(el) { return Boolean(el.closest(".ml-widget")); }

export const frame = () => new Promise((go) => { requestAnimationFrame(() => setTimeout(go, 12)); });
