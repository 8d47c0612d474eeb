# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebook, run by ansible-rulebook, and its playbooks by themselves."""

from __future__ import annotations

import contextlib
import datetime
import http.server
import json
import re
import subprocess
import threading
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox import work
from scalingo_sandbox.testing import Sandbox
from support.pages import Page
from support.playbook import ROOT, Run
from support.programs import until
from support.rulebook import PROGRAMS, Rulebook, java
from support.watched import Watched, secrets_in

MYSQL = "ad-00000000-0000-4000-8000-000000000081"
POSTGRESQL = "ad-00000000-0000-4000-8000-000000000082"
SEED: dict[str, t.Any] = {
    "apps": [
        {
            "name": "shop",
            "addons": [
                {"provider": "mysql", "id": MYSQL, "resource_id": "shop_1", "database": {"backups": [{"method": "periodic", "age": 90000}]}},
                {"provider": "postgresql", "id": POSTGRESQL, "resource_id": "shop_2"},
            ],
        },
    ],
    "durations": {"backup": 1},
}  # fmt: skip
PAGE = Page("events")
SHELL = [line for text in PAGE.shell for line in text.splitlines()]
NAME = "shop_1 of the app shop in osc-fr1"
FEATURE = {
    "feature": "publicly-available",
    "addon_uuid": POSTGRESQL,
    "addon_provider_id": "postgresql",
    "addon_provider_name": "PostgreSQL",
}
CONTINUOUS = {"addon_name": "PostgreSQL", "addon_uuid": POSTGRESQL, "resource_id": "shop_2", "status": "wal_error"}
MAINTENANCE = {"addon_name": "MySQL", "maintenance_id": "64a440a6f18b3202f7ab4e01", "maintenance_type": "db-upgrade",
               "next_maintenance_window": "2026-12-24T21:00:00Z"}  # fmt: skip


#: What the platform calls otherwise than the collection.
CALLED = {"miss_database_maintenance": "database_maintenance_missed"}


def instant_of(date: str) -> str:
    """A date of the platform as the source has it."""
    return datetime.datetime.fromisoformat(date).astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def happens(sandbox: Sandbox, kind: str, data: t.Mapping[str, t.Any], age: float = 0) -> dict[str, t.Any]:
    """Let something happen to the app, and return the event as the rulebook passes it on."""
    world = sandbox.running.world
    with world.lock:
        app = world.apps[0]
        world.record_event(app, kind, dict(data), world.now() - age)
        event = app.events[-1]
        given = {
            "id": event.id,
            "type": CALLED.get(kind, kind),
            "region": app.region,
            "app": app.id,
            "created_at": instant_of(world.date(event.created_at)),
        }
        return given | ({"addon_id": data["addon_uuid"]} if "addon_uuid" in data else {})


def fails(sandbox: Sandbox, again: bool = False) -> None:
    """Let the daily backup fail, now, and perhaps the next one."""
    sandbox.outcome("backup", addon_id=MYSQL)
    world = sandbox.running.world
    with world.lock:
        addon = world.find_addon(MYSQL)
        assert addon is not None
        work.begin_backup(world, addon, "periodic")
    if again:
        sandbox.outcome("backup", addon_id=MYSQL)


def made(sandbox: Sandbox) -> int:
    """How many backups the account has begun."""
    return sum(record.route == "B2" for record in sandbox.unsafe())


def newest(sandbox: Sandbox) -> str:
    with sandbox.running.world.lock:
        sandbox.running.world.timeline.settle()
        addon = sandbox.running.world.find_addon(MYSQL)
        assert addon is not None
        return max(addon.database.backups, key=lambda backup: backup.created_at).status


def until_failed(sandbox: Sandbox, count: int) -> None:
    until(lambda: failures(sandbox) >= count, f"{count} failed backups")


def failures(sandbox: Sandbox) -> int:
    with sandbox.running.world.lock:
        sandbox.running.world.timeline.settle()
        return sum(event.type == "database_backup_failed" for event in sandbox.running.world.apps[0].events)


@pytest.fixture
def ansible(controller: t.Callable[[Sandbox], Watched], sandbox: Sandbox) -> Watched:
    return controller(sandbox)


def run(ansible: Watched, playbook: str, *options: str, **variables: t.Any) -> Run:
    imported = f"- ansible.builtin.import_playbook: community.scalingo.{playbook}\n"
    return ansible.play(imported, "-e", json.dumps(variables), *options)


def said(seen: Run) -> str:
    """What the job did about the database."""
    text = seen.ok().clean().result("Show what was done")["msg"]
    assert text.startswith(f"{NAME}: ")
    return str(text)


