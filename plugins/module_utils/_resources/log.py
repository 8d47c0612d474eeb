# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Logs of a database: last lines, archives, and the link to them (docs/contract.md section 2.14)."""

from __future__ import annotations

import json
import typing as t

from .._api.log import list_log_archives, show_logs_link
from .._change import Listing
from .._errors import conceal
from .._options import check_count
from .._step import Outcome, Params, State


def lines(text: str) -> list[str]:
    """The lines of a log. Whoever writes to it may put any other character that breaks lines elsewhere into one."""
    found = [line[:-1] if line.endswith("\r") else line for line in text.split("\n")]
    return found if found[-1] else found[:-1]


class LogInfo(Listing):
    """The last lines, the archives, or a link to follow the logs with."""

    plural = "logs"
    reading = "read the logs of the database"
    asks_for_secret = "links"

    @classmethod
    def parse(cls, params: Params) -> None:
        for name in ("lines", "limit"):
            check_count(name, params[name])

    def perform(self, check_mode: bool) -> Outcome:
        if self.params["links"]:
            self.refuse_open_secret("links that let anybody read the logs")
        result: dict[str, t.Any] = {"logs": [], "archives": [], "url": None, "secret_file": self.secret_file.path}
        if self.params["gather"] == "archives":
            archives = result["archives"] = self._archives()
            if self.secret_file:
                self.unless_checking(check_mode, lambda: self.secret_file.write(json.dumps(archives, indent=2) + "\n"))
                result["archives"] = [{**archive, "url": None} for archive in archives]
            return Outcome(changed=False, result=result)
        link = show_logs_link(self.client)
        if self._in_the_result:
            result["url"] = link
        else:
            self.client.conceal(link)
        if self.secret_file:
            self.unless_checking(check_mode, lambda: self.secret_file.write(link + "\n"))
        query = {"n": self.params["lines"]}
        if self.params["filter"] is not None:
            query["filter"] = self.params["filter"]
        # Whoever writes the logs may have written a token into them.
        text = conceal(self.client.read_link(link, query), self.client.transport.secrets.values)
        result["logs"] = lines(text)
        return Outcome(changed=False, result=result)

    @property
    def _in_the_result(self) -> bool:
        return bool(self.params["links"] and not self.secret_file)

    def _archives(self) -> list[State]:
        archives = []
        for raw in list_log_archives(self.client, limit=self.params["limit"]):
            archive, link = {**raw, "url": None}, raw["url"]
            if self.params["links"]:
                archive["url"] = link
            if link and not self._in_the_result:
                self.client.conceal(link)
            archives.append(archive)
        return archives
