# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""The routes of the three hosts (docs/contract.md, section 2), one method each, plain data out.

Roots differ from route to route, some bodies are unrooted, one is a bare array (section 6): every method unwraps its
own answer by hand. Every method may raise any ScalingoError but InvalidInput's subclasses and StepFailed; what a method
raises beyond that is said in its docstring.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import typing as t
import urllib.parse

from . import _shapes
from ._auth import (
    ENGINES,
    JUST_MADE,
    TOKEN,
    Chain,
    Settings,
    explain_refusal,
    is_addon_id,
    kind_of,
    read_settings,
)
from ._cache import (
    SharedFlight,
    SharedPacing,
    Store,
    cache_key,
)
from ._errors import (
    ActionFailed,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScalingoError,
    Unauthorized,
    UnexpectedAnswer,
)
from ._progress import Watch, Watcher
from ._transport import (
    Answer,
    ApiTokenAuthorization,
    BearerAuthorization,
    Clock,
    NoAuthorization,
    Route,
    Secrets,
    Stream,
    Transport,
    Usage,
    failure_of,
)

Raw = dict[str, t.Any]
# Takes the whole answer and returns plain data; raises _shapes.Mismatch or UnexpectedAnswer.
Reader = t.Callable[[Answer], t.Any]

# What is asked for per page; the most that the API gives is not stated (docs/contract.md, section 5).
PAGE_SIZE = 50
PAGE_LIMIT = 1000


class Flags(t.NamedTuple):
    """Whether a call changes nothing, and whether it may be sent twice (see Route)."""

    safe: bool
    repeatable: bool


READ = Flags(safe=True, repeatable=True)
SETS = Flags(safe=False, repeatable=True)
ONCE = Flags(safe=False, repeatable=False)

#: What to do about an answer that is too long, where an option makes it shorter.
NARROWER = {
    "list_events": "Ask for less with since or with a smaller limit; types makes the list that is read no shorter.",
    "list_log_archives": "Ask for fewer archives with limit.",
    "list_maintenances": "Ask for less with limit, and without status.",
    "list_metric": "Ask for fewer hours with since, or for the last point with last.",
    "list_instance_metric": "Ask for fewer hours with since, or for the last point with last.",
    "read_link": "Ask for fewer lines with lines, or for those that matter with filter.",
}

DATABASE_PATH = "/databases/{database}"
ADDON_PATH = "/apps/{app}/addons/{addon}"


def _table(role: str, *rows: tuple[str, str, str, str, Flags, str]) -> dict[str, Route]:
    return {
        name: Route(
            name,
            method,
            path,
            flags.safe,
            flags.repeatable,
            number=number,
            role=role,
            doing=doing,
            narrower=NARROWER.get(name, ""),
        )
        for number, name, method, path, flags, doing in rows
    }


# number, name, verb, path, (safe, repeatable), the attempt in words
AUTH_ROUTES = _table(
    "auth",
    ("1.2", "exchange_token", "POST", "/tokens/exchange", READ, "exchange the API token for a bearer token"),
    ("1.1", "list_regions", "GET", "/regions", READ, "list the regions"),
    ("A15", "show_user", "GET", "/users/self", READ, "read the account"),
)

MAIN_ROUTES = _table(
    "api",
    ("A0", "list_apps", "GET", "/apps", READ, "list the apps"),
    ("A1", "list_addons", "GET", "/apps/{app}/addons", READ, "list the addons"),
    ("A2", "show_addon", "GET", ADDON_PATH, READ, "read the addon"),
    ("A3", "create_addon", "POST", "/apps/{app}/addons", ONCE, "provision the addon"),
    ("A4", "update_addon_plan", "PATCH", ADDON_PATH, ONCE, "change the plan of the addon"),
    ("A5", "delete_addon", "DELETE", ADDON_PATH, SETS, "destroy the addon"),
    ("A6", "mint_addon_token", "POST", ADDON_PATH + "/token", READ, "get a token for the addon"),
    ("A8", "resume_addon", "POST", ADDON_PATH + "/resume", ONCE, "resume the addon"),
    ("A9", "list_addon_providers", "GET", "/addon_providers", READ, "list the addon providers"),
    ("A10", "list_plans", "GET", "/addon_providers/{provider}/plans", READ, "list the plans of the addon provider"),
    ("A11", "list_variables", "GET", "/apps/{app}/variables", READ, "read the variables of the app"),
    ("A12", "show_app", "GET", "/apps/{app}", READ, "read the app"),
    ("A13", "show_app_operation", "GET", "/apps/{app}/operations/{operation}", READ, "read the operation of the app"),
    ("A14", "list_events", "GET", "/apps/{app}/events", READ, "read the events of the app"),
    ("DR1", "create_dedicated_database", "POST", "/databases", ONCE, "provision the dedicated database"),
    ("DR2", "list_dedicated_databases", "GET", "/databases", READ, "list the dedicated databases"),
    ("DR3", "show_dedicated_database", "GET", "/databases/{dedicated}", READ, "read the dedicated database"),
    ("DR4", "delete_dedicated_database", "DELETE", "/apps/{app}", ONCE, "destroy the dedicated database"),
    ("DR5", "list_endpoints", "GET", "/databases/{dedicated}/endpoints", READ, "list the endpoints"),
    ("DR6", "list_net_peerings", "GET", "/databases/{dedicated}/net_peerings", READ, "list the net peerings"),
    ("DR7", "create_net_peering", "POST", "/databases/{dedicated}/net_peerings", ONCE, "create the net peering"),
    ("DR8", "show_net_peering", "GET", "/databases/{dedicated}/net_peerings/{peering}", READ, "read the net peering"),
    (
        "DR9",
        "delete_net_peering",
        "DELETE",
        "/databases/{dedicated}/net_peerings/{peering}",
        SETS,
        "delete the net peering",
    ),
    (
        "DR10",
        "show_network_configuration",
        "GET",
        "/databases/{dedicated}/network_configuration",
        READ,
        "read the network",
    ),
)

