// A recorded run of the retail example, page by page.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { browser, faults, open, picture, recorded, start } from "./viewer.mjs";

let viewer;
let ok;
let failed;

before(async () => {
  viewer = await start();
  await recorded(viewer);
  const traces = await viewer.json("/api/traces?limit=1000");
  ok = traces.find((it) => !it.error && it.total_nanos > 4 * it.duration_nanos);
  failed = traces.find((it) => it.error && it.spans > 8);
});

after(async () => {
  await viewer.stop();
  await browser.close();
});

test("the list shows, orders and narrows", async () => {
  const page = await open(viewer, "/");
  const rows = page.locator("table.traces tbody tr");
  const all = await rows.count();
  assert.ok(all >= 10, `${all} traces`);
  assert.deepEqual(await faults(page), []);
  await picture(page, "traces");

  await page.getByRole("link", { name: "Duration" }).click();
  await page.waitForURL(/sort=duration/);
  const nanos = (await viewer.json("/api/traces?limit=1000")).map((it) => it.duration_nanos);
  const first = await rows.first().getByRole("link").getAttribute("href");
  const slowest = (await viewer.json("/api" + first)).spans;
  const root = slowest.find((it) => !it.parent_span_id);
  assert.equal(root.end_unix_nanos - root.start_unix_nanos >= Math.max(...nanos) - 1000, true);

  await page.getByLabel("Search traces").fill("status:error service:retail-api");
  await page.getByLabel("Search traces").press("Enter");
  await page.waitForURL(/q=status/);
  assert.match(await page.title(), /status:error/);
  const found = await rows.count();
  assert.ok(found > 0 && found < all, `${found} of ${all}`);

  await page.getByLabel("Search traces").fill(">100");
  await page.getByLabel("Search traces").press("Enter");
  await page.getByRole("alert").filter({ hasText: "unit" }).waitFor();
});

test("a trace is a waterfall whose rows open, fold and lead on", async () => {
  const page = await open(viewer, `/traces/${ok.trace_id}`);
  assert.match(await page.title(), /POST \/checkout\/execute · .*s · retail-web/);
  assert.equal(await page.locator(".row").count(), ok.spans);
  assert.ok((await page.locator("rect.critical").count()) > 5, "the critical path is marked");
  assert.ok((await page.locator("rect.tick").count()) > 0, "logs are marked");
  assert.deepEqual(await faults(page), []);
  await picture(page, "trace");

  const row = page.locator("details.row", { hasText: "SELECT inventory" }).first();
  await row.locator("summary").first().click();
  await row.getByRole("rowheader", { name: "db.query.text" }).waitFor();
  await page.getByLabel(/^Hide .* below$/).nth(1).check();
  assert.equal(await row.isVisible(), false, "what is folded is hidden");
  await page.getByRole("link", { name: "whole trace" }).click();
  await page.waitForURL(/axis=whole/);
  await picture(page, "trace-whole");
});

test("a failed trace tells its reason, its logs, and what is odd", async () => {
  const page = await open(viewer, `/traces/${failed.trace_id}`, {
    colorScheme: "dark",
    // The row that a link leads to is lit for a moment; the contrast is judged without that.
    reducedMotion: "reduce",
  });
  const reason = page.locator(".reason a").first();
  const target = (await reason.getAttribute("href")).slice(1);
  await reason.click();
  const panel = page.locator(`#${target} .panel`);
  await panel.getByText("Error").first().waitFor();
  assert.deepEqual(await faults(page), []);
  await picture(page, "failed-open");
});

test("traces are compared", async () => {
  const page = await open(viewer, `/traces/${ok.trace_id}`);
  await page.getByLabel("Compare with").selectOption({ index: 2 });
  await page.getByRole("button", { name: "Compare" }).click();
  await page.getByRole("heading", { name: /Two traces of POST \/checkout\/execute/ }).waitFor();
  assert.deepEqual(await faults(page), []);
  await picture(page, "compare");
});

test("logs are filtered and lead to their span", async () => {
  const page = await open(viewer, "/logs");
  const all = await page.locator("table.logs tr").count();
  await page.getByLabel("Service").selectOption("retail-worker");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/service=retail-worker/);
  const some = await page.locator("table.logs tr").count();
  assert.ok(some > 0 && some < all, `${some} of ${all}`);
  assert.deepEqual(await faults(page), []);
  await picture(page, "logs");
  await page.locator("table.logs a").first().click();
  await page.waitForURL(/\/traces\/.*span=/);
  const id = new URL(page.url()).searchParams.get("span");
  await page.locator(`#s${id}[open] .panel`).waitFor();
});

test("an exemplar of a metric leads to its trace", async () => {
  const page = await open(viewer, "/metrics");
  assert.deepEqual(await faults(page), []);
  await picture(page, "metrics");
  await page.getByRole("link", { name: "http.server.request.duration" }).first().click();
  await page.locator("svg.chart .exemplar").first().waitFor();
  assert.deepEqual(await faults(page), []);
  await picture(page, "metric");
  const dots = page.locator("svg.chart a");
  const address = await dots.last().getAttribute("href");
  await dots.last().focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(`**${address}`);
});

test("routes have figures that lead to traces", async () => {
  const page = await open(viewer, "/routes");
  const row = page.locator("table.routes tr", { hasText: "/checkout/execute" }).first();
  await row.getByRole("link", { name: "slowest" }).waitFor();
  assert.deepEqual(await faults(page), []);
  await picture(page, "routes");
  await row.getByRole("link", { name: "slowest" }).click();
  await page.getByRole("heading", { name: /checkout\/execute/ }).waitFor();
});

test("the map has services, databases and queues", async () => {
  const page = await open(viewer, "/map");
  for (const name of ["retail-web", "retail-api", "retail-worker", "order-confirmations"]) {
    await page.locator("svg.map text", { hasText: name }).first().waitFor();
  }
  assert.ok((await page.locator("svg.map path.arrow").count()) >= 5);
  assert.deepEqual(await faults(page), []);
  await picture(page, "map");
});

for (const [name, path] of [
  ["traces", () => "/"], ["trace", () => `/traces/${ok.trace_id}`], ["failed", () => `/traces/${failed.trace_id}`],
  ["logs", () => "/logs"], ["routes", () => "/routes"], ["metrics", () => "/metrics"], ["map", () => "/map"],
]) {
  test(`${name} at 390 px and in the dark`, async () => {
    const viewport = { width: 390, height: 844 };
    const page = await open(viewer, path(), { viewport, isMobile: true, hasTouch: true });
    assert.deepEqual(await faults(page), []);
    await picture(page, `${name}-narrow`);
    const dark = await open(viewer, path(), { colorScheme: "dark" });
    assert.deepEqual(await faults(dark), []);
    await picture(dark, `${name}-dark`);
  });
}

test("everything essential works without a script", async () => {
  const page = await open(viewer, "/", { javaScriptEnabled: false });
  await page.getByLabel("Search traces").fill(ok.trace_id);
  await page.getByRole("button", { name: "Find" }).click();
  await page.waitForURL(`**/traces/${ok.trace_id}`);
  const row = page.locator("details.row").nth(5);
  await row.locator("summary").first().click();
  await row.locator(".panel").waitFor();
  await page.getByLabel(/^Hide .* below$/).first().check();
  assert.equal(await row.isVisible(), false);
  await page.getByRole("link", { name: "curl" }).click();
  await page.getByText("curl -i -X 'POST'").waitFor();
});
