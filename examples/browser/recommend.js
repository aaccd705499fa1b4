// A bundle in the browser: fetched, verified against its manifest, and asked with onnxruntime-web.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.min.mjs";

// More threads need a page that is cross-origin isolated; a small graph does not gain by them.
ort.env.wasm.numThreads = 1;

const MANIFEST_LINE = /^([0-9a-f]{64}) {2}([A-Za-z0-9][A-Za-z0-9._-]*)$/;
const READ = ["contract.json", "items.jsonl", "model.onnx"]; // of all that the manifest names
const text = (data) => new TextDecoder().decode(data);

async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} is not there: ${answer.status}`);
  return answer.arrayBuffer();
}

async function digest(data) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bundle's files that a recommender reads; an error names the one that was altered. */
async function verified(folder) {
  const manifest = text(await fetched(`${folder}/MANIFEST.sha256`)).trimEnd().split("\n");
  const wanted = new Map(manifest.map((line) => line.match(MANIFEST_LINE).slice(1).reverse()));
  const files = {};
  for (const name of READ) {
    files[name] = await fetched(`${folder}/${name}`);
    if ((await digest(files[name])) !== wanted.get(name)) throw new Error(`${name} was altered`);
  }
  const contract = JSON.parse(text(files["contract.json"]));
  if ((await digest(files["items.jsonl"])) !== contract.items.sha256) {
    throw new Error("items.jsonl belongs to another bundle");
  }
  return { files, contract };
}

const indices = (values, shape) => new ort.Tensor("int64", BigInt64Array.from(values), shape);

/** Loads the bundle at a URL; what comes back answers (history ids, k) with the best items. */
export async function load(folder) {
  const { files, contract } = await verified(folder);
  const items = text(files["items.jsonl"]).trimEnd().split("\n").map((line) => JSON.parse(line));
  const indexOf = new Map(items.map((item) => [item.item, item.index]));
  const session = await ort.InferenceSession.create(new Uint8Array(files["model.onnx"]));
  const { pad, unknown } = contract.vocabulary;

  return async function recommend(history, k) {
    const read = history.map((id) => BigInt(indexOf.get(id) ?? unknown));
    const row = indices(read.length ? read : [BigInt(unknown)], [1, read.length || 1]);
    const seen = contract.exclude_seen ? row : indices([], [1, 0]);
    const answer = await session.run({ history: row, exclude: seen, k: indices([BigInt(k)], []) });
    const best = [...answer.items.data].map((index, rank) => ({
      item: items[Number(index) - contract.items.first],
      score: answer.scores.data[rank],
      index: Number(index),
    }));
    return best.filter(({ index }) => index !== pad); // padding: the candidates ran out
  };
}
