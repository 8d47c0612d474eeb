# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What a restored database holds, and what is wrong with it: counted, compared with an earlier drill and with what the user expects.

Nothing here starts a server, sends a request or writes a file. No value of a row is kept, except by a check that asks for it.
"""

from __future__ import annotations

import collections
import decimal
import fnmatch
import functools
import hashlib
import math
import re
import typing as t

from ._errors import ScalingoError, shown, visible

Rows = list[list[t.Optional[str]]]
#: What evidence keeps of a drill, or a part of it.
Record = dict[str, t.Any]
#: kind, name, passed, message; accepted when a deviation excuses one that did not pass.
Check = dict[str, t.Any]
#: The checks of several things, and what evidence keeps of each.
Verdicts = tuple[list[Check], list[Record]]
#: What is still good, as a task says it: max_drop_percent, max_erosion_percent, ignore_tables, min_tables, min_rows.
Limits = t.Mapping[str, t.Any]

#: How many tables one statement counts.
BATCH = 50
DAY = 86400.0


class Dialect(t.NamedTuple):
    """The statements for one engine, which read the catalog of the current database, and how it writes."""

    #: What there is, in rows of kind, name and value: each "table", its name as SQL takes it, with "true" when it is a materialized view
    #: without content; how many there are of each kind of "object"; the last value of each "sequence"; the version of each "extension";
    #: and the "size" of the database in bytes.
    inventory: str
    #: The newest moment of a column, in seconds since 1970.
    newest: str
    quote: str
    true: tuple[str, ...]
    false: tuple[str, ...]


#: Relations of the user's schemas that no extension brought. A table in parts counts as one, unless a part is on another server.
_POSTGRESQL = """WITH mine AS (SELECT c.oid, format('%I.%I', nspname, relname) AS name, relkind, relispartition, relispopulated, relpersistence
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e'))
SELECT 'table', name, (relkind = 'm' AND NOT relispopulated)::text FROM mine
WHERE relkind IN ('r', 'p', 'm') AND NOT relispartition AND relpersistence <> 't' AND NOT EXISTS (
SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = mine.oid AND child.relkind = 'f')
UNION ALL SELECT 'sequence', format('%I.%I', schemaname, sequencename), last_value::text FROM pg_sequences WHERE last_value IS NOT NULL
UNION ALL SELECT 'extension', extname::text, extversion FROM pg_extension
UNION ALL SELECT 'size', '', pg_database_size(current_database())::text
UNION ALL SELECT 'object', kind, number::text FROM (
SELECT 'large_objects' AS kind, count(*) AS number FROM pg_largeobject_metadata
UNION ALL SELECT 'indexes', count(*) FROM pg_index WHERE indisvalid AND indrelid IN (SELECT oid FROM mine)
UNION ALL SELECT 'constraints', count(*) FROM pg_constraint WHERE contype IN ('c', 'f', 'p', 'u', 'x') AND conrelid IN (SELECT oid FROM mine)
UNION ALL SELECT 'triggers', count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM mine)
UNION ALL SELECT 'policies', count(*) FROM pg_policy WHERE polrelid IN (SELECT oid FROM mine)
UNION ALL SELECT 'views', count(*) FROM mine WHERE relkind IN ('v', 'm')
UNION ALL SELECT 'partitions', count(*) FROM mine WHERE relispartition
UNION ALL SELECT 'functions', count(*) FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')) AS objects"""

#: A dump of MySQL may hold several databases. A table of another one than the account's own is named with it.
_MYSQL_NAME = """CONCAT(IF(table_schema = DATABASE(), '', CONCAT('`', REPLACE(table_schema, '`', '``'), '`.')),
'`', REPLACE(table_name, '`', '``'), '`')"""
_MYSQL = " UNION ALL ".join(
    f"SELECT {what} FROM information_schema.{source}_schema NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys'){more}"
    for what, source, more in (
        (f"'table', {_MYSQL_NAME}, 'false'", "tables WHERE table", " AND table_type = 'BASE TABLE'"),
        ("'sequence', CONCAT(table_schema, '.', table_name), auto_increment", "tables WHERE table", " AND auto_increment IS NOT NULL"),
        ("'size', '', SUM(data_length + index_length)", "tables WHERE table", ""),
        ("'object', 'indexes', COUNT(DISTINCT table_schema, table_name, index_name)", "statistics WHERE table", ""),
        ("'object', 'constraints', COUNT(*)", "table_constraints WHERE table", ""),
        ("'object', 'triggers', COUNT(*)", "triggers WHERE trigger", ""),
        ("'object', 'views', COUNT(*)", "views WHERE table", ""),
        ("'object', 'partitions', COUNT(*)", "partitions WHERE table", " AND partition_name IS NOT NULL"),
        ("'object', 'functions', COUNT(*)", "routines WHERE routine", ""),
        ("'object', 'events', COUNT(*)", "events WHERE event", ""),
    )
)  # fmt: skip

DIALECTS: t.Mapping[str, Dialect] = {
    "postgresql": Dialect(_POSTGRESQL, "SELECT floor(extract(epoch FROM max({column}))) FROM {table}", '"', ("t", "true"), ("f", "false")),
    "mysql": Dialect(_MYSQL, "SELECT TIMESTAMPDIFF(SECOND, '1970-01-01', MAX({column})) FROM {table}", "`", ("1",), ("0",)),
}  # fmt: skip


class Server(t.Protocol):
    """A server with the restored database."""

    engine: str

    def query(self, sql: str, *, timeout: float, secret: bool = False, catalog: bool = False) -> Rows:
        """Run one statement that only reads; `secret`: no error repeats what the server said, which may quote a row."""


def check(kind: str, name: str, passed: bool, message: str) -> Check:
    """Return what was found, with its message fit for a terminal."""
    return {"kind": kind, "name": name, "passed": passed, "message": visible(message)}


# -- counting ---------------------------------------------------------------------------------------------------------


def counted(server: Server, timeout: float) -> tuple[Record, list[Check]]:
    """Count, and return what evidence keeps of it, with the extensions by name, and what could not be counted.

    `timeout` in seconds is for each statement. A table that cannot be read is a finding, and ends nothing.
    """
    ask = functools.partial(server.query, timeout=timeout, catalog=True)
    known: dict[str, dict[str, str]] = collections.defaultdict(dict)
    for kind, name, value in ask(DIALECTS[server.engine].inventory):
        known[str(kind)][str(name)] = value or "0"
    # Materialized views without content, and what cannot be read.
    not_run = [name for name, is_empty in known["table"].items() if is_empty == "true"]
    names = sorted(known["table"].keys() - set(not_run))
    counts: dict[str, int] = {}
    checks: list[Check] = []

    def count(names: t.Sequence[str]) -> None:
        """Count some tables at once, or one by one when one of them cannot be."""
        sql = " UNION ALL ".join(f"SELECT {number}, count(*) FROM {name}" for number, name in enumerate(names))
        try:
            counts.update({names[int(number or 0)]: int(rows or 0) for number, rows in ask(sql)})
        except ScalingoError as error:
            if len(names) > 1:
                for name in names:
                    count([name])
                return
            not_run.extend(names)
            message = f"the rows of the table {names[0]} cannot be counted: {error.message}"
            checks.append(check("rows", names[0], False, message))

    for start in range(0, len(names), BATCH):
        count(names[start : start + BATCH])
    objects, sequences = ({name: int(value) for name, value in known[kind].items()} for kind in ("object", "sequence"))
    found = {
        "tables": {"counts": counts, "not_run": sorted(not_run)},
        "objects": {**objects, "sequences": sequences},
        "bytes": int(known["size"][""]),
        "extensions": known["extension"],
    }
    return found, checks


# -- comparing --------------------------------------------------------------------------------------------------------


def _is_ignored(name: str, limits: Limits) -> bool:
    """Return whether a table or a sequence is not compared."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in limits["ignore_tables"])


def _accepts_all(limits: Limits) -> bool:
    """Whether this drill is the one to compare with from now on, whatever it counts."""
    return bool(limits["max_drop_percent"] >= 100)


def enough(record: Record, limits: Limits) -> list[Check]:
    """Return whether there is anything at all: tables, and rows in them."""
    tables, found = record["tables"], []
    numbers = {"tables": len(tables["counts"]) + len(tables["not_run"]), "rows": sum(tables["counts"].values())}
    for kind, number in numbers.items():
        least = limits[f"min_{kind}"]
        message = f"the restored database has {number} {kind[:-1] if number == 1 else kind}"
        message += "" if number >= least else f", and there must be {least} (min_{kind})"
        found.append(check(kind, "number", number >= least, message))
    return found


def compared(record: Record, last: t.Mapping[str, t.Any], limits: Limits) -> list[Check]:
    """Compare what was counted with the last good drill, by name, and note in the record what was. `last` is its record, or empty."""
    tables, found = record["tables"], []
    tables.update(compared={}, ignored=sorted(name for name in tables["counts"] if _is_ignored(name, limits)))
    tables["compared_with"] = {name: last[name] for name in ("id", "started_at")} if last else None
    for kind, subject, unit, part in (
        ("rows", "the table {}", "rows", "tables"),
        ("sequence", "the sequence {}", "as its last value", ""),
        ("objects", "the restored database", "{}", "objects"),
    ):
        now, most = _numbers(record, kind), (last.get(part) or {}).get("highest") or {}
        for name, past in sorted(_numbers(last, kind).items()):
            # What could not be counted has been said already, or has no rows by itself.
            if name in tables["not_run"] or (kind != "objects" and _is_ignored(name, limits)):
                continue
            whose, what, number = subject.format(name), unit.format(name.replace("_", " ")), now.get(name, 0)
            loss = _loss(number, past, max(past, most.get(name, past)), limits)
            passed, message = not loss, f"{whose} has {number} {what}, and had {past} in the last drill{loss}"
            if kind == "rows" and name in now:
                tables["compared"][name] = [past, number]
            elif kind == "rows":
                passed, message = _accepts_all(limits), f"{whose} is gone, which had {past} rows in the last drill"
            found.append(check(kind, name, passed, message))
        if part:
            # A loss that was accepted sets the highest number back.
            marks = {} if _accepts_all(limits) else most
            record[part]["highest"] = {name: max(number, marks.get(name, 0)) for name, number in now.items()}
    return found


def _numbers(record: t.Mapping[str, t.Any], kind: str) -> dict[str, int]:
    """Return what a record has of a kind, by name."""
    tables, objects = record.get("tables") or {}, record.get("objects") or {}
    numbers = {name: value for name, value in objects.items() if isinstance(value, int)}
    return {"rows": tables.get("counts"), "sequence": objects.get("sequences"), "objects": numbers}[kind] or {}


def _loss(now: int, past: int, most: int, limits: Limits) -> str:
    """Return which loss is too much, for the end of a sentence; empty when none is."""
    drop, erosion = _percent(past, now), _percent(most, now)
    max_drop, max_erosion = limits["max_drop_percent"], limits["max_erosion_percent"]
    if drop > max_drop:
        return f", which is {drop:.4g} % less; {max_drop:.4g} % are allowed (max_drop_percent)"
    if erosion > max_erosion and not _accepts_all(limits):
        return f" and {most} once, of which {erosion:.4g} % are gone; {max_erosion:.4g} % are allowed (max_erosion_percent)"
    return ""


def _percent(before: int, now: int) -> float:
    return 100.0 * (before - now) / before if before > 0 else 0.0


def missing(known: Record, available: t.Collection[str], version: str, rehearsal: bool) -> list[str]:
    """Return a sentence for each extension of the database and of its backup that the server does not have.

    `known`, as evidence has it: versions by name in `production`, and of what is `restored`, and the names in the `archive`.
    """
    rest = f"is not available on PostgreSQL {version}. Install it there, or restore where it exists."
    if rehearsal:
        rest = f"is not available on PostgreSQL {version}. An upgrade to it would lose the extension, or fail."
    lacking = {
        **dict.fromkeys(known["archive"], "the backup"),
        **dict.fromkeys(known["production"], "the database"),
    }
    return [
        f"the extension {name}, which {whose} has, {rest}"
        for name, whose in sorted(lacking.items())
        if name not in available
    ]


def extensions(known: Record) -> list[Check]:
    """Return for each of these extensions whether the restored database has it."""
    production, restored, found = known["production"], known["restored"], []
    for name in sorted({*production, *known["archive"]}):
        message = f"the restored database lacks the extension {name}. If it is younger than the backup, drill a younger one (max_age)."
        if name in restored:
            message = f"the extension {name} exists, in version {restored[name]}"
            if production.get(name) not in (None, restored[name]):
                message += f"; the database has {production[name]}"
        found.append(check("extension", name, name in restored, message))
    return found


# -- the user's own checks --------------------------------------------------------------------------------------------


def asked(server: Server, checks: t.Sequence[t.Mapping[str, t.Any]], timeout: float) -> Verdicts:
    """Run the user's queries. Evidence keeps digests, and the value only of a query that says so."""
    verdicts, kept = [], []
    for wanted in checks:
        name, expect, keep = wanted["name"], wanted.get("expect"), bool(wanted.get("record_value"))
        record = {"name": name, "sql_sha256": digest(wanted["sql"]), "passed": False, "output_sha256": None}
        try:
            rows = server.query(wanted["sql"], timeout=timeout, secret=not keep)
        except ScalingoError as error:
            message = f"the check {name} failed: {error.message}"
        else:
            value = "\n".join("|".join("" if cell is None else cell for cell in row) for row in rows)
            record.update(passed=equal(value, expect, DIALECTS[server.engine]), output_sha256=digest(value))
            record.update({"value": value} if keep else {})
            message = f"the check {name} returned {_in_words(expect)}"
            if not record["passed"]:
                returned = _in_words(value) if keep else "something else"
                message = f"the check {name} returned {returned}, and not {_in_words(expect)}"
        verdicts.append(check("sql", name, bool(record["passed"]), message))
        kept.append(record)
    return verdicts, kept


def _in_words(value: t.Any) -> str:
    return "nothing" if value in (None, "") else shown(value)


def digest(text: str) -> str:
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
    server: Server, wanted: t.Sequence[t.Mapping[str, t.Any]], tables: t.Iterable[str], made_at: float, timeout: float
) -> Verdicts:
    """Return how much older than the backup the newest row of each named column is, and whether that is too old.

    `wanted`: table, column, and max_age in seconds. `tables` are as SQL takes them. `made_at`: when the backup began, in seconds since 1970.
    """
    known = {name: quoted for quoted in tables for name in _names_of(quoted)}
    verdicts, kept = [], []
    for item in wanted:
        table, name, most = item["table"], f"{item['table']}.{item['column']}", float(item["max_age"])
        age: int | None = None
        try:
            if table not in known:
                raise ScalingoError(f"the restored database has no table {table}")
            age = _age(server, known[table], item["column"], made_at, timeout)
            message = f"the newest row by {name} is {_span(age)} older than the backup; {_span(most)} are allowed"
        except ScalingoError as error:
            message = f"how fresh {name} is cannot be told: {error.message}"
        passed = age is not None and age <= most
        verdicts.append(check("freshness", name, passed, message))
        kept.append({"name": name, "age_seconds": age, "max_age_seconds": most, "passed": passed})
    return verdicts, kept


