# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `scripts/bench` shows its figures as: tables for a terminal, one SVG, and the performance page of the documentation.

`figures` is what bench.json holds: `machine`, `versions`, and for each part what `scripts/bench` measured.
"""

from __future__ import annotations

import textwrap
import typing as t
from xml.sax.saxutils import escape

Figures = dict[str, t.Any]

#: Of each part: its heading, and what was done.
PARTS = {
    "a": (
        "An unchanged task",
        "A playbook holds the same task several times. Each sends one request, with the token and the ID known. The time of a playbook with one such "
        "task is taken off, and what is left is divided by the number of further tasks. The first one also imports what the others then find.",
    ),
    "b": (
        "The same in a loop",
        "One task with a loop. The time of a loop of one item is taken off, and what is left is divided by the number of further items.",
    ),
    "c": ("Fifty logical databases", "All of them exist, so nothing changes. The loops ask once for each name."),
    "d": (
        "Ten tasks on many databases",
        "Each database is a host. No limit is enforced here. The play of ansible.builtin.uri sends the same requests, "
        "each in a task of its own. Memory is the peak of the controller. The slope is what each further database costs, from one row to the next.",
    ),
    "e": (
        "Under the limit of the platform",
        "One task on each database, with no token known. The sandbox answers 60 requests a minute in all. "
        "The yardstick is the number of requests that were answered, divided by the limit. A run can end earlier, as the first 60 are answered at once.",
    ),
    "f": (
        "A download",
        "The archive of a backup. Both ways give the file and its SHA-256. The module also flushes the file to the disk before it names it. "
        "Memory is the peak of the largest process.",
    ),
    "g": (
        "An inventory, a report and a drift",
        "``ansible-inventory --list``, the playbook ``community.scalingo.report`` with all its readings, and ``community.scalingo.drift`` "
        "with four readings of each database, with no token known.",
    ),
    "h": (
        "A copy of a backup",
        "The archive of a backup, by ``scalingo_offsite_backup``: downloaded, verified to its last byte, optionally encrypted by ``openssl`` and decrypted "
        "again to prove it. Memory is the peak of the largest process. And a drill: ``scalingo_restore_drill`` restores a copy with so many MiB of rows "
        "on a PostgreSQL server of its own, beside ``pg_restore`` alone into a server with the same settings that is ready. The drill also "
        "verifies and unpacks the copy, makes the server, counts all rows, and removes everything. There the processor times and the memory are those "
        "of the drill's own process and of ``pg_restore``, and processor times with servers and clients stand beside them.",
    ),
}
#: The columns: key, heading, format.
COLUMNS = (
    ("way", "Way", "%s"),
    ("databases", "Databases", "%d"),
    ("mebibytes", "MiB", "%d"),
    ("latency", "Latency added, ms", "%d"),
    ("requests", "Requests", "%.4g"),
    ("refused", "Refused", "%d"),
    ("milliseconds", "Median, ms", "%.0f"),
    ("least", "Least, ms", "%.0f"),
    ("most", "Most, ms", "%.0f"),
    ("first", "The first one, ms", "%.0f"),
    ("processor_milliseconds", "Processor, ms", "%.0f"),
    ("seconds", "Seconds", "%.1f"),
    ("processor", "Processor, s", "%.1f"),
    ("processor_all", "With servers and clients, s", "%.1f"),
    ("least_seconds", "Requests divided by limit, s", "%.1f"),
    ("speed", "MiB/s", "%.0f"),
    ("memory", "Peak memory, MB", "%.0f"),
    ("seconds_each", "Slope, s per database", "%.2f"),
    ("processor_each", "Slope, processor s per database", "%.2f"),
    ("memory_each", "Slope, MB per database", "%.2f"),
    ("requests_each", "Slope, requests per database", "%.4g"),
)
WAYS = ("#3465a4", "#cc6600", "#4e9a06", "#75507b", "#888a85")


def cells(part: Figures) -> list[list[str]]:
    """The heading and the rows of a part, as texts: the columns that it has, a dash for what a row lacks."""
    rows = part["rows"]
    used = [column for column in COLUMNS if any(row.get(column[0]) is not None for row in rows)]
    return [
        [heading for key, heading, shown in used],
        *([shown % row[key] if row.get(key) is not None else "-" for key, heading, shown in used] for row in rows),
    ]


def table(name: str, part: Figures) -> str:
    """A part for a terminal."""
    texts = cells(part)
    widths = [max(len(line[number]) for line in texts) for number in range(len(texts[0]))]
    lines = [f"({name}) {PARTS[name][0]}"]
    lines += [
        "  "
        + "  ".join(
            text.ljust(width) if number == 0 else text.rjust(width)
            for number, (text, width) in enumerate(zip(line, widths))
        )
        for line in texts
    ]
    lines += [f"  {shown['what']}: {shown['value']:.3g} (aim: {shown['aim']})" for shown in part["shown"]]
    lines += ["  " + note for note in part["notes"]]
    return "\n".join(lines)


def _bars(part: Figures, key: str, top: float) -> tuple[list[str], float]:
    rows = [row for row in part["rows"] if row.get(key) is not None]
    largest = max((row[key] for row in rows), default=1) or 1
    ways = list(dict.fromkeys(row["way"] for row in rows))
    shown = next(column for column in COLUMNS if column[0] == key)
    lines = [f'<text x="10" y="{top}" class="axis">{escape(shown[1])}</text>']
    for row in rows:
        top += 20
        extra = ", ".join(
            f"{column[2] % row[column[0]]} {unit}"
            for column, unit in ((COLUMNS[1], "databases"), (COLUMNS[2], "MiB"), (COLUMNS[3], "ms added"))
            if row.get(column[0])
        )
        width = 400 * row[key] / largest
        lines.append(
            f'<text x="370" y="{top}" text-anchor="end">{escape(row["way"] + (", " + extra if extra else ""))}</text>'
        )
        lines.append(
            f'<rect x="380" y="{top - 11}" width="{width:.1f}" height="14" fill="{WAYS[ways.index(row["way"]) % len(WAYS)]}"/>'
        )
        lines.append(f'<text x="{386 + width:.1f}" y="{top}">{escape(shown[2] % row[key])}</text>')
    return lines, top + 30


def plot(figures: Figures) -> str:
    """All parts as bars, each in its own scale."""
    lines: list[str] = []
    top = 30.0
    for name, part in sorted(figures["parts"].items()):
        lines.append(f'<text x="10" y="{top}" class="title">({name}) {escape(PARTS[name][0])}</text>')
        top += 22
        for key in part["plotted"]:
            more, top = _bars(part, key, top)
            lines += more
        top += 10
    style = "text{font:12px sans-serif}.title{font-weight:bold;font-size:14px}.axis{font-style:italic}"
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="860" height="%d"><style>%s</style><rect width="100%%" height="100%%" fill="#fff"/>'
    return "\n".join([head % (top, style), *lines, "</svg>", ""])


HEAD = """..
  Copyright (c) 2026, Community Scalingo contributors
  GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later

