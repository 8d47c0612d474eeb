# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The databases of the imaginary shop of shop.yml, helpers that speak of them, and a limit that is reached."""

from __future__ import annotations

import concurrent.futures
import contextlib
import typing as t
from pathlib import Path

import yaml
from scalingo_sandbox.testing import Sandbox
from support.programs import until

MYSQL = "ad-00000000-0000-4000-8000-000000000001"
POSTGRESQL = "ad-00000000-0000-4000-8000-000000000002"
MONGODB = "ad-00000000-0000-4000-8000-000000000003"
REDIS = "ad-00000000-0000-4000-8000-000000000004"
INFLUXDB = "ad-00000000-0000-4000-8000-000000000005"
DEDICATED = "ad-00000000-0000-4000-8000-000000000006"
FIRST_TWIN = "ad-00000000-0000-4000-8000-000000000011"
SECOND_TWIN = "ad-00000000-0000-4000-8000-000000000012"
#: A backup of the MySQL database.
BACKUP = "5b8b36104ffb090be1ac3ce1"
#: An operation of the app.
OPERATION = "609145e66ffbd934f6745bb4"
VAULT = "ad-00000000-0000-4000-8000-000000000021"

API_TOKEN = "tk-us-PlaybookTests0123456789abcdefghijklmnop"

SEED: dict[str, t.Any] = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))


def routes(records: t.Iterable[t.Any]) -> list[str]:
    """The requests of a log by the numbers of the contract, actions by their names."""
    return [record.action_name or record.route for record in records]


@contextlib.contextmanager
def limited(sandbox: Sandbox, requests: int, seconds: float, speed: float = 1) -> t.Iterator[None]:
    """Enforce a limit from the start of a window, which lasts until it is reached, however slow the machine is. Then the clock goes on.

    Windows are fixed, as the platform's are thought to be: what is refused is refused until the window ends. All tokens
    count together, which is the hardest reading of docs/contract.md section 4.4.
    """
    sandbox.rate_limit(requests=requests, seconds=seconds, scope="global")
    sandbox.advance(seconds - sandbox.state()["clock"]["now"] % seconds)
    sandbox.speed(0.001)
    sandbox.clear_log()

    def go_on() -> None:
        until(lambda: any(record.status == 429 for record in sandbox.log()), "a request that is refused", 300)
        sandbox.speed(speed)

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        reached = pool.submit(go_on)
        yield
        reached.result()
