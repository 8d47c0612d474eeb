# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential type of AWX, and the playbooks as its job templates.

AWX's own code makes variables of a credential, ansible-runner runs the playbook with these and no others of ours, and what AWX
would show of the job is read from the runner's events. Only the container is missing: what is below /runner there is in the
directory of the job here.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import jinja2
import jinja2.sandbox
import pytest
import regopy
import yaml
from ansible_collections.community.scalingo.plugins.module_utils import _options, _settings
from awx_plugins.interfaces import _temporary_private_inject_api as awx
from awx_plugins.interfaces._temporary_private_api import Credential, ManagedCredentialType
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.awx import TOKEN, Controller, launched, of_answer, of_rule, of_survey
from support.pages import Page
from support.playbook import ROOT, Ansible, Run
from support.real import DURATIONS
from support.watched import ISSUED

DESCRIBED: dict[str, t.Any] = yaml.safe_load(
    (ROOT / "playbooks" / "controller" / "credential_type.yml").read_text(encoding="utf-8")
)
TYPE = ManagedCredentialType(
    "scalingo", DESCRIBED["name"], DESCRIBED["kind"], DESCRIBED["inputs"], DESCRIBED["injectors"]
)
HERE = ROOT / "extensions" / "awx"
PAGE = Page("awx")
#: The job templates by their playbooks, and their surveys.
TEMPLATES: dict[str, dict[str, t.Any]] = {
    template["playbook"]: template
    for template in yaml.safe_load((ROOT / "playbooks" / "controller" / "templates.yml").read_text(encoding="utf-8"))[
        "scalingo_awx_templates"
    ]
}
SURVEYS: dict[str, list[dict[str, t.Any]]] = yaml.safe_load(
    (ROOT / "playbooks" / "controller" / "surveys.yml").read_text(encoding="utf-8")
)["scalingo_awx_surveys"]
#: What AWX sets for every job, whatever its credentials.
OF_EVERY_JOB = {
    "ANSIBLE_FORCE_COLOR": "True", "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_PARAMIKO_RECORD_HOST_KEYS": "False", "ANSIBLE_RETRY_FILES_ENABLED": "False", "MAX_EVENT_RES": "700000",
    "JOB_ID": "7", "INVENTORY_ID": "1",
}  # fmt: skip
#: Playbooks that show the collection, or that others import: none of them is a job template.
NOT_JOBS = ("awx", "demo", "every_module", "hosts")
#: Of those that need variables, one is enough every time.
WITHOUT_VARIABLES = "upgrade"
PLAYBOOKS = sorted(
    path.stem
    for path in (ROOT / "playbooks").glob("*.yml")
    if path.stem not in NOT_JOBS and not path.name.endswith(".meta.yml")
)

#: What rules of Event-Driven Ansible start: tests/roles/test_rulebook.py runs them.
ANSWERS = ("failed_backup", "notice")

API_TOKEN = "tk-us-CanaryOfTheJob0123456789abcdefghijklmn"
PASSWORD = "CanaryOfTheUser0123456789"
MYSQL = "ad-00000000-0000-4000-8000-000000000071"
SEED: dict[str, t.Any] = {
    "user": {"api_token": API_TOKEN},
    "apps": [
        {
            "name": "shop",
            "addons": [
                {
                    "provider": "mysql", "id": MYSQL, "resource_id": "shop_1001",
                    "database": {"version": "8.0.40-1", "logical_databases": ["orders"], "users": ["reporting"]},
                },
            ],
        },
        {"name": "vault", "region": "osc-secnum-fr1", "addons": [{"provider": "redis", "resource_id": "vault_1002"}]},
        {
            "name": "ledger",
            "addons": [
                {
                    "provider": "postgresql", "resource_id": "ledger_1003",
                    "database": {"version": "16.4.0-1", "backups": [{"method": "manual", "age": 3600}]},
                },
            ],
        },
    ],
    "durations": {**DURATIONS, "backup": 1, "upgrade": 1},
}  # fmt: skip
TOKENS = ("A6", "auth-exchange")


