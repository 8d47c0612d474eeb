# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every call of the public clients, replayed as they write it, and their reading of the answer.

The calls are data in tests/support/client_calls.yml; what is peculiar about them is in docs/contract.md sections 1.4, 1.5, 2.7,
A3 and A15: a bare ``?``, ``{}`` as a body, Content-Type on a GET or an empty form on a POST, ``"status": ""``,
``"options": null``, null passwords, lists of hours, the user's bearer on the database routes of the main API's host.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import email.utils
import json
import pathlib
import re
import string
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from scalingo_sandbox.api.routing import NOT_UNDER_API, REGISTRY, UNDER_V1
from scalingo_sandbox.testing import Sandbox
from support.client_calls import (
    CALLS,
    CHECKED,
    FAILURES,
    FLOWS,
    FORMS,
    GO,
    GO_ERRORS,
    GO_EVENTS,
    JAVASCRIPT,
    NO_BODY,
    PIX,
    SEED,
    SEQUENCES,
    TERRAFORM,
    WATCHER,
    Call,
    Dialect,
    RawAnswer,
    call_of,
    complaints,
    decoded,
    send,
)

REGION = "osc-fr1"
SEED_CALLS = yaml.safe_load(
    (pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "seeds" / "index.yml").read_text(encoding="utf-8")
)["calls"]

BACKUP = "5b8b36104ffb090be1ac3ce1"
MAINTENANCE = "64a440f6c1b2d30001a7f001"
RULE = "64a440f6c1b2d30001a7f002"
USER = "existing_reader"


# engine in a call -> app, addon
OWNERS = {
    "suspended" if "status" in addon else addon["provider"]: (app["name"], addon["id"])
    for app in SEED["apps"]
    for addon in app["addons"]
}


