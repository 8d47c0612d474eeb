# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to databases: provisioning, plan changes, upgrades, features, backups, restorations."""

from __future__ import annotations

import math
from collections.abc import Callable

from scalingo_sandbox.catalog import Plan, Version
from scalingo_sandbox.clock import moment
from scalingo_sandbox.engines.base import EngineError
from scalingo_sandbox.identifiers import fresh_hexadecimal
from scalingo_sandbox.state import (
    Addon,
    Backup,
    Database,
    Feature,
    Maintenance,
    Operation,
    Outcome,
    Restoration,
    backup_name,
)
from scalingo_sandbox.world import World

HOUR, DAY = 3600.0, 86400.0


def is_busy(database: Database) -> bool:
    return database.current_operation_id is not None or database.status != "running"


def running_backup(database: Database) -> Backup | None:
    waiting = ("scheduled", "pending", "queued", "creating", "running")
    return next((backup for backup in database.backups if backup.status in waiting), None)


# operations


def begin_operation(
    world: World,
    addon: Addon,
    name: str,
    seconds: float,
    status: str,
    finish: Callable[[], None],
) -> Operation:
    """Start something that takes a while; finish is called when it succeeds."""
    database = addon.database
    operation = Operation(fresh_hexadecimal(), name, world.now())
    database.operations[operation.id] = operation
    database.current_operation_id = operation.id
    database.status = status
    outcome = world.take_outcome(addon, name)
    world.write_log(addon, f"{name} is being started")

    def start() -> None:
        if operation.status == "pending":
            operation.status = "running"

    def end() -> None:
        if operation.finished_at is None:
            end_operation(world, addon, operation, finish, outcome)

    world.timeline.after(seconds * 0.1, start)
    if outcome is None or outcome.outcome != "stay":
        world.timeline.after(seconds, end)
    return operation


def end_operation(
    world: World,
    addon: Addon,
    operation: Operation,
    finish: Callable[[], None] | None = None,
    outcome: Outcome | None = None,
) -> None:
    """End an operation, well or as an outcome says."""
    database = addon.database
    operation.finished_at = world.now()
    if outcome is None and finish is not None:
        try:
            finish()
        except EngineError as error:
            outcome = Outcome("fail", str(error))
    if outcome is None:
        operation.status = world.switch("operation_final")
    else:
        operation.status = "user-error" if outcome.outcome == "user-error" else "error"
        operation.error = outcome.error
    world.write_log(addon, f"{operation.type} has ended: {operation.status}")
    if database.current_operation_id == operation.id:
        database.current_operation_id = None
        database.status = "running"
        if operation.type == "plan" and addon.status == "provisioning":
            addon.status = "running"
    if world.switch("operations_kept") == "no":
        database.operations.pop(operation.id, None)


# provisioning and plans


def finish_provisioning(world: World, addon: Addon) -> None:
    if addon.status == "provisioning":
        addon.status = "running"
        addon.updated_at = world.now()
        if addon.database.status == "creating":
            addon.database.status = "running"
        world.write_log(addon, "ready to accept connections")
        plan_base_backup(world, addon)
        world.record_event(
            world.app_of(addon),
            "addon_updated",
            {
                "addon_id": addon.id,
                "addon_plan_name": addon.plan.name,
                "addon_resource_id": addon.resource_id,
                "addon_provider_id": addon.kind.provider,
                "addon_provider_name": addon.kind.display_name,
                "status": ["provisioning", "running"],
                "attributes_changed": ["status"],
            },
        )


def plan_base_backup(world: World, addon: Addon) -> None:
    """Nothing can be restored to a point in time before the first base backup is there."""
    if not addon.kind.point_in_time:
        return
    addon.database.earliest_recoverable_at = addon.database.latest_recoverable_at = None

    def finish() -> None:
        if addon.database.earliest_recoverable_at is None:
            addon.database.earliest_recoverable_at = world.now()

    world.timeline.after(world.durations.base_backup, finish)


def begin_provisioning(world: World, addon: Addon) -> None:
    addon.status = "provisioning"
    addon.database.status = "creating"
    outcome = world.take_outcome(addon, "provisioning")

    def finish() -> None:
        if any(addon in app.addons for app in world.apps):
            finish_provisioning(world, addon)

    if outcome is None:
        world.timeline.after(world.durations.provisioning, finish)


def begin_plan_change(world: World, addon: Addon, plan: Plan) -> None:
    old = addon.plan
    addon.plan = plan
    addon.provisioned_at = addon.updated_at = world.now()

    addon.status = world.switch("addon_updating")

    def finish() -> None:
        addon.database.plan = plan

    begin_operation(world, addon, "plan", world.durations.plan, "updating", finish)
    world.addon_event(addon, "upgrade_addon", old_plan_name=old.name, new_plan_name=plan.name)


