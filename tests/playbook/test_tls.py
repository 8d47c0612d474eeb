# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS: whose certificate counts is the task's decision, then that of the collection's own variable, then of the HTTP library's."""

from __future__ import annotations

import typing as t
from pathlib import Path

import certifi
import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, task
from support.shop import SEED

SHOP = {"app": "shop", "addon": "mysql", "api_retries": 0}
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(scope="module")
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(seed=SEED, tls=True) as sandbox:
        yield sandbox


@pytest.fixture
def ansible(tmp_path: Path, sandbox: Sandbox) -> Ansible:
    sandbox.clear_log()
    return Ansible(tmp_path, sandbox.environment())


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
    run = ansible.tasks([info("of the task", ca_path=str(sandbox.ca_path))], environment={"SCALINGO_CA_PATH": certifi.where()}).ok()
    assert run.only.status == "ok"


def test_the_authority_of_the_system_as_a_variable_gives_it(ansible: Ansible, sandbox: Sandbox) -> None:
    """Without C(ca_path), the variable that the HTTP library knows is honoured, as behind a company's proxy."""
    run = ansible.tasks([info("by variable")], environment={"REQUESTS_CA_BUNDLE": str(sandbox.ca_path)}).ok()
    assert run.only.status == "ok"


def test_a_bare_host_name_is_taken_as_https(ansible: Ansible, sandbox: Sandbox) -> None:
    where = {name: (value.split("://", 1)[1] if name.endswith("_url") else value) for name, value in sandbox.params().items()}
    assert not any("://" in value for name, value in where.items() if name != "ca_path")
    run = ansible.tasks(
        [info("bare", **where)],
        environment={name: None for name in sandbox.environment()},
    ).ok()
    assert run.only.status == "ok"