DATABASE_ROUTES = _table(
    "db",
    ("D1", "show_database", "GET", DATABASE_PATH, READ, "read the database"),
    ("D2", "update_database", "PATCH", DATABASE_PATH, SETS, "change the settings of the database"),
    ("D3", "upgrade", "POST", DATABASE_PATH + "/upgrade", ONCE, "start the upgrade"),
    ("D4", "restore_to_point_in_time", "POST", DATABASE_PATH + "/pitr/restore", ONCE, "restore to a point in time"),
    ("D5", "show_recovery_window", "GET", DATABASE_PATH + "/pitr/recovery_window", READ, "read the recovery window"),
    ("D6", "enable_feature", "POST", DATABASE_PATH + "/features", SETS, "enable the feature"),
    ("D7", "disable_feature", "DELETE", DATABASE_PATH + "/features", SETS, "disable the feature"),
    ("D8", "action", "POST", DATABASE_PATH + "/action", ONCE, "run the action"),
    ("D9", "show_database_operation", "GET", DATABASE_PATH + "/operations/{operation}", READ, "read the operation"),
    ("D10", "show_operation", "GET", "/operations/{operation}", READ, "read the operation"),
    ("D11", "show_plan", "GET", DATABASE_PATH + "/plan", READ, "read the plan of the database"),
    ("B1", "list_backups", "GET", DATABASE_PATH + "/backups", READ, "list the backups"),
    ("B2", "create_backup", "POST", DATABASE_PATH + "/backups", ONCE, "start a backup"),
    ("B3", "show_backup", "GET", "/backups/{backup}", READ, "read the backup"),
    ("B3'", "show_database_backup", "GET", DATABASE_PATH + "/backups/{backup}", READ, "read the backup"),
    ("B4", "show_backup_link", "GET", DATABASE_PATH + "/backups/{backup}/archive", READ, "get the link to the backup"),
    ("B6", "restore_backup", "POST", DATABASE_PATH + "/backups/{backup}/restore", ONCE, "restore the backup"),
    (
        "B7",
        "show_backup_restoration",
        "GET",
        DATABASE_PATH + "/backup_restorations/{restoration}",
        READ,
        "read the restoration",
    ),
    ("U1", "list_users", "GET", DATABASE_PATH + "/users", READ, "list the database users"),
    ("U2", "create_user", "POST", DATABASE_PATH + "/users", ONCE, "create the database user"),
    ("U3", "update_user_password", "PATCH", DATABASE_PATH + "/users/{user}", SETS, "change the user's password"),
    (
        "U4",
        "reset_user_password",
        "POST",
        DATABASE_PATH + "/users/{user}/reset_password",
        ONCE,
        "reset the user's password",
    ),
    ("U5", "delete_user", "DELETE", DATABASE_PATH + "/users/{user}", ONCE, "delete the database user"),
    ("M1", "list_maintenances", "GET", DATABASE_PATH + "/maintenance", READ, "list the maintenance of the database"),
    ("M2", "show_maintenance", "GET", DATABASE_PATH + "/maintenance/{maintenance}", READ, "read the maintenance"),
    ("T3", "show_database_type_version", "GET", "/database_type_versions/{version}", READ, "read the version"),
    ("L1", "show_logs_link", "GET", DATABASE_PATH + "/logs", READ, "get the link to the logs"),
    ("L2", "list_log_archives", "GET", DATABASE_PATH + "/logs_archives", READ, "list the log archives"),
    ("S1", "show_metrics", "GET", DATABASE_PATH + "/metrics", READ, "read the metrics"),
    ("S2", "list_metric", "GET", DATABASE_PATH + "/metrics/{type}", READ, "read the metric"),
    (
        "S3",
        "list_instance_metric",
        "GET",
        DATABASE_PATH + "/instances/{instance}/metrics/{type}",
        READ,
        "read the metric",
    ),
    ("S4", "show_health", "GET", DATABASE_PATH + "/health", READ, "read the health of the cluster"),
    (
        "S5",
        "list_instances_status",
        "GET",
        DATABASE_PATH + "/instances_status",
        READ,
        "read the status of the instances",
    ),
    ("F1", "list_firewall_rules", "GET", DATABASE_PATH + "/firewall_rules", READ, "list the firewall rules"),
    ("F2", "create_firewall_rule", "POST", DATABASE_PATH + "/firewall_rules", ONCE, "create the firewall rule"),
    (
        "F3",
        "delete_firewall_rule",
        "DELETE",
        DATABASE_PATH + "/firewall_rules/{rule}",
        SETS,
        "delete the firewall rule",
    ),
    ("F4", "update_firewall_rule", "PATCH", DATABASE_PATH + "/firewall_rules/{rule}", SETS, "change the firewall rule"),
    ("F5", "list_managed_ranges", "GET", "/firewall/managed_ranges", READ, "list the managed ranges"),
    ("C1", "show_ca_certificate", "GET", "/ca_certificate", READ, "get the CA certificate"),
)


def _actions(*rows: tuple[str, Flags, str]) -> dict[str, Route]:
    base = DATABASE_ROUTES["action"]
    return {
        name: dataclasses.replace(
            base, name=f"action {name}", safe=flags.safe, repeatable=flags.repeatable, action_name=name, doing=doing
        )
        for name, flags, doing in rows
    }


# docs/contract.md, section 2.8. Many of these POSTs only read.
ACTIONS = _actions(
    ("list-databases", READ, "list the logical databases"),
    ("create-database", ONCE, "create the logical database"),
    ("delete-database", ONCE, "delete the logical database"),
    ("reset-database", ONCE, "reset the logical database"),
    ("get-sqlmode", READ, "read the SQL mode"),
    ("set-sqlmode", SETS, "set the SQL mode"),
    ("list-extensions", READ, "list the extensions"),
    ("pg-list-queries", READ, "list the running queries"),
    ("pg-cancel-query", ONCE, "cancel the query"),
    ("pg-terminate-query", ONCE, "terminate the query"),
    ("pg-stat-statements-enable", SETS, "enable pg_stat_statements"),
    ("pg-stat-statements-reset", ONCE, "reset the statistics of pg_stat_statements"),
    ("pg-stat-statements-list", READ, "list the statistics of pg_stat_statements"),
    ("list-retention-policies", READ, "list the retention policies"),
    ("add-retention-policy", ONCE, "add the retention policy"),
    ("del-retention-policy", ONCE, "delete the retention policy"),
)

# What run_action refuses, and the module that asks for the word of consent (docs/contract.md, section 7.10).
DESTROYING_ACTIONS = {
    "delete-database": "scalingo_logical_db",
    "reset-database": "scalingo_logical_db_reset",
    "del-retention-policy": "scalingo_retention_policy",
    "pg-terminate-query": "scalingo_pg_query",
    "pg-stat-statements-reset": "scalingo_pg_stat_statements",
}


def all_routes() -> list[Route]:
    """Return every route and every action, in the order of the contract."""
    return [*AUTH_ROUTES.values(), *MAIN_ROUTES.values(), *DATABASE_ROUTES.values(), *ACTIONS.values()]


# ---------------------------------------------------------------------------------------------------------------------
# Reading answers


def under(*roots: str, check: _shapes.Check, bare: bool = False) -> Reader:
    """Read what is under the first root that is there, or the body itself when it may be bare."""
    read = _shapes.under(*roots, check=check, bare=bare)
    return lambda answer: read(answer.json())


def bare(check: _shapes.Check) -> Reader:
    """Read the body itself."""
    return lambda answer: check(answer.json(), "the body")


def bare_or_empty(check: _shapes.Check) -> Reader:
    """Read the body itself; an empty one is an empty object."""
    return lambda answer: check(answer.json(), "the body") if answer.text.strip() else {}


def token_of(answer: Answer) -> tuple[str, float | None]:
    """Read the answer of the token exchange (docs/contract.md, section 1.2)."""
    token = under("token", check=_shapes.text)(answer)
    if not re.fullmatch(TOKEN, token):
        raise answer.unexpected("expected a token and received a text that cannot be one")
    return token, answer.date


def addon_with_token(answer: Answer) -> tuple[Raw, float | None]:
    """Read the answer of an addon's token (docs/contract.md, section 1.3)."""
    addon = under("addon", check=_shapes.ADDON_WITH_TOKEN)(answer)
    if not re.fullmatch(TOKEN, addon["token"]):
        raise answer.unexpected("expected a token and received a text that cannot be one")
    return addon, answer.date


def provisioned(answer: Answer) -> Raw:
    """Read the answer of provisioning an addon (docs/contract.md, A3)."""
    check = _shapes.record(
        {"addon": _shapes.ADDON}, {"message": _shapes.text}, {"variables": _shapes.list_of(_shapes.text)}
    )
    return t.cast(Raw, check(answer.json(), "the body"))


def upgrade_started(answer: Answer) -> Raw:
    """Read the answer of an upgrade: the target version's fields, unrooted (docs/contract.md, section 2.4)."""
    result = dict(_shapes.mapping(answer.json(), "the body"))
    operation = result.get("operation")
    location = answer.headers.get("location") or None
    found = result.get("operation_id") or (operation.get("id") if isinstance(operation, dict) else None)
    result["operation_id"] = _shapes.optional_text(found or operation_in(location), "operation_id")
    return {**result, "location": location}


def operation_started(answer: Answer) -> Raw:
    """Read the answer of a point-in-time restore, in either form (docs/contract.md, section 2.5)."""
    result = _shapes.mapping(answer.json(), "the body")
    if "operation" not in result and "operation_id" in result:
        result = {"operation": {"id": result["operation_id"]}}
    read = _shapes.under("operation", check=_shapes.STARTED_OPERATION)
    return {**read(result), "location": answer.headers.get("location") or None}


def recovery_window(answer: Answer) -> Raw:
    """Read the recovery window; both ends None without a base backup (docs/contract.md, section 2.5)."""
    ends: dict[str, _shapes.Check] = {
        "earliest_recoverable_at": _shapes.optional_text,
        "latest_recoverable_at": _shapes.optional_text,
    }
    return t.cast(Raw, under("recovery_window", check=_shapes.record({}, {}, ends))(answer))