def _age(server: Server, table: str, column: str, made_at: float, timeout: float) -> int:
    """Return by how many seconds a backup is younger than its newest row. Raises `ScalingoError` when that cannot be told."""
    dialect = DIALECTS[server.engine]
    quoted = dialect.quote + column.replace(dialect.quote, dialect.quote * 2) + dialect.quote
    sql = dialect.newest.format(column=quoted, table=table)
    newest = server.query(sql, timeout=timeout, secret=True, catalog=True)[0][0]
    if newest is None:
        raise ScalingoError("no row has a date there")
    older = made_at - float(newest or "nan")
    # Local times may be some hours ahead. What is later, such as infinity, would be fresh for ever.
    if not -DAY <= older < math.inf:
        raise ScalingoError("the newest value there is no moment before the backup")
    return round(older)


def _names_of(quoted: str) -> set[str]:
    """Return how a table may be called: as it was counted, without quotes, and without the schema that is the default."""
    bare = quoted.replace('"', "").replace("`", "")
    return {quoted, bare, *(name[len("public.") :] for name in (quoted, bare) if name.startswith("public."))}


def varied(sizes: t.Sequence[int], backups: int, percent: float) -> list[Check]:
    """Return whether the sizes of the newest backups, the newest first, differ by more than so many percent. Fewer backups tell nothing."""
    newest = sizes[:backups]
    if len(newest) < backups or not max(newest):
        return []
    spread = _percent(max(newest), min(newest))
    message = f"the sizes of the newest {backups} backups differ by {spread:.4g} %"
    if spread < percent:
        message += f", and by less than {percent:.4g} %: what is backed up may not be what the application writes to"
    return [check("sizes", "backups", spread >= percent, message)]


