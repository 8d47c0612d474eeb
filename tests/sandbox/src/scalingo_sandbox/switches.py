# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sources of docs/contract.md disagree or are silent, the sandbox has a switch.

SWITCHES are those of data/switches.yml and those that a file of api/ declares. A row of section 6 that no switch names says itself what the
simulator does about it: both forms are served always, or nothing and why. A test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml


@dataclass(frozen=True)
class Switch:
    """One choice: its first value is the default."""

    name: str
    rows: tuple[str, ...]
    values: tuple[str, ...]
    meaning: str

    @property
    def default(self) -> str:
        return self.values[0]


_TABLE = yaml.safe_load((Path(__file__).parent / "data" / "switches.yml").read_text(encoding="utf-8"))

SWITCHES = {name: Switch(name, tuple(rows), tuple(values), meaning) for name, (values, rows, meaning) in _TABLE.items()}


def switch(name: str, values: str, rows: str, meaning: str) -> None:
    """Declare a switch in a file of api/, beside the thing that it is about. Values and rows have a blank between them."""
    SWITCHES[name] = Switch(name, tuple(rows.split()), tuple(values.split()), meaning)


class UnknownSwitch(ValueError):
    """No such switch, or no such value."""


class Switches:
    """The positions of all switches."""

    def __init__(self, positions: dict[str, str] | None = None) -> None:
        self._positions = {name: switch.default for name, switch in SWITCHES.items()}
        for name, value in (positions or {}).items():
            self.set(name, value)

    def set(self, name: str, value: object) -> None:
        switch = SWITCHES.get(name)
        if switch is None:
            raise UnknownSwitch(f"no switch is named {name}; there are {', '.join(sorted(SWITCHES))}")
        text = {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)
        if text not in switch.values and text in ("on", "off"):
            text = {"on": "yes", "off": "no"}[text]
        if text not in switch.values:
            raise UnknownSwitch(f"the switch {name} has no value {value}; it has {', '.join(switch.values)}")
        self._positions[name] = text

    def __getitem__(self, name: str) -> str:
        # The first world may be older than the file of api/ that declares the switch.
        return self._positions.setdefault(name, SWITCHES[name].default)

    def is_at(self, name: str, value: str) -> bool:
        if value not in SWITCHES[name].values:
            raise UnknownSwitch(f"the switch {name} has no value {value}")
        return self[name] == value

    def as_dict(self) -> dict[str, str]:
        return dict(self._positions)


def table() -> str:
    """The switches as a table for people."""
    lines = ["| Switch | Values, the default first | What it is | docs/contract.md |", "|---|---|---|---|"]
    for switch in SWITCHES.values():
        values = ", ".join(f"`{value}`" for value in switch.values)
        lines.append(f"| `{switch.name}` | {values} | {switch.meaning} | {', '.join(switch.rows)} |")
    return "\n".join(lines) + "\n"