class Shop:
    """The sandbox and what a client knows of it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.params = sandbox.params(REGION)
        self.hosts = {
            "auth": self.params["auth_url"],
            "api": self.params["api_url"],
            "dashboard": self.params["api_url"],
            "db": self.params["db_api_url"],
        }
        self.known: dict[str, Any] = {}
        self.tokens: dict[str, str] = {}

    @property
    def basic(self) -> str:
        return "Basic " + base64.b64encode(f":{self.params['api_token']}".encode()).decode()

    @property
    def bearer(self) -> str:
        if "bearer" not in self.tokens:
            answer = send(self.hosts["auth"], "POST", "/v1/tokens/exchange", [("Authorization", self.basic)], b"")
            assert answer.status == 200, answer
            self.tokens["bearer"] = answer.plain()["token"]
        return self.tokens["bearer"]

    def addon_token(self, engine: str) -> str:
        if engine not in self.tokens:
            app, addon = OWNERS[engine]
            self.tokens[engine] = self.ask("api", "POST", f"/v1/apps/{app}/addons/{addon}/token", {})["addon"]["token"]
        return self.tokens[engine]

    def authorization(self, host: str, engine: str) -> str:
        return "Bearer " + (self.addon_token(engine) if host == "db" else self.bearer)

    def raw(self, host: str, method: str, path: str, body: Any = NO_BODY, engine: str = "mysql") -> RawAnswer:
        content = b"" if body is NO_BODY else json.dumps(body).encode()
        headers = [("Authorization", self.authorization(host, engine)), ("Content-Length", str(len(content)))]
        if content:
            headers.append(("Content-Type", "application/json"))
        return send(self.hosts[host], method, path, headers, content)

    def ask(self, host: str, method: str, path: str, body: Any = NO_BODY, engine: str = "mysql") -> Any:
        """Something that the test needs and does not examine."""
        answer = self.raw(host, method, path, body, engine)
        assert 200 <= answer.status < 300, (method, path, answer)
        return answer.plain() if answer.body else None

    def database(self, engine: str, rest: str = "", method: str = "GET", body: Any = NO_BODY) -> Any:
        return self.ask("db", method, f"/api/databases/{OWNERS[engine][1]}{rest}", body, engine)

    # what a text of a call may name

    def value(self, name: str, engine: str) -> str:
        if name in self.known:
            return str(self.known[name])
        return str(getattr(self, f"_{name}")(engine))

    def _app(self, engine: str) -> str:
        return OWNERS[engine][0]

    def _app_id(self, engine: str) -> str:
        return self.ask("api", "GET", f"/v1/apps/{OWNERS[engine][0]}")["app"]["id"]

    def _addon(self, engine: str) -> str:
        return OWNERS[engine][1]

    def _plans(self, provider: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("api", "GET", f"/v1/addon_providers/{provider}/plans")["plans"]
        return found

    def _other_plan(self, engine: str) -> str:
        current = self.database(engine)["database"]["plan"]
        return next(plan["id"] for plan in self._plans(engine) if plan["name"] != current)

    def _plan_name(self, engine: str) -> str:
        return self.database(engine)["database"]["plan"]

    def _redis_plan(self, engine: str) -> str:
        return self._plans("redis")[0]["id"]

    def _redis_version(self, engine: str) -> str:
        return self.database("redis")["database"]["readable_version"]

    def _dedicated_plan(self, engine: str) -> str:
        return self._plans("postgresql-ng")[0]["id"]

    def _dedicated_plan_name(self, engine: str) -> str:
        return self._plans("postgresql-ng")[0]["name"]

    def _dedicated(self, engine: str) -> str:
        return OWNERS["postgresql-ng"][0]

    def _dedicated_id(self, engine: str) -> str:
        return self._app_id("postgresql-ng")

    def _project(self, engine: str) -> str:
        return self.ask("api", "GET", f"/v1/apps/{OWNERS[engine][0]}")["app"]["project"]["id"]

    def _category(self, engine: str) -> str:
        listed = self.ask("api", "GET", "/v1/addon_categories")["addon_categories"]
        return next(category["id"] for category in listed if category["name"] == "Databases")

    def _next_version(self, engine: str) -> str:
        return self.database(engine)["database"]["next_version_id"]

    def _type(self, engine: str) -> str:
        return self.database(engine)["database"]["type_id"]

    def _instance(self, engine: str) -> str:
        return next(row["id"] for row in self.database(engine, "/instances_status") if row["role"] == "leader")

    def _mongodb(self, engine: str) -> str:
        return OWNERS["mongodb"][1]

    def _backup(self, engine: str) -> str:
        return BACKUP

    def _maintenance(self, engine: str) -> str:
        return MAINTENANCE

    def _rule(self, engine: str) -> str:
        return RULE

    def _user(self, engine: str) -> str:
        return USER

    def _range(self, engine: str) -> str:
        return self.ask("db", "GET", "/api/firewall/managed_ranges", engine=engine)["ranges"][0]["id"]

    # what has to have happened before

    def prepare(self, name: str, engine: str) -> None:
        getattr(self, f"prepare_{name}")(engine)

    def prepare_backup(self, engine: str) -> None:
        """Of MySQL the seed has one; another engine gets one."""
        if engine != "mysql":
            self.known["backup"] = self.database(engine, "/backups", "POST", {})["database_backup"]["id"]
            self.sandbox.advance(600)

    def prepare_user(self, engine: str) -> None:
        assert USER in [row["name"] for row in self.database(engine, "/users")["database-users"]]

    def prepare_rule(self, engine: str) -> None:
        assert RULE in [row["id"] for row in self.database("postgresql-ng", "/firewall_rules")["rules"]]

    def prepare_feature(self, engine: str) -> None:
        self.database(engine, "/features", "POST", {"feature": {"name": "force-ssl"}})
        self.sandbox.advance(60)

    def prepare_operation(self, engine: str) -> None:
        answer = self.raw("db", "POST", f"/api/databases/{OWNERS[engine][1]}/upgrade", {}, engine)
        assert answer.status == 202
        self.known["operation"] = answer.plain()["operation_id"]
        self.known["location"] = urllib.parse.urlsplit(answer.headers["location"]).path

    def prepare_restoration(self, engine: str) -> None:
        answer = self.database(engine, f"/backups/{self.value('backup', engine)}/restore", "POST", {})
        self.known["restoration"] = answer["id"]

    def prepare_recovery_window(self, engine: str) -> None:
        window = self.database(engine, "/pitr/recovery_window")["recovery_window"]
        assert window["earliest_recoverable_at"] and window["latest_recoverable_at"]
        self.known["recoverable"] = window["latest_recoverable_at"]

    def prepare_running_backup(self, engine: str) -> None:
        self.database(engine, "/backups", "POST", {})

    def prepare_limit(self, engine: str) -> None:
        self.sandbox.rate_limit(requests=1, seconds=60, body="json")
        self.raw("api", "GET", "/v1/apps")

    def prepare_suspended(self, engine: str) -> None:
        pass

    def prepare_peering(self, engine: str) -> None:
        path = f"/v1/databases/{self.value('dedicated_id', engine)}/net_peerings"
        answer = self.ask("api", "POST", path, {"outscale_net_peering_id": "pcx-00000001"})
        self.known["peering"] = answer["net_peering"]["id"]

    def prepare_app_operation(self, engine: str) -> None:
        answer = self.raw("api", "POST", f"/v1/apps/{OWNERS[engine][0]}/restart", {"scope": None})
        assert answer.status == 202
        self.known["app_operation"] = answer.headers["location"].rsplit("/", 1)[1]

    def prepare_addon_events(self, engine: str) -> None:
        self.prepare_feature(engine)
        plan = self.value("other_plan", engine)
        self.ask("api", "PATCH", f"/v1/apps/shop/addons/{OWNERS[engine][1]}", {"addon": {"plan_id": plan}})
        self.sandbox.advance(600)
        self.database(engine, "/backups", "POST", {})
        self.sandbox.advance(600)
        self.prepare_operation(engine)
        self.sandbox.advance(600)


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox(seed=SEED) as sandbox:
        yield sandbox


@pytest.fixture
def shop(running: Sandbox) -> Shop:
    running.reset()
    return Shop(running)


def filled(value: Any, shop: Shop, engine: str) -> Any:
    """The value with every $name replaced; one that is nothing else by what is known, whatever that is."""
    if isinstance(value, str):
        if value.startswith("$") and value[1:] in shop.known:
            return shop.known[value[1:]]
        names = string.Template(value).get_identifiers()
        return string.Template(value).substitute({name: shop.value(name, engine) for name in names})
    if isinstance(value, dict):
        return {key: filled(item, shop, engine) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, shop, engine) for item in value]
    return value


def written(
    shop: Shop, dialect: Dialect, host: str, method: str, target: str, body: Any, authorization: str | None
) -> RawAnswer:
    """Send a request as the client would write it."""
    headers = list(dialect.always)
    if authorization is not None:
        headers.append(("Authorization", authorization))
    content: bytes | None = None
    if method in ("POST", "PATCH", "PUT"):
        if body is NO_BODY and dialect.empty_body:
            body = {}
        if body is NO_BODY:
            headers += dialect.without_body
        else:
            content = json.dumps(body, separators=(",", ":")).encode()
            headers += [*dialect.with_body, ("Content-Length", str(len(content)))]
    elif dialect.empty_query and "?" not in target:
        target += "?"
    return send(shop.hosts.get(host, host), method, target, headers, content)


def replayed(shop: Shop, call: Call) -> RawAnswer:
    for name in call.needs:
        shop.prepare(name, call.engine)
    if call.route == "exchange":
        authorization: str | None = shop.basic
    else:
        authorization = shop.authorization(call.host, call.engine) if call.bearer else None
    target = filled(call.path, shop, call.engine)
    body = call.body if call.body is NO_BODY else filled(call.body, shop, call.engine)
    return written(shop, call.dialect, call.host, call.method, target, body, authorization)


def value_at(body: Any, path: str) -> Any:
    """What is there. A step may name a row by one of its fields, name=shop, or take all rows, *, or two fields of each, name:value."""
    key, dot, rest = path.partition(".")
    if key == "*":
        return [value_at(item, rest) for item in body]
    if ":" in key:
        names, values = key.split(":")
        return {item[names]: item[values] for item in body}
    if "=" in key:
        name, wanted = key.split("=")
        body = next((item for item in body if item[name] == wanted), {})
    else:
        body = body[int(key) if isinstance(body, list) else key]
    return value_at(body, rest) if dot else body


# the checker


@pytest.mark.parametrize(("taken", "shape", "text"), CHECKED)
def test_the_checker_takes_and_refuses(taken: bool, shape: Any, text: str) -> None:
    assert (not complaints(shape, decoded(text))) is taken


@pytest.mark.parametrize("text", ['{"a": 1, "b": 2}', "[]"])
def test_the_checker_refuses_a_key_more_where_there_must_be_none(text: str) -> None:
    assert complaints({"a": "int"}, decoded(text), more_keys=False)


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "NaN", "[1,]", ""])
def test_the_decoder_refuses_what_is_not_json(text: str) -> None:
    with pytest.raises(ValueError):
        decoded(text)


# every call


def test_every_route_that_a_client_calls_is_served(running: Sandbox) -> None:
    served = {route.number for route in REGISTRY}
    asked = {call.route for call in CALLS} | {entry["route"] for entry in SEED_CALLS}
    assert asked - served == set()


def test_the_sandbox_knows_what_clients_ask_the_main_api_for() -> None:
    """The switch main_routes leaves nothing else."""
    asked = {
        prefix: {call.route for call in CALLS if call.host == "dashboard" and call.path.startswith(prefix)}
        for prefix in ("/v1", "/api")
    }
    assert asked["/v1"] == UNDER_V1
    assert asked["/api"] >= {"D1", "D3", "D8", "B3'", "F4"} and not asked["/api"] & NOT_UNDER_API


def test_no_call_is_listed_twice() -> None:
    titles = [call.title for call in CALLS]
    assert len(titles) == len(set(titles))


def answered(shop: Shop, call: Call) -> RawAnswer:
    """The answer to a call, as the client reads it."""
    answer = replayed(shop, call)
    assert answer.status == call.status, answer.text
    for name in call.answer_headers:
        assert answer.headers[name]
    if call.reads is None:
        assert answer.body == b""
        return answer
    assert answer.headers["content-type"].split(";")[0].endswith("json")
    assert complaints(call.reads, answer.json(), more_keys=call.more_keys) == []
    for path, wanted in call.gives.items():
        assert value_at(answer.plain(), filled(path, shop, call.engine)) == filled(wanted, shop, call.engine), path
    return answer


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.title)
def test_the_call_is_answered_as_the_client_reads_it(shop: Shop, call: Call) -> None:
    answered(shop, call)


#: One call of each route that is about a database, or of what belongs to one.
ONE_OF_EACH = {call.route: call for call in reversed(CALLS) if call.host in ("db", "dashboard")}


@pytest.mark.parametrize("call", ONE_OF_EACH.values(), ids=ONE_OF_EACH.keys())
def test_every_route_is_the_same_in_every_form(shop: Shop, call: Call) -> None:
    """Also in the forms in which no client asks for it."""
    rest = re.sub("^/(api|v1)", "", call.path.replace("$location", "/api/operations/$operation"))
    for host, prefix in (("db", "/api"), ("dashboard", "/api"), ("dashboard", "/v1")):
        if (host, prefix + rest) != (call.host, call.path):
            shop.sandbox.reset()
            there = dataclasses.replace(call, host=host, path=prefix + rest)
            fresh = Shop(shop.sandbox)
            answer = replayed(fresh, there)
            assert answer.status == call.status, answer.text
            assert call.reads is None or complaints(call.reads, answer.json(), more_keys=call.more_keys) == []


@pytest.mark.parametrize(
    "entry", SEED_CALLS, ids=lambda entry: f"{entry['document']}-{entry['lines'][0]}-{entry['route']}"
)
def test_the_documented_command_works(shop: Shop, entry: dict[str, Any]) -> None:
    """Each curl example, with the names of this sandbox in the place of the page's."""
    engine = "postgresql" if entry["route"] == "D4" else "mysql"
    path = entry["path"].replace("my-db-123", OWNERS[engine][1])
    path = path.replace("my-maintenance-123", MAINTENANCE).replace("abcdefabcdefabcdef", BACKUP)
    headers = [tuple(line.split(": ", 1)) for line in entry["headers"]]
    headers += [("User-Agent", "curl/7.88.1"), ("Authorization", shop.authorization("db", engine))]
    content = None
    if entry["body"]:
        content = (pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "seeds" / entry["body"]).read_bytes()
        if entry["route"] == "D4":
            shop.prepare("recovery_window", engine)
            content = json.dumps({"restore_time": shop.known["recoverable"]}).encode()
        headers.append(("Content-Length", str(len(content))))
    answer = send(shop.hosts["db"], entry["method"], path, headers, content)
    assert answer.status == {"D3": 202, "D4": 201, "B2": 201}.get(entry["route"], 200), answer.text
    assert answer.headers["content-type"] == "application/json"


