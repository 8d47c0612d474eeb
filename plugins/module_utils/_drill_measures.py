# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What a restored database holds, and what is wrong with it: counted, compared with an earlier drill and with what the user expects.

Nothing here starts a server, sends a request or writes a file. No value of a row is kept, except by a check that asks for it.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import fnmatch
import hashlib
import math
import re
import typing as t

from ._errors import ScalingoError, shown, visible

Rows = list[list[t.Optional[str]]]
#: kind, name, passed, message; accepted is the deviation that excuses one that did not pass.
Check = dict[str, t.Any]
Counts = t.Mapping[str, int]

#: How many tables one statement counts.
BATCH = 50
DAY = 86400.0


@dataclasses.dataclass(frozen=True)
class Dialect:
    """The statements for one engine. Each returns rows of text, and reads the catalog of the current database."""

    #: The name as SQL takes it, and whether it is a materialized view without content.
    tables: str
    #: The number of each kind of object.
    objects: str
    #: The last value of each sequence.
    sequences: str
    #: The size of the database in bytes.
    size: str
    #: The name and version of each extension; empty where there are none.
    extensions: str
    #: The newest moment of a column, in seconds since 1970.
    newest: str
    quote: str
    true: tuple[str, ...]
    false: tuple[str, ...]

    def quoted(self, name: str) -> str:
        """Return a name as SQL takes it."""
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote


#: Relations of the user's schemas that no extension brought. A table in parts counts as one, unless a part is on another server.
_MINE = """nspname <> 'information_schema' AND nspname !~ '^pg_' AND NOT EXISTS (
SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')"""
_TABLES = f"""SELECT format('%I.%I', nspname, relname), relkind = 'm' AND NOT relispopulated
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p', 'm') AND NOT relispartition AND relpersistence <> 't' AND {_MINE}
AND NOT EXISTS (SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = c.oid AND child.relkind = 'f')
ORDER BY nspname, relname"""
_OBJECTS = f"""WITH mine AS (SELECT c.oid, relkind, relispartition FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE {_MINE})
SELECT 'large_objects', count(*) FROM pg_largeobject_metadata
UNION ALL SELECT 'indexes', count(*) FROM pg_index WHERE indisvalid AND indrelid IN (SELECT oid FROM mine)
UNION ALL SELECT 'constraints', count(*) FROM pg_constraint WHERE contype IN ('c', 'f', 'p', 'u', 'x') AND conrelid IN (SELECT oid FROM mine)
UNION ALL SELECT 'triggers', count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM mine)
UNION ALL SELECT 'policies', count(*) FROM pg_policy WHERE polrelid IN (SELECT oid FROM mine)
UNION ALL SELECT 'views', count(*) FROM mine WHERE relkind IN ('v', 'm')
UNION ALL SELECT 'partitions', count(*) FROM mine WHERE relispartition
UNION ALL SELECT 'functions', count(*) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')"""

#: A dump of MySQL may hold several databases. One of the account's own is named by the first.
_ALL = "{0} NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys')"

