# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Log drains of a database (docs/contract.md, section 2.1, A16 to A18).

The platform knows a drain by an address of its own making, and of most types no document says what it looks like. So a drain is
recognised by what the task gives, never by a guessed address, and where that does not tell, the task says so and stops.
"""

from __future__ import annotations

import contextlib
import json
import re
import typing as t
from urllib.parse import urlsplit

from .._api.log_drain import LOG_DRAIN, Drain, add_log_drain, list_log_drains, masked, remove_log_drain, secrets
from .._change import Listing, Resource
from .._errors import InvalidInput, StepFailed, UnexpectedAnswer
from .._options import check_count, check_form
from .._step import Consent, Outcome, Params, State, Step
from ._account import OfMain

_HOW = "Give listed_url: the address as community.scalingo.scalingo_log_drain_info returns it with 'credentials: true'."


class _WithLogDrains(OfMain):
    things = "log drains"
    reading = "list the log drains"

    def listed(self, secret: bool = True) -> list[State]:
        """All log drains, with their whole addresses, which from now on are masked wherever they appear."""
        drains = list_log_drains(self.client, self.app, self.client.addon_id)
        self.hide(*(drain["url"] for drain in drains if secret))
        return drains

    def hide(self, *urls: str) -> None:
        for secret in (secret for url in urls for secret in secrets(url)):
            self.client.conceal(secret)


class LogDrain(_WithLogDrains, Resource[State]):
    """One log drain, present or absent. The state holds those that are it, and what may be it."""

    asked: Drain

    @classmethod
    def parse(cls, params: Params) -> Drain:
        super().parse(params)
        _check_url("url", params["url"])
        _check_url("listed_url", params["listed_url"])
        if params["token"] is not None and not re.fullmatch(r"[\x21-\x7e]+", params["token"]):
            raise InvalidInput("token is not a token: it must have no spaces, and no letters beyond ASCII")
        check_form("drain_region", params["drain_region"], r"[A-Za-z0-9._-]+", "a region: use for example eu-west-2")
        if params["type"] is None and (params["listed_url"] is None or params["state"] == "present"):
            raise InvalidInput("type is missing: of which type is the log drain?", hint="Use for example syslog.")
        meant = "a type of log drain: use for example syslog"
        check_form("type", params["type"], r"[a-z0-9]+([_-][a-z0-9]+)*", meant)
        check_count("port", params["port"], most=65535)
        meant = "the name of a host: give no port and no scheme"
        check_form("host", params["host"], r"[A-Za-z0-9_*-]+(\.[A-Za-z0-9_*-]+)*", meant)
        drain = Drain(**{name: params[name] for name in Drain.__annotations__ if params[name] is not None})
        if drain.type and not (drain.token or drain.host or drain.url):
            raise InvalidInput("the log drain cannot be told from others: give what its type takes of url, host, token")
        return drain

    #: Whether this task has sent the call that adds it.
    _added = False

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self.hide(self.asked.url, self.asked.listed_url)

    # -- what is there, and what is wanted ---------------------------------------------------------------------------

    def read(self) -> State:
        state: State = {"found": [], "unclear": []}
        for drain in self.listed():
            same = self.asked.is_shown_as(drain["url"])
            if same is not False:
                state["found" if same else "unclear"].append(drain)
        if self._added and len(state["found"]) > 1:
            raise StepFailed(
                "this task added the log drain, and another run did so at the same time",
                hint="Each line is sent twice: remove it with 'state: absent', and add it again.",
            )
        urls = {drain["url"] for drain in state["found"]}
        if len(urls) > 1:
            raise UnexpectedAnswer(
                f"{len(urls)} log drains may be the one that is meant: {_shown(state['found'])}", hint=_HOW
            )
        return state

    def wanted(self, before: State) -> State:
        if self.params["state"] == "present":
            return {**before, "found": before["found"] or [LOG_DRAIN.empty()]}
        if before["unclear"] and not before["found"]:
            raise InvalidInput(
                f"whether the log drain exists cannot be told: it may be {_shown(before['unclear'])}", hint=_HOW
            )
        return {**before, "found": []}

    def managed(self, state: State) -> dict[str, t.Any]:
        return {"log_drain": self._named} if state["found"] else {}

    @property
    def _named(self) -> str:
        """The drain in words, without credentials."""
        drain = self.asked
        if not drain.type:
            return masked(drain.listed_url)
        host = drain.host or (urlsplit(drain.url).hostname or "")
        place = f" at {host}" + (f":{drain.port}" if drain.port else "") if host else ""
        return f"{drain.type}{place}" + (f" in {drain.drain_region}" if drain.drain_region else "")

    def result(self, state: State) -> dict[str, t.Any]:
        found = state["found"]
        return {"log_drain": _returned(found[0]) if found else None}

    # -- the steps ---------------------------------------------------------------------------------------------------

    def steps(self, before: State, after: State) -> list[Step]:
        if after["found"] and not before["found"]:
            return [self._add(before["unclear"])]
        if before["found"] and not after["found"]:
            return [self._remove(before["found"])]
        return []

    def _add(self, unclear: list[State]) -> Step:
        body = {name: str(value) for name, value in vars(self.asked).items() if value and name != "listed_url"}
        risk = f"It may exist already, as {_shown(unclear)}: then each line would be sent twice"

        def send() -> None:
            self._added = True
            url = add_log_drain(self.client, self.app, self.client.addon_id, body)["url"]
            if not self.asked.is_shown_as(url):
                raise StepFailed(
                    f"it was added, and the platform shows it as {masked(url)}, in which this task cannot recognise it",
                    hint="Running the task again could add it twice. " + _HOW,
                )

        return Step(
            f"add the log drain {self._named}",
            send=send,
            happened=lambda state: bool(state["found"]),
            consent=(Consent("allow", "duplicate", risk),) if unclear else (),
        )

    def _remove(self, found: list[State]) -> Step:
        url = found[0]["url"]

        def send() -> None:
            # No document says whether one call removes all that have the same address.
            for left in reversed(range(len(found))):
                remove_log_drain(self.client, self.app, self.client.addon_id, url)
                if not left or url not in [drain["url"] for drain in self.listed()]:
                    return

        return Step(
            f"remove the log drain {self._named}",
            send=send,
            happened=lambda state: not state["found"],
            resend=True,
        )


class LogDrainInfo(_WithLogDrains, Listing):
    """The log drains of one database; their whole addresses on demand, for who may see them."""

    plural = "log_drains"
    asks_for_secret = "credentials"

    def perform(self, check_mode: bool) -> Outcome:
        if self.params["credentials"]:
            self.refuse_open_secret("the credentials of log drains")
        in_the_result = bool(self.params["credentials"] and not self.secret_file)
        drains = self.listed(secret=not in_the_result)
        if self.secret_file:
            self.unless_checking(check_mode, lambda: self.secret_file.write(json.dumps(drains, indent=2) + "\n"))
        shown = drains if in_the_result else [_returned(drain) for drain in drains]
        return Outcome(changed=False, result={self.plural: shown, "secret_file": self.secret_file.path})


def _check_url(name: str, url: str | None) -> None:
    with contextlib.suppress(ValueError):
        parts = urlsplit(url or "https://none")
        if url is None or parts.scheme and parts.netloc and parts.port != 0 and re.fullmatch(r"[\x21-\x7e]+", url):
            return
    raise InvalidInput(f"{name} is not an address: use for example https://user:password@logs.example.com")


def _returned(drain: State) -> State:
    return {**drain, "url": drain["url"] and masked(drain["url"])}


def _shown(drains: t.Iterable[State]) -> str:
    return ", ".join(masked(drain["url"]) for drain in drains)