_MYSQL = f"/api/databases/{OWNERS['mysql'][1]}"

# tokens


def claims_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, as a client reads them without the key."""
    segments = token.split(".")
    assert len(segments) == 3
    assert "=" not in token
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in segments[:2])
    return header, claims


def check_claims(token: str) -> None:
    """What the Go and Ruby libraries ask of a token that they do not verify."""
    header, claims = claims_of(token)
    assert header["alg"] in ("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA")
    assert isinstance(claims["exp"], int)
    for name in ("iat", "nbf"):
        assert isinstance(claims.get(name, 0), int)
    for name in ("iss", "sub", "jti"):
        assert isinstance(claims.get(name, ""), str)


def check_hour(shop: Shop, token: str) -> None:
    dummy, claims = claims_of(token)
    now = email.utils.parsedate_to_datetime(shop.raw("api", "GET", "/v1/apps").headers["date"]).timestamp()
    assert abs(claims["exp"] - now - 3600) < 60


def test_a_bearer_can_be_read_without_its_key_and_lasts_an_hour(shop: Shop) -> None:
    check_claims(shop.bearer)
    check_hour(shop, shop.bearer)


def test_an_addon_token_can_be_read_without_its_key(shop: Shop) -> None:
    """The Ruby client decodes it as it decodes a bearer, and fails on anything else."""
    check_claims(shop.addon_token("mysql"))
    check_hour(shop, shop.addon_token("mysql"))


# failures, as the Go client reads them


@pytest.mark.parametrize("row", FAILURES, ids=lambda row: row[0].replace(" ", "_"))
def test_a_failure_has_the_body_that_the_go_client_reads(shop: Shop, row: list[Any]) -> None:
    dummy, status, host, request, *more = row
    details = more[0] if more else {}
    for name in details.get("needs", []):
        shop.prepare(name, "mysql")
    authorization = shop.basic if host == "auth" else shop.authorization(host, "mysql")
    method, path = request.split()
    body = filled(details["body"], shop, "mysql") if "body" in details else NO_BODY
    try:
        answer = written(
            shop, GO, host, method, filled(path, shop, "mysql"), body, details.get("authorization", authorization)
        )
    finally:
        shop.sandbox.rate_limit(None)
    assert answer.status == status, answer.text
    assert complaints(GO_ERRORS[status], answer.json()) == []
    if status == 422:
        assert answer.plain()["errors"]
    assert details.get("says", "") in answer.text


# several calls in a row


def test_the_command_line_follows_a_backup_and_downloads_it_without_a_bearer(shop: Shop) -> None:
    token = shop.authorization("db", "mysql")
    created = written(shop, GO, "db", "POST", f"{_MYSQL}/backups", NO_BODY, token).plain()["database_backup"]
    assert created["status"] == "scheduled" and created["started_at"] is None
    seen = []
    for dummy in range(60):
        shop.sandbox.advance(1)
        answer = written(shop, GO, "db", "GET", f"/api/backups/{created['id']}", NO_BODY, token)
        seen.append(answer.plain()["database_backup"]["status"])
        if seen[-1] == "done":
            break
    assert set(seen) <= {"scheduled", "running", "done"} and seen[-1] == "done", "it loops until exactly done or error"
    backup = answer.plain()["database_backup"]
    assert written(shop, GO, "db", "GET", f"{_MYSQL}/backups", NO_BODY, token).plain()["database_backups"][0] == backup
    link = written(shop, GO, "db", "GET", f"{_MYSQL}/backups/{backup['id']}/archive", NO_BODY, token).plain()[
        "download_url"
    ]
    parts = urllib.parse.urlsplit(link)
    downloaded = send(
        link, "GET", f"{parts.path}?{parts.query}", [("User-Agent", "Go-http-client/1.1"), ("Accept-Encoding", "gzip")]
    )
    assert downloaded.status == 200
    assert downloaded.body[:2] == b"\x1f\x8b", "a gzipped archive, and not one that was gzipped once more for the way"
    assert "content-encoding" not in downloaded.headers
    assert len(downloaded.body) == backup["size"]


def test_the_command_line_reads_the_logs_behind_the_link_without_a_bearer(shop: Shop) -> None:
    answer = written(shop, GO, "db", "GET", f"{_MYSQL}/logs", NO_BODY, shop.authorization("db", "mysql"))
    parts = urllib.parse.urlsplit(answer.plain()["url"])
    asked = urllib.parse.parse_qs(parts.query)
    query = urllib.parse.urlencode(
        [("filter", ""), ("n", "100"), ("timestamp", asked.get("timestamp", [""])[0]), ("token", asked["token"][0])]
    )
    answer = send(f"{parts.scheme}://{parts.netloc}", "GET", f"{parts.path}?{query}", GO.always)
    assert answer.status in (200, 204, 404)
    if answer.status == 200:
        assert answer.headers["content-type"].startswith("text/plain")


class Terraform:
    """The provider on its way through a flow, in today's form or in that of the next Go client."""

    def __init__(self, shop: Shop, form: str = "go") -> None:
        self.shop = shop
        self.known = shop.known
        self.form = FORMS.get(form)

    def run(self, steps: list[Any]) -> None:
        for step in steps:
            if isinstance(step, str):
                self.run(SEQUENCES[step])
            elif isinstance(step, list):
                self.ask(call_of(TERRAFORM, *step))
            elif "until" in step:
                self.wait(step)
            elif "each" in step:
                for item in self.known[step["each"]]:
                    self.known.update({f"{step['as']}_{name}": value for name, value in item.items()})
                    self.run(step["do"])
            elif "set" in step:
                self.known.update({name: self.at(place) for name, place in step["set"].items()})
            else:
                self.shop.sandbox.advance(step["advance"])

    def ask(self, call: Call) -> None:
        if self.form is not None and call.route == "A6":
            return
        if self.form is not None and call.host == "db":
            path = self.form["prefix"] + call.path.removeprefix("/api")
            call = dataclasses.replace(call, host=self.form["host"], path=path)
        answer = answered(self.shop, call)
        for name, place in call.keeps.items():
            self.known[self.filled(name)] = value_at(answer.plain(), self.filled(place))
        for name, header in call.keeps_headers.items():
            self.known[name] = answer.headers[header].removeprefix(self.shop.hosts[call.host])
        if "token" in call.keeps:
            self.shop.tokens[call.engine] = self.known["token"]

    def wait(self, step: dict[str, Any]) -> None:
        for dummy in range(600):
            self.run(step["do"])
            if all(self.is_so(place, wanted) for place, wanted in step["until"].items()):
                return
            self.shop.sandbox.advance(5)
        pytest.fail(f"{step['until']} never came")

    def is_so(self, place: str, wanted: Any) -> bool:
        try:
            value = self.at(place)
        except KeyError:
            return False
        return bool(value != wanted["not"] if isinstance(wanted, dict) else value == wanted)

    def at(self, place: str) -> Any:
        return value_at(self.known, self.filled(place))

    def filled(self, value: Any) -> Any:
        return filled(value, self.shop, "mysql")

    def state(self, flow: dict[str, Any]) -> dict[str, Any]:
        """What the provider finds of a resource."""
        self.run(flow["read"])
        return {name: self.at(place) for name, place in flow["state"].items()}

    def follow(self, flow: dict[str, Any], options: dict[str, str]) -> None:
        self.known.update(options)
        for stage in flow["stages"]:
            self.known.update(self.filled(stage.get("before", {})))
            self.run(stage["requests"])
            found, config = self.state(flow), self.filled(stage["config"])
            if "environment" in config:
                # Of the variables, it compares those that the configuration names.
                assert set(config["environment"]) <= set(found["environment"])
                found["environment"] = {name: found["environment"][name] for name in config["environment"]}
            assert {name: found[name] for name in config} == config, stage["stage"]
        self.run([*flow["destroy"], flow["gone"]])