DIALECTS: t.Mapping[str, Dialect] = {
    "postgresql": Dialect(
        tables=_TABLES,
        objects=_OBJECTS,
        sequences="SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences WHERE last_value IS NOT NULL",
        size="SELECT pg_database_size(current_database())",
        extensions="SELECT extname, extversion FROM pg_extension",
        newest="SELECT floor(extract(epoch FROM max({column}))) FROM {table}",
        quote='"',
        true=("t", "true"),
        false=("f", "false"),
    ),
    "mysql": Dialect(
        tables=f"""SELECT CONCAT(IF({{0}} = DATABASE(), '', CONCAT('`', REPLACE({{0}}, '`', '``'), '`.')), '`', REPLACE(table_name, '`', '``'), '`'), '0'
FROM information_schema.tables WHERE {_ALL} AND table_type = 'BASE TABLE' ORDER BY {{0}}, table_name""".format(
            "table_schema"
        ),
        objects=" UNION ALL ".join(
            f"SELECT '{kind}', {number} FROM information_schema.{source} WHERE {_ALL.format(schema)}{more}"
            for kind, number, source, schema, more in (
                ("indexes", "COUNT(DISTINCT table_schema, table_name, index_name)", "statistics", "table_schema", ""),
                ("constraints", "COUNT(*)", "table_constraints", "table_schema", ""),
                ("triggers", "COUNT(*)", "triggers", "trigger_schema", ""),
                ("views", "COUNT(*)", "views", "table_schema", ""),
                ("partitions", "COUNT(*)", "partitions", "table_schema", " AND partition_name IS NOT NULL"),
                ("functions", "COUNT(*)", "routines", "routine_schema", ""),
                ("events", "COUNT(*)", "events", "event_schema", ""),
            )
        ),
        sequences=f"SELECT CONCAT({{0}}, '.', table_name), auto_increment FROM information_schema.tables WHERE {_ALL} AND auto_increment IS NOT NULL".format(
            "table_schema"
        ),
        size=f"SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE {_ALL}".format(
            "table_schema"
        ),
        extensions="",
        newest="SELECT TIMESTAMPDIFF(SECOND, '1970-01-01', MAX({column})) FROM {table}",
        quote="`",
        true=("1",),
        false=("0",),
    ),
}


class Server(t.Protocol):
    """A server with the restored database."""

    engine: str

    def query(self, sql: str, *, timeout: float, secret: bool = False, catalog: bool = False) -> Rows:
        """Run one statement that only reads; `secret`: no error repeats what the server said, which may quote a row."""


def check(kind: str, name: str, passed: bool, message: str) -> Check:
    """Return what was found, with its message fit for a terminal."""
    return {"kind": kind, "name": name, "passed": passed, "message": visible(message)}


# -- counting ---------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Contents:
    """What there is: rows by table, numbers by kind of object, last values by sequence, extensions by name, bytes."""

    tables: dict[str, int] = dataclasses.field(default_factory=dict)
    #: Why tables were not counted: materialized views without content, and those that cannot be read.
    not_run: dict[str, str] = dataclasses.field(default_factory=dict)
    objects: dict[str, int] = dataclasses.field(default_factory=dict)
    sequences: dict[str, int] = dataclasses.field(default_factory=dict)
    extensions: dict[str, str] = dataclasses.field(default_factory=dict)
    size: int = 0
    #: What could not be counted.
    checks: list[Check] = dataclasses.field(default_factory=list)


def counted(server: Server, timeout: float) -> Contents:
    """Count. `timeout` in seconds is for each statement. A table that cannot be read is a finding, and ends nothing."""
    dialect, found = DIALECTS[server.engine], Contents()

    def ask(sql: str) -> Rows:
        return server.query(sql, timeout=timeout, catalog=True)

    names = []
    for name, empty in ask(dialect.tables):
        if empty in dialect.true:
            found.not_run[str(name)] = "it is a materialized view without content"
        else:
            names.append(str(name))
    for start in range(0, len(names), BATCH):
        _count(names[start : start + BATCH], ask, found)
    found.objects = {str(name): int(number or 0) for name, number in ask(dialect.objects)}
    found.sequences = {str(name): int(number or 0) for name, number in ask(dialect.sequences)}
    if dialect.extensions:
        found.extensions = {str(name): str(version) for name, version in ask(dialect.extensions)}
    found.size = int(ask(dialect.size)[0][0] or 0)
    return found


def _count(names: t.Sequence[str], ask: t.Callable[[str], Rows], found: Contents) -> None:
    """Count some tables at once, or one by one when one of them cannot be."""
    sql = " UNION ALL ".join(f"SELECT {number}, count(*) FROM {name}" for number, name in enumerate(names))
    try:
        found.tables.update({names[int(number or 0)]: int(rows or 0) for number, rows in ask(sql)})
    except ScalingoError as error:
        if len(names) > 1:
            for name in names:
                _count([name], ask, found)
            return
        found.not_run[names[0]] = error.message
        message = f"the rows of the table {names[0]} cannot be counted: {error.message}"
        found.checks.append(check("rows", names[0], False, message))


