// Copyright (c) 2026, Community Scalingo contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Looks at pages as a person would, and says what there is to see. Reads JSON from its input:
// {executable, views: [{name, file, width, height, dark, print, script, accessibility, search, screenshot, pdf}]}
// and writes an object of what was seen by the name of the view. One browser serves all views.
"use strict";

const { chromium } = require("playwright-core");
const axe = require("axe-core");
const fs = require("fs");
const { pathToFileURL } = require("url");

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** Runs in the page. */
function measure() {
  const width = document.documentElement.clientWidth;
  const beyond = Array.from(document.querySelectorAll("body *"))
    .filter((item) => item.getClientRects().length && item.getBoundingClientRect().right > width + 0.5)
    .map((item) => item.outerHTML.slice(0, 120));
  const rows = Array.from(document.querySelectorAll("tbody tr")).filter((row) => row.getClientRects().length);
  return {
    title: document.title,
    verdict: document.querySelector(".verdict")?.innerText,
    scrollWidth: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
    clientWidth: width,
    beyond: beyond.slice(0, 5),
    rows: rows.map((row) => row.innerText),
    names: rows.map((row) => row.querySelector(".name")?.textContent),
    badges: rows.map((row) => row.querySelector(".badge")?.innerText),
    signs: rows.map((row) => row.querySelector(".badge use")?.getAttribute("href")),
    ages: Array.from(document.querySelectorAll(".ago")).map((item) => item.textContent),
    text: document.body.innerText,
    background: getComputedStyle(document.body).backgroundColor,
    elements: document.querySelectorAll("*").length,
    headRepeated: getComputedStyle(document.querySelector("thead") || document.body).display,
    inserted: document.querySelectorAll("tbody script, tbody img, tbody a").length,
  };
}

async function look(browser, view) {
  const context = await browser.newContext({
    viewport: { width: view.width || 1280, height: view.height || 900 },
    colorScheme: view.dark ? "dark" : "light",
    javaScriptEnabled: view.script !== false,
    bypassCSP: Boolean(view.accessibility),
  });
  const page = await context.newPage();
  const said = [];
  const requests = [];
  page.on("console", (message) => said.push(message.type() + ": " + message.text()));
  page.on("pageerror", (error) => said.push("error: " + error.message));
  page.on("dialog", (dialog) => { said.push("dialog: " + dialog.message()); dialog.dismiss(); });
  page.on("request", (request) => requests.push(request.url()));
  const address = pathToFileURL(view.file).href;
  const begun = Date.now();
  await page.goto(address, { waitUntil: "load" });
  if (view.print) await page.emulateMedia({ media: "print" });
  if (view.search) await page.fill("#search", view.search);
  const seen = await page.evaluate(measure);
  seen.milliseconds = Date.now() - begun;
  if (view.accessibility) {
    await page.evaluate(axe.source);
    const found = await page.evaluate((only) => window.axe.run(document, only), { resultTypes: ["violations", "incomplete"] });
    const short = (list) => list.map((item) => item.id + ": " + item.nodes.slice(0, 3).map((node) => node.html + " " + node.failureSummary).join(" | "));
    seen.violations = short(found.violations);
    seen.incomplete = short(found.incomplete);
    seen.passes = found.passes.length;
  }
  if (view.screenshot) await page.screenshot({ path: view.screenshot, fullPage: view.full !== false });
  if (view.pdf) {
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: false, path: typeof view.pdf === "string" ? view.pdf : undefined });
    seen.pages = (pdf.toString("latin1").match(/\/Type\s*\/Page[^s]/g) || []).length;
    seen.pageBox = (pdf.toString("latin1").match(/\/MediaBox\s*\[([^\]]*)\]/) || [])[1];
  }
  seen.said = said;
  seen.requests = requests.filter((item) => item !== address);
  await context.close();
  return seen;
}

async function main() {
  const task = JSON.parse(fs.readFileSync(0, "utf8"));
  const browser = await chromium.launch({ executablePath: task.executable, args: FLAGS });
  const seen = {};
  try {
    for (const view of task.views) seen[view.name] = await look(browser, view);
  } finally {
    await browser.close();
  }
  process.stdout.write(JSON.stringify(seen));
}

main().catch((error) => { console.error(error); process.exit(1); });
