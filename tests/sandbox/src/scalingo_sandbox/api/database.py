# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database API: settings, features, upgrades, actions, versions, maintenance, status."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scalingo_sandbox import state, views, work
from scalingo_sandbox.api.main import refuse_busy
from scalingo_sandbox.api.routing import Answer, Call, Refusal, base_of, invalid, route
from scalingo_sandbox.catalog import KINDS, Kind, VersionTable
from scalingo_sandbox.engines import EngineError
from scalingo_sandbox.engines.base import Engine
from scalingo_sandbox.models import actions, base, database

# D1 and D2


@route("D1", "db", "GET", "/api/databases/{db}", safe=True)
def show_database(call: Call) -> database.DatabaseAnswer:
    """A database."""
    call.database.engine.reach()
    return views.database_answer(call.world, call.owner)


@route("D2", "db", "PATCH PUT", "/api/databases/{db}", safe=False, body=database.DatabaseUpdate)
def update_database(call: Call) -> database.DatabaseAnswer:
    """Settings of a database: backup schedule and maintenance window."""
    world, owner = call.world, call.owner
    if world.switch("busy_settings") == "refuse":
        refuse_busy(world, owner)
    given: database.DatabaseChanges = call.body.database
    item = owner.database
    change = given.maintenance_window
    if change is not None:
        alone = (change.weekday_utc is None) != (change.starting_hour_utc is None)
        if alone and world.switch("maintenance_window_alone") == "refuse":
            raise invalid(world, maintenance_window="needs weekday_utc and starting_hour_utc")
    if not item.kind.backups and (given.periodic_backups_enabled or given.periodic_backups_scheduled_at is not None):
        raise invalid(world, periodic_backups_enabled="is not available for this database")
    if given.periodic_backups_enabled is not None:
        item.periodic_backups_enabled = given.periodic_backups_enabled
    if given.periodic_backups_scheduled_at is not None:
        item.periodic_backups_scheduled_at = list(given.periodic_backups_scheduled_at)
    if change is not None:
        if change.weekday_utc is not None:
            item.window.weekday_utc = change.weekday_utc
        if change.starting_hour_utc is not None:
            item.window.starting_hour_utc = change.starting_hour_utc
    return views.database_answer(world, owner)


# D3: upgrade


@route(
    "D3",
    "db",
    "POST",
    "/api/databases/{db}/upgrade",
    safe=False,
    status=202,
    body=base.Empty,
    answer=database.UpgradeAnswer,
)
def upgrade_database(call: Call) -> Answer:
    """One step to the next version, in the background."""
    world, owner = call.world, call.owner
    refuse_busy(world, owner)
    if work.running_backup(owner.database) is not None:
        raise Refusal(409, {"error": "a backup is running"})
    target = work.next_version(world, owner.database)
    if target is None:
        status = int(world.switch("upgrade_unavailable"))
        text = "no upgrade is available"
        raise invalid(world, version=text) if status == 422 else Refusal(status, {"error": text})
    operation = work.begin_upgrade(world, owner, target)
    table = world.catalog.table(owner.kind)
    version = views.type_version(world, table, target)
    crosses = target.major != owner.database.engine.version().major
    named = world.switch("upgrade_operation") == "present"
    more = {"operation_id": operation.id} if named else {}
    answer = database.UpgradeAnswer(
        **more,
        message=f"Database upgrade to {target} is pending",
        id=version.id,
        build=target.build,
        major=target.major,
        minor=target.minor,
        patch=target.patch,
        release_number=table.versions.index(target) + 1,
        database_type_id=version.database_type_id,
        features=version.features,
        allowed_plugins=version.allowed_plugins if named else None,
        warning_message=f"{target.major} is a new major version" if crosses else "",
        maintenance_window=database.MaintenanceWindow.of(owner.database.window, world.date),
        created_at=version.created_at,
        updated_at=version.updated_at,
        deleted_at=None,
    )
    base = "".join(base_of(call))
    headers = {
        "operations": {"Location": f"{base}/operations/{operation.id}"},
        "nested": {"Location": f"{base}/databases/{owner.id}/operations/{operation.id}"},
        "missing": {},
    }[world.switch("upgrade_location")]
    return Answer(answer, headers=headers)


