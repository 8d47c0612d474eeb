# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The evidence of drills: written whole, in a chain, signed by a real ssh-keygen; and what becomes of it is found."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import typing as t
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _evidence, _evidence_chain, _programs
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from ansible_collections.community.scalingo.plugins.module_utils._evidence_chain import Finding, verify

#: 2026-12-01T04:00:00Z
NOW = 1796097600.0
DAY = 86400.0


def record(
    name: str = "shop/postgresql", addon: str | None = "ad-1", outcome: str = "passed", **more: t.Any
) -> dict[str, t.Any]:
    return {
        "id": "0123", "started_at": "2026-12-01T03:58:00Z", "ended_at": "2026-12-01T03:59:30Z", "outcome": outcome, "findings": [],
        "database": {"name": name, "addon_id": addon, "engine": "postgresql"}, "server": {"version": "16.9", "rehearsal": False},
        "rpo": {"verdict": "not_asked"}, "rto": {"seconds": 90.0, "verdict": "met", "phases": {"download": 20.5, "restore": 60.0}},
        "checks": [{"name": "orders", "passed": True}], **more,
    }  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "evidence")


class Keys:
    """Keys of two people, and files of allowed signers."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name, phrase in (("ops", ""), ("other", ""), ("sealed", "a-passphrase")):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", phrase, "-C", name, "-f", directory / name], check=True
            )
        self.ops, self.other, self.sealed = (str(directory / name) for name in ("ops", "other", "sealed"))
        self.allowed = self.allow("ops@example.com", "ops")

    def allow(self, who: str, key: str, options: str = "") -> str:
        path = self.directory / f"allowed.{key}.{len(options)}"
        path.write_text(
            f"{who} {options} {(self.directory / f'{key}.pub').read_text(encoding='utf-8')}", encoding="utf-8"
        )
        return str(path)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


def beside(written: _evidence.Entry, part: str) -> str:
    """The path of what belongs to evidence."""
    record = json.loads(Path(written.path).read_bytes())
    return os.path.join(os.path.dirname(written.path), record[part]["file"])


def chain(place: str, count: int, key: str | None = None, first: int = 0) -> list[_evidence.Entry]:
    return [
        _evidence.write(place, record(), now=NOW + number * DAY, sign_key=key) for number in range(first, first + count)
    ]


def wrong(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.problem, finding.text) for finding in found if finding.problem]


def problems(place: str, **more: t.Any) -> list[str]:
    return [word for word, dummy in wrong(verify(place, **more))]


# -- writing ----------------------------------------------------------------------------------------------------------


def test_evidence_is_whole_private_and_chained(place: str) -> None:
    before = os.umask(0)
    try:
        one, two = chain(place, 2)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(place).st_mode) == 0o700
    assert {stat.S_IMODE(os.stat(os.path.join(place, name)).st_mode) for name in os.listdir(place)} == {0o600}
    assert os.path.basename(one.path) == "shop-postgresql.ad-1.20261201T035800Z.000001.json"
    written = json.loads(Path(two.path).read_bytes())
    assert written["previous"] == {"file": os.path.basename(one.path), "sha256": one.sha256, "newest_was": None}
    assert (written["format"], written["number"], written["written_at"]) == (1, 2, "2026-12-02T04:00:00Z")
    assert [finding.text for finding in verify(place)] == [
        f"{os.path.basename(one.path)} is as it was written: passed, not signed.",
        f"{os.path.basename(two.path)} is as it was written: passed, not signed.",
        "newest.json names number 2 as the newest evidence.",
    ]


def test_names_that_are_one_in_a_file_are_told_by_the_addon(place: str) -> None:
    for name, addon, rows in (("a/b", "ad-1", 10), ("a-b", "ad-2", 20), ("a b", None, 30), ("../../x", "../y", 40)):
        _evidence.write(place, record(name, addon, rows=rows), now=NOW)
    assert len({entry.file.split(".")[-4] for entry in _evidence.entries(place)}) == 4
    assert [_evidence.last_good(place, addon).get("rows") for addon in ("ad-1", "ad-2", "../y", "ad-3")] == [
        10,
        20,
        40,
        None,
    ]
    assert not problems(place)


def test_drills_that_end_together_make_one_chain(place: str) -> None:

    def write() -> None:
        for dummy in range(3):
            _evidence.write(place, record(), now=NOW)

    threads = [threading.Thread(target=write) for dummy in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.number for entry in _evidence.entries(place)] == list(range(1, 13))
    assert not problems(place)


def test_the_last_good_is_of_this_addon_and_rehearsals_are_apart(place: str) -> None:
    rehearsed = {"version": "17.5", "rehearsal": True}
    for number, more in enumerate(
        ({}, {"server": rehearsed}, {"outcome": "failed"}, {"addon": "ad-2"}, {"outcome": "interrupted"})
    ):
        _evidence.write(place, record(**{"count": number, **more}), now=NOW)  # type: ignore[arg-type]
    assert _evidence.last_good(place, "ad-1")["count"] == 0
    assert _evidence.last_good(place, "ad-1", rehearsal=True)["count"] == 1
    assert _evidence.last_good(os.path.join(place, "nowhere"), "ad-1") == {}


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"format": 1}', "[" * 100_000, "\x00"])
def test_a_damaged_last_good_is_a_sentence(place: str, content: str) -> None:
    one, two = chain(place, 2)
    Path(two.path).write_text(content, encoding="utf-8")
    with pytest.raises(
        ScalingoError, match=f"what to compare with is not known: {os.path.basename(two.path)} is .*Put {two.path} back"
    ):
        _evidence.last_good(place, "ad-1")
    assert _evidence.last_good(place, "ad-2") == {}
    os.unlink(two.path)
    assert _evidence.last_good(place, "ad-1")["number"] == 1


def test_what_cannot_be_written_says_where(place: str) -> None:
    Path(place).write_text("a file", encoding="utf-8")
    with pytest.raises(
        ScalingoError, match=rf"Could not write the evidence \(shop/postgresql\): make {place}: File exists"
    ):
        chain(place, 1)
    os.unlink(place)
    os.mkdir(place)
    os.chmod(place, 0o777)
    with pytest.raises(ScalingoError, match="everybody may write in .* chmod 0700"):
        chain(place, 1)


def test_junit_is_read_by_what_reads_junit(place: str) -> None:
    """Control characters have made whole reports unreadable (schemathesis#4794, junit-plugin#580)."""
    bad = 'row \x00\x1b[31m \ud800 \ufffe <&"]]> é'
    checked = [
        {"kind": "rows", "name": bad, "passed": False, "message": bad},
        {"kind": "rpo", "name": "rpo", "passed": False, "accepted": True, "message": "accepted by Ada"},
        {"kind": "sql", "name": "b", "passed": True, "message": "right"},
    ]
    given = record(f"shop{bad}", outcome="failed", findings=[bad, "second"], checked=checked)
    written = _evidence.write(place, given, now=NOW)
    suite = ElementTree.parse(beside(written, "junit")).getroot().find("testsuite")
    assert suite is not None
    assert {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "6", "failures": "2", "errors": "0", "skipped": "1", "time": "90.000",
    }  # fmt: skip
    first = suite[0].find("failure")
    assert first is not None and first.text == 'row \\x00\\x1b[31m \\ud800 \ufffd <&"]]> é\nsecond'
    interrupted = _evidence.junit(record(outcome="interrupted"))
    assert b"<error " in interrupted and b'errors="1"' in interrupted


# -- signatures ---------------------------------------------------------------------------------------------------------


def test_signed_evidence_is_known_by_its_signer(place: str, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = chain(place, 2, keys.ops)
    assert Path(beside(one, "signature")).read_text("utf-8").startswith("-----BEGIN SSH SIGNATURE-----")
    found = verify(place, allowed_signers=keys.allowed)
    assert [finding.problem for finding in found] == ["", "", ""]
    assert found[0].text.endswith("passed, signed by ops@example.com.")
    assert not problems(
        place, allowed_signers=keys.allowed, identity="ops@example.com", known=[one.sha256, two.sha256.upper()]
    )
    assert verify(place)[0].text.endswith("signed, by whom was not checked.")
    assert problems(place, allowed_signers=keys.allowed, identity="eve@example.com") == ["signer"] * 3
    assert problems(place, allowed_signers=keys.allow("ops@example.com", "other")) == ["signer"] * 3
    with monkeypatch.context() as patch:
        patch.setattr(_evidence_chain, "NAMESPACE", "file")
        assert problems(place, allowed_signers=keys.allowed) == ["signer"] * 3
    with pytest.raises(ScalingoError, match="read /nowhere/allowed: No such file"):
        verify(place, allowed_signers="/nowhere/allowed")


def test_a_key_that_expired_has_signed_what_was_written_before(place: str, keys: Keys) -> None:
    chain(place, 3, keys.ops)
    until = keys.allow("ops@example.com", "ops", 'valid-before="20261202"')
    assert problems(place, allowed_signers=until) == ["signer"] * 3
    assert [finding.problem for finding in verify(place, allowed_signers=until)] == ["", "signer", "signer", "signer"]


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sealed", "incorrect passphrase"),
        ("missing", "No such file"),
        ("ops.pub", "agent"),
    ],
)
def test_a_signature_that_fails_makes_the_evidence_that_of_a_failed_drill(
    place: str, keys: Keys, key: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a question: a passphrase was waited for without end (trezor-agent#410, osc-tiny#135)."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    chain(place, 1, keys.ops)
    (keys.directory / "ops.pub.only").mkdir(exist_ok=True)
    alone = shutil.copy(f"{keys.ops}.pub", keys.directory / "ops.pub.only" / "ops.pub")
    path = str(alone) if key == "ops.pub" else str(keys.directory / key)
    (written,) = chain(place, 1, path, first=1)
    assert re.search(f"the evidence could not be signed with {path}: .*{said}", str(written.unsealed))
    saved = json.loads(Path(written.path).read_bytes())
    assert (saved["outcome"], saved["signature"]) == ("failed", None) and not os.path.exists(written.path + ".sig")
    assert "could not be signed" in saved["findings"][0] and b"<failure " in Path(beside(written, "junit")).read_bytes()
    assert problems(place, allowed_signers=keys.allowed) == ["unsigned"]
    chain(place, 1, keys.ops, first=2)
    assert not problems(place, allowed_signers=keys.allowed)


def test_a_program_that_signs_nothing_is_not_believed(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*dummy: t.Any, **more: t.Any) -> _programs.Done:
        return _programs.Done("ssh-keygen", 0, "", "")

    monkeypatch.setattr(_programs, "run", nothing)
    written = _evidence.write(place, record(), now=NOW, sign_key="key")
    assert "ssh-keygen made no signature" in str(written.unsealed) and written.record["outcome"] == "failed"


def test_a_time_stamp_is_of_the_very_evidence(place: str, keys: Keys) -> None:
    stamp = [
        sys.executable,
        "-c",
        "import sys; open(sys.argv[2], 'wb').write(b'\\xff' + open(sys.argv[1], 'rb').read())",
        "{input}",
        "{output}",
    ]
    written = _evidence.write(place, record(), now=NOW, sign_key=keys.ops, timestamp_command=stamp)
    assert Path(beside(written, "timestamp")).read_bytes() == b"\xff" + Path(written.path).read_bytes()
    assert not [name for name in os.listdir(place) if name.startswith(".stamp")]
    os.unlink(beside(written, "timestamp"))
    assert problems(place) == ["removed"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["sh", "-c", "echo no route >&2; exit 3"], "no route"),
        (["true"], "timestamp_command failed: true wrote nothing to {output}"),
        (["no-such-program"], "there is no program no-such-program"),
    ],
)
def test_a_time_stamp_that_fails_makes_signed_evidence_of_a_failed_drill(
    place: str, keys: Keys, command: list[str], said: str
) -> None:
    os.mkdir(place, 0o700)
    Path(place, ".stamped").write_text("what a killed run has left is not the stamp", "utf-8")
    written = _evidence.write(place, record(), now=NOW, sign_key=keys.ops, timestamp_command=command)
    assert said in str(written.unsealed)
    saved = json.loads(Path(written.path).read_bytes())
    assert (saved["outcome"], saved["timestamp"]) == ("failed", None) and not Path(place, ".stamped").exists()
    assert not problems(place, allowed_signers=keys.allowed)


