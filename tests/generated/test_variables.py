# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong values for every variable of every role are refused by name in the role's first task, or taken for what they mean."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.action import scalingo_role_variables as action
from ansible_collections.community.scalingo.plugins.plugin_utils import _role_forms, _role_reader
from support.generation import none
from support.suites import wrong_variables


@pytest.mark.parametrize(("role", "path"), list(wrong_variables.variables()))
def test_wrong_values_are_refused_or_taken_for_what_they_mean(
    role: str, path: str, monkeypatch: pytest.MonkeyPatch, record_property: t.Callable[[str, str], None]
) -> None:
    none(
        wrong_variables.problems(
            role, path, monkeypatch, lambda verdict: record_property("wrong values of variables of roles", verdict)
        )
    )


class Nameless(_role_reader.Reader):
    def value(self, option: _role_reader.Option, value: t.Any, name: str) -> t.Any:
        converted = super().value(option, value, name)
        self.problems = [problem.replace(name, "one of them") for problem in self.problems]
        return converted


class Silent(_role_reader.Reader):
    def _allowed(self, option: _role_reader.Option, name: str) -> str:
        return "think of something else"


def without(table: t.Mapping[str, t.Any], name: str) -> dict[str, t.Any]:
    return {key: value for key, value in table.items() if key != name}


BREAKS: dict[str, tuple[t.Any, str, t.Any, str, str]] = {
    "a range is gone": (_role_forms, "FORMS", without(_role_forms.FORMS, "max_failures"), "fleet_upgrade", "max_failures"),
    "a form is gone": (_role_forms, "FORMS", without(_role_forms.FORMS, "max_age"), "backup_offsite", "max_age"),
    "levels are any text": (_role_forms, "OPTIONS", {}, "fleet_report", "levels"),
    "a number loses its zero": (_role_forms, "NUMBERS_THAT_LOST", {}, "upgrade_verify", "to"),
    "a declared database is not judged": (_role_forms, "refused_declaration", lambda wanted: (), "database_baseline", "wanted.users.name"),
    "the variable is not named": (action, "Reader", Nameless, "restore_drill", "jobs"),
    "what is allowed is not said": (action, "Reader", Silent, "restore_drill", "jobs"),
    "the value is not told": (_role_reader, "quoted", lambda value: "wrong", "restore_drill", "jobs"),
    "a secret is told": (_role_reader, "holds_secret", lambda option: False, "restore_drill", "server_url"),
    "a secret in a dictionary is told": (_role_reader, "holds_secret", lambda option: bool(option.get("no_log")), "database_baseline", "wanted"),
    "text is walked letter by letter": (_role_reader, "_split", list, "fleet_report", "apps"),
    "all text is true": (_role_reader, "_bool", bool, "restore_drill", "make_backup"),
    "blank is a value": (_role_reader, "is_blank", lambda value: value is None, "restore_drill", "locale"),
    "text may hold anything": (_role_reader.Reader, "_settled", lambda self, option, value, name: value, "fleet_report", "title"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, attribute, broken, role, path = BREAKS[name]
    assert wrong_variables.problems(role, path, monkeypatch, lambda verdict: None) == []
    monkeypatch.setattr(place, attribute, broken)
    assert wrong_variables.problems(role, path, monkeypatch, lambda verdict: None)