.. _ansible_collections.community.scalingo.docsite.performance:

Performance
===========

What tasks of this collection cost, beside the same by other means. ``make bench`` measures it against the sandbox on one machine, and
``scripts/bench --page`` writes this page. Each part was measured side by side in one run: the ways take turns, so that whatever else the
machine does falls on all of them. Other machines give other figures; the proportions between the ways should be about the same.

%s

.. contents::
   :local:
   :depth: 1
"""


BUSY = """

.. warning::

   The machine had other work while this was measured (a load of up to %.0f), so all times are too long and uneven. Processor times suffer less."""


def page(figures: Figures) -> str:
    """The performance page."""
    machine, versions = figures["machine"], figures["versions"]
    about = "Measured on %s: %s, %d cores, %.0f GiB of memory, %s; %s." % (
        max(part["date"] for part in figures["parts"].values())[:10],
        machine["processor"],
        machine["cores"],
        machine["gibibytes"],
        machine["system"],
        ", ".join("{} {}".format(*item) for item in versions.items()),
    )
    about = textwrap.fill(about, 140)
    busiest = max(part["load"] for part in figures["parts"].values())
    if busiest > machine["cores"]:
        about += BUSY % busiest
    lines = [HEAD % about]
    for name, part in sorted(figures["parts"].items()):
        title, text = PARTS[name]
        lines += [
            "",
            title,
            "-" * len(title),
            "",
            textwrap.fill(text, 140),
            "",
            ".. list-table::",
            "   :header-rows: 1",
            "",
        ]
        for line in cells(part):
            lines += [f"   {('* -' if number == 0 else '  -')} {cell}" for number, cell in enumerate(line)]
        lines.append("")
        for shown in part["shown"]:
            lines.append(f"- {shown['what']}: {shown['value']:.3g}. The aim is {shown['aim']}.")
        lines += [f"- {note}" for note in part["notes"]]
        lines += [
            "- Rounds: %d. One-minute load of the machine before this part: %.1f." % (part["rounds"], part["load"])
        ]
    return "\n".join(lines) + "\n"