# -- what became of it ----------------------------------------------------------------------------------------------------


def test_nothing_is_not_all_well(place: str) -> None:
    """A check of no entries that said valid (trinity#1984)."""
    assert wrong(verify(place)) == [("none", f"There is no evidence in {place}.")]


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_altered_evidence_is_found(place: str, keys: Keys, number: int, signed: bool) -> None:
    written = chain(place, 3, keys.ops if signed else None)[number - 1]
    path = Path(written.path)
    path.write_text(path.read_text("utf-8").replace("90.0", "10.0"), "utf-8")
    ((word, text),) = wrong(verify(place, allowed_signers=keys.allowed if signed else None))
    assert word == "altered" and text.startswith(f"{path.name} was altered: its SHA-256 is not the one that ")


def test_evidence_that_was_written_again_with_its_digests_lacks_the_signature(place: str, keys: Keys) -> None:
    """Who can write in the directory can make all digests fit, but not the signature."""
    chain(place, 2, keys.ops)
    shutil.rmtree(place)
    chain(place, 2)
    assert problems(place, allowed_signers=keys.allowed) == ["unsigned"]
    shutil.rmtree(place)
    chain(place, 2, keys.other)
    assert problems(place, allowed_signers=keys.allowed) == ["signer"] * 3
    one = chain(place, 1, keys.ops, first=2)[0]
    forged = {**one.record, "outcome": "passed", "signature": None}
    Path(one.path).write_bytes(_evidence.canonical(forged))
    assert "altered" in problems(place, allowed_signers=keys.allowed)