# D4 and D5: point in time


def _refuse_without_recovery(call: Call) -> None:
    if not call.owner.kind.point_in_time:
        raise Refusal(400, {"error": "point-in-time recovery is only available for PostgreSQL"})


@route("D4", "db", "POST", "/api/databases/{db}/pitr/restore", safe=False, status=201, body=database.RestorePoint)
def restore_point_in_time(call: Call) -> database.RestoreAnswer:
    """The database as it was at an instant, in the background."""
    world, owner = call.world, call.owner
    _refuse_without_recovery(call)
    refuse_busy(world, owner)
    instant = datetime.fromisoformat(call.body.restore_time).timestamp()
    earliest, latest = recovery_window(call)
    if earliest is None or latest is None:
        raise invalid(world, restore_time="cannot be reached: there is no base backup yet")
    if not earliest <= instant <= latest:
        raise invalid(world, restore_time="is outside of the recovery window")
    operation = work.begin_point_in_time_restore(world, owner, instant)
    if world.switch("pitr_answer") == "operation_id":
        return database.RestoreAnswer(operation_id=operation.id)
    return database.RestoreAnswer(operation=database.Operation.of(operation, world.date))


def recovery_window(call: Call) -> tuple[float | None, float | None]:
    item = call.owner.database
    if item.earliest_recoverable_at is None:
        return None, None
    latest = item.latest_recoverable_at or call.world.now() - 300
    earliest = max(item.earliest_recoverable_at, latest - call.owner.plan.recovery_days * 86400)
    return earliest, max(earliest, latest)


@route("D5", "db", "GET", "/api/databases/{db}/pitr/recovery_window", safe=True)
def show_recovery_window(call: Call) -> database.RecoveryWindowAnswer:
    """The first and the last instant that can be restored."""
    _refuse_without_recovery(call)
    earliest, latest = recovery_window(call)
    return database.RecoveryWindowAnswer(
        recovery_window=database.RecoveryWindow(
            earliest_recoverable_at=None if earliest is None else call.world.date(earliest),
            latest_recoverable_at=None if latest is None else call.world.date(latest),
        )
    )


# D6 and D7: features


@route("D6", "db", "POST", "/api/databases/{db}/features", safe=False, body=database.FeatureActivation)
def enable_feature(call: Call) -> database.FeatureAnswer:
    """A feature is being enabled."""
    world, owner = call.world, call.owner
    name = call.body.feature.name
    if name not in owner.kind.features:
        raise invalid(world, feature="is not available for this database")
    refuse_busy(world, owner)
    existing = owner.database.feature(name)
    if existing is not None and existing.status == "ACTIVATED":
        position = world.switch("feature_active")
        if position == "400":
            raise Refusal(400, {"error": f"feature '{name}' is already setup on this database"})
        if position == "422":
            raise invalid(world, feature="is already enabled")
        if position == "409":
            raise Refusal(409, {"error": f"{name} is already enabled"})
        return database.FeatureAnswer(name=name, status="ACTIVATED", message=f"{name} feature has been enabled")
    if existing is not None and existing.status.startswith("PENDING"):
        if existing.status == "PENDING_TO_REMOVE":
            raise Refusal(409, {"error": f"{name} is being disabled"})
        return database.FeatureAnswer(name=name, status=existing.status, message=f"{name} feature is being enabled")
    if name == "publicly-available":
        required = owner.database.feature("force-ssl")
        if required is None or required.status != "ACTIVATED":
            raise invalid(world, feature="publicly-available requires force-ssl to be enabled first")
    feature = work.enable_feature(world, owner, name)
    text = {"ACTIVATED": "has been enabled", "FAILED": "could not be enabled"}.get(feature.status, "is being enabled")
    return database.FeatureAnswer(name=name, status=feature.status, message=f"{name} feature {text}")