# -- verdicts ---------------------------------------------------------------------------------------------------------


def objective(
    kind: str, seconds: float | None, most: float | None, what: str, unknown: str = ""
) -> tuple[dict[str, t.Any], list[Check]]:
    """Return the verdict on a time, for evidence, and as a check when one was asked for.

    `what` is the sentence, with two {}. A time that is not known is a finding when `unknown` is one.
    """
    if most is None:
        return {"verdict": "not_asked"}, []
    if seconds is None:
        return {"verdict": "unknown"}, [check(kind, kind, False, unknown)] if unknown else []
    met = seconds <= most
    return {"verdict": "met" if met else "missed"}, [check(kind, kind, met, what.format(_span(seconds), _span(most)))]


def _span(seconds: float) -> str:
    """Return a time for people, in the largest unit of which it has two."""
    for unit, length in (("days", DAY), ("hours", 3600.0), ("minutes", 60.0)):
        if abs(seconds) >= 2 * length:
            return f"{seconds / length:.1f} {unit}".replace(".0 ", " ")
    return f"{seconds:.0f} seconds"


def accept(
    checks: t.Iterable[Check], deviations: t.Sequence[t.Mapping[str, t.Any]], today: str
) -> list[dict[str, t.Any]]:
    """Excuse what a deviation names that is not over yet, and return those that did. `today` is a date such as 2026-12-01."""
    used = []
    for item in checks:
        subject = f"{item['kind']} {item['name']}"
        for deviation in () if item["passed"] else deviations:
            if fnmatch.fnmatchcase(subject, deviation["what"]) and str(deviation["until"]) >= today:
                item["accepted"] = True
                used.append({**deviation, "finding": item["message"]})
                break
    return used


def wrong(checks: t.Iterable[Check]) -> list[Check]:
    """Return what did not pass, and was not accepted."""
    return [item for item in checks if not item["passed"] and not item.get("accepted")]
