// A viewer program of its own for each test, and a browser for all.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const program = process.env.VIEWER_PROGRAM;
const pictures = process.env.VIEWER_PICTURES;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(pictures, { recursive: true });

export const start = async (...more) => {
  const child = spawn(program, ["--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0", ...more], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /^OTLP\/HTTP\s+(\S+)/.exec(line);
    if (address) {
      return {
        address: address[1],
        send: async (path, body) => {
          const answer = await fetch(address[1] + path, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: typeof body === "string" ? body : JSON.stringify(body),
          });
          if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
        },
        json: async (path) => (await fetch(address[1] + path)).json(),
        stop: async () => {
          child.kill();
          await once(child, "exit");
        },
      };
    }
  }
  throw new Error("the viewer ended before it told its address");
};

/** What a run of the retail example left, as `telemetry-viewer export` wrote it. */
export const recorded = async (viewer) => {
  const lines = readFileSync(new URL("recorded.jsonl", import.meta.url), "utf8").trim().split("\n");
  for (const line of lines) {
    const kind = /^\{"resource(\w+)"/.exec(line)[1].toLowerCase();
    await viewer.send(`/v1/${kind === "spans" ? "traces" : kind}`, line);
  }
};

export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox"],
});

/** A page that fails its test for every error in the console and every request to another host. */
export const open = async (viewer, path, options = {}) => {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    baseURL: viewer.address,
    ...options,
  });
  const page = await context.newPage();
  page.faults = [];
  page.on("console", (message) => {
    // The browser tells of a page that is not there yet; that is what it is.
    if (message.type() === "error" && !message.text().includes("404")) page.faults.push(message.text());
  });
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("dialog", (dialog) => { page.faults.push("a dialog: " + dialog.message()); dialog.dismiss(); });
  page.on("request", (request) => {
    if (!request.url().startsWith(viewer.address)) page.faults.push("a request to " + request.url());
  });
  await page.goto(path);
  return page;
};

/** What is wrong for those who cannot see or use a mouse, and what does not fit the window. */
export const faults = async (page) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const serious = violations
    .filter((it) => it.impact === "serious" || it.impact === "critical")
    .map((it) => `${it.id}: ${it.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wider > 0) serious.push(`the page is ${wider} px wider than the window`);
  return [...page.faults, ...serious];
};

export const picture = (page, name, options = {}) =>
  page.screenshot({ path: `${pictures}/${name}.png`, ...options });