TERRAFORM_RUNS = [
    pytest.param(flow, options, id="-".join([flow["name"], *list(options.values())[:1]]).replace(" ", "_"))
    for flow in FLOWS
    for options in flow.get("with", [{}])
]


@pytest.mark.parametrize("form", ["go", "go-next"])
@pytest.mark.parametrize(("flow", "options"), TERRAFORM_RUNS)
def test_a_second_plan_of_terraform_would_be_empty(
    shop: Shop, flow: dict[str, Any], options: dict[str, str], form: str
) -> None:
    Terraform(shop, form).follow(flow, options)


def flow_named(name: str) -> tuple[dict[str, Any], dict[str, str]]:
    flow = next(entry for entry in FLOWS if entry["name"] == name)
    return flow, flow.get("with", [{}])[0]


@pytest.mark.parametrize(
    ("name", "switch", "value", "why"),
    [
        ("an addon of every engine", "addon_update_answer", "vars", "addon: missing"),
        ("an addon with features", "addon_updating", "running", "an operation is already running"),
        ("a firewall rule for a range", "dedicated_ids", "different", "app_of_"),
    ],
)
def test_a_flow_of_terraform_can_fail(running: Sandbox, name: str, switch: str, value: str, why: str) -> None:
    """In each position of a switch that the provider cannot live with."""
    running.reset({**SEED, "switches": {switch: value}})
    with pytest.raises((AssertionError, KeyError), match=why):
        Terraform(Shop(running)).follow(*flow_named(name))


