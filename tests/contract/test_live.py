# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make live` against the sandbox: it only reads, names what differs, and tells nothing of the account."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._answer import Answer
from ansible_collections.community.scalingo.plugins.module_utils._api.backup import list_backups
from ansible_collections.community.scalingo.plugins.module_utils._api.user import delete_user
from ansible_collections.community.scalingo.plugins.module_utils._transport import Transport
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some
from scalingo_sandbox.testing import Sandbox
from support.live import FORMS, NotOnlyReading, Survey

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "live"
#: A small account, whose every name is a canary.
ACCOUNT: dict[str, t.Any] = {
    "user": {"api_token": "tk-us-canaryToken0123456789", "username": "canaryuser", "email": "canarymail@canarymail.example"},
    "apps": [
        {"name": "canaryapp", "project": "canaryproject", "variables": {"CANARY_URL": "https://canaryvalue.example"},
         "events": [{"type": "new_variable", "type_data": {"name": "CANARYNAME", "value": "canarysecret"}}],
         "addons": [{"provider": "mysql", "resource_id": "canary_resource",
                     "things": {"log_drains": ["syslog://:canarydrain@canaryhost.example:1"]},
                     "database": {"users": ["canary_reader"], "logical_databases": ["canarydata"], "hostname": "canaryhost.example:3306",
                                  "backups": [{"age": 60}], "maintenance": [{}], "flags": ["canaryflag"]}}]},
        {"name": "canaryledger", "net_peerings": [{"outscale_net_peering_id": "pcx-canary"}],
         "addons": [{"provider": "postgresql-ng", "database": {"firewall_rules": [{"cidr": "198.51.100.0/24", "label": "canaryoffice"}],
                                                               "queries": [{"query": "SELECT canaryquery"}]}}]},
    ],
}  # fmt: skip


def surveyed(box: Sandbox, *forms: str) -> dict[str, list[str]]:
    """The rows of the report by the number of their route, and the rest under a blank."""
    survey = Survey(box.environment(), forms=forms or FORMS[:1])
    survey.run()
    report = survey.report()
    assert "canary" not in report.lower() and "198.51" not in report
    rows: dict[str, list[str]] = {"": report.splitlines()}
    for line in report.splitlines():
        if line.startswith("| ") and not line.startswith("| Route"):
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            rows[cells[0]] = cells
    return rows


def test_it_only_reads_and_all_holds(box: Sandbox) -> None:
    box.clear_log()
    before = box.state()
    rows = surveyed(box, *FORMS)
    posts = [(record.route, record.safe) for record in box.log() if record.method != "GET"]
    assert set(posts) <= {("exchange", True), ("A6", True)} and box.unsafe() == []
    assert {**box.state(), "clock": None} == {**before, "clock": None}
    assert {cells[4] for number, cells in rows.items() if number} == {"holds", "nothing in it"}
    assert len(rows) > 35


def test_what_could_change_something_is_not_sent(box: Sandbox) -> None:
    box.reset(ACCOUNT)
    box.clear_log()
    survey = Survey(box.environment())
    client = survey._client("canaryapp", "mysql", "db_api")
    survey._guard(client)
    assert list_backups(client)
    with pytest.raises(NotOnlyReading):
        delete_user(client, "canary_reader")
    assert box.unsafe() == []


@pytest.mark.parametrize(
    ("route", "fault", "told"),
    [
        ("B1", {"do": "wrong_type", "at": "database_backups.*.size", "value": "canary"}, "`database_backups[].size` is a text, which cannot be read"),
        ("B1", {"do": "missing_key", "at": "database_backups.*.id"}, "`database_backups[].id` is missing"),
        ("B1", {"do": "replace", "body": {"backups_of_canaryapp": [], "saved": []}}, "`the body.saved` is a list, and not the root that is expected"),
        ("B1", {"do": "replace", "body": {"database_backups": ["canary"]}}, "`database_backups[]` is a text where an object is expected"),
        ("A16", {"do": "replace", "body": {"drains": [{"app_id": "1", "url": "x", "quarantine": 1, "canaryapp": 2}]}},
         "`drains[].quarantine` is a number, and new; `drains[].…` is a number, and new"),
        ("D1", {"do": "wrong_type", "at": "database.status", "value": None}, "`database.status` is an object, which cannot be read"),
        ("D1", {"do": "wrong_type", "at": "database.maintenance_window", "value": "canary"}, "`database.maintenance_window` is a text"),
        ("U1", {"do": "html", "status": 200}, "`the body` is null, which cannot be read"),
    ],
)  # fmt: skip
def test_what_differs_is_named(box: Sandbox, route: str, fault: dict[str, t.Any], told: str) -> None:
    box.reset(ACCOUNT)
    box.fault(match={"route": route}, **fault)
    cells = surveyed(box)[route]
    assert cells[4] == "differs" and told in cells[5]