def changed_user(answer: Answer) -> Raw:
    """Read the answer of a password change, which may be empty (docs/contract.md, section 6, row 24)."""
    if not answer.text.strip() or answer.json() in ({}, None):
        return {}
    return t.cast(Raw, under("database_user", check=_shapes.USER, bare=True)(answer))


def metrics(answer: Answer) -> Raw:
    """Read the present metrics; those of the instances by their id, also when they are a list (section 6, row 38)."""
    result = dict(_shapes.mapping(answer.json(), "the body"))
    if not any(
        name in result for name in ("cpu_usage", "memory", "database_stats", "real_disk_size", "instances_metrics")
    ):
        raise _shapes.Mismatch("metrics", "the body", result)
    result["instances_metrics"] = _shapes.kept(by_instance, result.get("instances_metrics") or {}, "instances_metrics")
    return result


def by_instance(found: t.Any, place: str) -> dict[str, t.Any]:
    """The metrics of the instances by their id."""
    if isinstance(found, list):
        items = _shapes.list_of(_shapes.record({"instance_id": _shapes.text}))(found, place)
        found = {item["instance_id"]: item for item in items}
    return {
        name: _shapes.kept(_shapes.INSTANCE_METRICS, value, f"{place}.{name}")
        for name, value in _shapes.mapping(found, place).items()
    }


def measured(type_name: str) -> Reader:
    """Read a metric over time: under its root, under the only other one, or bare (docs/contract.md, section 2.15)."""
    points = _shapes.list_of(_shapes.mapping)

    def read(answer: Answer) -> list[Raw]:
        body = answer.json()
        if isinstance(body, dict) and f"{type_name}_metrics" not in body and len(body) == 1:
            body = next(iter(body.values()))
        return t.cast(
            "list[Raw]", _shapes.under(f"{type_name}_metrics", check=points, bare=isinstance(body, list))(body)
        )

    return read


def certificate(answer: Answer) -> str:
    """Read a certificate in PEM form."""
    if "-----BEGIN CERTIFICATE-----" not in answer.text:
        raise answer.unexpected(f"expected a certificate and received {answer.described()}")
    return answer.text


def page_of(root: str, check: _shapes.Check, asked: int) -> Reader:
    """Read one page: its items, and the number of the next page or None (docs/contract.md, section 5).

    The numbers may be nested in ``pagination`` or not; a next page that is not further on is none.
    """

    def read(answer: Answer) -> tuple[list[t.Any], int | None]:
        body = _shapes.mapping(answer.json(), "the body")
        items = _shapes.under(root, check=_shapes.list_of(check))(body)
        meta = _shapes.mapping(body.get("meta") or {}, "meta")
        numbers = _shapes.mapping(meta.get("pagination") or meta, "meta.pagination")
        following = numbers.get("next_page")
        if following is None or not items:
            return items, None
        _shapes.integer(following, "next_page")
        return items, following if following > asked else None

    return read


def identity_of_archive(archive: Raw) -> tuple[t.Any, ...]:
    """Return what tells an archive of the logs from another: its link is signed anew each time, in its query."""
    return (*(_shapes.or_none(archive.get(name)) for name in ("from", "to")), archive["url"].split("?")[0])


def archives(answer: Answer) -> tuple[list[t.Any], bool]:
    """Read one page of log archives: its items, and whether there are more (docs/contract.md, section 2.14)."""
    body = _shapes.mapping(answer.json(), "the body")
    items = _shapes.under("archives", check=_shapes.list_of(_shapes.LOG_ARCHIVE))(body)
    return items, bool(items) and body.get("has_more") is True


def result_of(check: _shapes.Check) -> Reader:
    """Read the result of an action that went well."""

    def read(answer: Answer) -> t.Any:
        body = _shapes.mapping(answer.json(), "the body")
        if body.get("ok") != 1:
            raise _shapes.Mismatch("ok to be 1", "the body", body.get("ok"))
        return check(body.get("result"), "result")

    return read


def action_failure_of(route: Route, answer: Answer) -> ScalingoError | None:
    """Return what is wrong with the answer of an action: ``ok: 0`` counts whatever the status (section 2.8)."""
    failure = failure_of(route, answer)
    if isinstance(failure, (Unauthorized, RateLimited)):
        return failure
    try:
        body = answer.json()
    except UnexpectedAnswer:
        return failure
    if isinstance(body, dict) and "ok" in body and body["ok"] in (0, False):
        reason = body.get("error")
        failed = ActionFailed(
            reason if isinstance(reason, str) and reason else "The API gives no reason",
            doing=route.doing,
            method=answer.method,
            path=answer.path,
            status=answer.status,
            request_id=answer.request_id,
            attempts=answer.attempts,
        )
        failed.after_loss = answer.after_loss
        return failed
    return failure


def operation_path(location: str | None) -> str | None:
    """Return the path below /api that a Location header leads to, if it is one of an operation (section 2.4)."""
    path = urllib.parse.urlsplit(location or "").path
    match = re.fullmatch(r".*?/api((?:/[A-Za-z0-9_~\-][A-Za-z0-9._~\-]*)*/operations/[A-Za-z0-9_~\-]+)", path)
    return match.group(1) if match else None


def operation_in(location: str | None) -> str | None:
    """Return the id of the operation that a Location header leads to."""
    path = operation_path(location)
    return path.rsplit("/", 1)[1] if path else None


# ---------------------------------------------------------------------------------------------------------------------
# Sending


class Caller:
    """Sends a route with the credentials of its host, renews them once, and says what went wrong on what."""

    def __init__(self, transport: Transport, chain: Chain, described: t.Callable[[], str]) -> None:
        self.transport = transport
        self.chain = chain
        self.described = described
        self.date: float | None = None
        # The addons that have been read: a change never goes to another one than its plan was made for.
        self._read_addons: set[str] = set()

    def call(
        self,
        route: Route,
        read: Reader | None = None,
        *,
        values: t.Mapping[str, t.Any] | None = None,
        query: t.Mapping[str, t.Any] | None = None,
        body: t.Any = None,
        failure: t.Callable[[Route, Answer], ScalingoError | None] = failure_of,
    ) -> t.Any:
        """Send a route and return what ``read`` makes of a good answer; without ``read`` its body may be anything but a page."""
        try:
            answer = (
                self._database_answer(route, values, query, body)
                if route.role == "db"
                else self._answer(route, values, query, body)
            )
            error = failure(route, answer)
            if error is not None:
                raise error
            return self._read(route, read or Answer.no_page, answer)
        except ScalingoError as error:
            explain_refusal(error, route.role, self.chain.settings)
            self._explain_absence(error, route)
            # An option that is wrong was found to be so on the way: the request itself was not made.
            error.about(doing="" if isinstance(error, InvalidInput) else route.doing, subject=self.described())
            error.hide(self.transport.secrets.values)
            raise

    def _explain_absence(self, error: ScalingoError, route: Route) -> None:
        """Say of a 404 to the very first request about a database what it may mean; what is within one has an id of its own."""
        known = self.chain.known
        if (
            isinstance(error, NotFound)
            and not error.hint
            and route.path.startswith(DATABASE_PATH)
            and route.path.count("{") == 1
        ):
            if known is None or known.addon_id not in self._read_addons:
                error.hint = JUST_MADE

    def _read(self, route: Route, read: Reader, answer: Answer) -> t.Any:
        try:
            return read(answer)
        except _shapes.Mismatch as mismatch:
            unexpected = answer.unexpected(str(mismatch))
        except UnexpectedAnswer as error:
            unexpected = error
        unexpected.message = f"{route.name}: {unexpected.message}"
        if route.once:
            details = {
                name: getattr(unexpected, name) for name in ("method", "path", "status", "request_id", "attempts")
            }
            raise OutcomeUnknown(
                f"The API accepted the request, and its answer cannot be read: {unexpected.message}", **details
            )
        raise unexpected

    def _answer(self, route: Route, values: t.Any, query: t.Any, body: t.Any) -> Answer:
        chain = self.chain
        base = chain.settings.auth if route.role == "auth" else chain.api_host
        send = self.transport.send
        if route.name == "exchange_token":
            basic = ApiTokenAuthorization(chain.settings.api_token, self.transport.secrets)
            return send(route, base + "/v1", auth=basic, values=values, query=query, body=body)
        if not chain.settings.api_token:
            if route.name != "list_regions":
                raise InvalidInput(
                    "api_token is missing", hint="This needs the main API: give api_token, or set SCALINGO_API_TOKEN."
                )
            return send(route, base + "/v1", auth=NoAuthorization(), values=values, query=query, body=body)
        token = chain.bearer()
        answer = send(route, base + "/v1", auth=BearerAuthorization(token), values=values, query=query, body=body)
        if answer.status == 401:
            lost = answer.after_loss
            chain.renew_bearer(token)
            answer = send(
                route, base + "/v1", auth=BearerAuthorization(chain.bearer()), values=values, query=query, body=body
            )
            answer.after_loss = answer.after_loss or lost
        return answer

    def _database_answer(self, route: Route, values: t.Any, query: t.Any, body: t.Any) -> Answer:
        chain = self.chain
        renewed = lost = False
        while True:
            token = chain.addon_token()
            here = {**(values or {}), "database": chain.lookup().addon_id}
            base = chain.database_host + "/api"
            answer = self.transport.send(
                route, base, auth=BearerAuthorization(token), values=here, query=query, body=body
            )
            self.date = answer.date
            lost = answer.after_loss = answer.after_loss or lost
            refused = isinstance(failure_of(route, answer), Unauthorized)
            if refused and not renewed and chain.renew_addon_token(token):
                renewed = True
                continue
            if answer.status < 400 and route.safe:
                self._read_addons.add(here["database"])
            planned = not route.safe and here["database"] in self._read_addons
            if answer.status != 404 or planned or not chain.look_up_again():
                return answer