# -- comparing --------------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Limits:
    """What is still good: percent since the last good drill, percent below the highest count, patterns, least numbers."""

    max_drop_percent: float = 10.0
    max_erosion_percent: float = 20.0
    ignore_tables: tuple[str, ...] = ()
    min_tables: int = 1
    min_rows: int = 1

    def ignored(self, name: str) -> bool:
        """Return whether a table is not compared."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.ignore_tables)

    @property
    def accepts_all(self) -> bool:
        """Whether this drill is the one to compare with from now on, whatever it counts."""
        return self.max_drop_percent >= 100


def enough(contents: Contents, limits: Limits) -> list[Check]:
    """Return whether there is anything at all: tables, and rows in them."""
    tables, rows = len(contents.tables) + len(contents.not_run), sum(contents.tables.values())
    found = []
    for kind, number, least in (("tables", tables, limits.min_tables), ("rows", rows, limits.min_rows)):
        message = f"the restored database has {number} {kind[:-1] if number == 1 else kind}"
        passed = number >= least
        found.append(
            check(kind, "number", passed, message if passed else f"{message}, and there must be {least} (min_{kind})")
        )
    return found


def compared(contents: Contents, last: t.Mapping[str, t.Any], limits: Limits) -> list[Check]:
    """Compare with the evidence of the last good drill. `last` is a record, or empty."""
    tables, objects = last.get("tables") or {}, last.get("objects") or {}
    # What could not be counted has been said already, or has no rows by itself.
    before = {
        name: rows
        for name, rows in (tables.get("counts") or {}).items()
        if not limits.ignored(name) and name not in contents.not_run
    }
    found = _drops("rows", "the table {}", "rows", contents.tables, before, tables.get("highest") or {}, limits)
    sequences = {name: value for name, value in (objects.get("sequences") or {}).items() if not limits.ignored(name)}
    found += _drops("sequence", "the sequence {}", "as its last value", contents.sequences, sequences, {}, limits)
    numbers = {name: number for name, number in objects.items() if isinstance(number, int)}
    return found + _drops(
        "objects", "the restored database", "{}", contents.objects, numbers, objects.get("highest") or {}, limits
    )


def _drops(
    kind: str, subject: str, unit: str, now: Counts, before: Counts, highest: Counts, limits: Limits
) -> list[Check]:
    """Compare numbers by name. One that is missing now is none."""
    found = []
    for name, past in sorted(before.items()):
        whose, what = subject.format(name), unit.format(name.replace("_", " "))
        if kind == "rows" and name not in now:
            message = f"{whose} is gone, which had {past} rows in the last drill"
            found.append(check(kind, name, limits.accepts_all, message))
            continue
        number, most = now.get(name, 0), max(past, highest.get(name, past))
        drop, erosion = _percent(past, number), _percent(most, number)
        message = f"{whose} has {number} {what}, and had {past} in the last drill"
        passed = drop <= limits.max_drop_percent
        if not passed:
            message += f", which is {drop:.4g} % less; {limits.max_drop_percent:.4g} % are allowed (max_drop_percent)"
        elif erosion > limits.max_erosion_percent and not limits.accepts_all:
            passed = False
            message += f" and {most} once, of which {erosion:.4g} % are gone; {limits.max_erosion_percent:.4g} % are allowed (max_erosion_percent)"
        found.append(check(kind, name, passed, message))
    return found


def _percent(before: int, now: int) -> float:
    return 100.0 * (before - now) / before if before > 0 else 0.0


def highest(now: Counts, last: t.Mapping[str, t.Any], limits: Limits) -> dict[str, int]:
    """Return the highest number of each so far, which a loss that was accepted sets back. `last` is what the last record says of them."""
    marks = {} if limits.accepts_all else last.get("highest") or {}
    return {name: max(number, marks.get(name, 0)) for name, number in now.items()}


def extensions(
    production: t.Mapping[str, str | None],
    archive: t.Collection[str],
    available: t.Collection[str],
    version: str,
    rehearsal: bool,
    restored: t.Mapping[str, str] | None = None,
) -> list[Check]:
    """Return for each extension of the database and of its backup whether the server has it, and the restored database, when there is one."""
    found = []
    for name in sorted({*production, *archive}):
        whose = "the database" if name in production else "the backup"
        if name not in available:
            advice = (
                "An upgrade to it would lose the extension, or fail."
                if rehearsal
                else "Install it there, or restore where it exists."
            )
            message = f"the extension {name}, which {whose} has, is not available on PostgreSQL {version}. {advice}"
            found.append(check("extension", name, False, message))
        elif restored is not None and name not in restored:
            message = f"the restored database lacks the extension {name}, which {whose} has. "
            message += "If it is younger than the backup, drill a younger one (max_age)."
            found.append(check("extension", name, False, message))
        elif restored is not None:
            message = f"the extension {name} exists, in version {restored[name]}"
            if production.get(name) not in (None, restored[name]):
                message += f"; the database has {production[name]}"
            found.append(check("extension", name, True, message))
    return found


# -- the user's own checks --------------------------------------------------------------------------------------------


def asked(
    server: Server, checks: t.Sequence[t.Mapping[str, t.Any]], timeout: float
) -> tuple[list[Check], list[dict[str, t.Any]]]:
    """Run the user's queries. Return the verdicts, and what evidence keeps of each: digests, and the value only if it says so."""
    verdicts, kept = [], []
    for wanted in checks:
        name, keep = wanted["name"], bool(wanted.get("record_value"))
        record = {"name": name, "sql_sha256": digest(wanted["sql"]), "passed": False, "output_sha256": None}
        try:
            rows = server.query(wanted["sql"], timeout=timeout, secret=not keep)
        except ScalingoError as error:
            verdicts.append(check("sql", name, False, f"the check {name} failed: {error.message}"))
        else:
            value = "\n".join("|".join("" if cell is None else cell for cell in row) for row in rows)
            record.update(
                passed=equal(value, wanted.get("expect"), DIALECTS[server.engine]), output_sha256=digest(value)
            )
            record.update({"value": value} if keep else {})
            verdicts.append(_verdict(wanted, record))
        kept.append(record)
    return verdicts, kept


