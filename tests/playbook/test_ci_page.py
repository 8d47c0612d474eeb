# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page "Databases in a pipeline": each command of both pipelines is run, as its job would, with the exit code that the page states."""

from __future__ import annotations

import json
import shlex
import subprocess
import typing as t

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support.pages import Page
from support.playbook import Ansible
from support.shop import MYSQL

PAGE = Page("ci")
#: What only installs.
INSTALLS = ("python3 -m pip install -r requirements.txt", "ansible-galaxy collection install -r requirements.yml")
Jobs = dict[str, list[str]]


def github() -> Jobs:
    """The commands of each job, without those that install."""
    workflows = [yaml.safe_load(PAGE.files[f".github/workflows/{name}.yml"]) for name in ("databases", "drill")]
    jobs = {name: job for workflow in workflows for name, job in workflow["jobs"].items()}
    return {name: [step["run"] for step in job["steps"] if "run" in step] for name, job in jobs.items()}


def gitlab() -> Jobs:
    whole = yaml.safe_load(PAGE.files[".gitlab-ci.yml"])
    jobs = {name: job for name, job in whole.items() if "script" in job}
    return {
        name: [*whole.get(job.get("extends"), {}).get("before_script", []), *job["script"]]
        for name, job in jobs.items()
    }


def own(commands: t.Iterable[str]) -> list[str]:
    return [command for command in commands if command not in INSTALLS]


@pytest.fixture
def repository(ansible: Ansible) -> Ansible:
    for name, text in PAGE.files.items():
        path = ansible.working_directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return ansible


def status(ansible: Ansible, commands: t.Iterable[str], environment: dict[str, str] | None = None) -> list[int]:
    """The exit codes of the commands of a job; those of Ansible alone need no shell."""
    found = []
    for command in commands:
        program, *arguments = shlex.split(command)
        if program == "ansible-playbook":
            found.append(ansible._run(program, arguments, environment, 120).clean().returncode)
        else:
            done = subprocess.run(
                ["sh", "-e", "-c", command], cwd=ansible.working_directory, env=ansible.variables(environment), check=False,
            )  # fmt: skip
            found.append(done.returncode)
    return found


def test_both_forges_run_the_same() -> None:
    there, here = github(), gitlab()
    assert {name: own(there[name]) for name in ("check", "apply", "drill")} == {
        name: own(here[name]) for name in ("check", "apply", "drill")
    }
    assert own(there["night"]) == [
        *own(here["drift"]),
        *[line for line in here["report"][2:] if line != "mkdir -p reports"],
    ]
    for jobs in (there, here):
        # The runner of one's own has what it needs.
        assert all(list(INSTALLS) == commands[:2] for name, commands in jobs.items() if name != "drill")
    whole = yaml.safe_load(PAGE.files[".gitlab-ci.yml"])
    assert whole["drift"]["allow_failure"] == {"exit_codes": [3]}


def test_drift_is_told_from_what_could_not_be_read(repository: Ansible, sandbox: Sandbox) -> None:
    jobs = github()
    drift = own(jobs["night"])[0]
    written = repository.working_directory / "reports" / "drift.json"
    assert status(repository, [drift]) == [3]
    assert json.loads(written.read_text(encoding="utf-8"))["drifted"] == ["shop/mysql", "shop/postgresql"]
    # No old file is believed.
    assert status(repository, [drift], {"SCALINGO_API_TOKEN": "tk-us-revoked"}) == [2]
    found = json.loads(written.read_text(encoding="utf-8"))
    assert found["outcome"] == "failed" and "The API token is refused" in str(found["databases"])


@pytest.mark.long
def test_a_change_is_checked_reported_on_and_applied(repository: Ansible, sandbox: Sandbox) -> None:
    """The exit code of --check is 0 for any difference (ansible/ansible#32672)."""
    jobs = github()
    report = own(jobs["night"])[1]
    reports = repository.working_directory / "reports"
    assert status(repository, own(jobs["check"])) == [0]
    assert not [record for record in sandbox.unsafe() if record.role != "auth" and record.route != "A6"]
    reports.mkdir()
    assert status(repository, [report, report.replace("unreadable", "critical")]) == [0, 2]
    assert status(repository, [*own(jobs["apply"]), own(jobs["night"])[0]]) == [0, 0]
    assert {path.name for path in reports.iterdir()} == {"drift.json", "fleet.html", "fleet.json"}


@pytest.mark.long
def test_what_else_the_page_says_of_exit_codes(repository: Ansible, sandbox: Sandbox) -> None:
    jobs = github()
    (check,) = own(jobs["check"])
    drift = own(jobs["night"])[0]
    files = repository.working_directory
    assert status(repository, [drift, check], {"SCALINGO_API_TOKEN": ""}) == [2, 2]
    assert "api_token is missing" in (files / "reports" / "drift.json").read_text(encoding="utf-8")

    # One that drifted beside one that could not be read: that is a failure.
    sandbox.fault(match={"path": f"/api/databases/{MYSQL}"}, do="status", status=403, body={"error": "not here"})
    assert status(repository, [drift]) == [2]
    found = json.loads((files / "reports" / "drift.json").read_text(encoding="utf-8"))
    assert [found[name] for name in ("outcome", "drifted", "failed")] == ["failed", ["shop/postgresql"], ["shop/mysql"]]
    sandbox.clear_faults()

    declared = files / "databases.yml"
    text = declared.read_text(encoding="utf-8")
    declared.write_text(text.replace("{force-ssl: true}", "{force-ssl: false}"), encoding="utf-8")
    # What needs a consent is refused in a check, and differs in a comparison.
    assert status(repository, [check, drift]) == [2, 3]
    declared.write_text("{", encoding="utf-8")
    assert status(repository, [drift]) == [4]
    declared.unlink()
    assert status(repository, [drift]) == [1]
    assert not (files / "reports" / "drift.json").exists()
    assert status(repository, [drift.replace("sh drift.sh", "ansible-playbook --there-is-no-such-option")]) == [2]