def resume(world: World, addon: Addon) -> None:
    if addon.status == "suspended":
        addon.status = "running"
        addon.database.status = "running"
        addon.updated_at = world.now()
        world.addon_event(addon, "resume_addon")


# versions


def next_version(world: World, database: Database) -> Version | None:
    return world.catalog.table(database.kind).following(database.engine.version())


def begin_upgrade(world: World, addon: Addon, target: Version) -> Operation:
    old = addon.database.engine.version()

    def finish() -> None:
        addon.database.engine.upgrade(target)
        if target.major != old.major:
            plan_base_backup(world, addon)
        data = {"addon_name": addon.kind.display_name, "old_version": str(old), "new_version": str(target)}
        world.record_event(world.app_of(addon), "upgrade_database", data)

    return begin_operation(world, addon, "upgrade", world.lasts(addon, "upgrade"), "upgrading", finish)


# features


def _feature_event(world: World, addon: Addon, name: str, event: str) -> None:
    data = {
        "feature": name,
        "addon_provider_id": addon.kind.provider,
        "addon_provider_name": addon.kind.display_name,
        "addon_uuid": addon.id,
        "remote_ip": "127.0.0.1",
    }
    world.record_event(world.app_of(addon), event, data)


def enable_feature(world: World, addon: Addon, name: str) -> Feature:
    database = addon.database
    feature = database.feature(name)
    if feature is None:
        feature = Feature(name, "")
        database.features.append(feature)
    feature.status = world.switch("feature_pending")
    current = feature
    outcome = world.take_outcome(addon, f"feature:{name}") or world.take_outcome(addon, "feature")
    pending = feature.status

    def finish() -> None:
        if current.status == pending and current in database.features:
            current.status = "ACTIVATED" if outcome is None else "FAILED"
            world.apply_encryption(addon)

    if outcome is None or outcome.outcome != "stay":
        if world.durations.feature == 0:
            finish()
        else:
            world.timeline.after(world.durations.feature, finish)
    _feature_event(world, addon, name, "database/add_feature")
    return feature


def disable_feature(world: World, addon: Addon, feature: Feature) -> None:
    database = addon.database
    feature.status = "PENDING_TO_REMOVE"
    outcome = world.take_outcome(addon, f"feature:{feature.name}") or world.take_outcome(addon, "feature")

    def finish() -> None:
        if feature.status == "PENDING_TO_REMOVE" and feature in database.features:
            if outcome is None and world.switch("feature_disabled") == "DISABLED":
                feature.status = "DISABLED"
            elif outcome is None:
                database.features.remove(feature)
            else:
                feature.status = "ACTIVATED"
            world.apply_encryption(addon)

    if outcome is None or outcome.outcome != "stay":
        if world.durations.feature == 0:
            finish()
        else:
            world.timeline.after(world.durations.feature, finish)
    _feature_event(world, addon, feature.name, "database/remove_feature")


# backups


def begin_backup(world: World, addon: Addon, method: str) -> Backup:
    database = addon.database
    created = world.now()
    backup = Backup(
        id=fresh_hexadecimal(),
        name=backup_name(created, addon.resource_id),
        created_at=created,
        method=method,
        status=world.switch("backup_first_status"),
    )
    database.backups.append(backup)
    outcome = world.take_outcome(addon, "backup")

    def start() -> None:
        backup.status = "running"
        backup.started_at = world.now()

    def finish() -> None:
        if backup.status != "running":
            return
        if outcome is None:
            try:
                backup.files = database.engine.dump()
                backup.status = "done"
                evict(database, method)
            except EngineError as error:
                backup.status = "error"
                world.write_log(addon, f"the backup failed: {error}")
        else:
            backup.status = "cancelled" if outcome.outcome == "cancel" else "error"
        data = {
            "addon_uuid": addon.id,
            "addon_name": addon.kind.display_name,
            "resource_id": addon.resource_id,
            "backup_method": method,
            "backup_id": backup.id,
            "backup_status": backup.status,
            "started_at": world.date(backup.started_at or created),
            "ended_at": world.date(world.now()),
        }
        name = "database_backup_succeeded" if backup.status == "done" else "database_backup_failed"
        world.record_event(world.app_of(addon), name, data)

    world.timeline.after(world.lasts(addon, "backup") * 0.2, start)
    if outcome is None or outcome.outcome != "stay":
        world.timeline.after(world.lasts(addon, "backup"), finish)
    return backup