NOTICES = {
    "stale": ("database_continuousbackup_stale", CONTINUOUS, "database_continuousbackup_healthy", CONTINUOUS,
              "shop_2 (PostgreSQL) of the app shop in osc-fr1: the continuous backup is stale since"),
    "missed": ("miss_database_maintenance", MAINTENANCE, "complete_database_maintenance", MAINTENANCE,
               "(MySQL) of the app shop in osc-fr1: a maintenance (db-upgrade) was missed at"),
    "public": ("database/add_feature", FEATURE, "database/remove_feature", FEATURE,
               f"{POSTGRESQL} (PostgreSQL) of the app shop in osc-fr1: the feature publicly-available was switched on at"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTICES)
def test_there_is_no_notice_of_what_is_over(ansible: Watched, sandbox: Sandbox, name: str) -> None:
    kind, data, end, of_end, dummy = NOTICES[name]
    event = happens(sandbox, kind, data)
    happens(sandbox, end, of_end)
    seen = run(ansible, "notice", notice_event=event).ok().clean()
    assert seen.result("Show that it is over")["msg"].endswith("is over.")
    assert not [record for record in sandbox.unsafe() if record.role != "auth"]


def test_no_older_backup_is_deleted_for_a_new_one(ansible: Watched, sandbox: Sandbox, tmp_path: Path) -> None:
    seed = json.loads(json.dumps(SEED))
    seed["apps"][0]["addons"][0]["database"]["backups"] += [{"method": "manual", "age": 100000 + i} for i in range(10)]
    sandbox.reset(seed)
    fails(sandbox)
    until_failed(sandbox, 1)
    event = happens(
        sandbox, "database_backup_failed", {"addon_uuid": MYSQL, "resource_id": "shop_1", "backup_method": "periodic"}
    )
    tasks = tmp_path / "mail.yml"
    tasks.write_text("- name: Send it\n  ansible.builtin.debug:\n    var: scalingo_notice\n", encoding="utf-8")
    told = run(ansible, "failed_backup", failed_backup_event=event, scalingo_notice_tasks=str(tasks)).failed()
    notice = told.result("Fail with the notice")["msg"]
    assert notice.startswith(
        f"{NAME}: no new backup was created after one failed, as it would delete the oldest manual one"
    )
    assert notice.endswith("and allow: [eviction].")
    assert told.result("Send it")["scalingo_notice"] == notice
    # The hourly job does not say it again.
    assert "eviction" in said(run(ansible, "failed_backup"))
    assert made(sandbox) == 0


def test_the_hourly_job_makes_the_second_attempt_and_what_was_answered_stays_so(
    ansible: Watched, sandbox: Sandbox
) -> None:
    fails(sandbox, again=True)
    until_failed(sandbox, 1)
    event = happens(sandbox, "database_backup_failed", {"addon_uuid": MYSQL, "backup_method": "periodic"})
    assert "attempt 1 of 2" in said(run(ansible, "failed_backup", failed_backup_event=event))
    until_failed(sandbox, 3)
    assert "six hours after" in said(run(ansible, "failed_backup", failed_backup_regions="osc-fr1, osc-secnum-fr1"))
    sandbox.advance(6 * 3600)
    assert "attempt 2 of 2" in said(run(ansible, "failed_backup"))
    until(lambda: newest(sandbox) == "done", "the second new backup")
    assert "completed after" in said(run(ansible, "failed_backup", failed_backup_event=event))
    assert made(sandbox) == 2
    refused = run(ansible, "failed_backup", "--limit", "localhost").failed()
    assert "without it" in refused.result("Refuse a limit")["msg"]


def test_there_is_no_third_attempt_however_long_ago_the_others_were(ansible: Watched, sandbox: Sandbox) -> None:
    """Of the two, one is in the list of backups, and one is an event only."""
    seed = json.loads(json.dumps(SEED))
    seed["apps"][0]["addons"][0]["database"]["backups"].append({"method": "manual", "age": 50000, "status": "error"})
    sandbox.reset(seed)
    data = {"addon_uuid": MYSQL, "resource_id": "shop_1", "backup_id": "5c59a0a6f18b3202f7ab4e01"}
    with sandbox.running.world.lock:
        begun = sandbox.running.world.date(sandbox.running.world.now() - 40000)
    happens(sandbox, "database_backup_failed", {**data, "backup_method": "manual", "started_at": begun}, age=39000)
    event = happens(sandbox, "database_backup_failed", {**data, "backup_method": "periodic"})
    told = run(ansible, "failed_backup", failed_backup_event=event).failed().result("Fail with the notice")["msg"]
    assert told.startswith(f"{NAME}: the backup failed, and so did two new ones") and data["backup_id"] in told
    assert "The last completed backup began at 20" in told and "Next: " in told
    assert made(sandbox) == 0


class Chat(http.server.BaseHTTPRequestHandler):
    """Where notices are sent."""

    texts: t.ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.texts.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *dummy: t.Any) -> None:
        pass


