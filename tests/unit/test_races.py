# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What others do between the reading and the change: the plan that was made then must still hold when it is sent.

A race is one answer that comes late: another run, or the platform, acts between a request of the task and the next one.
"""

from __future__ import annotations

import importlib
import types
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.laboratory import FollowingClock
from support.meanwhile import Act, Moment, meanwhile
from support.port import Report, perform
from support.scripted import addon

MYSQL: dict[str, t.Any] = {"app": "shop", "addon": "mysql"}
POSTGRESQL: dict[str, t.Any] = {"app": "shop", "addon": "postgresql"}
REDIS: dict[str, t.Any] = {"app": "shop", "addon": "redis"}
SEED = {
    "apps": [
        {
            "name": "shop",
            "addons": [
                {
                    "provider": "mysql",
                    "resource_id": "shop_1",
                    "database": {"logical_databases": ["stock"], "users": ["reporting"]},
                },
                {
                    "provider": "postgresql",
                    "resource_id": "shop_2",
                    "database": {
                        "version": "16.8.0-1",
                        "recoverable": True,
                        "backups": [{"age": 3600}],
                        "created": 864000,
                    },
                },
            ],
        },
    ],
}


class Stage:
    """Runs modules against a sandbox, and lets others act right after a request of the first one was answered."""

    def __init__(self, sandbox: Sandbox, home: Path) -> None:
        self.sandbox = sandbox
        self.home = home
        self.clock = FollowingClock(sandbox)
        self._acts: list[tuple[str, bool, Act]] = []

    def choose(self, moment: Moment) -> Act | None:
        due = self._acts and self._acts[0][:2] == (moment.name, moment.answered)
        return self._acts.pop(0)[2] if due else None

    def after(self, route: str, act: Act) -> None:
        """Once the next request of a route is answered, in the order of these calls."""
        self._acts.append((route, True, act))

    def before(self, route: str, act: Act) -> None:
        """When the next request of a route is about to be sent, and nothing can be asked any more."""
        self._acts.append((route, False, act))

    def run(self, module: str, arguments: t.Mapping[str, t.Any], **more: t.Any) -> Report:
        acts, self._acts = self._acts, []
        try:
            return self._perform(module, {**arguments, **more})
        finally:
            self._acts = acts

    def race(self, module: str, arguments: t.Mapping[str, t.Any], **more: t.Any) -> Report:
        """The run that the others race with."""
        report = self._perform(module, {**arguments, **more})
        assert not self._acts, f"nobody acted: {self._acts}"
        return report

    def _perform(self, module: str, arguments: t.Mapping[str, t.Any]) -> Report:
        found: types.ModuleType = importlib.import_module(
            "ansible_collections.community.scalingo.plugins.modules." + module
        )
        given = {**self.sandbox.params(), **arguments}
        return perform(found, given, home=self.home, clock=self.clock, no_log=True)

    def addon(self, provider: str, app: str = "shop") -> dict[str, t.Any]:
        found = next(item for item in self.sandbox.state()["apps"] if item["name"] == app)["addons"]
        return t.cast("dict[str, t.Any]", next(item for item in found if item["provider"] == provider))

    def sent(self, route: str) -> int:
        return sum(1 for record in self.sandbox.unsafe() if route in (record.route, record.action_name))


@pytest.fixture(scope="module")
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(seed=SEED) as running:
        yield running


@pytest.fixture
def stage(sandbox: Sandbox, tmp_path: Path) -> t.Iterator[Stage]:
    sandbox.reset()
    sandbox.clear_faults()
    sandbox.clear_log()
    found = Stage(sandbox, tmp_path)
    with meanwhile(found.choose):
        yield found


def fine(report: Report) -> Report:
    assert not report.failed, report.message
    return report


# -- upgrades: the call has no target, and cannot be undone ----------------------------------------------------------


@pytest.mark.parametrize("to", ["latest_minor", "next", "16"])
@pytest.mark.parametrize("wait", [True, False])
def test_two_upgrades_at_a_time_are_one(stage: Stage, to: str, wait: bool) -> None:
    """The other one has finished, or is running when this one is refused: it is never sent again after that."""
    stage.after("D1", lambda: fine(stage.run("scalingo_database_upgrade", POSTGRESQL, to=to, wait=wait)))
    report = fine(stage.race("scalingo_database_upgrade", POSTGRESQL, to=to))
    assert (report.changed, report.result["steps"], report.result["path"]) == (False, [], [])
    assert report.result["database"]["readable_version"] == "16.10.0-1"
    assert any("Another was quicker" in text for text in report.warnings)


def test_an_upgrade_that_begins_at_the_last_moment_is_not_followed_by_a_second_one(stage: Stage) -> None:
    """409, although the reading right before showed an idle database."""
    stage.before("D3", lambda: fine(stage.run("scalingo_database_upgrade", POSTGRESQL, wait=False)))
    report = fine(stage.race("scalingo_database_upgrade", POSTGRESQL))
    assert report.changed is False and report.result["database"]["readable_version"] == "16.10.0-1"


def test_a_database_that_went_further_is_left_alone(stage: Stage) -> None:
    stage.after("D1", lambda: fine(stage.run("scalingo_database_upgrade", POSTGRESQL, to="17.6.0-1", allow=["major"])))
    report = stage.race("scalingo_database_upgrade", POSTGRESQL)
    assert report.failed and report.changed is False
    assert (
        "the database is at 17.6.0-1 by now, and its next version is not 16.10.0-1 as it was planned" in report.message
    )


# -- operations: ours by type and ID ---------------------------------------------------------------------------------


@pytest.mark.parametrize("what", [{"restore_time": "window"}, {"backup_id": "newest"}])
def test_a_restoration_that_never_took_place_is_not_reported_as_done(stage: Stage, what: dict[str, str]) -> None:
    """The call is lost before its work, and another run upgrades before anybody looks."""
    if "restore_time" in what:
        window = stage.run("scalingo_recovery_window_info", POSTGRESQL).result["recovery_windows"][0]
        arguments, route = {"restore_time": window["latest_recoverable_at"]}, "D4"
    else:
        arguments, route = {"backup_id": stage.run("scalingo_backup_info", POSTGRESQL).result["backups"][0]["id"]}, "B6"
    stage.sandbox.fault(match={"route": route}, times=1, do="drop_before")
    stage.before(route, lambda: fine(stage.run("scalingo_database_upgrade", POSTGRESQL, wait=False)))
    report = stage.race("scalingo_database_restore", POSTGRESQL, confirm="shop_2", **arguments)
    assert report.failed and report.kind == "OutcomeUnknown" and report.changed, "it may have been done"
    assert "does not show it" in report.message and stage.sent(route) == 1


@pytest.mark.parametrize("wait", [True, False])
def test_a_lost_restoration_that_took_place_is_followed_by_its_operation(stage: Stage, wait: bool) -> None:
    window = stage.run("scalingo_recovery_window_info", POSTGRESQL).result["recovery_windows"][0]
    stage.sandbox.fault(match={"route": "D4"}, times=1, do="drop_after")
    report = fine(
        stage.run(
            "scalingo_database_restore",
            POSTGRESQL,
            confirm="shop_2",
            restore_time=window["latest_recoverable_at"],
            wait=wait,
        )
    )
    assert report.changed and stage.sent("D4") == 1
    assert not wait or report.result["operation"]["type"] == "pitr_restore"


def test_a_lost_upgrade_is_not_ours_when_something_else_runs(stage: Stage) -> None:
    window = stage.run("scalingo_recovery_window_info", POSTGRESQL).result["recovery_windows"][0]
    moment = window["latest_recoverable_at"]
    stage.sandbox.fault(match={"route": "D3"}, times=1, do="drop_before")
    stage.before(
        "D3",
        lambda: fine(
            stage.run("scalingo_database_restore", POSTGRESQL, confirm="shop_2", restore_time=moment, wait=False)
        ),
    )
    report = stage.race("scalingo_database_upgrade", POSTGRESQL)
    assert report.failed and report.kind == "OutcomeUnknown" and report.changed


def test_a_time_that_left_the_window_while_the_task_waited_is_refused(stage: Stage) -> None:
    """Another restoration began a new timeline: what was in the window before is not any more."""
    window = stage.run("scalingo_recovery_window_info", POSTGRESQL).result["recovery_windows"][0]
    moment = window["latest_recoverable_at"]
    stage.before(
        "D4",
        lambda: fine(
            stage.run("scalingo_database_restore", POSTGRESQL, confirm="shop_2", restore_time=moment, wait=False)
        ),
    )
    report = stage.race("scalingo_database_restore", POSTGRESQL, confirm="shop_2", restore_time=moment)
    assert report.failed and report.changed is False and "outside the recovery window" in report.message
    assert stage.sent("D4") == 2, "theirs, and ours that was refused"


# -- provisioning: what is made twice is paid twice ------------------------------------------------------------------


def test_a_second_one_is_named_by_the_task_that_made_it(stage: Stage) -> None:
    wanted = {**REDIS, "plan": "redis-starter-512"}
    theirs: list[str] = []
    stage.before("A3", lambda: theirs.append(fine(stage.run("scalingo_addon", wanted)).result["addon"]["id"]))
    report = stage.race("scalingo_addon", wanted)
    assert report.failed and report.changed and stage.sent("A3") == 2
    ours = report.result["addon_id"]
    assert f"this task made {ours}, and another run made {theirs[0]} at the same time" in report.message
    assert ours != theirs[0]


def test_one_that_may_still_appear_is_not_to_be_made_again_blindly(stage: Stage) -> None:
    """The gateway gave up, and the list does not show yet what the platform is making."""
    stage.sandbox.fault(match={"route": "A3"}, times=1, do="status", status=504, body={"error": "gateway timeout"})
    report = stage.run("scalingo_addon", REDIS, plan="redis-starter-512")
    assert report.failed and report.kind == "OutcomeUnknown" and report.changed and stage.sent("A3") == 1
    assert "does not show it. It may still appear: look before you run the task again" in report.message


def test_one_that_was_made_although_the_gateway_gave_up_is_taken(stage: Stage) -> None:
    stage.sandbox.fault(match={"route": "A3"}, times=1, do="replace", status=504, body={"error": "gateway timeout"})
    report = fine(stage.run("scalingo_addon", REDIS, plan="redis-starter-512"))
    assert report.changed and stage.sent("A3") == 1 and report.result["addon"]["status"] == "running"


@pytest.mark.parametrize("name", ["reporting", "nobody1"])
def test_a_deletion_that_is_answered_with_404_is_settled_by_a_reading(stage: Stage, name: str) -> None:
    """404 alone does not tell what was deleted before from what was never there, or from a page of a proxy."""
    stage.sandbox.fault(match={"route": "U5"}, times=1, do="status", status=404, body={"error": "not found"})
    report = stage.run("scalingo_database_user", MYSQL, name=name, state="absent")
    if name == "reporting":
        assert report.failed and report.kind == "NotFound" and report.changed is False, "it is still there"
    else:
        assert fine(report).changed is False and stage.sent("U5") == 0


def test_what_is_not_known_yet_right_after_provisioning_is_waited_for(stage: Stage) -> None:
    for route in ("A6", "D1"):
        stage.sandbox.fault(
            match={"route": route, "app": "shop"},
            times=2,
            do="status",
            status=404,
            body={"error": "Database not found"},
        )
    report = fine(stage.run("scalingo_addon", REDIS, plan="redis-starter-512"))
    assert report.changed and report.result["addon"]["status"] == "running"


# -- an effect that is there is no failure ---------------------------------------------------------------------------

PUBLIC = {"features": {"force-ssl": True, "publicly-available": True}, "allow": ["exposure"]}


@pytest.mark.parametrize("status", [None, 502, 503, 504])
def test_the_repeat_of_a_lost_answer_meets_what_it_did(stage: Stage, status: int | None) -> None:
    """Repeated blindly, the call would be refused: the feature is on already."""
    stage.sandbox.durations(feature=0)
    if status is None:
        stage.sandbox.fault(match={"route": "D6"}, times=1, do="drop_after")
    else:
        stage.sandbox.fault(match={"route": "D6"}, times=1, do="replace", status=status, body={"error": "bad gateway"})
    report = fine(stage.run("scalingo_database", MYSQL, **PUBLIC))
    assert report.changed and report.result["steps"] == [
        "enable the feature force-ssl",
        "enable the feature publicly-available",
    ]
    assert [item["name"] for item in stage.addon("mysql")["database"]["features"]] == [
        "force-ssl",
        "publicly-available",
    ]


def test_a_lost_call_that_works_late_is_still_ours(stage: Stage) -> None:
    """The reading before the repeat does not show it yet, and the repeat is refused because of it."""
    addon_id = stage.sandbox.addon_id("shop", "mysql")
    stage.sandbox.fault(match={"route": "D6"}, times=1, do="drop_before")
    stage.after("D1", lambda: None)
    stage.after("D1", lambda: stage.sandbox.change_database(addon_id, features={"force-ssl": "ACTIVATED"}))
    report = fine(stage.race("scalingo_database", MYSQL, features={"force-ssl": True}))
    assert report.changed and report.result["steps"] == ["enable the feature force-ssl"]
    assert stage.sent("D6") == 2 and not report.warnings


def test_what_another_enabled_first_is_not_ours_and_no_failure(stage: Stage) -> None:
    addon_id = stage.sandbox.addon_id("shop", "mysql")
    stage.after("D1", lambda: stage.sandbox.change_database(addon_id, features={"force-ssl": "ACTIVATED"}))
    report = fine(stage.race("scalingo_database", MYSQL, **PUBLIC))
    assert report.changed and report.result["steps"] == ["enable the feature publicly-available"]
    assert any("feature 'force-ssl' is already setup on this database" in text for text in report.warnings)


def test_a_refusal_with_no_effect_stays_one(stage: Stage) -> None:
    stage.sandbox.fault(
        match={"route": "D6"}, times=1, do="status", status=400, body={"error": "no more features today"}
    )
    report = stage.run("scalingo_database", MYSQL, features={"force-ssl": True})
    assert report.failed and report.changed is False and "no more features today" in report.message


def test_the_password_of_a_user_that_another_made_is_left_alone(stage: Stage) -> None:
    passwords: list[str] = []
    stage.after(
        "U1",
        lambda: passwords.append(
            fine(stage.run("scalingo_database_user", MYSQL, name="analyst")).result["user"]["password"]
        ),
    )
    report = fine(stage.race("scalingo_database_user", MYSQL, name="analyst"))
    assert report.changed is False and report.result["user"]["password"] is None and passwords[0]
    assert stage.sent("U4") == 0


# -- the plan is compared before each late call ----------------------------------------------------------------------

LIMITED = {"do": "plain", "times": 1}


def test_a_deletion_that_waited_for_the_rate_limit_looks_again(stage: Stage) -> None:
    """Another run deleted it meanwhile and made a new one of that name for the default: what was read then is gone."""
    stage.sandbox.fault(match={"action_name": "delete-database"}, **LIMITED)
    listed = {"ok": 1, "result": [{"name": "shop_1", "protected": True}, {"name": "stock", "protected": True}]}
    stage.before(
        "delete-database",
        lambda: stage.sandbox.fault(match={"action_name": "list-databases"}, do="replace", body=listed, times=1),
    )
    report = stage.race("scalingo_logical_db", MYSQL, names=["shop_1"], exclusive=True, allow=["mass_removal"])
    assert report.failed and report.changed is False and stage.sent("delete-database") == 1
    assert "the database was changed after this task had read it, and the plan does not hold any more" in report.message


def test_what_another_deleted_during_the_rate_limit_is_not_deleted_again(stage: Stage) -> None:
    stage.sandbox.fault(match={"action_name": "delete-database"}, **LIMITED)
    # The wait itself passes at once, so the other run acts when the task has been refused and before it looks again.
    stage.before("delete-database", lambda: None)
    stage.before("list-databases", lambda: fine(stage.run("scalingo_logical_db", MYSQL, name="stock", state="absent")))
    report = fine(stage.race("scalingo_logical_db", MYSQL, name="stock", state="absent"))
    assert report.changed is False and stage.sent("delete-database") == 2


def test_a_second_change_of_a_task_that_waited_for_the_first_looks_again(stage: Stage) -> None:
    """publicly-available waits for force-ssl; meanwhile somebody enables it too."""
    addon_id = stage.sandbox.addon_id("shop", "mysql")
    both = {"force-ssl": "ACTIVATED", "publicly-available": "ACTIVATED"}
    stage.before("D6", lambda: None)
    stage.after("D1", lambda: None)
    stage.after("D1", lambda: stage.sandbox.change_database(addon_id, features=both))
    report = fine(stage.race("scalingo_database", MYSQL, **PUBLIC))
    assert report.result["steps"] == ["enable the feature force-ssl"] and stage.sent("D6") == 1


def test_what_does_not_wait_is_sent_at_once(stage: Stage) -> None:
    fine(stage.run("scalingo_logical_db", MYSQL, name="first"))
    stage.sandbox.clear_log()
    report = fine(stage.run("scalingo_logical_db", MYSQL, names=["orders", "invoices"]))
    assert report.result["api_usage"]["requests"] == 4, "read, two changes, read back"


# -- waiting for what has no end ---------------------------------------------------------------------------------------


STOPPED = {
    "settings": ("scalingo_database", {"periodic_backups_scheduled_at": [3]}),
    "a feature": ("scalingo_database", {"features": {"force-ssl": True}}),
    "an upgrade": ("scalingo_database_upgrade", {}),
    "a backup": ("scalingo_backup", {}),
    "a restoration": ("scalingo_database_restore", {"confirm": "shop_2"}),
}


# A backup looks at no database before: with `fail` the platform's own refusal is all there is.
@pytest.mark.parametrize(
    ("name", "on_busy"),
    [(name, on) for name in STOPPED for on in ("wait", "fail") if name != "a backup" or on == "wait"],
)
def test_a_database_that_is_stopped_is_not_waited_for(stage: Stage, name: str, on_busy: str) -> None:
    module, arguments = STOPPED[name]
    if "confirm" in arguments:
        arguments = {**arguments, "backup_id": stage.run("scalingo_backup_info", POSTGRESQL).result["backups"][0]["id"]}
    stage.sandbox.change_database(
        stage.sandbox.addon_id("shop", "postgresql"), status="stopped", addon_status="suspended"
    )
    report = stage.run(module, POSTGRESQL, **arguments, on_busy=on_busy)
    assert report.failed and report.changed is False and stage.clock.ahead == 0
    assert "he database is stopped, and no operation is running that would start it" in report.message
    assert "resume: true" in report.message and "on_busy" not in report.message


def test_a_feature_of_a_database_that_stops_is_not_waited_for(stage: Stage) -> None:
    addon_id = stage.sandbox.addon_id("shop", "mysql")
    stage.after("D6", lambda: stage.sandbox.change_database(addon_id, status="stopped"))
    report = stage.race("scalingo_database", MYSQL, features={"force-ssl": True})
    assert report.failed and report.changed and stage.clock.ahead == 0 and "resume: true" in report.message


def test_an_upgrade_after_which_the_database_is_stopped_ends_soon(stage: Stage) -> None:
    addon_id = stage.sandbox.addon_id("shop", "postgresql")

    def stop() -> None:
        stage.sandbox.end_operation(addon_id)
        stage.sandbox.change_database(addon_id, status="stopped")

    stage.after("D3", stop)
    report = stage.race("scalingo_database_upgrade", POSTGRESQL)
    assert report.failed and report.changed and stage.clock.ahead < 120 and "the database is stopped" in report.message


def test_an_addon_that_is_resumed_and_stays_suspended_is_told_soon(stage: Stage) -> None:
    stage.sandbox.change_database(stage.sandbox.addon_id("shop", "mysql"), status="stopped", addon_status="suspended")
    stage.sandbox.fault(match={"route": "A8"}, do="status", status=201, body={"addon": addon(status="suspended")})
    report = stage.run("scalingo_addon", MYSQL, resume=True)
    assert report.failed and report.changed and stage.clock.ahead < 120 and "is suspended" in report.message


def test_a_lost_resumption_is_looked_for(stage: Stage) -> None:
    stage.sandbox.change_database(stage.sandbox.addon_id("shop", "mysql"), status="stopped", addon_status="suspended")
    stage.sandbox.fault(match={"route": "A8"}, times=1, do="drop_after")
    report = fine(stage.run("scalingo_addon", MYSQL, resume=True))
    assert report.changed and report.result["addon"]["status"] == "running" and stage.sent("A8") == 1


# -- what must not be lost with a failure ----------------------------------------------------------------------------


@pytest.mark.parametrize("reset", [False, True])
def test_generated_passwords_survive_the_failure_of_a_later_user(stage: Stage, reset: bool) -> None:
    stage.sandbox.fault(
        match={"route": "U4" if reset else "U2"},
        after=1,
        do="status",
        status=422,
        body={"errors": {"name": ["is reserved"]}},
    )
    names = ["reporting", "analyst"]
    if reset:
        fine(stage.run("scalingo_database_user", MYSQL, name="analyst", password="p" * 30))
    else:
        names = ["writers", "readers"]
    users = [{"name": name} for name in names]
    report = stage.run("scalingo_database_user", MYSQL, users=users, reset_password=reset)
    assert report.failed and report.changed
    assert [(user["name"], bool(user["password"])) for user in report.result["users"]] == [(names[0], True)]
    assert report.result["users"][0]["password"] not in report.message


def test_a_failure_without_generated_passwords_returns_no_users(stage: Stage) -> None:
    stage.sandbox.fault(match={"route": "U2"}, do="status", status=422, body={"errors": {"name": ["is reserved"]}})
    report = stage.run("scalingo_database_user", MYSQL, name="writers")
    assert report.failed and "user" not in report.result and "users" not in report.result