def evict(database: Database, method: str) -> None:
    """Backups beyond what the plan keeps go, the oldest first. Of the daily ones some stay by week and month."""
    ended = sorted(
        (backup for backup in database.backups if backup.method == method and backup.status in ("done", "error")),
        key=lambda backup: -backup.created_at,
    )
    plan = database.plan
    if method == "manual":
        kept = ended[: plan.manual_backups]
    else:
        kept = ended[: plan.daily_backups]
        weekly = [backup for backup in ended if moment(backup.created_at).weekday() == 6]
        monthly = [backup for backup in ended if moment(backup.created_at).day == 1]
        kept += weekly[: plan.weekly_backups] + monthly[: plan.monthly_backups]
    for backup in ended:
        if backup not in kept:
            database.backups.remove(backup)


def begin_hours(world: World) -> None:
    """At every full hour the daily backups that are due begin, if the switch says so."""
    timeline = world.timeline

    def hour() -> None:
        if world.timeline is not timeline:
            return
        number = moment(world.now()).hour
        for app in world.apps:
            for addon in app.addons:
                database = addon.database
                due = database.periodic_backups_enabled and number in database.periodic_backups_scheduled_at
                if due and world.switch("scheduled_backups") == "on" and not is_busy(database):
                    begin_backup(world, addon, "periodic")
        timeline.after(HOUR, hour)

    now = timeline.now()
    timeline.after(math.floor(now / HOUR) * HOUR + HOUR - now, hour)


def begin_restoration(world: World, addon: Addon, backup: Backup) -> Restoration:
    restoration = Restoration(fresh_hexadecimal(), backup.id, world.now())
    addon.database.restorations[restoration.id] = restoration

    def finish() -> None:
        addon.database.engine.restore(backup.files)

    shown = world.switch("restore_shown")
    operation = begin_operation(world, addon, "restore", world.durations.restore, shown, finish)

    def start() -> None:
        restoration.status = "running"
        restoration.started_at = world.now()

    def follow() -> None:
        if operation.finished_at is not None:
            restoration.status = "error" if operation.error else "done"
            restoration.ended_at = world.now()

    world.timeline.after(world.durations.restore * 0.1, start)
    world.timeline.after(world.durations.restore, follow)
    return restoration


def begin_point_in_time_restore(world: World, addon: Addon, instant: float) -> Operation:
    def finish() -> None:
        addon.database.engine.restore_to(instant)
        # a new timeline: nothing before this restore can be reached any more
        addon.database.earliest_recoverable_at = world.now()
        addon.database.latest_recoverable_at = None

    return begin_operation(world, addon, "pitr_restore", world.durations.restore, world.switch("restore_shown"), finish)


# maintenance


def _maintenance_event(world: World, addon: Addon, item: Maintenance, name: str, at: float | None) -> None:
    data = {
        "addon_name": addon.kind.display_name,
        "maintenance_id": item.id,
        "maintenance_type": item.type,
        "maintenance_window_in_hours": addon.database.window.duration_in_hour,
        "next_maintenance_window": world.date(next_window(addon.database, world.now())),
    }
    world.record_event(world.app_of(addon), name, data, at)


def next_window(database: Database, now: float) -> float:
    """When the next maintenance window opens. 0 is Sunday."""
    midnight = math.floor(now / DAY) * DAY
    today = (moment(now).weekday() + 1) % 7
    days = (database.window.weekday_utc - today) % 7
    opening = midnight + days * DAY + database.window.starting_hour_utc * HOUR
    return opening if opening > now else opening + 7 * DAY


def announce_maintenance(world: World, addon: Addon, item: Maintenance) -> None:
    """The events of a maintenance that a seed brings along."""
    if item.status in ("scheduled", "notified", "queued"):
        _maintenance_event(world, addon, item, "plan_database_maintenance", None)
    if item.started_at is not None:
        _maintenance_event(world, addon, item, "start_database_maintenance", item.started_at)
    if item.ended_at is not None:
        _maintenance_event(world, addon, item, "complete_database_maintenance", item.ended_at)


def plan_maintenance(world: World, addon: Addon, item: Maintenance, seconds: float) -> None:
    """A maintenance that takes its course: notified a day before, running, done."""
    database = addon.database

    def notify() -> None:
        if item.status == "scheduled":
            item.status = "notified"

    def start() -> None:
        if item.status not in ("scheduled", "notified", "queued"):
            return
        if is_busy(database):
            item.status = "cancelled"
            _maintenance_event(world, addon, item, "miss_database_maintenance", None)
            return
        item.status, item.started_at, database.status = "running", world.now(), "migrating"
        _maintenance_event(world, addon, item, "start_database_maintenance", None)
        world.timeline.after(world.durations.maintenance, finish)

    def finish() -> None:
        item.status, item.ended_at = "done", world.now()
        if database.status == "migrating":
            database.status = "running"
        _maintenance_event(world, addon, item, "complete_database_maintenance", None)

    world.timeline.after(max(0.0, seconds - DAY), notify)
    world.timeline.after(seconds, start)