@pytest.fixture
def chat() -> t.Iterator[str]:
    Chat.texts.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def start(tmp_path: Path, ansible: Watched, chat: str) -> t.Iterator[t.Callable[[], Rulebook]]:
    """Start it as the page says."""
    ansible.environment["CHAT_URL"] = chat
    for name in ("rulebook.yml", "send.yml"):
        (tmp_path / name).write_text(PAGE.files[name].replace("/srv/eda", str(tmp_path)), encoding="utf-8")
    with open(tmp_path / "rulebook.yml", "a", encoding="utf-8") as file:
        file.write("scalingo_interval: 0.2\n")
    (command,) = [line for line in SHELL if line.startswith("ansible-rulebook")]
    (tmp_path / "inventory").touch()
    cursor = tmp_path / "scalingo_events.json"
    with contextlib.ExitStack() as ends:

        def starting() -> Rulebook:
            rulebook = Rulebook(ansible, *command.split()[1:])
            ends.callback(rulebook.kill)
            # Without a cursor it begins with the first poll.
            rulebook.until(
                lambda: cursor.exists() and "osc-fr1" in cursor.read_text(encoding="utf-8"), "the first poll"
            )
            return rulebook

        yield starting


def test_a_backup_fails_again_and_again(sandbox: Sandbox, start: t.Callable[[], Rulebook], tmp_path: Path) -> None:
    """Two attempts, then the notice, and nothing is lost when ansible-rulebook is killed in the middle of an action."""
    harm = tmp_path / "harm"
    rulebook = start()
    assert {Path(path).is_relative_to(java()) for path in rulebook.libraries()} == {True}
    fails(sandbox, again=True)
    rulebook.until(lambda: any(record.route == "B1" for record in sandbox.log()), "the job of the event")
    rulebook.kill()

    # While nobody looks. Others end, and these did before. A text of the platform is never a template.
    harmful = {"error": "{{ lookup('ansible.builtin.pipe', 'touch %s') }}" % harm}
    for kind, data, end, of_end, dummy in NOTICES.values():
        happens(sandbox, end, of_end, age=3600)
        happens(sandbox, kind, {**data, **harmful})
        happens(sandbox, end, {**of_end, "addon_uuid": MYSQL, "maintenance_id": "64a440a6f18b3202f7ab4e02"})
    rulebook = start()
    for notice in NOTICES.values():
        rulebook.says(notice[-1])
    rulebook.until(lambda: failures(sandbox) == 2, "the failure of the first new backup")
    rulebook.says(f"{NAME}: the next backup is created six hours after the last")
    assert made(sandbox) == 1

    sandbox.advance(6 * 3600)
    fails(sandbox, again=True)
    rulebook.says(f"{NAME}: the backup failed, and so did two new ones")
    assert (made(sandbox), failures(sandbox)) == (2, 4)
    rulebook.until(lambda: len(Chat.texts) >= 4, "four notices")
    for sentence in [
        *(notice[-1] for notice in NOTICES.values()),
        f"{NAME}: the backup failed, and so did two new ones",
    ]:
        assert [text for text in Chat.texts if sentence in text], sentence
    assert not [record for record in sandbox.unsafe() if record.role != "auth" and record.route != "B2"]
    # It reads the exposure at each start.
    assert "2 databases: 2 notice." in rulebook.output
    assert not [word for word in ("Error calling action", "Traceback", "Source error") if word in rulebook.output]
    rulebook.kill()
    shown = {"the output": rulebook.output, "the arguments": str(rulebook.seen)}
    assert "received event" in shown["the output"] and "ansible-playbook" in shown["the arguments"]
    assert secrets_in(shown, sandbox) == {}
    assert harm.name in shown["the output"] and not harm.exists()


def test_the_page_and_the_rulebook_are_what_ansible_rulebook_and_ansible_builder_take(tmp_path: Path) -> None:
    assert not PAGE.plays
    wanted = (ROOT / "requirements" / "rulebook.in").read_text(encoding="utf-8").splitlines()
    packages = " ".join(line for line in wanted if line and not line.startswith("#"))
    given = ["touch inventory", "ansible-rulebook -r community.scalingo.databases -i inventory --vars rulebook.yml"]
    # The page says the lowest versions, too.
    assert f"    pip install {packages}\n" in re.sub(r"'|>=[0-9.]+", "", PAGE.text)
    # What is made of the definition is tested by scripts/check_artifact.
    definition = SHELL[2].split()[1].partition("/community/scalingo/")[2]
    assert (ROOT / definition).is_file()
    assert SHELL == [*given, SHELL[2], f"ansible-builder create -f {Path(definition).name}"]

    (tmp_path / "controller.yml").write_text(PAGE.files["rulebooks/controller.yml"], encoding="utf-8")
    question = "import sys, yaml; from ansible_rulebook.validators import Validate; [Validate.rulebook(yaml.safe_load(open(path))) for path in sys.argv[1:]]"
    paths = [tmp_path / "controller.yml", ROOT / "extensions" / "eda" / "rulebooks" / "databases.yml"]
    done = subprocess.run([PROGRAMS / "python", "-c", question, *paths], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

    # What the page's variables are called in the rulebook.
    head = paths[1].read_text(encoding="utf-8").split("\n- name:")[0]
    named = set(re.findall(r"\bscalingo_[a-z_]+", PAGE.text)) - {"scalingo_events", "scalingo_notice"}
    assert named and not [name for name in named if f"#   {name} " not in head]