class AuthApi:
    """The auth host, base path /v1 (docs/contract.md, sections 1.1, 1.2 and A15)."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def exchange_token(self) -> tuple[str, float | None]:
        """Exchange the API token (section 1.2). Return the bearer token and the epoch of the answer's Date header."""
        return t.cast("tuple[str, float | None]", self._caller.call(AUTH_ROUTES["exchange_token"], token_of))

    def list_regions(self) -> list[Raw]:
        """List the regions (section 1.1): name, display_name, api, database_api, ssh, dashboard, default. Hosts have no path."""
        read = under("regions", check=_shapes.list_of(_shapes.REGION))
        return t.cast("list[Raw]", self._caller.call(AUTH_ROUTES["list_regions"], read))

    def show_user(self) -> Raw:
        """Read the account behind the token (A15): id, username, email, fullname."""
        return t.cast(Raw, self._caller.call(AUTH_ROUTES["show_user"], under("user", check=_shapes.USER_ACCOUNT)))


class MainApi:
    """The main API of the region, base path /v1 (docs/contract.md, section 2.1). ``app`` is a name or an id."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def _object(self, name: str, root: str, check: _shapes.Check, body: t.Any = None, **values: t.Any) -> Raw:
        return t.cast(Raw, self._caller.call(MAIN_ROUTES[name], under(root, check=check), values=values, body=body))

    def _list(self, name: str, root: str, check: _shapes.Check, query: t.Any = None, **values: t.Any) -> list[Raw]:
        read = under(root, check=_shapes.list_of(check))
        return t.cast("list[Raw]", self._caller.call(MAIN_ROUTES[name], read, values=values, query=query))

    def list_apps(self) -> list[Raw]:
        """List the apps of the region that the account may see (A0)."""
        return self._list("list_apps", "apps", _shapes.APP)

    def list_addons(self, app: str) -> list[Raw]:
        """List the addons of an app (A1); each has id, resource_id, status, plan, addon_provider."""
        return self._list("list_addons", "addons", _shapes.ADDON, app=app)

    def show_addon(self, app: str, addon_id: str) -> Raw:
        """Read one addon (A2)."""
        return self._object("show_addon", "addon", _shapes.ADDON, app=app, addon=addon_id)

    def create_addon(self, app: str, provider_id: str, plan_id: str, options: t.Mapping[str, str] | None = None) -> Raw:
        """Provision an addon (A3). ``options`` may hold ``version``. Return addon, message, variables (list of names).

        Not repeatable: raises OutcomeUnknown when the answer is lost.
        """
        addon: Raw = {"addon_provider_id": provider_id, "plan_id": plan_id}
        if options:
            addon["options"] = dict(options)
        return t.cast(
            Raw, self._caller.call(MAIN_ROUTES["create_addon"], provisioned, values={"app": app}, body={"addon": addon})
        )

    def update_addon_plan(self, app: str, addon_id: str, plan_id: str) -> None:
        """Change the plan (A4); asynchronous. The sources disagree on the answer, so nothing of it is returned.

        Not repeatable: raises OutcomeUnknown when the answer is lost.
        """
        body = {"addon": {"plan_id": plan_id}}
        self._caller.call(MAIN_ROUTES["update_addon_plan"], values={"app": app, "addon": addon_id}, body=body)

    def delete_addon(self, app: str, addon_id: str) -> None:
        """Destroy the addon and everything in it (A5)."""
        self._caller.call(MAIN_ROUTES["delete_addon"], values={"app": app, "addon": addon_id})

    def mint_addon_token(self, app: str, addon_id: str) -> tuple[Raw, float | None]:
        """Get a token for the addon (A6), good for one hour. Return the addon with ``token``, and the Date's epoch."""
        found = self._caller.call(
            MAIN_ROUTES["mint_addon_token"], addon_with_token, values={"app": app, "addon": addon_id}
        )
        return t.cast("tuple[Raw, float | None]", found)

    def resume_addon(self, app: str, addon_id: str) -> Raw:
        """Resume a suspended addon (A8)."""
        return self._object("resume_addon", "addon", _shapes.ADDON, app=app, addon=addon_id)

    def list_addon_providers(self, category_id: str | None = None) -> list[Raw]:
        """List the addon providers (A9); the category of databases is named ``Databases``."""
        return self._list(
            "list_addon_providers", "addon_providers", _shapes.ADDON_PROVIDER, query={"category_id": category_id}
        )

    def list_plans(self, provider_id: str, show_all: bool = False) -> list[Raw]:
        """List the plans of a provider (A10): id, name, display_name, price, …"""
        return self._list(
            "list_plans", "plans", _shapes.PLAN, query={"show_all": show_all or None}, provider=provider_id
        )

    def list_variables(self, app: str) -> list[Raw]:
        """List the variables of the app (A11, 7.9): id, name, value. The values are secrets."""
        return self._list("list_variables", "variables", _shapes.VARIABLE, app=app)

    def show_app(self, app: str) -> Raw:
        """Read the app (A12); ``flags`` has ``dedicated-database`` for the app of a dedicated database."""
        return self._object("show_app", "app", _shapes.APP, app=app)

    def show_app_operation(self, app: str, operation_id: str) -> Raw:
        """Read an operation of the app (A13), which is not one of the database (2.6)."""
        return self._object("show_app_operation", "operation", _shapes.OPERATION, app=app, operation=operation_id)

    def list_events(
        self, app: str, limit: int | None = None, past: t.Callable[[Raw], bool] = lambda dummy: False
    ) -> t.Iterator[Raw]:
        """Yield the events of the app, newest first (A14), and ask for a page when the one before it is used up.

        ``limit`` says how many are wanted, as far as that is known: with it the pages are no longer than needed. A page
        whose last event is ``past`` is the last one.
        """
        return walk(self._caller, MAIN_ROUTES["list_events"], "events", _shapes.EVENT, limit, {"app": app}, past)

    def create_dedicated_database(self, name: str, technology: str, plan: str, project_id: str | None = None) -> Raw:
        """Provision a dedicated database (section 2.1, dedicated resources); not repeatable."""
        database = {"name": name, "technology": technology, "plan": plan, "project_id": project_id}
        body = {"database": {key: value for key, value in database.items() if value is not None}}
        return self._object("create_dedicated_database", "database", _shapes.dedicated_database, body)

    def list_dedicated_databases(self) -> list[Raw]:
        """List the dedicated databases of the account: id, name, project_id, technology, plan."""
        return self._list("list_dedicated_databases", "databases", _shapes.dedicated_database)

    def show_dedicated_database(self, name: str) -> Raw:
        """Read a dedicated database by id or name."""
        return self._object("show_dedicated_database", "database", _shapes.dedicated_database, dedicated=name)

    def delete_dedicated_database(self, name: str) -> None:
        """Destroy a dedicated database. The call destroys an app, so the app is read first, and refused with
        InvalidInput unless its flag ``dedicated-database`` is true: two requests. Not repeatable.
        """
        flags = self.show_app(name).get("flags")
        if isinstance(flags, _shapes.Unread):
            raise InvalidInput(f"{name} was not destroyed: {flags.reason}", subject=self._caller.described())
        if (flags or {}).get("dedicated-database") is not True:
            raise InvalidInput(
                f"{name} is not the app of a dedicated database, and was not destroyed",
                subject=self._caller.described(),
            )
        self._caller.call(MAIN_ROUTES["delete_dedicated_database"], values={"app": name}, query={"current_name": name})

    def list_endpoints(self, name: str) -> list[Raw]:
        """List the endpoints of a dedicated database: id, hostname, port, type."""
        return self._list("list_endpoints", "endpoints", _shapes.ENDPOINT, dedicated=name)

    def list_net_peerings(self, name: str) -> list[Raw]:
        """List the net peerings of a dedicated database."""
        return self._list("list_net_peerings", "net_peerings", _shapes.NET_PEERING, dedicated=name)

    def create_net_peering(self, name: str, outscale_net_peering_id: str) -> Raw:
        """Create a net peering; not repeatable."""
        body = {"outscale_net_peering_id": outscale_net_peering_id}
        return self._object("create_net_peering", "net_peering", _shapes.NET_PEERING, body, dedicated=name)

    def show_net_peering(self, name: str, peering_id: str) -> Raw:
        """Read a net peering; status ``active`` or ``deleted``."""
        return self._object("show_net_peering", "net_peering", _shapes.NET_PEERING, dedicated=name, peering=peering_id)

    def delete_net_peering(self, name: str, peering_id: str) -> None:
        """Delete a net peering."""
        self._caller.call(MAIN_ROUTES["delete_net_peering"], values={"dedicated": name, "peering": peering_id})

    def show_network_configuration(self, name: str) -> Raw:
        """Read outscale_account_id, outscale_net_id, ip_range of a dedicated database."""
        return self._object("show_network_configuration", "network_configuration", _shapes.NETWORK, dedicated=name)