@pytest.mark.parametrize("app", ["missing", "present"])
def test_the_shipped_provider_waits_for_a_dedicated_database_as_on_the_platform(running: Sandbox, app: str) -> None:
    """Version 2.7.4 goes on with the ID of an app that the answer does not have: section 6, row 71."""
    running.reset({**SEED, "switches": {"dedicated_app": app}})
    flow, options = flow_named("a dedicated database")
    shipped = Terraform(Shop(running))
    with contextlib.nullcontext() if app == "present" else pytest.raises(KeyError, match="app"):
        shipped.follow(flow, {**options, "id_of_new": "database.app.id"})


def test_the_watcher_upgrades_by_the_location_and_believes_the_database(shop: Shop) -> None:
    token = shop.authorization("db", "mysql")
    before = written(shop, WATCHER, "db", "GET", _MYSQL, NO_BODY, token).plain()["database"]
    path = f"/api/database_type_versions/{before['next_version_id']}"
    version = written(shop, WATCHER, "db", "GET", path, NO_BODY, token).plain()["database_type_version"]
    target = "{major}.{minor}.{patch}-{build}".format(**version)
    launched = written(shop, WATCHER, "db", "POST", f"{_MYSQL}/upgrade", NO_BODY, token)
    assert launched.status == 202
    location = urllib.parse.urlsplit(launched.headers["location"]).path
    assert location.endswith(launched.plain()["operation_id"]) and launched.plain()["id"] == version["id"]
    seen = set()
    for dummy in range(20):
        status = written(shop, WATCHER, "db", "GET", location, NO_BODY, token).plain()["operation"]["status"]
        seen.add(status)
        if status not in ("pending", "running"):
            break
        shop.sandbox.advance(10)
    assert seen & {"finished", "done"}
    assert written(shop, WATCHER, "db", "GET", _MYSQL, NO_BODY, token).plain()["database"]["readable_version"] == target


