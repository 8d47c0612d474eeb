# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log drains of a database: docs/contract.md section 2.1, A16 to A18."""

from __future__ import annotations

import httpx
import pytest
from support.caller import Caller
from support.probes import PROBES

GO_DRAIN = dict.fromkeys(("type", "url", "host", "port", "token", "drain_region"), "")


def added(caller: Caller, **drain: str) -> httpx.Response:
    return caller.addon("POST", "/log_drains", json={"drain": drain})


PROBES["log_drain_shown"] = lambda caller, box: added(caller, type="appsignal", token="t0").json()
PROBES["log_drain_existing"] = lambda caller, box: [added(caller, type="elk", url="https://x").status_code for dummy in "12"]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"type": "ovh-graylog", "token": "t-0", "host": "tag1.logs.ovh.com"}, "ovh://:t-0@tag1.logs.ovh.com:6514"),
        ({"type": "datadog", "token": "t-0", "drain_region": "eu-west-2"}, "datadog://t-0?region=eu-west-2"),
        ({"type": "papertrail", "host": "logs.papertrailapp.com", "port": "1"}, "tcp+tls://logs.papertrailapp.com:1"),
        ({"type": "syslog", "host": "custom.logs.com", "port": "1", "token": "t/0"}, "syslog://:t%2F0@custom.logs.com:1"),
        ({"type": "elk", "url": "https://me:t-0@logs.example.com"}, "https://me:t-0@logs.example.com"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", ["json", "params"])
def test_a_log_drain_is_known_by_its_address(caller: Caller, given: dict[str, str], shown: str, where: str) -> None:
    for body in (given, {**GO_DRAIN, **given}):
        made = added(caller, **body)
        assert (made.status_code, made.json()) == (201, {"drain": {"url": shown}})
    app_id = caller.main("GET", "/v1/apps/shop").json()["app"]["id"]
    assert caller.addon("GET", "/log_drains").json() == {"drains": [{"app_id": app_id, "url": shown}] * 2}
    gone = [caller.addon("DELETE", "/log_drains", **{where: {"url": shown}}).status_code for dummy in range(3)]
    assert gone == [204, 204, 404]
    events = caller.main("GET", "/v1/apps/shop/events").json()["events"]
    assert [event["type"] for event in events[:2]] == ["delete_addon_log_drain"] * 2


@pytest.mark.parametrize(
    ("given", "field"),
    [({"type": "carrier-pigeon"}, "type"), ({"type": "syslog", "host": "h"}, "port"), ({"type": "elk"}, "url")],
)
def test_a_log_drain_without_what_its_type_takes_is_refused(caller: Caller, given: dict[str, str], field: str) -> None:
    answer = added(caller, **given)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert caller.addon("DELETE", "/log_drains").status_code == 422
