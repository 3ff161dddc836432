// Brings the explorers of a page to life. Each is drawn by the widget's own module, as in a live notebook; what
// the module asks its model, the engine answers: Python in a Worker, started when it is first needed.

"use strict";

{
  const WORKER = new URL("engine/worker.js", document.currentScript.src);
  const PATIENCE = 1500; // milliseconds without an answer until a computation is stopped
  const PAUSE = 5000; // milliseconds until an engine that failed to start is tried again

  class Engine {
    #worker = null;
    #ready = false;
    #queue = []; // jobs: { asker, request, hear }
    #job = null; // the one that the worker has
    #timer = 0;
    #failed = -Infinity;

    /** `hear` gets the answer; for a map, one for each row. A map takes the place of its asker's last one. */
    ask(asker, request, hear) {
      if (request.do === "map") this.#forget(asker);
      this.#queue.push({ asker, request, hear });
      this.#next();
    }

    #forget(asker) {
      const old = (job) => job.asker === asker && job.request.do === "map";
      this.#queue = this.#queue.filter((job) => !old(job));
      if (this.#job && old(this.#job)) this.#job.hear = null;
    }

    #next() {
      if (this.#job || !this.#queue.length) return;
      if (!this.#worker) this.#start();
      if (!this.#ready) return;
      this.#job = this.#queue.shift();
      this.#worker.postMessage(JSON.stringify(this.#job.request));
      // An answer may be waiting while the page itself was busy: it goes first.
      this.#timer = setTimeout(() => (this.#timer = setTimeout(() => this.#stop(), 50)), PATIENCE);
    }

    #start() {
      if (performance.now() - this.#failed < PAUSE) return this.#refuse("it failed a moment ago");
      try {
        const worker = new Worker(WORKER, { type: "module" });
        const ifCurrent = (act) => (event) => worker === this.#worker && act(event);
        worker.onmessage = ifCurrent(({ data }) => this.#hear(data));
        worker.onerror = ifCurrent((event) => this.#fail(event.message ?? "its script is not to be had"));
        this.#worker = worker;
      } catch (error) {
        this.#fail(error.message);
      }
    }

    #hear({ ready, text, numbers, failed }) {
      if (text) return this.#finish(read(text, numbers));
      if (failed) return this.#fail(failed);
      this.#ready = ready;
      this.#next();
    }

    #finish(answer) {
      const job = this.#job;
      clearTimeout(this.#timer);
      this.#job = null;
      // The next row waits behind what was asked meanwhile.
      if (job.hear && answer.row + 1 < answer.of)
        this.#queue.push({ ...job, request: { ...job.request, row: answer.row + 1 } });
      this.#next(); // the worker goes on while the page draws
      job.hear?.(answer);
    }

    #end() {
      this.#worker?.terminate();
      this.#worker = null;
      this.#ready = false;
    }

    /** The running computation takes too long, perhaps forever. */
    #stop() {
      this.#end();
      this.#start();
      this.#finish(
        failure(this.#job, "Stopped after 2 seconds: does a loop never end, or are there too many steps?"),
      );
    }

    #fail(reason) {
      const started = this.#ready;
      this.#end();
      if (!started) {
        this.#failed = performance.now();
        this.#refuse(reason);
      } else if (this.#job) {
        this.#finish(failure(this.#job, "The page's engine broke down: try again.", reason));
      }
    }

    #refuse(reason) {
      const message = "The page's engine did not start: the picture stays as it was drawn.";
      const jobs = this.#queue.splice(0);
      queueMicrotask(() => jobs.forEach((job) => job.hear(failure(job, message, reason))));
    }
  }

  /** The answer in a text that keeps its arrays apart, as nested lists, with null for what is not finite. */
  function read(text, numbers) {
    const nest = (first, [length, ...inner], size = inner.reduce((a, b) => a * b, 1)) =>
      Array.from({ length }, (_, k) =>
        inner.length ? nest(first + k * size, inner) : finite(numbers[first + k]),
      );
    const finite = (number) => (Number.isFinite(number) ? number : null);
    const [, , answer] = JSON.parse(text, (_, value) =>
      value?.shape ? nest(value.first, value.shape) : value,
    );
    return answer;
  }

  const failure = ({ request }, message, reason) => ({
    id: request.id,
    error: { message, line: null, traceback: null, reason },
  });

  /** What a widget's module knows as its model; here it keeps its state to itself. */
  function model(state, engine) {
    const listeners = new Map();
    const emit = (name, ...details) =>
      [...(listeners.get(name) ?? [])].forEach((listen) => listen(...details));
    const self = {
      get: (name) => state[name],
      set(name, value) {
        if (state[name] === value) return;
        state[name] = value;
        emit(`change:${name}`, self, value);
        emit("change", self);
      },
      save_changes() {},
      on(name, listen) {
        listeners.set(name, (listeners.get(name) ?? new Set()).add(listen));
      },
      off(name, listen) {
        if (listen) listeners.get(name)?.delete(listen);
        else listeners.delete(name);
      },
      send: (request) => engine.ask(self, request, (answer) => emit("msg:custom", answer, [])),
      widget_manager: { get_model: async () => self },
    };
    return self;
  }

  /** The first element of a place is the picture of the widget's first state, the script in it the state. */
  async function mount(place, engine) {
    const state = JSON.parse(place.querySelector("script").textContent);
    Object.assign(state, { page: true, picture: place.firstElementChild.outerHTML });
    const module = await import(new URL(place.dataset.module, document.baseURI));
    await module.default.render({ model: model(state, engine), el: place });
  }

  async function mountAll() {
    const engine = new Engine();
    for (const place of document.querySelectorAll("[data-module]")) {
      await mount(place, engine).catch(reportError);
    }
  }

  // A page from the file system may load no module: it keeps its pictures.
  if (location.protocol !== "file:") mountAll();
}