def test_pix_finds_the_leader_in_the_metrics(shop: Shop) -> None:
    base = f"/api/databases/{OWNERS['postgresql'][1]}"
    token = shop.authorization("db", "postgresql")
    rows = written(shop, PIX, "db", "GET", f"{base}/instances_status", NO_BODY, token).plain()
    leader = next(row["id"] for row in rows if row["type"] == "db-node" and row["role"] == "leader")
    metrics = written(shop, PIX, "db", "GET", f"{base}/metrics", NO_BODY, token).plain()
    assert isinstance(metrics["instances_metrics"][leader]["cpu"]["usage_in_percents"], (int, float))
    disk = written(
        shop, PIX, "db", "GET", f"{base}/instances/{leader}/metrics/disk?since=3&last=true", NO_BODY, token
    ).plain()["disk_metrics"][0]
    assert 0 < disk["disk_used"] < disk["disk_total"]
    variables = written(shop, PIX, "api", "GET", "/v1/apps/shop/variables", NO_BODY, f"Bearer {shop.bearer}").plain()
    assert "SCALINGO_POSTGRESQL_URL" in [row["name"] for row in variables["variables"]]


def test_an_action_can_be_sent_with_null_with_nothing_and_with_an_empty_object(shop: Shop) -> None:
    """The documents send null or leave params out, pix leaves them out, the JavaScript client sends an object."""
    token = shop.authorization("db", "mysql")
    answers = [
        written(shop, dialect, "db", "POST", f"{_MYSQL}/action", body, token)
        for dialect, body in (
            (PIX, {"action_name": "list-databases"}),
            (JAVASCRIPT, {"action_name": "list-databases", "params": {}}),
            (WATCHER, {"action_name": "list-databases", "params": None}),
        )
    ]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len({answer.body for answer in answers}) == 1


