# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What a dump of PostgreSQL says of itself in its list, and what pg_restore says of a restoration."""

from __future__ import annotations

import collections
import re

from . import _programs
from ._errors import visible

#: What pg_restore complains of although nothing is lost: settings that only newer servers have, and a schema that is always there.
HARMLESS = re.compile(r'unrecognized configuration parameter "\w*timeout"|schema "public" already exists')
#: What messages quote of a row itself. Other quotes are names.
VALUE = re.compile(r'(invalid input (?:syntax|value)[^:]*: |out of range: |\bvalue )".*"')
#: Entries of a dump that are not restored: they hold passwords of other servers, or connect to them.
LEFT_OUT = re.compile(r"(USER MAPPING|SUBSCRIPTION|PUBLICATION|EVENT TRIGGER)\b")
#: Why a materialized view cannot be filled on a server that has no network.
NO_NETWORK = re.compile(r"could not (establish connection|connect to server)|has not been populated")
#: Statements that run functions of the dump.
REBUILDS = r"(?:REFRESH MATERIALIZED VIEW|CREATE (?:UNIQUE )?INDEX)"
NAME = r'("(?:[^"]|"")+"|[\w$]+)'
TEXT = r"'((?:[^'\\]|'')*)'"
#: "3079 16385 EXTENSION - hstore" after the number of the entry. The kinds are upper-case words, schema and name are whatever.
ENTRY = re.compile(r"\d+; \d+ \d+ ([A-Z][A-Z ]*[A-Z]) ")
#: Options of CREATE DATABASE that are taken over from the dump.
LOCALE_OPTIONS = "ENCODING|LOCALE_PROVIDER|LOCALE|LC_COLLATE|LC_CTYPE|ICU_LOCALE|ICU_RULES|BUILTIN_LOCALE"


def bare_name(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def extensions_of(text: str) -> dict[str, str]:
    """The extensions that the dump creates, and in which schemas."""
    statement = rf"^CREATE EXTENSION IF NOT EXISTS {NAME}(?: WITH SCHEMA {NAME})?;"
    return {bare_name(name): bare_name(schema) for name, schema in re.findall(statement, text, re.MULTILINE)}


def settings_of(text: str) -> list[tuple[str, str]]:
    """The settings of the database itself, and what they are set to."""
    found = re.findall(rf"^ALTER DATABASE {NAME} SET {NAME} TO (.*);$", text, re.MULTILINE)
    return [(bare_name(name), value) for dummy, name, value in found]


def locale_of(text: str) -> dict[str, str]:
    """The options of the dump's CREATE DATABASE that say how text is kept and sorted."""
    found = re.search(rf"^CREATE DATABASE {NAME} WITH TEMPLATE = template0 (.*);$", text, re.MULTILINE)
    options = re.findall(rf"\b({LOCALE_OPTIONS}) = (?:{TEXT}|(\w+))", found.group(2)) if found else []
    return {name: quoted.replace("''", "'") or word for name, quoted, word in options if quoted or word}


def roles_of(text: str) -> list[str]:
    """The roles that policies of the dump name."""
    statement = rf"^CREATE POLICY {NAME} ON {NAME}(?:\.{NAME})?(?: AS \w+)?(?: FOR \w+)? TO ((?:{NAME}(?:, )?)+)"
    found = [match.group(4) for match in re.finditer(statement, text, re.MULTILINE)]
    return list(dict.fromkeys(bare_name(name) for names in found for name in re.findall(NAME, names)))


def complaints(
    done: _programs.Done, left_out: collections.Counter[str], *, isolated: bool = False, parallel: bool = False
) -> list[str]:
    """What pg_restore could not do. Details that quote data are left out, and what needs a network is counted in `left_out`.

    It succeeded when it says so, or when it ended by itself and counts as many errors as there are harmless ones. With several jobs it
    counts an entry once that had several, and not what a job meets at its start.
    """
    if done.returncode == 0:
        return []
    problems: list[str] = []
    forgiven = 0
    # A name in a line may hold any other character that breaks lines elsewhere.
    for part in re.split(r"^\S*pg_restore: (?=\[|error:)", done.stderr, flags=re.MULTILINE)[1:]:
        text = re.sub(r"^(\[[^]]*\] |error: )+", "", visible(part.split("\n")[0]).strip())
        text = re.sub(r"^could not execute query: ERROR:\s+", "", text)
        # What a function lacks says nothing of what it was called for.
        found = re.search(rf"^Command was: ({REBUILDS} {NAME}(\.{NAME})?)", part, re.MULTILINE)
        command = visible(found.group(1)) if found else ""
        if HARMLESS.search(text):
            forgiven += 1
        elif isolated and command.startswith("REFRESH") and NO_NETWORK.search(text):
            forgiven += 1
            left_out["MATERIALIZED VIEW DATA"] += 1
        else:
            problems.append(VALUE.sub(r'\1"…"', text) + (f" ({command})" if command else ""))
    counted = re.search(r"errors ignored on restore: (\d+)", done.stderr)
    ignored = int(counted.group(1)) if counted else 0
    is_harmless = 0 < ignored <= forgiven if parallel else 0 < ignored == forgiven
    if problems or (done.returncode == 1 and is_harmless):
        return problems
    early = done.returncode < 0 or not done.stderr.strip()
    return [f"{done.ending} before the restoration was complete" if early else done.said]
