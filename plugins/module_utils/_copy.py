# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""A copy of a backup on this machine: what its description says, and which of many are to be kept."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from . import _canon

MADE_BY = "community.scalingo.backup_offsite"

Raw = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Copy:
    """A copy as it was found, by its description. It is good when there is no `problem`."""

    path: str
    backup_id: str
    #: When the backup began, in UTC, as `_canon.instant` writes it.
    started_at: str
    encrypted: bool = False
    #: The bytes and the SHA-256 of the file, and of the archive as it came; the bytes of the files in that, where they are known.
    size: int = 0
    sha256: str = ""
    archive_size: int = 0
    archive_sha256: str = ""
    content_bytes: int | None = None
    described: Raw = dataclasses.field(default_factory=dict)
    problem: str = ""
    #: Whether it is good cannot be told: never to be removed.
    unreadable: bool = False
    #: Its backup began in the future. Then it says nothing of the ages of others.
    ahead: bool = False

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    @property
    def counts(self) -> bool:
        """Whether it is a good one with a date that can be."""
        return not self.problem and not self.ahead

    @property
    def began(self) -> float:
        """When its backup began, in seconds since 1970."""
        return _canon.instant_seconds(self.started_at)

    def shown(self) -> Raw:
        """It as a result shows it. Of one that is still to come there is no size and no SHA-256."""
        return {
            "path": self.path, "backup_id": self.backup_id, "started_at": self.started_at, "size": self.size or None,
            "sha256": self.sha256 or None, "encrypted": self.encrypted, "good": not self.problem, "problem": self.problem,
        }  # fmt: skip


def copy_of(path: str, described: t.Any, addon_id: str) -> Copy | None:
    """The copy that a description is of; none when it is not one of this collection, or of another database."""
    try:
        if described["made_by"] != MADE_BY or described["database"]["addon_id"] != addon_id:
            return None
        backup, size, sha256 = described["backup"], described["size"], described["sha256"]
        if not (isinstance(backup["id"], str) and isinstance(sha256, str) and type(size) is int):
            return None
        # An old description has none of the archive.
        archive = described.get("archive") or {"size": size, "sha256": sha256}
        return Copy(
            path=path,
            backup_id=backup["id"],
            started_at=_canon.instant(backup["started_at"]),
            encrypted=bool(described.get("encrypted")),
            size=size,
            sha256=sha256,
            archive_size=int(archive["size"]),
            archive_sha256=str(archive["sha256"]),
            content_bytes=archive.get("content_bytes"),
            described=described,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def good_one(found: t.Iterable[Copy], backup_id: str = "") -> Copy | None:
    """The first good copy of a backup, or of any; none when there is none."""
    return next((copy for copy in found if not copy.problem and backup_id in ("", copy.backup_id)), None)


# -- which are to be kept ----------------------------------------------------------------------------------------------


def order(copy: Copy) -> tuple[bool, str, str, str]:
    """Newer ones are greater, and those of the future come before all others."""
    return not copy.ahead, copy.started_at, copy.backup_id, copy.path


def smaller(found: t.Iterable[Copy], most: float) -> dict[str, str]:
    """Those whose content is smaller by more than `most` percent than that of the last one before that is not: why, by path.

    One that was kept although it is smaller, as the user said, is what the next are compared with.
    """
    problems: dict[str, str] = {}
    name, reference = "", 0
    for copy in sorted((copy for copy in found if copy.counts), key=order):
        content = copy.content_bytes
        if content is None:
            continue
        if content < reference * (1 - most / 100) and not copy.described.get("accepted"):
            share = 100 - 100 * content / reference
            problems[copy.path] = f"{copy.name} holds {content} bytes, {share:.4g} % less than {name}"
        else:
            name, reference = copy.name, content
    return problems


def chosen(
    found: t.Iterable[Copy], keep_count: int, keep_seconds: float | None, remove_bad: bool, most: float = 100
) -> list[Copy]:
    """Which copies go: good ones that are beyond the number and older than the age, and bad ones when told so.

    The newest keep_count good ones stay in any case, and several of one backup count as one. Ages are counted from the newest good one,
    whatever the clock of this machine says. One that is smaller than it should be does not count; while the newest is, no good one goes.
    """
    ordered = sorted(found, key=order, reverse=True)
    small, good = smaller(ordered, most), [copy for copy in ordered if copy.counts]
    kept: set[str] = set()
    going: list[Copy] = []
    for copy in good:
        is_small = copy.path in small
        if len(kept) >= keep_count and (is_small or copy.backup_id not in kept):
            going.append(copy)
        elif not is_small:
            kept.add(copy.backup_id)
    if good and good[0].path in small:
        going = []
    if keep_seconds is not None:
        going = [copy for copy in going if good[0].began - copy.began > keep_seconds]
    if remove_bad and len(kept) >= keep_count:
        going += [copy for copy in ordered if copy.problem and not copy.unreadable]
    return going
