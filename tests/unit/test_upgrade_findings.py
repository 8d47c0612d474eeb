# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an upgrade can have lost, one by one and together."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.community.scalingo.plugins.filter.scalingo_upgrade_findings import (
    scalingo_upgrade_findings as findings,
)

BEFORE: dict[str, t.Any] = {
    "version": "16.13.0-1",
    "status": "running",
    "instances": [
        {"id": "a", "type": "db-node", "role": "leader", "status": "running"},
        {"id": "b", "type": "db-node", "role": "follower", "status": "running"},
        {"id": "c", "type": "gateway", "role": "", "status": "running"},
    ],
    "extensions": [{"name": "hstore", "version": "1.8"}, {"name": "pg_trgm", "version": "1.5"}],
    "logical_databases": ["orders", "stock"],
    "users": ["shop_1001", "reporting"],
}
# New instances and newer extensions are what an upgrade brings.
AFTER: dict[str, t.Any] = {
    **BEFORE,
    "version": "16.14.0-1",
    "instances": [{**instance, "id": instance["id"] * 2} for instance in BEFORE["instances"]],
    "extensions": [
        {"name": "pg_trgm", "version": "1.6"},
        {"name": "hstore", "version": "1.8"},
        {"name": "unaccent", "version": "1.1"},
    ],
    "users": ["reporting", "shop_1001", "another"],
}


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, []),
        ({"version": "16.13.0-1"}, ["the version is 16.13.0-1 and not 16.14.0-1"]),
        ({"status": "stopped"}, ["the database is stopped and not running"]),
        ({"status": None}, ["the database is in an unknown state and not running"]),
        ({"extensions": AFTER["extensions"][:1]}, ["the extension hstore (1.8) is gone"]),
        ({"extensions": None}, ["the extension hstore (1.8) is gone", "the extension pg_trgm (1.5) is gone"]),
        ({"logical_databases": ["stock"]}, ["the logical database orders is gone"]),
        ({"users": ["shop_1001"]}, ["the user reporting is gone"]),
        (
            {"instances": [{**AFTER["instances"][0], "status": "restarting"}, *AFTER["instances"][1:]]},
            ["the instance aa (db-node, leader) is restarting"],
        ),
        (
            {"instances": [*AFTER["instances"][:2], {**AFTER["instances"][2], "status": None}]},
            ["the instance cc (gateway) is in an unknown state"],
        ),
        ({"instances": AFTER["instances"][:2]}, ["there are 0 instances of the type gateway, and 1 before"]),
        (
            {"instances": [AFTER["instances"][0], AFTER["instances"][2]]},
            ["there are 1 instances of the type db-node, and 2 before"],
        ),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, t.Any], found: list[str]) -> None:
    assert findings(BEFORE, {**AFTER, **changes}, version="16.14.0-1") == found


def test_without_a_version_any_other_will_do() -> None:
    assert findings(BEFORE, AFTER) == []
    assert findings(BEFORE, {**AFTER, "version": "16.13.0-1"}) == ["the version is 16.13.0-1, as before"]


def test_what_was_not_known_is_not_missed() -> None:
    assert findings({"version": "16.13.0-1"}, AFTER) == []


def test_other_things_are_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="two dictionaries"):
        findings([], AFTER)


def test_no_finding_is_obeyed_by_a_terminal() -> None:
    odd = "a\u202eb\x1b[2K\x9b"
    found = findings({**BEFORE, "users": [odd]}, {**AFTER, "status": odd, "version": odd}, "16.14.0-1")
    assert len(found) == 3 and all("a\\u202eb\\x1b[2K\\x9b" in text and odd not in text for text in found)