@route("D7", "db", "DELETE", "/api/databases/{db}/features", safe=False, query="feature!")
def disable_feature(call: Call) -> database.MessageAnswer:
    """A feature is being disabled. Its name is in the query."""
    world, owner = call.world, call.owner
    name = call.query.get("feature", "")
    if name not in owner.kind.features:
        raise invalid(world, feature="is not available for this database" if name else "can't be blank")
    refuse_busy(world, owner)
    feature = owner.database.feature(name)
    message = database.MessageAnswer(message=f"{name} feature has been disabled")
    if feature is None or feature.status == "DISABLED":
        position = world.switch("feature_inactive")
        if position == "accept":
            return message
        raise (
            invalid(world, feature="is not enabled")
            if position == "422"
            else Refusal(404, {"error": f"{name} is not enabled"})
        )
    if name == "force-ssl":
        public = owner.database.feature("publicly-available")
        if public is not None and public.status not in ("FAILED", "DISABLED"):
            raise invalid(world, feature="force-ssl is required by publicly-available")
    if feature.status != "PENDING_TO_REMOVE":
        work.disable_feature(world, owner, feature)
    return message


# D8: actions


class ActionRefused(Exception):
    """The action failed before it reached the engine."""


def _checked_params(action: actions.ActionModel, params: Any) -> Any:
    if action.params is None:
        if params not in (None, {}):
            raise ActionRefused(f"{action.name} takes no params")
        return None
    adapter: TypeAdapter[Any] = TypeAdapter(action.params)
    try:
        return adapter.validate_python(params, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "params"
        raise ActionRefused(f"{place}: {first['msg']}") from error


def _query(call: Call, item: Any) -> actions.Query:
    world = call.world
    return actions.Query(
        query=item.query,
        state=item.state,
        username=item.username,
        query_start=world.date(item.started),
        pid=item.pid,
        query_duration=int((world.now() - item.started) * 1_000_000_000),
    )


def _version(call: Call, text: str) -> str:
    return f"v{text}" if call.world.switch("extension_version") == "v" else text


def _logical(item: Any) -> actions.LogicalDatabase:
    return actions.LogicalDatabase(name=item.name, protected=item.protected)


def _statements(call: Call, engine: Engine) -> list[actions.Statement]:
    renamed = {"std_dev": "stddev_time"} if call.world.switch("statement_routes") == "on" else {}
    return [
        actions.Statement(**{renamed.get(name, name): value for name, value in item.items()})
        for item in engine.list_statements()
    ]


def _policies(engine: Engine) -> list[actions.RetentionPolicy]:
    return [
        actions.RetentionPolicy(name=item.name, duration=item.duration, default=item.default)
        for item in engine.list_retention_policies()
    ]


def _extensions(call: Call, engine: Engine) -> list[actions.Extension]:
    return [
        actions.Extension(name=item.name, version=_version(call, item.version)) for item in engine.list_extensions()
    ]


Performer = Callable[[Call, Engine, Any], Any]

PERFORMERS: dict[str, Performer] = {
    "list-databases": lambda call, engine, params: [_logical(item) for item in engine.list_databases()],
    "create-database": lambda call, engine, params: _logical(engine.create_database(params.database_name)),
    "delete-database": lambda call, engine, params: engine.delete_database(params.database_name),
    "reset-database": lambda call, engine, params: engine.reset_database(params.database_name),
    "get-sqlmode": lambda call, engine, params: engine.sql_mode(),
    "set-sqlmode": lambda call, engine, params: engine.set_sql_mode(params),
    "list-extensions": lambda call, engine, params: _extensions(call, engine),
    "pg-list-queries": lambda call, engine, params: [_query(call, item) for item in engine.list_queries()],
    "pg-cancel-query": lambda call, engine, params: engine.cancel_query(params.pid),
    "pg-terminate-query": lambda call, engine, params: engine.terminate_query(params.pid),
    "pg-stat-statements-enable": lambda call, engine, params: engine.enable_statements(),
    "pg-stat-statements-reset": lambda call, engine, params: engine.reset_statements(),
    "pg-stat-statements-list": lambda call, engine, params: _statements(call, engine),
    "list-retention-policies": lambda call, engine, params: _policies(engine),
    "add-retention-policy": lambda call, engine, params: engine.add_retention_policy(
        params.name, params.duration, bool(params.default)
    ),
    "del-retention-policy": lambda call, engine, params: engine.delete_retention_policy(params.name),
}
"""One action each: its result in models."""


@route("D8", "db", "POST", "/api/databases/{db}/action", safe=False, body=actions.Action, answer=actions.ActionAnswer)
def run_action(call: Call) -> Answer:
    """An action on the running database."""
    given: actions.Action = call.body
    return _acted(call, given)


def _acted(call: Call, given: actions.Action) -> Answer:
    owner = call.owner
    action = actions.ACTIONS.get(given.action_name)
    try:
        if action is None:
            raise ActionRefused(f"unknown action {given.action_name}")
        if owner.kind.provider not in action.engines:
            raise ActionRefused(f"{action.name} is not available for {owner.kind.type_name}")
        params = _checked_params(action, given.params)
        if not action.safe:
            refuse_busy(call.world, owner)
        if owner.database.status in ("creating", "stopped"):
            raise ActionRefused(f"the database is {owner.database.status}")
        outcome = call.world.take_outcome(owner, f"action:{action.name}") or call.world.take_outcome(owner, "action")
        if outcome is not None:
            raise ActionRefused(outcome.error)
        result = actions.checked_result(action, PERFORMERS[action.name](call, owner.database.engine, params))
    except (ActionRefused, EngineError) as error:
        failure = actions.ActionFailure(ok=0, error=str(error))
        return Answer(actions.ActionAnswer(failure), status=int(call.world.switch("action_failure")))
    if result == [] and call.world.switch("empty_lists") == "null":
        result = None
    if result is None and action.name.startswith("pg-stat") and call.world.switch("statement_routes") == "on":
        result = {}
    return Answer(actions.ActionAnswer(actions.ActionSuccess(ok=1, result=result)))


def _statistics(number: str, name: str, action: str, safe: bool = False) -> None:
    """A route of its own for what an action does: docs/contract.md section 2.8."""

    def run(call: Call) -> Answer:
        return _acted(call, actions.Action(action_name=action))

    run.__name__, run.__doc__ = name, f"The action {action}, as a route."
    route(
        number,
        "db",
        "POST",
        f"/api/databases/{{db}}/{name}",
        safe=safe,
        only="statement_routes=on",
        body=base.Empty,
        answer=actions.ActionAnswer,
    )(run)


_statistics("D15", "postgresql_stat_statements_enable", "pg-stat-statements-enable")
_statistics("D16", "postgresql_stat_statements_reset", "pg-stat-statements-reset")
_statistics("D17", "postgresql_stat_statements_list", "pg-stat-statements-list", safe=True)


@route(
    "D18",
    "db",
    "POST",
    "/api/databases/{db}/postgresql_reset_stats",
    safe=False,
    only="statement_routes=on",
    body=base.Empty,
    answer=actions.ActionAnswer,
)
def reset_statistics(call: Call) -> Answer:
    """Statistics of the server begin anew: nothing of them is kept here."""
    refuse_busy(call.world, call.owner)
    return Answer(actions.ActionAnswer(actions.ActionSuccess(ok=1, result={})))


# D9 and D10: operations


@route("D9", "db", "GET", "/api/databases/{db}/operations/{operation}", safe=True)
def show_operation(call: Call) -> database.OperationAnswer:
    """An operation of a database, below the database."""
    operation = call.database.operations.get(call.path["operation"])
    if operation is None:
        raise Refusal(404, {"error": "Operation not found"})
    return database.OperationAnswer(operation=database.Operation.of(operation, call.world.date))


@route("D10", "db", "GET", "/api/operations/{operation}", safe=True)
def show_operation_alone(call: Call) -> database.OperationAnswer:
    """An operation of a database, by its identifier alone."""
    for addon in reachable(call):
        operation = addon.database.operations.get(call.path["operation"])
        if operation is not None:
            refuse_foreign(call, addon)
            return database.OperationAnswer(operation=database.Operation.of(operation, call.world.date))
    raise Refusal(404, {"error": "Operation not found"})


def reachable(call: Call) -> list[state.Addon]:
    return call.world.addons_of(call.region)


def refuse_foreign(call: Call, addon: state.Addon) -> None:
    """The token of one addon does not open what belongs to another."""
    if call.role == "db" and call.caller != addon.id:
        raise foreign(call)


def foreign(call: Call) -> Refusal:
    status = int(call.world.switch("foreign_token"))
    text = {401: "unauthorized", 403: "forbidden", 404: "Database not found"}[status]
    return Refusal(status, {"error": text})


# D11 to D14


@route("D11", "db", "GET", "/api/databases/{db}/plan", safe=True, dashboard=True)
def show_database_plan(call: Call) -> database.DatabasePlanAnswer:
    """The plan of a database."""
    return database.DatabasePlanAnswer(plan=views.database_plan(call.world, call.database.plan, call.database.kind))


@route("D12", "db", "GET", "/api/plans/{plan}", safe=True, query="type!", dashboard=True)
def show_plan(call: Call) -> database.DatabasePlanAnswer:
    """A plan by its name and the type of database."""
    name = call.query.get("type", "")
    for kind in _kinds(name):
        plan = call.world.catalog.plan(kind.provider, call.path["plan"])
        if plan is not None:
            return database.DatabasePlanAnswer(plan=views.database_plan(call.world, plan, kind))
    raise Refusal(404, {"error": "Plan not found"})


def _kinds(name: str) -> list[Kind]:
    return [kind for kind in KINDS.values() if name in (kind.type_name, kind.provider)]


@route("D13", "db", "POST", "/api/databases/{db}/ping", safe=True, dashboard=True, body=base.Empty)
def ping_database(call: Call) -> database.PingAnswer:
    """Whether the database answers."""
    if call.database.status in ("creating", "stopped"):
        raise Refusal(409, {"error": f"the database is {call.database.status}"})
    return database.PingAnswer(ping="pong")


@route("D14", "db", "GET", "/api/databases/{db}/lag", safe=True, dashboard=True)
def show_lag(call: Call) -> database.LagAnswer:
    """How far the followers are behind."""
    return database.LagAnswer(lag=call.database.lag)


# types and versions


@route("T1", "db", "GET", "/api/database_types", safe=True, dashboard=True)
def list_types(call: Call) -> database.DatabaseTypesAnswer:
    """The types of databases."""
    tables = call.world.catalog.tables.values()
    return database.DatabaseTypesAnswer(
        database_types=[views.database_type(call.world, table.kind) for table in tables]
    )


def _type(call: Call) -> VersionTable:
    for table in call.world.catalog.tables.values():
        if table.kind.type_id == call.path["type"]:
            return table
    raise Refusal(404, {"error": "Database type not found"})


@route("T2", "db", "GET", "/api/database_types/{type}", safe=True, dashboard=True)
def show_type(call: Call) -> database.DatabaseTypeAnswer:
    """One type of database."""
    return database.DatabaseTypeAnswer(database_type=views.database_type(call.world, _type(call).kind))


@route("T4", "db", "GET", "/api/database_types/{type}/versions", safe=True, only="type_versions=on")
def list_type_versions(call: Call) -> database.DatabaseTypeVersionsAnswer:
    """The versions of one type."""
    table = _type(call)
    versions = [views.type_version(call.world, table, item) for item in table.versions]
    return database.DatabaseTypeVersionsAnswer(database_type_versions=versions)


@route("T3", "db", "GET", "/api/database_type_versions/{version}", safe=True)
def show_type_version(call: Call) -> database.DatabaseTypeVersionAnswer:
    """One version, and the one after it."""
    found = call.world.catalog.version_owner(call.path["version"])
    if found is None:
        raise Refusal(404, {"error": "Database type version not found"})
    return database.DatabaseTypeVersionAnswer(database_type_version=views.type_version(call.world, *found))


route(
    "T3",
    "db",
    "GET",
    "/api/database_type_version/{version}",
    access="addon",
    safe=True,
    only="deprecated_paths=on",
)(show_type_version)


# maintenance


@route("M1", "db", "GET", "/api/databases/{db}/maintenance", safe=True, query="page per_page")
def list_maintenance(call: Call) -> database.MaintenancesAnswer:
    """The maintenance of a database, past and to come, in pages."""
    world, item = call.world, call.database
    try:
        page, number, per_page = views.page_of(item.maintenance, call.query)
    except views.PageRefused as error:
        raise invalid(world, **{str(error): "is not a number above 0"}) from error
    return database.MaintenancesAnswer(
        maintenance=[database.Maintenance.of(entry, world.date, database_id=item.id) for entry in page],
        meta=views.meta(world, len(item.maintenance), number, per_page),
    )


route("M1", "db", "GET", "/api/databases/{db}/maintenances", access="addon", safe=True, only="deprecated_paths=on")(
    list_maintenance
)


@route("M2", "db", "GET", "/api/databases/{db}/maintenance/{maintenance}", safe=True)
def show_maintenance(call: Call) -> database.MaintenanceAnswer:
    """One maintenance."""
    item = call.database
    for entry in item.maintenance:
        if entry.id == call.path["maintenance"]:
            shown = database.Maintenance.of(entry, call.world.date, database_id=item.id)
            if call.world.switch("maintenance_root") == "rooted":
                return database.MaintenanceAnswer(database.RootedMaintenance(maintenance=shown))
            return database.MaintenanceAnswer(shown)
    raise Refusal(404, {"error": "Maintenance not found"})


# status and metrics


@route("S1", "db", "GET", "/api/databases/{db}/metrics", safe=True)
def show_metrics(call: Call) -> database.MetricsAnswer:
    """Metrics of now."""
    return views.metrics(call.world, call.database)


def _series(call: Call) -> database.SeriesAnswer:
    name = call.path["type"]
    if name not in ("cpu", "memory", "swap", "disk", "diskio"):
        raise Refusal(404, {"error": "Metric not found"})
    since = call.query.get("since", "3")
    if not re.fullmatch(r"[1-9][0-9]{0,3}", since):
        raise invalid(call.world, since="is not a number of hours")
    return views.series(call.world, call.database, name, int(since), call.query.get("last") == "true")


@route("S2", "db", "GET", "/api/databases/{db}/metrics/{type}", safe=True, query="since last", dashboard=True)
def show_series(call: Call) -> database.SeriesAnswer:
    """A metric of the last hours."""
    return _series(call)


@route("S3", "db", "GET", "/api/databases/{db}/instances/{instance}/metrics/{type}", safe=True, query="since last")
def show_instance_series(call: Call) -> database.SeriesAnswer:
    """A metric of one instance of the last hours."""
    if all(instance.id != call.path["instance"] for instance in call.database.instances):
        raise Refusal(404, {"error": "Instance not found"})
    return _series(call)


@route("S4", "db", "GET", "/api/databases/{db}/health", safe=True)
def show_health(call: Call) -> database.HealthAnswer:
    """Health of an Elasticsearch database."""
    item = call.database
    if not item.kind.health:
        raise Refusal(400, {"error": "health is only available for Elasticsearch"})
    numbers: dict[str, Any] = {"epoch": int(call.world.now()), "shards": 141, "pending_tasks": 0}
    if call.world.switch("health_numbers") == "strings":
        numbers = {name: str(value) for name, value in numbers.items()}
    return database.HealthAnswer.model_validate({"status": item.health, "cluster": call.owner.resource_id, **numbers})


@route("S5", "db", "GET", "/api/databases/{db}/instances_status", safe=True)
def show_instances_status(call: Call) -> database.InstancesStatusAnswer:
    """Status and role of every instance."""
    world, item = call.world, call.database
    return database.InstancesStatusAnswer(
        [
            database.InstanceStatus.of(
                entry,
                world.date,
                type=views.instance_type(world, entry),
                status=views.instance_status(item, entry),
                role=views.role(world, entry),
            )
            for entry in item.instances
        ]
    )