def test_unsigned_evidence_that_was_put_at_the_end_is_found_also_when_signed_evidence_follows(
    place: str, keys: Keys
) -> None:
    """Who cannot sign writes a drill that passed, with digests that fit."""
    chain(place, 2, keys.ops)
    newest = Path(place, _evidence.NEWEST)
    before = newest.read_bytes()
    chain(place, 1, first=2)
    assert problems(place, allowed_signers=keys.allowed) == ["unsigned", "unsigned"]
    newest.write_bytes(before)
    assert problems(place, allowed_signers=keys.allowed) == ["unsigned", "unsigned"]
    chain(place, 1, keys.ops, first=3)
    assert problems(place, allowed_signers=keys.allowed) == ["unsigned"]
    assert not problems(place)


def test_an_unsigned_first_drill_is_found_when_signers_are_given(place: str, keys: Keys) -> None:
    chain(place, 1)
    os.unlink(Path(place, _evidence.NEWEST))
    assert problems(place, allowed_signers=keys.allowed) == ["removed"]
    chain(place, 1, first=1)
    assert problems(place, allowed_signers=keys.allowed) == ["removed", "unsigned"]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_removed_evidence_is_found_the_last_too(place: str, number: int) -> None:
    """A tail that is removed leaves a chain that holds: agent-bom#3697, cmcp#427, rentemester#133."""
    name = os.path.basename(chain(place, 4)[number - 1].path)
    os.unlink(os.path.join(place, name))
    expected = [("removed", f"The evidence number {number}, {name}, is missing: it was removed.")]
    assert wrong(verify(place)) == expected
    chain(place, 1, first=4)
    assert wrong(verify(place)) == expected