def test_an_empty_sql_mode_is_not_taken_for_a_missing_one(shop: Shop) -> None:
    token = shop.authorization("db", "mysql")
    for modes in ("NO_ZERO_DATE", ""):
        body = {"action_name": "set-sqlmode", "params": modes}
        assert written(shop, JAVASCRIPT, "db", "POST", f"{_MYSQL}/action", body, token).plain()["ok"] == 1
        body = {"action_name": "get-sqlmode", "params": {}}
        assert written(shop, JAVASCRIPT, "db", "POST", f"{_MYSQL}/action", body, token).plain()["result"] == modes


@pytest.mark.parametrize("host", ["api", "db"])
def test_the_certificate_is_a_plain_link(shop: Shop, host: str) -> None:
    answer = send(shop.hosts[host], "GET", "/api/ca_certificate", [("Accept", "*/*")])
    assert answer.status == 200
    assert answer.text.startswith("-----BEGIN CERTIFICATE-----")


def test_the_events_hold_what_the_go_client_reads_of_each_type(shop: Shop) -> None:
    shop.prepare("addon_events", "mysql")
    bearer = f"Bearer {shop.bearer}"
    answer = written(shop, GO, "api", "GET", "/v1/apps/shop/events?page=1&per_page=100", NO_BODY, bearer)
    seen = {row["type"] for row in answer.plain()["events"]}
    assert {"upgrade_addon", "upgrade_database", "database/add_feature", "database_backup_succeeded"} <= seen
    for event in answer.json()["events"]:
        if event["type"] in GO_EVENTS:
            assert complaints(GO_EVENTS[event["type"]], event["type_data"], event["type"]) == []


