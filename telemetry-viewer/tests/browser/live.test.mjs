// A viewer that is being sent to while it is looked at.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { EVIL, allDifferent, checkout, hostile, log, many, nPlusOne, traceId } from "./data.mjs";
import { browser, faults, open, picture, start } from "./viewer.mjs";

after(() => browser.close());

const withViewer = (name, run) =>
  test(name, async () => {
    const viewer = await start();
    try { await run(viewer); } finally { await viewer.stop(); }
  });

withViewer("the empty page says what to do and fills itself", async (viewer) => {
  const page = await open(viewer, "/");
  await page.getByText(/OTEL_EXPORTER_OTLP_ENDPOINT=http:\/\/127/).first().waitFor();
  assert.deepEqual(await faults(page), []);
  await picture(page, "empty");
  await viewer.send("/v1/logs", log(0, "starting"));
  await page.getByRole("link", { name: "1 log record" }).waitFor();
  await viewer.send("/v1/traces", checkout(1));
  await page.getByRole("link", { name: "POST /checkout" }).waitFor();
});

withViewer("the list follows what arrives, until it is paused or cleared", async (viewer) => {
  await viewer.send("/v1/traces", checkout(1));
  const page = await open(viewer, "/");
  await viewer.send("/v1/traces", checkout(2, true));
  await page.getByText("card declined").waitFor();
  await page.keyboard.press("p");
  await page.getByRole("button", { name: "Paused" }).waitFor();
  await viewer.send("/v1/traces", checkout(3));
  await page.waitForTimeout(1500);
  assert.equal(await page.locator("table.traces tbody tr").count(), 2);
  await page.getByRole("button", { name: "Paused" }).click();
  await page.locator("table.traces tbody tr").nth(2).waitFor();
  await page.getByRole("button", { name: "Clear all" }).click();
  await page.getByText("Waiting for the first trace").waitFor();
});

withViewer("a page for a trace that is not there fills itself and keeps what is open", async (viewer) => {
  const page = await open(viewer, `/traces/${traceId(9)}`);
  await page.getByText("Waiting for trace").waitFor();
  assert.deepEqual(await faults(page), []);
  await picture(page, "waiting");
  await viewer.send("/v1/traces", checkout(9, true));
  const row = page.locator("details.row", { hasText: "charge" }).last();
  await row.locator("summary").first().click();
  await viewer.send("/v1/logs", log(9, "the bank says no"));
  await row.getByText("the bank says no").waitFor();
  assert.equal(await row.getAttribute("open"), "");
});

withViewer("keys move through rows and to the search", async (viewer) => {
  await viewer.send("/v1/traces", checkout(1));
  const page = await open(viewer, `/traces/${traceId(1)}`);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator("details.row[open]", { hasText: "charge" }).waitFor();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "q");
});

withViewer("a trace of 5,000 equal spans is two rows", async (viewer) => {
  await viewer.send("/v1/traces", nPlusOne(5, 4999));
  const page = await open(viewer, `/traces/${traceId(5)}`);
  assert.equal(await page.locator(".row").count(), 2);
  const row = page.locator("details.row", { hasText: "4,999× SELECT users" });
  await row.getByText("N+1?").waitFor();
  await row.locator("summary").click();
  assert.deepEqual(await faults(page), []);
  await picture(page, "n-plus-one");
  const { size } = await (await fetch(page.url())).blob();
  assert.ok(size < 40_000, `${size} bytes`);
  await page.getByRole("link", { name: "Show each" }).click();
  await page.waitForURL(/unfold=true/);
  assert.equal(await page.locator(".row").count(), 1000);
  await page.getByText("of 5,000").waitFor();
  await page.locator("a.row").nth(700).click();
  await page.locator("details.row[open] .panel").waitFor();
});

withViewer("a trace of 5,000 different spans has pages", async (viewer) => {
  await viewer.send("/v1/traces", allDifferent(6, 5000));
  const page = await open(viewer, `/traces/${traceId(6)}`);
  assert.equal(await page.locator(".row").count(), 1000);
  await page.getByRole("link", { name: "Next rows" }).click();
  await page.getByText("rows 1,001–2,000 of 5,000").waitFor();
  await picture(page, "5000-spans");
});

withViewer("of 10,000 traces there are a hundred on a page", async (viewer) => {
  for (let first = 1; first <= 10_000; first += 2000) await viewer.send("/v1/traces", many(first, 2000));
  const page = await open(viewer, "/");
  await page.getByText("1–100 of 10,000").waitFor();
  await picture(page, "10000-traces", { fullPage: false });
  await page.getByRole("link", { name: "Next" }).click();
  await page.getByText("101–200 of 10,000").waitFor();
  await page.getByLabel("Search traces").fill(">80ms route:/item/3");
  await page.getByLabel("Search traces").press("Enter");
  await page.getByText(/ of 1\d\d$/).waitFor();
  assert.deepEqual(await faults(page), []);
});

withViewer("hostile names stay text on every page", async (viewer) => {
  await viewer.send("/v1/traces", hostile(7));
  await viewer.send("/v1/logs", log(7, EVIL + "z".repeat(10_000)));
  for (const [name, path] of [
    ["traces", "/"], ["trace", `/traces/${traceId(7)}`], ["logs", "/logs"], ["routes", "/routes"], ["map", "/map"],
  ]) {
    const page = await open(viewer, path);
    for (const summary of await page.locator("details.row > summary").all()) await summary.click();
    assert.deepEqual(await faults(page), [], path);
    const bidi = await page.evaluate(() => /[\u202a-\u202e\u2066-\u2069\u001b]/.test(document.body.textContent));
    assert.equal(bidi, false, `${path} has marks that turn text round`);
    assert.equal(await page.locator("img, main script").count(), 0);
    await picture(page, `hostile-${name}`);
    const narrow = await open(viewer, path, { viewport: { width: 390, height: 844 } });
    assert.deepEqual(await faults(narrow), [], path);
    await picture(narrow, `hostile-${name}-narrow`);
  }
});