def walk(
    caller: Caller,
    route: Route,
    root: str,
    check: _shapes.Check,
    limit: int | None,
    values: Raw,
    past: t.Callable[[Raw], bool] = lambda dummy: False,
) -> t.Iterator[Raw]:
    """Yield the items of all pages, asking for a page only when the one before it is used up (section 5).

    What is made meanwhile moves the pages on, so an item whose id was seen is dropped. A page without a new one, or
    whose last item is ``past``, is the last.
    """
    size = PAGE_SIZE if limit is None else min(PAGE_SIZE, limit)
    page = 1
    seen: set[t.Any] = set()
    for dummy in range(PAGE_LIMIT):
        query = {"page": page, "per_page": size}
        items, following = caller.call(route, page_of(root, check, page), values=values, query=query)
        new = _new(items, lambda item: _shapes.or_none(item.get("id")), seen)
        yield from new
        if following is None or not new or past(items[-1]):
            return
        page = following
    raise too_many(route, caller)


def too_many(route: Route, caller: Caller) -> UnexpectedAnswer:
    """Return the error for a list that does not end: part of it is never taken for all."""
    return UnexpectedAnswer(
        f"the list has more than {PAGE_LIMIT} pages, which is the most that are read",
        doing=route.doing,
        subject=caller.described(),
        hint=route.narrower,
    )


def _new(items: list[Raw], identity: t.Callable[[Raw], t.Any], seen: set[t.Any]) -> list[Raw]:
    """Return the items that were not ``seen`` yet, and note them. One without an identity is always new."""
    new = []
    for item in items:
        key = identity(item)
        if key is None or key not in seen:
            new.append(item)
        if key is not None:
            seen.add(key)
    return new


def paged(caller: Caller, route: Route, root: str, check: _shapes.Check, limit: int | None, values: Raw) -> list[Raw]:
    """Return the items of all pages, at most ``limit``; a limit of 0 or less costs no request."""
    if limit is not None and limit <= 0:
        return []
    return list(itertools.islice(walk(caller, route, root, check, limit, values), limit))