def test_a_removed_end_is_found_though_newest_is_removed_too(place: str) -> None:
    written = chain(place, 3)
    os.unlink(written[2].path)
    os.unlink(os.path.join(place, _evidence.NEWEST))
    assert wrong(verify(place)) == [
        ("removed", "newest.json is missing: nothing shows whether evidence was removed at the end.")
    ]
    chain(place, 1, first=4)
    ((word, text),) = wrong(verify(place))
    assert word == "removed" and "newest.json was missing: evidence may have been removed before" in text


def test_an_earlier_state_that_was_put_back_is_found_by_a_digest_that_was_kept_elsewhere(
    place: str, keys: Keys
) -> None:
    chain(place, 2, keys.ops)
    copy = shutil.copytree(place, place + ".copy")
    last = chain(place, 1, keys.ops, first=2)[0]
    shutil.rmtree(place)
    shutil.copytree(copy, place)
    assert not problems(place, allowed_signers=keys.allowed)
    assert problems(place, allowed_signers=keys.allowed, known=[last.sha256]) == ["removed"]


def test_reordered_and_inserted_evidence_is_found(place: str) -> None:
    one, two, *dummy = (Path(written.path) for written in chain(place, 4))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert [word for word in problems(place) if word == "reordered"] == ["reordered", "reordered"]
    one.write_bytes(first)
    two.write_bytes(second)
    assert not problems(place)
    shutil.copy(two, two.with_name(two.name.replace("ad-1", "ad-2")))
    assert problems(place) == ["reordered"]


