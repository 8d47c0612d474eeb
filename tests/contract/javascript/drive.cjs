// Copyright (c) 2026, Community Scalingo contributors
// GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Drive Scalingo's own JavaScript client, as its package is published, and print what every step gave as one JSON object.
// What is right is judged by ../test_javascript_client.py.
"use strict";

const { Client, clientFromToken } = require("scalingo");

const { API_URL, AUTH_URL, API_TOKEN, APP, DEDICATED_APP } = process.env;
const options = { apiUrl: API_URL, authApiUrl: AUTH_URL };
const outcomes = {};

async function step(name, call) {
  try {
    const value = await call();
    outcomes[name] = { value: value === undefined ? null : value };
  } catch (error) {
    outcomes[name] = { status: error.status, data: error.data, message: error.message };
  }
  return outcomes[name].value;
}

async function main() {
  // tokens
  await step("wrong API token", () => clientFromToken("tk-us-wrong", options));
  await step("wrong bearer", () => new Client("not.a.bearer", options).Apps.all());
  const client = await clientFromToken(API_TOKEN, options);
  outcomes.bearer = { value: client._token };
  await step("user", () => client.Users.self());
  await step("regions", () => client.Regions.all());

  // apps
  await step("apps", () => client.Apps.all());
  const app = await step("app", () => client.Apps.find(APP));
  await step("app by identifier", () => client.Apps.find(app.id));
  await step("unknown app", () => client.Apps.find("no-such-app"));
  await step("variables", () => client.Environment.for(APP));

  // what can be provisioned, without a token
  const categories = await step("categories", () => client.Addons.listCategories());
  const databases = categories.find((category) => category.name === "Databases");
  const providers = await step("providers", () => client.Addons.listProviders(databases.id));
  await step("dedicated providers", () => client.Addons.listProviders(databases.id, true, true));

  // addons
  const addons = await step("addons", () => client.Addons.for(APP));
  const mysql = addons.find((addon) => addon.addon_provider.id === "mysql");
  const plan = providers.find((provider) => provider.id === "mysql").plans.find((other) => other.id !== mysql.plan.id);
  await step("change", () => client.Addons.update(APP, mysql.id, { plan_id: plan.id }));
  const [first, second] = providers.find((provider) => provider.id === "redis").plans;
  const payload = { addon_provider_id: "redis", plan_id: first.id };
  const created = await step("create", () => client.Addons.create(APP, payload));
  await step("show", () => client.Addons.getAddon(APP, created.id));
  await step("change while provisioning", () => client.Addons.update(APP, created.id, { plan_id: second.id }));
  await step("sign-on", () => client.Addons.sso(APP, created.id));
  await step("resume", () => client.Addons.resume(APP, created.id));
  await step("unknown plan", () => client.Addons.create(APP, { ...payload, plan_id: "000000000000000000000000" }));
  await step("destroy", () => client.Addons.destroy(APP, created.id));
  await step("show destroyed", () => client.Addons.getAddon(APP, created.id));
  await step("addons at the end", () => client.Addons.for(APP));

  // dedicated databases, as far as this version knows them
  await step("dedicated databases", () => client.Databases.all());
  await step("dashboard", () => client.Databases.all({ dashboard: true }));
  await step("dedicated app", () => client.Apps.find(DEDICATED_APP));
}

main().then(
  () => process.stdout.write(JSON.stringify(outcomes)),
  (error) => {
    process.stderr.write(`${error.stack || error}\n`);
    process.exit(1);
  },
);
