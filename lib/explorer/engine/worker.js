// The page's engine: MicroPython with the library. page.js posts a request and gets its answer, both JSON texts, the
// answer's numbers apart (see main.py).

import { loadMicroPython } from "../../../micropython/micropython.mjs";

const ROOT = new URL("../../../", import.meta.url);
const FILES = [
  ...["averages", "optimizers", "surfaces", "schedules", "paths", "explorer/compute"],
  ...["numpy", "inspect", "linecache", "traceback", "main"].map((name) => `explorer/engine/${name}`),
].map((name) => `lib/${name}.py`);
const HEAP = 4 * 2 ** 20; // bytes; it grows, and a larger one only takes longer to clean

async function read(name) {
  const response = await fetch(new URL(name, ROOT));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response.text();
}

async function start() {
  const silent = () => {};
  const [python, ...texts] = await Promise.all([
    loadMicroPython({ heapsize: HEAP, stdout: silent, stderr: silent }),
    ...FILES.map(read),
  ]);
  for (const folder of ["/lib", "/lib/explorer", "/lib/explorer/engine"]) python.FS.mkdir(folder);
  FILES.forEach((name, k) => python.FS.writeFile(`/${name}`, texts[k]));
  python.runPython('import sys; sys.path.insert(0, "/lib/explorer/engine")');
  const { answer } = python.pyimport("main");
  const number = (address) => python._module.getValue(address, "double");
  return (request) => {
    const text = answer(request);
    const [address, count] = text.slice(1, 40).split(",", 2).map(Number);
    return { text, numbers: Float64Array.from({ length: count }, (_, k) => number(address + 8 * k)) };
  };
}

try {
  const answer = await start();
  onmessage = ({ data }) => {
    try {
      const { text, numbers } = answer(data);
      postMessage({ text, numbers }, [numbers.buffer]);
    } catch (error) {
      postMessage({ failed: error.message });
    }
  };
  postMessage({ ready: true });
} catch (error) {
  postMessage({ failed: error.message });
}
