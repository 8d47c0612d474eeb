# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Things that only some engines have (docs/contract.md section 2, the table of capabilities)."""

from __future__ import annotations

import typing as t

from .._api.addon import ENGINES
from .._api.database import show_database
from .._change import Performer
from .._errors import ActionFailed, InvalidInput, NotFound

T = t.TypeVar("T")

#: The provider of databases with dedicated resources.
DEDICATED = "postgresql-ng"


class OfEngine(Performer):
    """Asks the platform for something that only `engines` have, and refuses the others that are known by name."""

    engines: tuple[str, ...] = ()
    #: A sentence without its end: "logical databases exist on MySQL and MongoDB".
    subject = ""
    #: What the other engines have instead, by engine.
    instead: t.Mapping[str, str] = {}

    @property
    def engine(self) -> str | None:
        """The engine, when it costs nothing to know: none with an addon token."""
        return self.client.target.engine

    def ask(self, read: t.Callable[[], T]) -> T:
        """What `read` returns. Raises `InvalidInput` on another engine, before `read` where the engine is known."""
        engine = self.engine
        if engine is not None:
            self._refuse(engine)
        try:
            return read()
        except (ActionFailed, NotFound):
            # With an addon token the engine is not known beforehand: find out before giving the error up.
            if engine is None:
                self._refuse(str(show_database(self.client).get("type_name")))
            raise

    def _refuse(self, engine: str) -> None:
        if engine in ENGINES and engine not in self.engines:
            raise InvalidInput(f"{self.subject}, and this database is {engine}", hint=self.instead.get(engine, ""))