def test_what_is_refused_is_no_difference(box: Sandbox) -> None:
    box.reset(ACCOUNT)
    box.fault(match={"route": "D11"}, do="status", status=404, body={"error": "canaryapp not found"})
    assert surveyed(box)["D11"][3:] == ["404", "refused", ""]
    box.clear_faults()
    box.expire_tokens()
    box.fault(match={"route": "exchange"}, do="status", status=401)
    assert {cells[3] for number, cells in surveyed(box).items() if number} <= {"200", "401"}


def test_a_redirection_is_told_as_such(box: Sandbox) -> None:
    box.reset({**ACCOUNT, "switches": {"db_api": "to /v1"}})
    answers = {cells[3] for number, cells in surveyed(box).items() if number[:1] in ("D", "B") and number[:2] != "DR"}
    assert len(answers) == 1 and answers.pop()[:2] == "30"


SWITCHES = {"dates": "microseconds", "users_root": "underscore", "scheduled_at": "integer", "instances_metrics": "list", "pagination": "flat",
            "dedicated_items": "dashboard", "database_fields": "minimal", "log_drain_shown": "masked", "backup_size": "zero"}  # fmt: skip


def test_the_forms_that_the_collection_takes_are_no_difference_and_odd_ones_are(box: Sandbox) -> None:
    box.reset({**ACCOUNT, "switches": SWITCHES})
    rows = surveyed(box)
    told = "\n".join(rows[""])
    for words in (
        "the body.database_users list of object",
        "database.periodic_backups_scheduled_at number",
        "database.created_at date(6 digits, Z)",
        "database.maintenance_window missing",
        "databases[].database.name text",
        "meta.current_page number",
        "database_backups[].size number",
    ):
        assert words in told, words
    differing = {number: cells[5] for number, cells in rows.items() if number and cells[4] == "differs"}
    assert set(differing) <= {"D1"}, differing


BODIES: dict[str, list[tuple[int, dict[str, str], str]]] = {}
PIECES = some.recursive(
    some.sampled_from(["canaryapp", "canarysecret", "canaryhost.example", 7, None, True, 1.5]),
    lambda inner: (
        some.lists(inner, max_size=2)
        | some.dictionaries(some.sampled_from(["canaryapp", "canarysecret", "name", "id"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def spots(value: t.Any) -> t.Iterator[tuple[t.Any, t.Any]]:
    """Every place in an answer, as what holds it and its key."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from spots(value[key])


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(data=some.data())
def test_no_answer_makes_it_tell_a_value(data: some.DataObject) -> None:
    """Answers of the sandbox, each changed in places: values become others and names of fields become names of apps."""
    send = Transport.send

    def changed(self: Transport, route: t.Any, base: str, **details: t.Any) -> Answer:
        found = KEPT.setdefault((route.name, json.dumps(details.get("values"), default=str)), [])
        if not found:
            found.append(send(self, route, base, **details))
        answer = copy.copy(found[0])
        if route.name not in ("exchange_token", "mint_addon_token") and answer.text[:1] in ("{", "["):
            body = json.loads(answer.text)
            for holder, key in data.draw(some.lists(some.sampled_from(list(spots(body))), max_size=3)) if body else ():
                if isinstance(holder, dict) and data.draw(some.booleans()):
                    holder[data.draw(some.sampled_from(["canaryapp", "canarysecret"]))] = holder.pop(key, None)
                elif not isinstance(holder, list) or key < len(holder):
                    holder[key] = data.draw(PIECES)
            answer.text = json.dumps(body)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Transport, "send", changed)
        survey = Survey({**ENVIRONMENT, "SCALINGO_NAMES": "canaryapp canarysecret"}, forms=FORMS[:1])
        survey.run()
    assert "canary" not in survey.report().lower()


KEPT: dict[tuple[str, str], list[Answer]] = {}
ENVIRONMENT: dict[str, str] = {}


@pytest.fixture(autouse=True)
def _account(request: pytest.FixtureRequest) -> None:
    if "no_answer" in request.node.name:
        box = request.getfixturevalue("box")
        box.reset(ACCOUNT)
        KEPT.clear()
        ENVIRONMENT.update(box.environment())


def run(environment: t.Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCALINGO_")}
    return subprocess.run(
        [sys.executable, str(SCRIPT)], env={**kept, **environment}, capture_output=True, text=True, check=False
    )


def test_it_wants_to_be_asked_for(box: Sandbox) -> None:
    box.reset(ACCOUNT)
    box.clear_log()
    for environment in ({}, box.environment(), {"SCALINGO_LIVE": "read-only"}):
        done = run(environment)
        assert (done.returncode, done.stdout) == (2, "") and "SCALINGO_LIVE=read-only" in done.stderr
    assert box.log() == []
    done = run({**box.environment(), "SCALINGO_LIVE": "read-only"})
    assert done.returncode == 0 and "| holds |" in done.stdout, done.stderr
    assert "canary" not in (done.stdout + done.stderr).lower()