def _verdict(wanted: t.Mapping[str, t.Any], record: t.Mapping[str, t.Any]) -> Check:
    name, expect = wanted["name"], _in_words(wanted.get("expect"))
    if record["passed"]:
        return check("sql", name, True, f"the check {name} returned {expect}")
    returned = _in_words(record["value"]) if "value" in record else "something else"
    return check("sql", name, False, f"the check {name} returned {returned}, and not {expect}")


def _in_words(value: t.Any) -> str:
    return "nothing" if value in (None, "") else shown(value)


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def equal(value: str, expect: t.Any, dialect: Dialect) -> bool:
    """Return whether a query returned what was expected. PostgreSQL writes t and f, and 12.50 where YAML has 12.5."""
    text = value.strip()
    if isinstance(expect, bool):
        return text in (dialect.true if expect else dialect.false)
    if isinstance(expect, (int, float)):
        is_number = re.fullmatch(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?", text)
        return bool(is_number) and decimal.Decimal(text) == decimal.Decimal(str(expect))
    return text == ("" if expect is None else str(expect).strip())


def fresh(
    server: Server, wanted: t.Sequence[t.Mapping[str, t.Any]], contents: Contents, made_at: float, timeout: float
) -> tuple[list[Check], list[dict[str, t.Any]]]:
    """Return how much older than the backup the newest row of each named column is, and whether that is too old.

    ``wanted``: table, column, and max_age in seconds. ``made_at``: when the backup began, in seconds since 1970.
    """
    dialect = DIALECTS[server.engine]
    verdicts, kept = [], []
    for item in wanted:
        table, column, most = item["table"], item["column"], float(item["max_age"])
        name, age = f"{table}.{column}", None
        known = next((each for each in contents.tables if table in _names_of(each)), None)
        if known is None:
            message = f"the restored database has no table {table}, so how fresh it is cannot be told"
        else:
            try:
                sql = dialect.newest.format(column=dialect.quoted(column), table=known)
                newest = server.query(sql, timeout=timeout, secret=True, catalog=True)[0][0]
            except ScalingoError as error:
                message = f"how fresh {name} is cannot be told: {error.message}"
            else:
                older = made_at - float(newest or "nan")
                # Local times may be some hours ahead. What is later, such as infinity, would be fresh for ever.
                age = round(older) if -DAY <= older < math.inf else None
                message = f"the newest row by {name} is {_span(age)} older than the backup; {_span(most)} are allowed"
                if age is None:
                    message = f"{name} has no date in any row"
                    if newest is not None:
                        message = f"the newest value of {name} is no moment before the backup, so how fresh it is cannot be told"
        passed = age is not None and age <= most
        verdicts.append(check("freshness", name, passed, message))
        kept.append({"name": name, "age_seconds": age, "max_age_seconds": most, "passed": passed})
    return verdicts, kept


def _names_of(quoted: str) -> set[str]:
    """Return how a table may be called: as it was counted, without quotes, and without the schema that is the default."""
    bare = quoted.replace('"', "").replace("`", "")
    return {quoted, bare, *(name[len("public.") :] for name in (quoted, bare) if name.startswith("public."))}


def varied(sizes: t.Sequence[int], number: int, percent: float) -> list[Check]:
    """Return whether the sizes of the newest backups, the newest first, differ by more than so many percent. Fewer backups tell nothing."""
    newest = sizes[:number]
    if len(newest) < number or not max(newest):
        return []
    spread = _percent(max(newest), min(newest))
    message = f"the sizes of the newest {number} backups differ by {spread:.4g} %"
    if spread < percent:
        message += f", and by less than {percent:.4g} %: what is backed up may not be what the application writes to"
    return [check("sizes", "backups", spread >= percent, message)]


# -- verdicts ---------------------------------------------------------------------------------------------------------


def objective(kind: str, seconds: float | None, most: float | None, what: str) -> tuple[dict[str, t.Any], list[Check]]:
    """Return the verdict on a time, for evidence, and as a check when one was asked for. ``what`` is the sentence, with two {}."""
    if most is None or seconds is None:
        return {"verdict": "not_asked" if most is None else "unknown"}, []
    met = seconds <= most
    message = what.format(_span(seconds), _span(most))
    return {"verdict": "met" if met else "missed"}, [check(kind, kind, met, message)]


def _span(seconds: float | None) -> str:
    """Return a time for people, in the largest unit of which it has two."""
    if seconds is None:
        return "unknown"
    for unit, length in (("days", DAY), ("hours", 3600.0), ("minutes", 60.0)):
        if abs(seconds) >= 2 * length:
            return f"{seconds / length:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:.0f} seconds"


def accept(
    checks: t.Iterable[Check], deviations: t.Sequence[t.Mapping[str, t.Any]], today: str
) -> list[dict[str, t.Any]]:
    """Excuse what a deviation names that is not over yet, and return those that did. ``today`` is a date such as 2026-12-01."""
    used = []
    for item in checks:
        if item["passed"]:
            continue
        subject = f"{item['kind']} {item['name']}"
        for deviation in deviations:
            if fnmatch.fnmatchcase(subject, deviation["what"]) and str(deviation["until"]) >= today:
                item["accepted"] = True
                used.append({**deviation, "finding": item["message"]})
                break
    return used


def findings(checks: t.Iterable[Check]) -> list[str]:
    """Return what is wrong and was not accepted."""
    return [item["message"] for item in checks if not item["passed"] and not item.get("accepted")]


def moment(seconds: float) -> str:
    """Return an instant in UTC as evidence has it."""
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