class DatabaseApi:
    """The database API of the region, base path /api, for the one addon of the target (docs/contract.md, 2.2 to 2.16).

    ``date`` is the epoch of the last answer's Date header, or None: judge ages by it.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @property
    def date(self) -> float | None:
        """The epoch of the last answer's Date header, or None."""
        return self._caller.date

    def _call(
        self, name: str, read: Reader | None = None, body: t.Any = None, query: t.Any = None, **values: t.Any
    ) -> t.Any:
        return self._caller.call(DATABASE_ROUTES[name], read, values=values, query=query, body=body)

    def _object(
        self, name: str, root: str, check: _shapes.Check, body: t.Any = None, query: t.Any = None, **values: t.Any
    ) -> Raw:
        return t.cast(Raw, self._call(name, under(root, check=check), body, query, **values))

    def _list(self, name: str, *roots: str, check: _shapes.Check, **values: t.Any) -> list[Raw]:
        return t.cast("list[Raw]", self._call(name, under(*roots, check=_shapes.list_of(check)), **values))

    def _action(self, route: Route, check: _shapes.Check, params: t.Any = None) -> t.Any:
        body = {"action_name": route.action_name}
        if params is not None:
            body["params"] = params
        return self._caller.call(route, result_of(check), body=body, failure=action_failure_of)

    # Settings and life

    def show_database(self) -> Raw:
        """Read the database (D1). ``features``, ``instances`` and ``periodic_backups_scheduled_at`` are always lists;
        ``next_version_id`` and ``current_operation_id`` are None when there is none; the former is missing when the
        answer does not say.
        """
        return self._object("show_database", "database", _shapes.DATABASE)

    def update_database(self, changes: t.Mapping[str, t.Any]) -> Raw:
        """Change settings in one PATCH (D2); returns the same as show_database. ``periodic_backups_scheduled_at`` is
        sent as it is given: a bare integer (section 6, row 2).
        """
        return self._object("update_database", "database", _shapes.DATABASE, {"database": dict(changes)})

    def upgrade(self) -> Raw:
        """Start the upgrade by one step (D3); not repeatable. Return the target version's fields with ``operation_id``
        (None when the answer has none; ``id`` is the version's, not the operation's), ``warning_message``, ``message``,
        and ``location``, the Location header to give to show_operation (None when absent).
        """
        return t.cast(Raw, self._call("upgrade", upgrade_started))

    def restore_to_point_in_time(self, restore_time: str) -> Raw:
        """Restore to ``restore_time``, RFC 3339 (D4); not repeatable, destroys what came later. Return the operation:
        ``id``, and ``location`` (None when absent).
        """
        return t.cast(Raw, self._call("restore_to_point_in_time", operation_started, {"restore_time": restore_time}))

    def show_recovery_window(self) -> Raw:
        """Read ``earliest_recoverable_at`` and ``latest_recoverable_at`` (D5), both None without a base backup."""
        return t.cast(Raw, self._call("show_recovery_window", recovery_window))

    def enable_feature(self, name: str) -> Raw:
        """Enable a feature (D6); may be asynchronous. Return name, status, message, as far as answered."""
        return t.cast(Raw, self._call("enable_feature", bare_or_empty(_shapes.mapping), {"feature": {"name": name}}))

    def disable_feature(self, name: str) -> Raw:
        """Disable a feature (D7); may be asynchronous. Return message, as far as answered."""
        return t.cast(Raw, self._call("disable_feature", bare_or_empty(_shapes.mapping), query={"feature": name}))

    # Actions (section 2.8)

    def run_action(self, name: str, params: t.Any = None) -> t.Any:
        """Run any action (D8) and return its ``result``. An unknown name counts as a call that changes something and is
        not repeated. Raises InvalidInput for a name known to destroy, ActionFailed for ``ok: 0``.
        """
        if name in DESTROYING_ACTIONS:
            raise InvalidInput(
                f"The action {name} destroys, and is not run this way",
                hint=f"Use community.scalingo.{DESTROYING_ACTIONS[name]}.",
            )
        unknown = dataclasses.replace(DATABASE_ROUTES["action"], action_name=name, doing=f"run the action {name}")
        return self._action(ACTIONS.get(name, unknown), _shapes.anything, params)

    def list_logical_databases(self) -> list[Raw]:
        """List the logical databases: name, protected. MySQL and MongoDB. Raises ActionFailed."""
        return t.cast("list[Raw]", self._action(ACTIONS["list-databases"], _shapes.list_of(_shapes.LOGICAL_DATABASE)))

    def create_logical_database(self, name: str) -> Raw:
        """Create a logical database; returns name and protected. Not repeatable. Raises ActionFailed."""
        made = self._action(
            ACTIONS["create-database"], _shapes.null_or(_shapes.LOGICAL_DATABASE), {"database_name": name}
        )
        return made or {"name": name, "protected": False}

    def delete_logical_database(self, name: str) -> None:
        """Drop a logical database with everything in it. Not repeatable. Raises ActionFailed."""
        self._action(ACTIONS["delete-database"], _shapes.anything, {"database_name": name})

    def reset_logical_database(self, name: str) -> None:
        """Empty a logical database and keep it: ``reset-database``, and nothing else (section 6, row 1).

        Not repeatable. Raises ActionFailed.
        """
        route = dataclasses.replace(ACTIONS["reset-database"], action_name="reset-database")
        self._action(route, _shapes.anything, {"database_name": name})

    def get_sql_mode(self) -> str:
        """Read the SQL mode (MySQL) as the comma-separated text that the API gives. Raises ActionFailed."""
        return self._action(ACTIONS["get-sqlmode"], _shapes.optional_text) or ""

    def set_sql_mode(self, modes: str) -> None:
        """Replace the whole SQL mode by a comma-separated text; an empty one clears it. Raises ActionFailed."""
        self._action(ACTIONS["set-sqlmode"], _shapes.anything, modes)

    def list_extensions(self) -> list[Raw]:
        """List the enabled extensions (PostgreSQL): name, version. Raises ActionFailed."""
        return t.cast("list[Raw]", self._action(ACTIONS["list-extensions"], _shapes.list_of(_shapes.EXTENSION)))

    def list_queries(self) -> list[Raw]:
        """List running queries (PostgreSQL): pid, query, state, username, query_start, query_duration (ns)."""
        return t.cast("list[Raw]", self._action(ACTIONS["pg-list-queries"], _shapes.list_of(_shapes.QUERY)))

    def cancel_query(self, pid: int) -> None:
        """Cancel a query (PostgreSQL). Not repeatable: a pid may have become another's. Raises ActionFailed."""
        self._action(ACTIONS["pg-cancel-query"], _shapes.anything, {"pid": pid})

    def terminate_query(self, pid: int) -> None:
        """Kill a session (PostgreSQL). Not repeatable. Raises ActionFailed."""
        self._action(ACTIONS["pg-terminate-query"], _shapes.anything, {"pid": pid})

    def enable_stat_statements(self) -> None:
        """Enable pg_stat_statements (PostgreSQL). Raises ActionFailed."""
        self._action(ACTIONS["pg-stat-statements-enable"], _shapes.anything)

    def reset_stat_statements(self) -> None:
        """Throw the statistics away (PostgreSQL). Not repeatable. Raises ActionFailed."""
        self._action(ACTIONS["pg-stat-statements-reset"], _shapes.anything)

    def list_stat_statements(self) -> list[Raw]:
        """List the statistics (PostgreSQL): user_id, query, calls, rows, and times (ms). Raises ActionFailed."""
        return t.cast("list[Raw]", self._action(ACTIONS["pg-stat-statements-list"], _shapes.list_of(_shapes.STATEMENT)))

    def list_retention_policies(self) -> list[Raw]:
        """List the retention policies (InfluxDB): name, duration, default. Raises ActionFailed."""
        return t.cast(
            "list[Raw]", self._action(ACTIONS["list-retention-policies"], _shapes.list_of(_shapes.RETENTION_POLICY))
        )

    def add_retention_policy(self, name: str, duration: str, default: bool) -> None:
        """Add a retention policy (InfluxDB). Not repeatable. Raises ActionFailed."""
        params = {"name": name, "duration": duration, "default": default}
        self._action(ACTIONS["add-retention-policy"], _shapes.anything, params)

    def delete_retention_policy(self, name: str) -> None:
        """Delete a retention policy and the points under it (InfluxDB). Not repeatable. Raises ActionFailed."""
        self._action(ACTIONS["del-retention-policy"], _shapes.anything, {"name": name})

    # Operations and plans

    def show_operation(self, operation_id: str, location: str | None = None) -> Raw:
        """Read an operation (D10, D9): id, type, status, created_at, finished_at, error.

        The path of ``location`` is tried first, then /operations/:id, then the one below the database, after 404 only.
        NotFound does not mean that the operation failed (section 2.4): the database is the truth.
        """
        direct, nested = DATABASE_ROUTES["show_operation"], DATABASE_ROUTES["show_database_operation"]
        routes = [direct]
        handed_out = operation_path(location)
        if handed_out and handed_out != f"/operations/{operation_id}":
            routes.insert(0, dataclasses.replace(direct, path=handed_out))
        read = under("operation", check=_shapes.OPERATION)
        for route in routes:
            try:
                return t.cast(Raw, self._caller.call(route, read, values={"operation": operation_id}))
            except NotFound:
                continue
        return t.cast(Raw, self._caller.call(nested, read, values={"operation": operation_id}))

    def show_plan(self) -> Raw:
        """Read the plan of the database (D11), where the region serves it."""
        return self._object("show_plan", "plan", _shapes.PLAN)

    # Backups (section 2.10)

    def list_backups(self) -> list[Raw]:
        """List the backups (B1), in an order that nothing guarantees; ``started_at`` and ``size`` may be None."""
        return self._list("list_backups", "database_backups", check=_shapes.BACKUP)

    def create_backup(self) -> Raw:
        """Start a backup (B2); not repeatable. A backup that is already running is a BadRequest (section 2.10)."""
        return self._object("create_backup", "database_backup", _shapes.BACKUP)

    def show_backup(self, backup_id: str) -> Raw:
        """Read a backup: B3, then B3' on 404."""
        try:
            return self._object("show_backup", "database_backup", _shapes.BACKUP, backup=backup_id)
        except NotFound:
            return self._object("show_database_backup", "database_backup", _shapes.BACKUP, backup=backup_id)

    def show_backup_link(self, backup_id: str) -> str:
        """Return the download link (B4): a secret that needs no Authorization and dies after a while."""
        return t.cast(str, self._call("show_backup_link", under("download_url", check=_shapes.text), backup=backup_id))

    def restore_backup(self, backup_id: str) -> Raw:
        """Restore a backup (B6); not repeatable, and the route may be absent (NotFound). Return the restoration."""
        read = under("backup_restoration", check=_shapes.RESTORATION, bare=True)
        return t.cast(Raw, self._call("restore_backup", read, backup=backup_id))

    def show_backup_restoration(self, restoration_id: str) -> Raw:
        """Read a restoration (B7)."""
        read = under("backup_restoration", check=_shapes.RESTORATION, bare=True)
        return t.cast(Raw, self._call("show_backup_restoration", read, restoration=restoration_id))

    # Users (section 2.11)

    def list_users(self) -> list[Raw]:
        """List the database users (U1): name, read_only, protected, dbms_attributes."""
        return self._list("list_users", "database-users", "database_users", check=_shapes.USER)

    def _user_body(self, password: str | None, **attributes: t.Any) -> Raw:
        passwords = {} if password is None else {"password": password, "password_confirmation": password}
        return {"database_user": {"database_id": self._caller.chain.lookup().addon_id, **attributes, **passwords}}

    def create_user(self, name: str, read_only: bool, password: str | None = None) -> Raw:
        """Create a user (U2); not repeatable. Without ``password`` the platform makes one; the answer holds it."""
        read = under("database_user", check=_shapes.USER, bare=True)
        return t.cast(Raw, self._call("create_user", read, self._user_body(password, name=name, read_only=read_only)))

    def update_user_password(self, name: str, password: str) -> Raw:
        """Change a user's password (U3). Return what is answered, which may be empty."""
        return t.cast(Raw, self._call("update_user_password", changed_user, self._user_body(password), user=name))

    def reset_user_password(self, name: str) -> Raw:
        """Let the platform make a new password (U4); not repeatable. The answer holds it."""
        read = under("database_user", check=_shapes.USER, bare=True)
        return t.cast(Raw, self._call("reset_user_password", read, user=name))

    def delete_user(self, name: str) -> None:
        """Delete a user (U5); not repeatable."""
        self._call("delete_user", user=name)

    # Maintenance, types, versions (sections 2.12 and 2.13)

    def list_maintenances(self, limit: int | None = None) -> list[Raw]:
        """List maintenance (M1), at most ``limit``; walks no further than needed."""
        return paged(self._caller, DATABASE_ROUTES["list_maintenances"], "maintenance", _shapes.MAINTENANCE, limit, {})

    def show_maintenance(self, maintenance_id: str) -> Raw:
        """Read one maintenance (M2)."""
        read = under("maintenance", check=_shapes.MAINTENANCE, bare=True)
        return t.cast(Raw, self._call("show_maintenance", read, maintenance=maintenance_id))

    def show_database_type_version(self, version_id: str) -> Raw:
        """Read a version (T3): major, minor, patch, build. ``next_upgrade`` is None, or an object with at least id; it is
        missing when the answer does not say.
        """
        check = _shapes.DATABASE_TYPE_VERSION
        return self._object("show_database_type_version", "database_type_version", check, version=version_id)

    # Logs, metrics, status (sections 2.14 and 2.15)

    def show_logs_link(self) -> str:
        """Return the link to the logs (L1): a secret; fetch it with Client.read_link."""
        return t.cast(str, self._call("show_logs_link", under("url", check=_shapes.text)))

    def list_log_archives(self, limit: int | None = None) -> list[Raw]:
        """List the archives of the logs (L2): url (a secret), from, to, size; at most ``limit``."""
        found: list[Raw] = []
        seen: set[t.Any] = set()
        more = limit is None or limit > 0
        for page in range(1, PAGE_LIMIT + 1):
            if not more or (limit is not None and len(found) >= limit):
                return found[:limit]
            items, more = self._call("list_log_archives", archives, query={"page": page})
            new = _new(items, identity_of_archive, seen)
            found += new
            more = more and bool(new)
        if more and (limit is None or len(found) < limit):
            raise too_many(DATABASE_ROUTES["list_log_archives"], self._caller)
        return found[:limit]

    def show_metrics(self) -> Raw:
        """Read the present metrics (S1). ``instances_metrics`` is always a mapping of instance id to metrics."""
        return t.cast(Raw, self._call("show_metrics", metrics))

    def list_metric(self, type_name: str, since: int | None = None, last: bool = False) -> list[Raw]:
        """Read a metric over time (S2): cpu, memory, swap, disk, diskio; ``since`` in hours."""
        query = {"since": since, "last": last or None}
        return t.cast("list[Raw]", self._call("list_metric", measured(type_name), query=query, type=type_name))

    def list_instance_metric(
        self, instance_id: str, type_name: str, since: int | None = None, last: bool = False
    ) -> list[Raw]:
        """Read a metric of one instance over time (S3)."""
        query = {"since": since, "last": last or None}
        read = measured(type_name)
        return t.cast(
            "list[Raw]", self._call("list_instance_metric", read, query=query, instance=instance_id, type=type_name)
        )

    def show_health(self) -> Raw:
        """Read the health of an Elasticsearch cluster (S4); its numbers are texts."""
        return t.cast(Raw, self._call("show_health", bare(_shapes.record({"status": _shapes.text}))))

    def list_instances_status(self) -> list[Raw]:
        """Read the status of the instances (S5): id, type, status, role."""
        return t.cast("list[Raw]", self._call("list_instances_status", bare(_shapes.list_of(_shapes.INSTANCE_STATUS))))

    # Firewall and certificate (section 2.16)

    def list_firewall_rules(self) -> list[Raw]:
        """List the firewall rules (F1); dedicated databases only."""
        return self._list("list_firewall_rules", "rules", check=_shapes.FIREWALL_RULE)

    def create_firewall_rule(self, rule: t.Mapping[str, t.Any]) -> Raw:
        """Create a firewall rule (F2) from type and cidr and label, or type and range_id; not repeatable."""
        return self._object("create_firewall_rule", "rule", _shapes.FIREWALL_RULE, dict(rule))

    def update_firewall_rule(self, rule_id: str, label: str) -> Raw:
        """Change the label of a firewall rule (F4)."""
        body = {"firewall_rule": {"label": label}}
        return self._object("update_firewall_rule", "rule", _shapes.FIREWALL_RULE, body, rule=rule_id)

    def delete_firewall_rule(self, rule_id: str) -> None:
        """Delete a firewall rule (F3)."""
        self._call("delete_firewall_rule", rule=rule_id)

    def list_managed_ranges(self) -> list[Raw]:
        """List the managed ranges (F5): id, name."""
        return self._list("list_managed_ranges", "ranges", check=_shapes.MANAGED_RANGE)

    def show_ca_certificate(self) -> str:
        """Return the CA certificate of the databases (C1) as PEM text."""
        return t.cast(str, self._call("show_ca_certificate", certificate))