#: The inventory of a template that needs none: AWX gives it as the output of a program.
LOCALHOST = json.dumps(
    {
        "all": {"hosts": ["localhost"]},
        "_meta": {"hostvars": {"localhost": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}}},
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def running() -> t.Iterator[Sandbox]:
    # Its certificate is one that nobody trusts of himself.
    with Sandbox(SEED, speed=10, tls=True) as sandbox:
        yield sandbox


def written(sandbox: Sandbox) -> list[str]:
    return [record.action_name or record.route for record in sandbox.unsafe() if record.route not in TOKENS]


def credential(sandbox: Sandbox, **more: str) -> dict[str, str]:
    """A credential as somebody fills it in: the region is left empty, and the addresses come from the authentication API."""
    authority = Path(str(sandbox.ca_path)).read_text(encoding="ascii")
    return {
        "api_token": sandbox.api_token,
        "region": "",
        "auth_url": sandbox.auth_url,
        "ca_certificates": authority,
        **more,
    }


class Unsafe(yaml.SafeDumper):
    """Texts as AWX writes those of surveys and of whoever starts a job: never a template."""

    def represent_data(self, data: t.Any) -> yaml.Node:
        return self.represent_scalar("!unsafe", data) if isinstance(data, str) else super().represent_data(data)


@dataclasses.dataclass(frozen=True)
class Job:
    """A job that has ended, as AWX would show it."""

    status: str
    returncode: int
    output: str
    events: list[dict[str, t.Any]]
    environment: dict[str, t.Any]

    @property
    def artifacts(self) -> dict[str, t.Any]:
        (stats,) = [event["event_data"] for event in self.events if event["event"] == "playbook_on_stats"]
        found: dict[str, t.Any] = stats["artifact_data"]
        return found

    @property
    def shown(self) -> str:
        return json.dumps(self.events) + self.output + json.dumps(self.environment)


class Automation:
    """A place that runs jobs. Collections are where an execution environment has them, and nothing of the surroundings counts."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.home = directory / "home"
        link = self.home / ".ansible" / "collections" / "ansible_collections" / "community" / "scalingo"
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT, target_is_directory=True)
        self.surroundings = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
            "HOME": str(self.home), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        self._number = 0

    def tokens(self) -> list[str]:
        """The tokens that jobs have left in the cache of the collection, for the next ones."""
        texts = [
            path.read_text(encoding="utf-8") for path in (self.home / ".cache" / "community.scalingo").glob("*.json")
        ]
        found = [str(value) for text in texts for name, value in json.loads(text).items() if "token" in name]
        assert len(found) >= 2, texts
        return found

    def inject(self, inputs: t.Mapping[str, str], **more: str) -> tuple[Path, dict[str, t.Any], dict[str, t.Any]]:
        """The directory of a job, its variables, and those that AWX shows. They hold nothing that the credential did not bring."""
        self._number += 1
        private = self.directory / (f"job-{self._number}")
        for name in ("env", "inventory", "project"):
            (private / name).mkdir(parents=True)
        environment, shown, arguments = dict(more), dict(more), []
        awx.inject_credential(TYPE, Credential(dict(inputs)), environment, shown, arguments, str(private))
        assert arguments == []
        inside = {name: re.sub("^/runner/", f"{private}/", value) for name, value in environment.items()}
        return private, inside, shown

    def inventory(self, inputs: t.Mapping[str, str]) -> str:
        """What the source of the inventory in the project gives."""
        private, environment, dummy = self.inject(inputs, INVENTORY_UPDATE_ID="3")
        path = private / "project" / "scalingo_databases.yml"
        (private / "project" / "group_vars").mkdir()
        (private / "project" / "group_vars" / "engine_postgresql.yml").write_text(
            "declared: beside it\n", encoding="utf-8"
        )
        path.write_text((HERE / "project" / path.name).read_text(encoding="utf-8"), encoding="utf-8")
        done = subprocess.run(
            ["ansible-inventory", "-i", str(path), "--list", "--export"],
            cwd=private, env={**self.surroundings, **environment, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0 and API_TOKEN not in done.stdout + done.stderr, done.stderr
        return done.stdout

    def start(
        self,
        playbook: str,
        inputs: t.Mapping[str, str],
        answers: dict[str, t.Any],
        *options: str,
        inventory: str = "",
        **more: t.Any,
    ) -> Job:
        """Start the job template of a playbook with these answers. `more` are other variables of the template."""
        described = {
            name: value.replace("{{ scalingo_awx_directory }}", str(self.directory))
            for name, value in TEMPLATES[playbook].get("variables", {}).items()
        }
        return self.run(
            playbook, inputs, launched({**described, **more}, SURVEYS[playbook], answers), *options, inventory=inventory
        )

    def run(
        self,
        playbook: str,
        inputs: t.Mapping[str, str],
        variables: t.Mapping[str, t.Any],
        *options: str,
        inventory: str = "",
    ) -> Job:
        """Run a playbook of the project. At its most talkative it shows no secret."""
        private, environment, shown = self.inject(inputs, **OF_EVERY_JOB)
        (private / "project" / "job.yml").write_text(
            (HERE / "project" / f"{playbook}.yml").read_text(encoding="utf-8"), encoding="utf-8"
        )
        hosts = private / "inventory" / "hosts"
        hosts.write_text(f"#!/bin/sh\ncat <<'END'\n{inventory or LOCALHOST}\nEND\n", encoding="utf-8")
        hosts.chmod(0o700)
        (private / "env" / "envvars").write_text(yaml.safe_dump(environment), encoding="utf-8")
        (private / "env" / "extravars").write_text(yaml.dump(dict(variables), Dumper=Unsafe), encoding="utf-8")
        (private / "env" / "cmdline").write_text(" ".join(["-vvvv", *options]), encoding="utf-8")
        done = subprocess.run(
            ["ansible-runner", "run", str(private), "-p", "job.yml", "--ident", "1"],
            cwd=self.directory, env=self.surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=6000, check=False,
        )  # fmt: skip
        made = private / "artifacts" / "1"
        events = [json.loads(path.read_text(encoding="utf-8")) for path in (made / "job_events").glob("*.json")]
        events.sort(key=lambda event: event["counter"])
        output = done.stdout + (made / "stdout").read_text(encoding="utf-8")
        assert "Traceback" not in output, output
        assert not any("prompt" in event["event"] for event in events)
        status = (made / "status").read_text(encoding="utf-8")
        job = Job(status, int((made / "rc").read_text(encoding="utf-8")), output, events, shown)
        assert [secret[:6] for secret in (API_TOKEN, PASSWORD, *ISSUED) if secret in job.shown] == []
        return job


@pytest.fixture
def automation(tmp_path: Path) -> Automation:
    return Automation(tmp_path)


# -- the credential type ---------------------------------------------------------------------------------------------


def test_awx_takes_the_credential_type() -> None:
    """What AWX looks at when somebody saves it."""
    assert set(DESCRIBED) == {"name", "description", "kind", "inputs", "injectors"} and DESCRIBED["kind"] in (
        "cloud",
        "net",
    )
    inputs, injectors = DESCRIBED["inputs"], DESCRIBED["injectors"]
    assert set(inputs) == {"fields", "required"} and set(injectors) <= {"file", "env", "extra_vars"}
    fields = [field["id"] for field in inputs["fields"]]
    known = {
        "id",
        "label",
        "type",
        "help_text",
        "secret",
        "multiline",
        "choices",
        "format",
        "default",
        "ask_at_runtime",
    }
    assert len(set(fields)) == len(fields) and "tower" not in fields and set(inputs["required"]) <= set(fields)
    for field in inputs["fields"]:
        assert (
            set(field) <= known
            and {"id", "label"} <= set(field)
            and re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", field["id"])
        )
        assert field["type"] == "string"
    assert list(injectors["file"]) == ["template"]
    strict = jinja2.sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    namespace = {**{name: "EXAMPLE" for name in fields}, "tower": {"filename": "EXAMPLE_FILENAME"}}
    for name, template in [*injectors["env"].items(), *injectors["file"].items()]:
        assert template.isascii() and strict.from_string(template).render(namespace)
        assert not name.startswith("ANSIBLE_") and name not in awx.ENV_BLOCKLIST


def test_every_option_of_the_connection_that_reads_a_variable_has_a_field() -> None:
    read = {names[0] for option, names in _settings.VARIABLES.items() if option in _options.CONNECTION.options}
    assert set(DESCRIBED["injectors"]["env"]) == read


def test_what_awx_makes_of_a_credential(automation: Automation) -> None:
    inputs = {
        "api_token": API_TOKEN, "region": "osc-secnum-fr1", "auth_url": "https://auth.example.com", "api_url": "https://api.example.com",
        "db_api_url": "https://db.example.com", "ca_certificates": "-----BEGIN CERTIFICATE-----\n",
        "api_path": "db_api", "requests_per_minute": "30", "max_in_flight": "5",
    }  # fmt: skip
    private, environment, shown = automation.inject(inputs)
    authorities = Path(environment.pop("SCALINGO_CA_PATH"))
    assert (
        authorities.parent == private / "env" and authorities.read_text(encoding="ascii") == inputs["ca_certificates"]
    )
    assert authorities.stat().st_mode & 0o777 == 0o600
    assert environment == {
        "SCALINGO_API_TOKEN": API_TOKEN, "SCALINGO_REGION": "osc-secnum-fr1", "SCALINGO_AUTH_URL": "https://auth.example.com",
        "SCALINGO_API_URL": "https://api.example.com", "SCALINGO_DB_API_URL": "https://db.example.com",
        "SCALINGO_API_PATH": "db_api", "SCALINGO_REQUESTS_PER_MINUTE": "30", "SCALINGO_MAX_IN_FLIGHT": "5",
    }  # fmt: skip
    assert shown["SCALINGO_API_TOKEN"] == awx.HIDDEN_PASSWORD and API_TOKEN not in str(shown)
    assert shown["SCALINGO_REGION"] == "osc-secnum-fr1"

    dummy, environment, shown = automation.inject({"api_token": API_TOKEN})
    assert environment.pop("SCALINGO_API_TOKEN") == API_TOKEN
    assert set(environment.values()) == {""} and len(environment) == 8


# -- jobs ------------------------------------------------------------------------------------------------------------


def test_a_job_that_looks_for_drift(automation: Automation, sandbox: Sandbox) -> None:
    wanted = {
        "periodic_backups_scheduled_at": 4, "logical_databases": {"names": ["orders", "stock"]},
        "users": [{"name": "reporting"}, {"name": "analyst", "password": PASSWORD}],
    }  # fmt: skip
    variables = {"scalingo_hosts_databases": [{"app": "shop", "addon": "mysql", "wanted": wanted}], "drift_file": ""}
    job = automation.run("drift", credential(sandbox), variables)
    assert (job.status, job.returncode) == ("failed", 2), job.output
    found = job.artifacts["scalingo_drift"]
    assert (found["outcome"], found["drifted"], found["failed"]) == ("drifted", ["shop/mysql"], [])
    differences = {difference["kind"]: difference for difference in found["databases"][0]["differences"]}
    assert set(differences) == {"settings", "logical_databases", "users"}
    assert "stock" not in str(differences["logical_databases"]["before"]) and "stock" in str(
        differences["logical_databases"]["after"]
    )
    assert written(sandbox) == []
    assert set(automation.tokens()) <= ISSUED

    wanted = {"logical_databases": {"names": ["orders"]}, "users": [{"name": "reporting"}]}
    job = automation.run(
        "drift",
        credential(sandbox),
        {"scalingo_hosts_databases": [{"app": "shop", "addon": "mysql", "wanted": wanted}]},
    )
    assert (job.status, job.returncode) == ("successful", 0), job.output
    assert job.artifacts["scalingo_drift"]["outcome"] == "unchanged"


def test_a_job_that_upgrades(automation: Automation, sandbox: Sandbox, tmp_path: Path) -> None:
    # A survey passes what was left empty as empty text.
    survey = {
        "upgrade_verify_app": "shop",
        "upgrade_verify_addon": "mysql",
        "upgrade_verify_region": "",
        "upgrade_verify_addon_id": "",
    }
    variables: dict[str, t.Any] = {**survey, "upgrade_verify_wait_interval": 0.2, "upgrade_verify_settle_seconds": 0}
    # Nothing of a job outlives it that is not in a directory of its own.
    job = automation.run("upgrade", credential(sandbox), variables)
    assert (job.status, job.returncode) == ("failed", 2) and written(sandbox) == []
    assert "Set scalingo_state_dir to a directory that does" in job.artifacts["scalingo_upgrade"]["findings"][0]
    variables["scalingo_state_dir"] = str(tmp_path / "state")
    job = automation.run("upgrade", credential(sandbox), variables)
    assert (job.status, job.artifacts["scalingo_upgrade"]["outcome"]) == ("successful", "changed"), job.output
    assert job.artifacts["scalingo_upgrade"]["version_after"] == "8.0.43-1" and written(sandbox) == ["B2", "D3"]


@pytest.mark.parametrize(
    ("region", "hosts"),
    [
        ("", ["ledger_1003", "shop_1001"]),
        ("osc-secnum-fr1", ["vault_1002"]),
        ("osc-fr1,osc-secnum-fr1", ["ledger_1003", "shop_1001", "vault_1002"]),
    ],
)
def test_a_source_of_an_inventory(region: str, hosts: list[str], automation: Automation, sandbox: Sandbox) -> None:
    found = json.loads(automation.inventory(credential(sandbox, region=region)))
    assert sorted(found["_meta"]["hostvars"]) == hosts
    # What is declared beside the source comes with it.
    assert found.get("engine_postgresql", {}).get("vars", {}) == (
        {"declared": "beside it"} if "ledger_1003" in hosts else {}
    )
    # Schedules name groups of it.
    schedules = [schedule for template in TEMPLATES.values() for schedule in template.get("schedules", [])]
    groups = {schedule["answers"]["scalingo_hosts"] for schedule in schedules if "answers" in schedule}
    assert groups <= set(found) or "ledger_1003" not in hosts


# -- jobs of every role, with the answers to their surveys -----------------------------------------------------------

#: A long answer, as YAML.
DECLARED = """- app: shop
  addon: mysql
  wanted:
    periodic_backups_scheduled_at: "4"
    features: {force-ssl: true}
"""
#: Right answers for each role, options of the job, and its outcome.
RIGHT: dict[str, tuple[dict[str, t.Any], tuple[str, ...], str]] = {
    "backup": (
        {
            "backup_offsite_app": "shop", "backup_offsite_addon": "mysql", "backup_offsite_make_backup": "true", "backup_offsite_max_age": "2h",
            "backup_offsite_bad_copies": "report", "backup_offsite_allow": ["new_directory"],
        },
        ("--check",), "would_change",
    ),
    "baseline": ({"scalingo_hosts_databases": DECLARED, "database_baseline_on_failure": "continue"}, ("--check",), "would_change"),
    "fleet_upgrade": (
        {
            "fleet_upgrade_hosts": "engine_mysql,engine_postgresql", "fleet_upgrade_scout": "shop_1001\nledger_*", "fleet_upgrade_waves": "1\n3",
            "fleet_upgrade_stop_starting_at": "'23:59'", "fleet_upgrade_on_failure": "finish", "fleet_upgrade_max_failures": 2,
        },
        ("--check",), "would_change",
    ),
    "report": (
        {
            "fleet_report_apps": "shop\nledger", "fleet_report_readings": ["backups", "disk"], "fleet_report_disk_critical_percent": 97.5,
            "fleet_report_fail_on": ["unreadable"], "fleet_report_title": "",
        },
        (), "changed",
    ),
    "restore_drill": (
        {"restore_drill_app": "ledger", "restore_drill_rehearse_upgrade": "false", "restore_drill_ignore_tables": "sessions\nqueue.*"},
        ("--check",), "would_change",
    ),
    "upgrade": (
        {
            "upgrade_verify_app": "shop", "upgrade_verify_addon": "mysql", "upgrade_verify_to": "'8.0'",
            "upgrade_verify_not_after": "2099-12-01T04:00:00Z",
        },
        ("--check",), "would_change",
    ),
}  # fmt: skip
#: Answers that a survey takes and the role does not: each variable, with what is said of it.
WRONG: dict[str, tuple[dict[str, t.Any], tuple[str, ...]]] = {
    "backup": ({"backup_offsite_app": "shop", "backup_offsite_max_age": "soon"}, ('backup_offsite_max_age is "soon": give seconds',)),
    "baseline": ({"scalingo_hosts_databases": "shop, ledger"}, ("scalingo_hosts_databases is ",)),
    "fleet_upgrade": (
        {"fleet_upgrade_waves": "1\nmany", "fleet_upgrade_stop_starting_at": "noon"},
        ('fleet_upgrade_waves[1] is "many": give a whole number', 'fleet_upgrade_stop_starting_at is "noon": give a time'),
    ),
    "report": (
        {"fleet_report_apps": "two words", "fleet_report_backup_critical_age": "old"},
        ('fleet_report_apps[0] is "two words": give a name', 'fleet_report_backup_critical_age is "old": give seconds'),
    ),
    "restore_drill": ({"restore_drill_app": "the ledger"}, ('restore_drill_app is "the ledger": give a name',)),
    "upgrade": (
        {"upgrade_verify_app": "shop", "upgrade_verify_to": "newest", "upgrade_verify_not_after": "04:00"},
        ('upgrade_verify_to is "newest": give ', 'upgrade_verify_not_after is "04:00": give a time'),
    ),
}  # fmt: skip
#: One of these is enough every time: tests/roles/test_text.py has the refusals of every role.
SAMPLE = "fleet_upgrade"


def test_each_role_has_a_template_whose_answers_are_tried() -> None:
    roles = {path.name for path in (ROOT / "roles").iterdir()}
    for cases in (RIGHT, WRONG):
        assert set().union(*map(roles_of, cases)) >= roles


@pytest.mark.parametrize("playbook", RIGHT)
def test_right_answers_to_a_survey(playbook: str, automation: Automation, sandbox: Sandbox) -> None:
    answers, options, outcome = RIGHT[playbook]
    more: dict[str, t.Any] = {}
    if playbook == "restore_drill":
        more = {
            "restore_drill_programs": str(fetched.postgres("16.14") / "bin"),
            "restore_drill_client_programs": str(ROOT / ".cache" / "postgres" / "clients" / "18" / "bin"),
        }
    hosts = automation.inventory(credential(sandbox)) if playbook == "fleet_upgrade" else ""
    job = automation.start(playbook, credential(sandbox), answers, *options, inventory=hosts, **more)
    assert (job.status, job.artifacts[f"scalingo_{playbook}"]["outcome"]) == ("successful", outcome), job.output
    assert written(sandbox) == []


def test_a_job_with_the_event_of_a_rule(automation: Automation, sandbox: Sandbox) -> None:
    """Ansible makes a time of the text that AWX gives it."""
    event = {"region": "osc-fr1", "app": "shop", "addon_id": MYSQL, "created_at": "2026-11-01T10:00:00.000Z"}
    given = launched({}, [], {"failed_backup_event": event}, any_variable=True)
    job = automation.run("failed_backup", credential(sandbox), given)
    assert (job.status, written(sandbox)) == ("successful", []), job.output


@pytest.mark.parametrize(
    "playbook", [name if name == SAMPLE else pytest.param(name, marks=pytest.mark.long) for name in WRONG]
)
def test_a_wrong_answer_is_refused_by_the_name_of_its_variable(
    playbook: str, automation: Automation, sandbox: Sandbox
) -> None:
    answers, said = WRONG[playbook]
    hosts = automation.inventory(credential(sandbox)) if playbook == "fleet_upgrade" else ""
    sandbox.clear_log()
    job = automation.start(playbook, credential(sandbox), answers, inventory=hosts)
    assert (job.status, job.returncode) == ("failed", 2), job.output
    findings = "\n".join(job.artifacts[f"scalingo_{playbook}"]["findings"])
    assert [text for text in said if text not in findings] == [], findings
    assert sandbox.log() == []


# -- every playbook --------------------------------------------------------------------------------------------------


def test_which_playbooks_there_are() -> None:
    assert PLAYBOOKS == [
        "backup", "baseline", "drift", "drill_coverage", "failed_backup", "fleet_upgrade", "notice", "report", "restore_drill", "upgrade",
        "verify_evidence",
    ]  # fmt: skip


def roles_of(playbook: str) -> set[str]:
    """The roles behind a playbook, wherever in it or in the files that it includes they are."""
    text = (ROOT / "playbooks" / (f"{playbook}.yml")).read_text(encoding="utf-8")
    for name in re.findall(r"include_tasks: (\S+)", text):
        text += (ROOT / "playbooks" / name).read_text(encoding="utf-8")
    return set(re.findall(r"name: community\.scalingo\.(\w+)", text))


def keys(data: t.Any) -> t.Iterator[str]:
    """Every key of a structure, at any depth."""
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from keys(value)
    elif isinstance(data, list):
        for item in data:
            yield from keys(item)


def test_the_page_names_templates_artifacts_and_variables_that_there_are() -> None:
    rows = re.findall(r"   \* - (.+)\n     - ``(\w+)``\n     - ``(\w+)``\n     -(.*)\n", PAGE.text)
    assert {(name, playbook) for name, playbook, dummy, dummy in rows} == {
        (TEMPLATES[name]["name"], name) for name in PLAYBOOKS
    }
    for dummy, playbook, artifact, schedule in rows:
        head = (ROOT / "playbooks" / (f"{playbook}.yml")).read_text(encoding="utf-8").split("\n- name:")[0]
        assert artifact in head and bool(schedule) is ("schedules" in TEMPLATES[playbook])
    for name in DESCRIBED["injectors"]["env"]:
        assert f":envvar:`{name}`" in PAGE.text


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_a_playbook_is_fit_for_a_job_template(playbook: str) -> None:
    text = (ROOT / "playbooks" / (f"{playbook}.yml")).read_text(encoding="utf-8")
    head = " ".join(line for line in text.split("\n- name:")[0].splitlines() if line.startswith("#"))
    plays = [play for play in yaml.safe_load(text) if "hosts" in play]
    assert plays and not any(play["gather_facts"] for play in plays)
    # The waves of a fleet are known when it is planned.
    assert {play["hosts"] for play in plays if "{{" not in play["hosts"]} <= {
        "localhost",
        "scalingo_fleet",
        "scalingo_failed_backups",
    }
    roles = roles_of(playbook)
    assert (
        roles or "scalingo_role_evidence:" in text or playbook in ANSWERS
    ) and f"community.scalingo.{playbook}" in head
    for role in roles:
        spec = yaml.safe_load((ROOT / "roles" / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
        required = [
            name for name, option in spec["argument_specs"]["main"]["options"].items() if option.get("required")
        ]
        for name in required:
            # What the playbook itself sets for its role needs no words, as long as its head says which structure it is.
            assert name in head, name
    files = [ROOT / "playbooks" / (f"{playbook}.yml"), *(ROOT / "playbooks" / "tasks").glob(f"{playbook}_*.yml")]
    files += [path for role in roles for path in (ROOT / "roles" / role / "tasks").rglob("*.yml")]
    for path in files:
        asked = {"vars_prompt", "ansible.builtin.pause", "pause", "become_ask_pass"} & set(
            keys(yaml.safe_load(path.read_text(encoding="utf-8")))
        )
        assert not asked, path


@pytest.mark.parametrize(
    "playbook",
    [
        name if name == WITHOUT_VARIABLES else pytest.param(name, marks=pytest.mark.long)
        for name in PLAYBOOKS
        if name not in ANSWERS
    ],
)
def test_a_job_without_variables_fails_and_says_so(playbook: str, automation: Automation, sandbox: Sandbox) -> None:
    """No question is asked, nothing is done, and the artifacts are there all the same."""
    job = automation.run(playbook, credential(sandbox), {})
    assert (job.status, job.returncode) == ("failed", 2), job.output
    assert set(job.artifacts) == {f"scalingo_{playbook}"}
    summary = job.artifacts[f"scalingo_{playbook}"]
    assert summary["outcome"] == "failed" and all(summary["findings"]) and summary["findings"]
    assert written(sandbox) == []


# -- surveys and schedules -------------------------------------------------------------------------------------------


def test_each_playbook_has_a_template_and_each_template_a_survey_that_awx_takes() -> None:
    assert sorted(TEMPLATES) == sorted(SURVEYS) == PLAYBOOKS
    for playbook, questions in SURVEYS.items():
        if questions:
            assert of_survey({"name": playbook, "description": "", "spec": questions}) == []
            # A question that is not answered empties its variable, whatever the template says of it.
            assert not {question["variable"] for question in questions} & set(TEMPLATES[playbook].get("variables", {}))
        assert len(questions) <= 8


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        # awx#8987, awx#8234, infra.aap_configuration's default of a boolean, and a float that YAML takes for an integer.
        ({"type": "multiplechoice", "choices": [True, False], "default": ""}, "choices are no texts"),
        ({"type": "multiselect", "choices": ["a"]}, "needs a default"),
        ({"type": "multiplechoice", "choices": ["a", "b"], "default": "c"}, "none of the choices"),
        ({"type": "multiselect", "choices": ["a", "b"], "default": ["a"]}, "is no str"),
        ({"type": "float", "default": 95}, "is no float"),
        ({"type": "integer", "default": 1, "min": ""}, "min is no int"),
        ({"type": "bool", "default": ""}, "no question has the type"),
    ],
)
def test_a_survey_that_awx_refuses(wrong: dict[str, t.Any], said: str) -> None:
    question = {"question_name": "What", "variable": "what", "required": False, **wrong}
    assert said in "; ".join(of_survey({"name": "", "description": "", "spec": [question]}))


def test_no_survey_fills_in_a_consent_and_no_schedule_gives_one() -> None:
    consents = [
        question for questions in SURVEYS.values() for question in questions if question["variable"].endswith("_allow")
    ]
    assert len(consents) >= 5 and all(question["default"] == "" and not question["required"] for question in consents)
    for playbook, template in TEMPLATES.items():
        started = launched(
            template.get("variables", {}), SURVEYS[playbook], {name: "x" for name in template.get("required", [])}
        )
        assert not [name for name in started if name.endswith("_allow")], playbook
        for schedule in template.get("schedules", []):
            assert of_rule(schedule["rrule"]) == []
            # Nobody is there to answer.
            started = launched(template.get("variables", {}), SURVEYS[playbook], schedule.get("answers", {}))
            assert not [name for name in started if "allow" in name]
            assert not any("allow" in str(value) for value in started.values())


@pytest.mark.parametrize(
    "rule",
    [
        "DTSTART;TZID=UTC:20210101T070000 FREQ=WEEKLY;INTERVAL=1",  # awx#11499
        "DTSTART:20260101T021500 RRULE:FREQ=DAILY;INTERVAL=1",
        "DTSTART:20260101T021500Z RRULE:FREQ=DAILY",
        "DTSTART:20260101T021500Z RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY=1SU",
        "RRULE:FREQ=DAILY;INTERVAL=1",
    ],
)
def test_a_rule_that_awx_refuses(rule: str) -> None:
    assert of_rule(rule) != []


def test_questions_have_the_types_ranges_and_choices_of_the_roles() -> None:
    asked = {question["variable"]: question for questions in SURVEYS.values() for question in questions}
    assert {name: (asked[name]["type"], asked[name]["default"]) for name in (
        "backup_offsite_make_backup", "fleet_upgrade_max_failures", "fleet_upgrade_on_failure", "fleet_report_disk_critical_percent",
        "restore_drill_ignore_tables", "upgrade_verify_to", "fleet_report_fail_on",
    )} == {
        "backup_offsite_make_backup": ("multiplechoice", "true"), "fleet_upgrade_max_failures": ("integer", 3),
        "fleet_upgrade_on_failure": ("multiplechoice", "stop"), "fleet_report_disk_critical_percent": ("float", 95.0),
        "restore_drill_ignore_tables": ("textarea", ""), "upgrade_verify_to": ("text", ""), "fleet_report_fail_on": ("multiselect", ""),
    }  # fmt: skip
    assert of_answer(asked["fleet_upgrade_max_failures"], 0) and of_answer(
        asked["fleet_report_disk_critical_percent"], 101.0
    )
    assert "Empty is latest_minor." in asked["upgrade_verify_to"]["question_description"]


# -- the objects in AWX ----------------------------------------------------------------------------------------------


@pytest.fixture
def controller_of_awx() -> t.Iterator[Controller]:
    controller = Controller({path.name for path in (HERE / "project").glob("*.yml")})
    yield controller
    controller.close()


@pytest.fixture
def operator(tmp_path: Path, controller_of_awx: Controller) -> Ansible:
    """Who runs the playbook awx, by the oldest core, as everywhere here."""
    ansible = Ansible(tmp_path, {**controller_of_awx.environment, "SCALINGO_API_TOKEN": API_TOKEN})
    link = tmp_path / "collections" / "ansible_collections" / "awx"
    link.symlink_to(ROOT / ".cache" / "community" / "ansible_collections" / "awx")
    return ansible


@pytest.fixture
def made(operator: Ansible) -> t.Callable[..., Run]:
    """What the playbook does."""
    needed = {
        "scalingo_awx_project_url": "https://git.example.com/x.git",
        "scalingo_awx_image": "registry.example.com/ee",
    }

    def run(**variables: t.Any) -> Run:
        given = {name: value for name, value in {**needed, **variables}.items() if value is not None}
        done = operator.play(
            "- ansible.builtin.import_playbook: community.scalingo.awx\n", "-e", json.dumps(given), "-vvv"
        )
        assert API_TOKEN not in done.output and TOKEN not in done.output
        return done

    return run


def test_the_page(operator: Ansible, controller_of_awx: Controller) -> None:
    """The modules of awx.awx take what the playbook says, and AWX what they send: two templates of all."""
    replace = {
        "https://awx.example.com": controller_of_awx.environment["CONTROLLER_HOST"],
        "~/.ansible/collections": str(operator.directory / "collections"),
    }
    chosen = "scalingo_awx_playbooks: [restore_drill, failed_backup]\nscalingo_awx_not_asked: [restore_drill_region]\n"
    project, done = PAGE.run(operator, replace=replace, more={"awx.yml": chosen})
    assert API_TOKEN not in done.output and TOKEN not in done.output
    found = controller_of_awx.objects
    (template, by_event), (drills, hourly) = found["job_templates"], found["schedules"]
    assert json.loads(template["extra_vars"]) == {"restore_drill_evidence_dir": "/var/lib/scalingo/drills"}
    assert template["survey"]["spec"] == [
        question for question in SURVEYS["restore_drill"] if question["variable"] != "restore_drill_region"
    ]
    assert (by_event["survey_enabled"], by_event["survey"], by_event["ask_variables_on_launch"]) == (False, {}, True)
    assert (drills["extra_data"], hourly["extra_data"], hourly["enabled"]) == (
        {"scalingo_hosts": "engine_postgresql"},
        {},
        True,
    )
    (kind,), (own,), (source,) = found["credential_types"], found["credentials"], found["inventory_sources"]
    assert {name: kind[name] for name in DESCRIBED} == DESCRIBED
    assert own["credential_type"] == kind["id"] and template["associated"] == {"credentials": [own["id"]]}
    repository = operator.working_directory / "databases"
    assert {path.name for path in repository.glob("*.yml")} == {
        source["source_path"],
        *(f"{name}.yml" for name in PLAYBOOKS),
    }


@pytest.mark.long
def test_all_that_the_playbook_makes_and_that_it_makes_it_once(
    made: t.Callable[..., Run], controller_of_awx: Controller
) -> None:
    made().ok()
    assert {template["name"] for template in TEMPLATES.values()} == set(controller_of_awx.named("job_templates"))
    for template in TEMPLATES.values():
        found = controller_of_awx.named("job_templates")[template["name"]]
        assert (
            found["survey"].get("spec", []) == SURVEYS[template["playbook"]]
            and found["playbook"] == f"{template['playbook']}.yml"
        )
    schedules = [schedule for template in TEMPLATES.values() for schedule in template.get("schedules", [])]
    assert {one["name"]: one["rrule"] for one in schedules} == {
        one["name"]: one["rrule"] for one in controller_of_awx.objects["schedules"]
    }
    run = made().ok()
    assert run.count("changed") == 0
    # A kind that is not given is none for the module, and an empty text for AWX.
    assert [write for write in controller_of_awx.writes[-2:] if "PATCH" in write] == [
        f"PATCH {controller_of_awx.objects['inventories'][0]['url']}"
    ]


def test_a_variable_of_the_playbook_that_is_missing_is_named(
    made: t.Callable[..., Run], controller_of_awx: Controller
) -> None:
    run = made(scalingo_awx_image=None).failed()
    assert "scalingo_awx_image" in str(run.result("Validate the variables")) and controller_of_awx.writes == []


# -- the policy ------------------------------------------------------------------------------------------------------

OWNER = {"id": 2, "username": "grace", "is_superuser": False, "teams": [{"id": 1, "name": "Database owners"}]}
NOBODY = {"id": 3, "username": "guest", "is_superuser": True, "teams": []}


@pytest.mark.parametrize(
    ("launch", "who", "variables", "violations"),
    [
        ("scheduled", NOBODY, {"restore_drill_allow": "", "backup_offsite_allow": [], "scalingo_hosts": "allow"}, 0),
        ("manual", OWNER, {"restore_drill_allow": ["export"]}, 0),
        ("relaunch", {"username": "ada"}, {"upgrade_verify_allow": "major"}, 0),
        ("manual", NOBODY, {"restore_drill_allow": ["export"]}, 1),
        ("manual", None, {"restore_drill_allow": "export"}, 1),
        ("scheduled", OWNER, {"fleet_upgrade_allow": "major"}, 1),
        ("workflow", {"username": "ada"}, {"fleet_upgrade_databases": [{"app": "shop", "allow": ["major"]}]}, 1),
        ("manual", NOBODY, {"scalingo_hosts_databases": "- {app: shop, allow: [exposure]}"}, 1),
        ("webhook", NOBODY, {"database_baseline_allow": "exposure", "scalingo_hosts_databases": [{"app": "shop"}]}, 2),
    ],
)
def test_the_policy(launch: str, who: t.Any, variables: dict[str, t.Any], violations: int) -> None:
    """By another interpreter of Rego than the agent; the input is what AWX's serializer of a job gives."""
    rego = regopy.Interpreter()
    rego.add_module("policy", (HERE / "policy.rego").read_text(encoding="utf-8"))
    rego.set_input({"created_by": who, "extra_vars": variables, "launch_type": launch, "name": "a job"})
    (found,) = json.loads(str(rego.query("data.scalingo.consents")))["expressions"]
    assert found["allowed"] is (violations == 0) and len(found["violations"]) == violations
    assert all(message.split(" ")[0] in variables for message in found["violations"])


def test_the_policy_knows_every_consent_of_a_role() -> None:
    """By its ending: so it must be the one of all consents, and of nothing else."""
    specifications = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in ROOT.glob("roles/*/meta/argument_specs.yml")
    ]
    options = {
        name: option for spec in specifications for name, option in spec["argument_specs"]["main"]["options"].items()
    }
    for name, option in options.items():
        assert name.endswith("_allow") is ("Consequences that you accept" in str(option["description"])), name