@pytest.mark.parametrize(
    ("content", "problem"), [(b"{", "altered"), (b"\xff", "altered"), (b'{"format": 2}', "altered")]
)
def test_damaged_evidence_is_found(place: str, content: bytes, problem: str) -> None:
    Path(chain(place, 3)[1].path).write_bytes(content)
    assert problems(place) == [problem]


def test_what_is_beside_evidence_is_found_when_it_is_altered(place: str, keys: Keys) -> None:
    one, two, three = chain(place, 3, keys.ops)
    Path(beside(one, "junit")).write_text(
        Path(beside(one, "junit")).read_text("utf-8").replace("failures", "failure5"), "utf-8"
    )
    os.unlink(beside(two, "junit"))
    os.unlink(beside(three, "signature"))
    assert problems(place) == ["altered", "removed", "unsigned"]


def test_newest_without_its_own_signature_is_found(place: str, keys: Keys) -> None:
    """The end is removed, and newest.json written so that it fits."""
    one, two = chain(place, 2, keys.ops)
    os.unlink(two.path)
    newest = {
        "number": 1,
        "file": os.path.basename(one.path),
        "sha256": one.sha256,
        "written_at": "2026-12-01T04:00:00Z",
    }
    for signature in (None, Path(beside(one, "signature")).read_text("utf-8")):
        Path(place, _evidence.NEWEST).write_bytes(_evidence.canonical({"newest": newest, "signature": signature}))
        assert len(problems(place, allowed_signers=keys.allowed)) == 1
    assert problems(place) == []


@pytest.mark.parametrize("content", ["{", '{"newest": {"number": "1"}, "signature": null}'])
def test_a_damaged_newest_is_found_also_after_the_next_drill(place: str, content: str) -> None:
    chain(place, 2)
    Path(place, _evidence.NEWEST).write_text(content, "utf-8")
    assert wrong(verify(place)) == [
        ("removed", "newest.json is damaged: nothing shows whether evidence was removed at the end.")
    ]
    chain(place, 1, first=2)
    ((word, text),) = wrong(verify(place))
    assert word == "removed" and "newest.json was damaged: evidence may have been removed before" in text


def test_what_is_dated_at_no_time_is_not_signed(place: str, keys: Keys) -> None:
    chain(place, 2, keys.ops)
    newest = Path(place, _evidence.NEWEST)
    found = json.loads(newest.read_bytes())
    for moment in (None, "soon", "9999-12-31T00:00:00Z"):
        newest.write_bytes(_evidence.canonical({**found, "newest": {**found["newest"], "written_at": moment}}))
        ((word, text),) = wrong(verify(place, allowed_signers=keys.allowed))
        assert word == "altered" and f"{moment} is no time at which it can have been signed" in text


