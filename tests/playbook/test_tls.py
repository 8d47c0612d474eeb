# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS: whose certificate counts is the task's decision, then that of the collection's own variable, then of the HTTP library's.

All of it twice: with the newest ansible-core, requests and urllib3, and with the lowest that the collection takes.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import certifi
import pytest
import yaml
from ansible_collections.community.scalingo.plugins.module_utils._settings import VARIABLES
from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, Run, oldest_core, task
from support.shop import SEED

SHOP = {"app": "shop", "addon": "mysql", "api_retries": 0}
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
#: Every variable that a description or the README names, but for those that say where the sandbox is, and as a form leaves them: empty.
EMPTY = {
    **{
        name: ""
        for names in VARIABLES.values()
        for name in names
        if name not in ("SCALINGO_API_TOKEN", "SCALINGO_AUTH_URL")
    },
    **{name: "" for name in (*BUNDLES, "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")},
}


@pytest.fixture(scope="module")
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(seed=SEED, tls=True) as sandbox:
        yield sandbox


@pytest.fixture(params=["lowest", "newest"])
def ansible(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> Ansible:
    sandbox.clear_log()
    return Ansible(tmp_path, sandbox.environment(), oldest_core() if request.param == "lowest" else None)


class Ways:
    """What reaches the platform in the three ways that there are: a module, the inventory, a download."""

    def __init__(self, ansible: Ansible, sandbox: Sandbox) -> None:
        self.ansible = ansible
        self.sandbox = sandbox

    def module(self, environment: t.Mapping[str, str], **options: t.Any) -> Run:
        return self.ansible.tasks([info("read", **options)], environment=environment)

    def inventory(self, environment: t.Mapping[str, str], **options: t.Any) -> Run:
        path = self.ansible.directory / "of.scalingo_databases.yml"
        content = {
            "plugin": "community.scalingo.scalingo_databases",
            "apps": ["shop"],
            "token_cache": False,
            "api_retries": 0,
            **options,
        }
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        strict = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
        return self.ansible.inventory("-i", str(path), "--list", environment={**environment, **strict}).clean()

    def download(self, environment: t.Mapping[str, str], **options: t.Any) -> Run:
        dest = self.ansible.directory / "backup.tar.gz"
        dest.unlink(missing_ok=True)
        wanted = task("scalingo_backup_download", "fetch", dest=str(dest), token_cache=False, **SHOP, **options)
        run = self.ansible.tasks([wanted], environment=environment)
        assert dest.exists() == (run.returncode == 0)
        return run


WAYS = ("module", "inventory", "download")


@pytest.fixture
def way(request: pytest.FixtureRequest, ansible: Ansible, sandbox: Sandbox) -> t.Callable[..., Run]:
    return t.cast("t.Callable[..., Run]", getattr(Ways(ansible, sandbox), request.param))


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_with_every_variable_empty_nobody_else_is_trusted(way: t.Callable[..., Run], sandbox: Sandbox) -> None:
    """Not even by an empty CURL_CA_BUNDLE, which turns verification off in the lowest requests; and no empty path is a directory."""
    run = way(EMPTY)
    assert run.returncode != 0
    assert "The TLS certificate of" in " ".join(run.output.split()) and sandbox.log() == [], str(run)
    # Everything is verified with what the task or the file names, and then it works.
    assert way(EMPTY, ca_path=str(sandbox.ca_path)).returncode == 0
    sandbox.clear_log()
    run = way({**EMPTY, "SCALINGO_CA_PATH": certifi.where()}, ca_path="")
    assert run.returncode != 0 and sandbox.log() == []


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_with_every_variable_set(way: t.Callable[..., Run], sandbox: Sandbox) -> None:
    """The variables of the collection say everything; those of the library would trust somebody else, and no proxy is asked on the loopback."""
    here = sandbox.environment()
    everything = {
        **{name: certifi.where() for name in BUNDLES},
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "",
        **here,
        "SCALINGO_API_PATH": "db_api",
        "SCALINGO_APP": "shop",
        "SCALINGO_ADDON": "mysql",
        "SCALINGO_ADDON_TOKEN": "of-another",
        "SCALINGO_CA_PATH": str(sandbox.ca_path),
        "SCALINGO_REQUESTS_PER_MINUTE": "60",
        "SCALINGO_MAX_IN_FLIGHT": "2",
    }
    assert set(everything) >= {name for names in VARIABLES.values() for name in names}
    assert way(everything).returncode == 0


@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_a_directory_of_certificates(way: t.Callable[..., Run], ansible: Ansible, sandbox: Sandbox) -> None:
    """One without certificates is refused by its name; a blank path is no directory."""
    place = ansible.directory / "authorities"
    place.mkdir()
    run = way({}, ca_path=str(place))
    assert run.returncode != 0 and sandbox.log() == []
    assert "is a directory without certificates" in " ".join(run.output.split()), str(run)


def info(name: str, keywords: t.Mapping[str, t.Any] | None = None, /, **arguments: t.Any) -> dict[str, t.Any]:
    return task("scalingo_database_info", name, keywords, token_cache=False, **SHOP, **arguments)


def test_a_certificate_that_does_not_verify(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks([info("unverified")]).failed()
    result = run.only.result
    assert result["error"]["kind"] == "Unreachable"
    assert "certificate" in result["msg"].lower() and "ca_path" in result["msg"]
    assert sandbox.log() == []


def test_an_authority_of_the_task(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks([info("verified", ca_path=str(sandbox.ca_path))]).ok()
    assert run.only.result["databases"][0]["resource_id"] == "shop_1001"


def test_it_wins_over_every_variable(ansible: Ansible, sandbox: Sandbox) -> None:
    others = {name: certifi.where() for name in BUNDLES}
    run = ansible.tasks([info("verified", ca_path=str(sandbox.ca_path))], environment=others).ok()
    assert run.only.status == "ok"


def test_not_to_verify_wins_over_every_variable(ansible: Ansible, sandbox: Sandbox) -> None:
    others = {name: certifi.where() for name in BUNDLES}
    run = ansible.tasks([info("not verified", validate_certs=False)], environment=others).ok()
    assert run.only.status == "ok"


def test_another_authority_of_the_task_does_not_verify(ansible: Ansible, sandbox: Sandbox) -> None:
    trusting = {name: str(sandbox.ca_path) for name in BUNDLES}
    run = ansible.tasks([info("of another", ca_path=certifi.where())], environment=trusting).failed()
    assert "certificate" in run.only.result["msg"].lower()
    assert sandbox.log() == []


def test_an_authority_of_the_collections_own_variable(ansible: Ansible, sandbox: Sandbox) -> None:
    others = {name: certifi.where() for name in BUNDLES}
    run = ansible.tasks([info("verified")], environment={**others, "SCALINGO_CA_PATH": str(sandbox.ca_path)}).ok()
    assert run.only.status == "ok"
    # Empty, as a form that was not filled in leaves it, it is as if it were not there; the task wins over it.
    run = ansible.tasks([info("unverified")], environment={"SCALINGO_CA_PATH": ""}).failed()
    assert run.only.result["error"]["kind"] == "Unreachable"
    run = ansible.tasks(
        [info("of the task", ca_path=str(sandbox.ca_path))], environment={"SCALINGO_CA_PATH": certifi.where()}
    ).ok()
    assert run.only.status == "ok"


def test_the_authority_of_the_system_as_a_variable_gives_it(ansible: Ansible, sandbox: Sandbox) -> None:
    """Without `ca_path`, the variable that the HTTP library knows is honoured, as behind a company's proxy."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        run = ansible.tasks([info("by variable")], environment={**EMPTY, name: str(sandbox.ca_path)}).ok()
        assert run.only.status == "ok"


def test_a_bare_host_name_is_taken_as_https(ansible: Ansible, sandbox: Sandbox) -> None:
    where = {
        name: (value.split("://", 1)[1] if name.endswith("_url") else value) for name, value in sandbox.params().items()
    }
    assert not any("://" in value for name, value in where.items() if name != "ca_path")
    run = ansible.tasks(
        [info("bare", **where)],
        environment={name: None for name in sandbox.environment()},
    ).ok()
    assert run.only.status == "ok"