def test_every_database_of_the_seed_that_comes_with_the_sandbox_is_readable() -> None:
    shape = next(call.reads for call in CALLS if call.title == "go-D1-database_mysql")
    addon_shape = next(call.reads for call in CALLS if call.title == "go-A2-addon")
    engines = set()
    with Sandbox() as sandbox:
        shop = Shop(sandbox)
        for region in shop.ask("auth", "GET", "/v1/regions")["regions"]:
            shop.hosts.update(api=region["api"], db=region["database_api"])
            for app in shop.ask("api", "GET", "/v1/apps")["apps"]:
                for addon in shop.ask("api", "GET", f"/v1/apps/{app['name']}/addons")["addons"]:
                    base = f"/v1/apps/{app['id']}/addons/{addon['id']}"
                    bearer = f"Bearer {shop.bearer}"
                    answer = written(shop, GO, "api", "GET", base, NO_BODY, bearer)
                    assert complaints(addon_shape, answer.json()) == []
                    token = written(shop, GO, "api", "POST", f"{base}/token", NO_BODY, bearer).plain()["addon"]["token"]
                    answer = written(shop, GO, "db", "GET", f"/api/databases/{addon['id']}", NO_BODY, f"Bearer {token}")
                    assert complaints(shape, answer.json()) == []
                    engines.add((region["name"], addon["addon_provider"]["id"]))
    assert len({engine for dummy, engine in engines}) == 8
    assert {region for region, dummy in engines} == {"osc-fr1", "osc-secnum-fr1"}