def test_a_run_that_was_killed_while_it_wrote_is_no_alarm(place: str, keys: Keys) -> None:
    chain(place, 2, keys.ops)
    newest = Path(place, _evidence.NEWEST)
    before = newest.read_bytes()
    chain(place, 1, keys.ops, first=2)
    newest.write_bytes(before)
    found = verify(place, allowed_signers=keys.allowed)
    assert not wrong(found) and "its run was ended before" in found[-1].text
    chain(place, 1, keys.ops, first=3)
    assert not problems(place, allowed_signers=keys.allowed)
    assert [entry.number for entry in _evidence.entries(place)] == [1, 2, 3, 4]


def test_evidence_of_before_it_was_signed_is_held_by_the_chain(place: str, keys: Keys) -> None:
    first = chain(place, 2)[0]
    chain(place, 1, keys.ops, first=2)
    assert not problems(place, allowed_signers=keys.allowed)
    Path(first.path).write_text(Path(first.path).read_text("utf-8").replace("90.0", "10.0"), "utf-8")
    assert problems(place, allowed_signers=keys.allowed) == ["altered"]


@pytest.mark.parametrize(
    "key", ["database", "server", "rehearsal", "previous", "signature", "timestamp", "junit", "outcome", "written_at"]
)
def test_evidence_with_another_form_is_a_finding_and_no_traceback(place: str, key: str) -> None:
    """Though newest.json is made to fit."""
    one = chain(place, 1)[0]
    changed = _evidence.canonical({**one.record, key: ["x"]})
    Path(one.path).write_bytes(changed)
    newest = {"number": 1, "file": os.path.basename(one.path), "sha256": hashlib.sha256(changed).hexdigest()}
    Path(place, _evidence.NEWEST).write_bytes(_evidence.canonical({"newest": newest, "signature": None}))
    assert wrong(verify(place)) == [("altered", f"{os.path.basename(one.path)} is not whole: it was altered.")]
    with pytest.raises(ScalingoError, match="is not whole"):
        _evidence.last_good(place, "ad-1")


def test_what_cannot_be_read_is_not_called_altered(place: str) -> None:
    """A folder that could not be read was passed over, and the coverage was green (dbtrail#1601)."""
    one = chain(place, 1)[0]
    os.unlink(one.path)
    os.mkdir(one.path)
    assert wrong(verify(place)) == [("unreadable", f"{os.path.basename(one.path)} cannot be read: Is a directory.")]


def test_evidence_that_is_dated_back_is_found(place: str, keys: Keys) -> None:
    """The holder of a key that has expired signs as if it were earlier (chap#90)."""
    chain(place, 2, keys.ops)
    assert not problems(place, allowed_signers=keys.allowed)
    _evidence.write(place, record(), now=NOW - 9 * DAY, sign_key=keys.ops)
    assert problems(place, allowed_signers=keys.allowed) == ["time"]


def test_signers_are_patterns_and_several(place: str, keys: Keys) -> None:
    chain(place, 1, keys.ops)
    for who in ("*@example.com", "ada@example.com,ops@example.com", "ops@*.com,!eve@example.com"):
        assert not problems(place, allowed_signers=keys.allow(who, "ops"))
        assert not problems(place, allowed_signers=keys.allow(who, "ops"), identity="ops@example.com")
    assert problems(place, allowed_signers=keys.allow("ops@example.com", "ops", 'namespaces="git"')) == ["signer"] * 2


def test_a_key_that_others_may_read_is_refused_with_what_to_do(place: str, keys: Keys) -> None:
    path = shutil.copy(keys.ops, place + ".key")
    os.chmod(path, 0o644)
    (written,) = chain(place, 1, path)
    assert re.search("private key files are NOT accessible by others.*mode 0600", str(written.unsealed))
