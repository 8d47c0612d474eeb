# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks verify_evidence and drill_coverage, over evidence that is written as drills write it, without any API."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from support.chromium import look
from support.evidence import drilled
from support.playbook import Ansible, Run

pytestmark = pytest.mark.xdist_group("pages")
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'&"
#: What Jinja would work out.
TEMPLATE = "{{ 7 * 191 }}"


def run(place: Path, playbook: str, *options: str, **variables: t.Any) -> Run:
    ansible = Ansible(Path(tempfile.mkdtemp(dir=place)))
    given = ["-e", json.dumps(variables)] if variables else []
    return ansible._run("ansible-playbook", [f"community.scalingo.{playbook}", *given, *options], None, 120)  # noqa: SLF001


def test_evidence_is_verified_and_what_became_of_it_is_found(tmp_path: Path) -> None:
    key, place = tmp_path / "ops", tmp_path / "evidence"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    allowed = tmp_path / "allowed"
    allowed.write_text("ops@example.com " + key.with_suffix(".pub").read_text("utf-8"), "utf-8")
    written = [drilled(str(place), f"shop/{number}", days=9 - number, sign_key=str(key)) for number in range(6)]
    # As text, as a survey of AWX gives it.
    options = ["-e", f"verify_evidence_dir={place}", "-e", f"verify_evidence_allowed_signers={allowed}"]
    good = (
        run(
            tmp_path,
            "verify_evidence",
            *options,
            "-e",
            f"verify_evidence_known={written[5].sha256},{written[0].sha256}",
        )
        .ok()
        .clean()
    )
    assert good.result("Report the outcome")["msg"] == f"All is well with the evidence in {place}: 6 drills."
    assert (
        f"{os.path.basename(written[0].path)} is as it was written: passed, signed by ops@example.com." in good.stderr
    )
    assert (
        good.result("Publish the outcome")["ansible_stats"]["data"]["scalingo_verify_evidence"]["outcome"]
        == "unchanged"
    )

    paths = [Path(item.path) for item in written]
    paths[0].write_text(paths[0].read_text("utf-8").replace("90.0", "10.0"), "utf-8")
    third, fourth = paths[3].read_bytes(), paths[4].read_bytes()
    paths[3].write_bytes(fourth)
    paths[4].write_bytes(third)
    paths[5].unlink()
    bad = run(
        tmp_path, "verify_evidence", *options, "-e", "verify_evidence_known=", "-e", "verify_evidence_identity="
    ).failed()
    assert bad.returncode == 2
    found = bad.result("Publish the outcome")["ansible_stats"]["data"]["scalingo_verify_evidence"]
    assert [item["problem"] for item in found["files"]] == ["altered", "", "", "reordered", "reordered", "removed", ""]
    assert found["outcome"] == "failed" and len(found["findings"]) == 4
    assert all(text in bad.result("Verify chain and signatures")["msg"] for text in found["findings"])
    assert bad.stderr.count("WRONG: ") == 4

    nothing = run(tmp_path, "verify_evidence").failed()
    assert "verify_evidence_dir is missing: give a path" in nothing.result("Verify chain and signatures")["msg"]


def test_the_coverage_of_an_inventory_on_a_page(tmp_path: Path) -> None:
    place, now = str(tmp_path / "evidence"), time.time()
    names = {"shop": "ad-1", "blog": "ad-2", "cache": "ad-3", "bad": "ad-4", "never": "ad-5", "other": "ad-6"}
    for name, outcome, days in (
        ("shop", "passed", 1),
        ("blog", "failed", 3),
        ("blog", "passed", 2),
        ("bad", "failed", 1),
    ):
        drilled(place, name, outcome, days, now=now, addon_id=names[name], finding=HOSTILE + TEMPLATE)
    hosts = {
        name: {
            "scalingo_app": name,
            "scalingo_addon_id": addon_id,
            "scalingo_engine": "postgresql",
            "scalingo_region": "osc-fr1",
        }
        for name, addon_id in names.items()
    }
    inventory, policy = tmp_path / "inventory.yml", tmp_path / "policy.yml"
    inventory.write_text(yaml.safe_dump({"scalingo_databases": {"hosts": hosts}}), "utf-8")
    decided = {"reason": HOSTILE, "accepted_by": HOSTILE, "until": "2999-01-01"}
    content = {
        "exclusions": [{"database": "ca*", **decided}],
        "deviations": [{"database": "ad-1", "what": HOSTILE, **decided}],
    }
    policy.write_text(json.dumps({"scope": ["[!o]*"], **content}), "utf-8")
    page, data = tmp_path / "coverage.html", tmp_path / "coverage.json"
    files = {
        "drill_coverage_html_file": str(page),
        "drill_coverage_json_file": str(data),
        "drill_coverage_evidence_dir": place,
    }
    made = run(tmp_path, "drill_coverage", "-i", str(inventory), restore_drill_policy=str(policy), **files).ok().clean()
    said = "2 of 4 databases in scope passed a drill within 90d: 1 after a failure, 1 failed, 1 overdue, 1 excluded."
    assert made.result("Report the outcome")["msg"].startswith(said)
    report = json.loads(data.read_text("utf-8"))
    assert [(row["name"], row["status"]) for row in report["databases"]] == [
        ("bad", "failed"), ("never", "overdue"), ("blog", "retested"), ("shop", "drilled"), ("cache", "excluded"), ("other", "out_of_scope"),
    ]  # fmt: skip
    assert made.result("Publish the coverage")["ansible_stats"]["data"]["scalingo_drill_coverage"] == report

    whole = page.read_text("utf-8")
    assert "<script>alert" not in whole and "<img" not in whole and "1337" not in whole
    common = {"file": str(page), "accessibility": True}
    seen = look([{**common, "name": "wide", "width": 1280}, {**common, "name": "narrow", "width": 390, "height": 844}])
    for view in seen.values():
        assert view["scrollWidth"] <= view["clientWidth"] and view["beyond"] == []
        assert view["said"] == view["requests"] == view["violations"] == view["incomplete"] == []
        assert view["names"] == [row["name"] for row in report["databases"]] and view["inserted"] == 0
        assert said in view["text"] and view["text"].count("<script>") == 6 and view["text"].count(TEMPLATE) == 1

    # What is overdue fails only when asked to; a list, and databases of it that nobody drills.
    listed = {
        "scalingo_hosts_databases": [{"name": "blog", "app": "blog", "addon": "ad-2"}, {"app": "new", "addon": "mysql"}]
    }
    overdue = run(tmp_path, "drill_coverage", drill_coverage_fail_on="failed,overdue", **listed, **files).failed()
    assert overdue.returncode == 2 and json.loads(data.read_text("utf-8"))["counts"]["overdue"] == 1
    assert "new/mysql: No drill passed within 90d." in overdue.result("Report the outcome")["msg"]