# ---------------------------------------------------------------------------------------------------------------------
# Everything together


class Target:
    """The database meant by the options (docs/contract.md, sections 1.6 and 1.7). Lazy: a property may cost requests.

    Any of them raises NotFound (the app or the addon does not exist; the hint names what there is) or InvalidInput
    (more than one addon matches; a resource id was given).
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    @property
    def app(self) -> str | None:
        """The app as given; None with addon_id and addon_token alone."""
        return self._chain.settings.app

    @property
    def addon_id(self) -> str:
        """The addon's id; costs requests when a provider id was given and nothing is cached."""
        return self._chain.lookup().addon_id

    @property
    def known_addon_id(self) -> str | None:
        """The addon's id as far as it is known by now; never costs a request."""
        return None if self._chain.known is None else self._chain.known.addon_id

    def ready(self) -> None:
        """Have everything that a call of the database API needs: the addon and its token. Costs what is not known yet."""
        self._chain.addon_token()

    @property
    def engine(self) -> str | None:
        """The provider id without prefix, for example "mysql" or "postgresql-ng"; None with addon_token."""
        return self._chain.details().engine

    @property
    def resource_id(self) -> str | None:
        """The resource id, for example "shop_1234"; None with addon_token."""
        return self._chain.details().resource_id

    @property
    def protection(self) -> str:
        """Why its data must not leave without consent (docs/contract.md, section 7.10); "" when nothing says so."""
        for place in (self._chain.settings.region, self._chain.database_host):
            if "secnum" in place:
                return f"The database is in a region that is qualified as SecNumCloud ({place})"
        return "The database may hold data of health (HDS)" if self._chain.holds_health() else ""


