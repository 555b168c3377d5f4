// The pictures of the README, from a running viewer: .ci/viewer pictures
import { nPlusOne, traceId } from "./data.mjs";
import { browser, open, picture, recorded, start } from "./viewer.mjs";

const viewer = await start();
await recorded(viewer);
const traces = await viewer.json("/api/traces?limit=1000");
const ok = traces.find((it) => !it.error && it.total_nanos > 4 * it.duration_nanos);
const failed = traces.find((it) => it.error && it.spans > 8);
const wide = { viewport: { width: 1180, height: 700 } };
for (const [name, path, options] of [
  ["traces", "/", wide],
  ["trace", `/traces/${ok.trace_id}`, wide],
  ["failed-dark", `/traces/${failed.trace_id}`, { ...wide, colorScheme: "dark" }],
  ["routes", "/routes", wide],
  ["map", "/map", { viewport: { width: 1180, height: 500 } }],
  ["narrow", `/traces/${failed.trace_id}`, { viewport: { width: 390, height: 760 } }],
  ["n-plus-one", `/traces/${traceId(5)}`, { viewport: { width: 1180, height: 420 } }],
]) {
  // It would be the one thing to see in the pictures before it.
  if (name === "n-plus-one") await viewer.send("/v1/traces", nPlusOne(5, 4999));
  const page = await open(viewer, path, options);
  await picture(page, name);
}
await browser.close();
await viewer.stop();