class _Calls:
    """The calls of the chain, found through the client: the chain is made before the hosts' classes."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def exchange_token(self) -> tuple[str, float | None]:
        return self._client.auth.exchange_token()

    def list_regions(self) -> list[Raw]:
        return self._client.auth.list_regions()

    def list_addons(self, app: str) -> list[Raw]:
        return self._client.main.list_addons(app)

    def show_addon(self, app: str, addon_id: str) -> Raw:
        return self._client.main.show_addon(app, addon_id)

    def mint_addon_token(self, app: str, addon_id: str) -> tuple[Raw, float | None]:
        return self._client.main.mint_addon_token(app, addon_id)


def check_link(link: str) -> urllib.parse.SplitResult:
    """Return the parts of a link that the API handed out. Raises UnexpectedAnswer when it is none."""
    try:
        parts = urllib.parse.urlsplit(link)
        good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise UnexpectedAnswer("The API handed out something that is not a link")
    return parts


# What is shorter is masked in too many places to be read: a page number is no secret.
SHORTEST_SECRET = 8

LINK_ROUTE = Route(
    "read_link",
    "GET",
    "",
    safe=True,
    repeatable=True,
    role="link",
    doing="read what the link leads to",
    narrower=NARROWER["read_link"],
)


class CountingClock(Clock):
    """The clock that resources wait by: what they sleep counts as waited, like the pauses of the transport."""

    def __init__(self, clock: Clock, usage: Usage) -> None:
        self._clock = clock
        self._usage = usage

    def now(self) -> float:
        return self._clock.now()

    def wall(self) -> float:
        return self._clock.wall()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)
        self._usage.waited_seconds += max(seconds, 0.0)

    def random(self) -> float:
        return self._clock.random()


class Client:
    """Everything a resource needs: the three hosts, the target, the clock, and what it has cost."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        *,
        verbose: t.Callable[[str], None],
        clock: Clock,
        fresh_lookup: bool,
        beside: Client | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self.settings = settings
        self.watch = Watch(watcher, self.described)
        self.region = settings.region
        self.usage: Usage = Usage() if beside is None else beside.usage
        self.clock = CountingClock(clock, self.usage)
        store = (
            Store(clock=clock, verbose=verbose, enabled=settings.token_cache) if beside is None else beside.chain.store
        )
        # Limits that the user asks for hold for all tasks, also for those that keep their tokens to themselves. Nothing secret is shared.
        common = (
            store
            if settings.token_cache or not settings.limits_given
            else Store(clock=clock, verbose=lambda dummy: None)
        )
        self._common = common
        pace = cache_key("pace", settings.api_token or settings.addon_token, settings.auth)
        self.transport: Transport = (
            beside.transport
            if beside is not None
            else Transport(
                timeout=settings.timeout,
                retries=settings.retries,
                verify=settings.verify,
                clock=clock,
                usage=self.usage,
                secrets=secrets,
                verbose=verbose,
                pacing=SharedPacing(clock, common, pace, settings.requests_per_minute),
                flight=SharedFlight(clock, common, pace, settings.max_in_flight),
                watch=self.watch,
            )
        )
        self.chain: Chain = Chain(
            settings,
            _Calls(self),
            store=store,
            clock=clock,
            usage=self.usage,
            secrets=secrets,
            fresh_lookup=fresh_lookup,
            account=None if beside is None else beside.chain.account,
        )
        caller = Caller(self.transport, self.chain, self.described)
        self.auth: AuthApi = AuthApi(caller)
        self.main: MainApi = MainApi(caller)
        self.database: DatabaseApi = DatabaseApi(caller)
        self.target = Target(self.chain)
        self._kinds: dict[str, bool] | None = None

    @classmethod
    def from_params(
        cls,
        params: t.Mapping[str, t.Any],
        *,
        verbose: t.Callable[[str], None],
        secret: t.Callable[[str], None],
        clock: Clock | None = None,
        fresh_lookup: bool = False,
        target_needed: bool = True,
        beside: Client | None = None,
        watcher: Watcher | None = None,
    ) -> Client:
        """Check the connection and target options and build a client. Nothing is sent yet.

        Options read: api_token region api_url db_api_url auth_url api_timeout api_retries validate_certs ca_path
        token_cache app addon addon_id addon_token. ``verbose`` takes a line for -v; ``secret`` a value to be masked
        everywhere, before it is used. ``fresh_lookup`` ignores cached lookups of the target, not tokens.
        ``target_needed`` false: app and addon may be missing. ``beside``: another client of the same account, whose
        connections, pace, cache and bearer it shares; threads may use both at a time. ``watcher`` hears how waits go.

        Raises InvalidInput: an address, the region's form, a number, a token or the target options are wrong. That the
        region does not exist is found at the first request.
        """
        secrets = Secrets(secret) if beside is None else beside.transport.secrets
        settings = read_settings(params, secrets, verbose, target_needed)
        return cls(
            settings,
            secrets,
            verbose=verbose,
            clock=clock or Clock(),
            fresh_lookup=fresh_lookup,
            beside=beside,
            watcher=watcher,
        )

    def sign_in(self) -> None:
        """Have the bearer token that every other request of the account needs; at most one request."""
        self.chain.bearer()

    def described(self) -> str:
        """Return "addon mysql (ad-…) of app shop in osc-fr1", as far as known. Never sends a request."""
        known, settings = self.chain.known, self.settings
        parts = []
        if known is not None:
            parts.append(f"addon {known.engine} ({known.addon_id})" if known.engine else f"addon {known.addon_id}")
        elif settings.addon:
            parts.append(f"addon {settings.addon}")
        if settings.app:
            parts.append(f"of app {settings.app}" if parts else f"app {settings.app}")
        parts.append(f"in {self.region}" if parts else f"region {self.region}")
        return " ".join(parts)

    def known_target(self) -> tuple[str | None, str | None]:
        """Return app and addon id, as far as known; None for what is not. Never sends a request."""
        return self.settings.app, None if self.chain.known is None else self.chain.known.addon_id

    def kinds(self) -> dict[str, bool]:
        """Return every kind of addon that the platform has (A9), and whether it is in the category of databases. One request."""
        if self._kinds is None:
            self._kinds = {}
            for provider in self.main.list_addon_providers():
                category = (_shapes.or_none(provider.get("category")) or {}).get("name")
                self._kinds[kind_of(provider["id"])] = str(category).lower().startswith("database")
        return self._kinds

    def require_kind(self, addon: str | None, there: str) -> None:
        """Refuse what is neither an id nor a kind of addon: a slip is no absence. ``there`` says what the app has.

        Raises InvalidInput. Costs a request for a kind that this collection does not know.
        """
        if not addon or is_addon_id(addon) or kind_of(addon) in ENGINES:
            return
        if kind_of(addon) not in self.kinds():
            raise InvalidInput(f"the platform has no kind of addon called {addon}", hint=there)

    def use_addon(self, addon: Raw) -> None:
        """Take this addon for the target: the caller has just read it, or made it, so that nobody looks it up again."""
        self.chain.mean(addon)

    def forget_target(self) -> None:
        """Drop the target's token and lookup, in memory and in the cache: after the addon was destroyed."""
        self.chain.forget_target()

    def conceal(self, secret: str) -> str:
        """Have a value masked everywhere from now on, the result included; for a link, also what it carries. Returns it."""
        secrets = self.transport.secrets
        for dummy, value in urllib.parse.parse_qsl(urllib.parse.urlsplit(secret).query):
            if len(value) >= SHORTEST_SECRET:
                secrets.add(value)
        return secrets.add(secret)

    def close(self) -> None:
        """Close the connections and the store. What is needed again is opened again."""
        self.transport.close()
        self.chain.store.close()
        self._common.close()

    def open_link(self, route: Route, link: str, headers: t.Mapping[str, str]) -> Stream:
        """Open what a link leads to that the API handed out, with no Authorization; close what is returned.

        ``route`` has no path: it says what is being done. Any status may come; see Transport.open_stream.
        """
        try:
            check_link(link)
            return self.transport.open_stream(route, link, headers)
        except ScalingoError as error:
            error.about(doing=route.doing, subject=self.described())
            raise

    def read_link(self, link: str, query: t.Mapping[str, t.Any] | None = None) -> str:
        """Read a text behind a link that the API handed out (L1), with no Authorization; "" when 204 or 404."""
        try:
            parts = check_link(link)
            merged = {**dict(urllib.parse.parse_qsl(parts.query)), **(query or {})}
            base = f"{parts.scheme}://{parts.netloc}{parts.path}"
            answer = self.transport.send(LINK_ROUTE, base, auth=NoAuthorization(), query=merged)
            error = failure_of(LINK_ROUTE, answer)
            if error is not None and not isinstance(error, NotFound):
                raise error
            if error is None:
                answer.no_page()
        except ScalingoError as error:
            error.about(doing=LINK_ROUTE.doing, subject=self.described())
            raise
        return "" if error is not None or answer.status == 204 else answer.text
