# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command scalingo-sandbox."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
import sys
import tempfile
from pathlib import Path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scalingo-sandbox",
        description="A local server that speaks the Scalingo database API. It listens on the loopback interface only.",
    )
    parser.add_argument(
        "--seed", action="append", default=[], metavar="FILE", help="what exists (YAML); may be repeated"
    )
    parser.add_argument("--ready-file", metavar="FILE", help="write addresses and token here when everything answers")
    parser.add_argument(
        "--speed", type=float, default=1.0, metavar="N", help="seconds of the sandbox's clock in a second"
    )
    parser.add_argument(
        "--engine", choices=("memory", "real"), default="memory", help="what holds the data: this process, or servers"
    )
    parser.add_argument("--tls", metavar="DIR", help="serve https; the file ca.pem is written to this directory")
    parser.add_argument("--api-token", metavar="T", help="the user's API token; else the seed's, else one is made")
    parser.add_argument("--port-base", type=int, metavar="N", help="first of seven ports; else the system chooses")
    parser.add_argument("--with-parent", action="store_true", help="stop when the process that started this one ends")
    parser.add_argument("--exports", action="store_true", help="print lines to paste into a shell, token included")
    parser.add_argument("--openapi", action="store_true", help="print the OpenAPI document and end")
    parser.add_argument(
        "command",
        nargs="*",
        metavar="COMMAND",
        help="after --: run this with the variables set, then stop with its exit status",
    )
    return parser


def _write_ready_file(path: Path, content: dict[str, object]) -> None:
    """Whole or not at all, and readable by nobody else: it holds the token."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(content, stream, indent=2)
        stream.write("\n")
    os.replace(name, path)


def main(arguments: list[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    if options.speed <= 0:
        _parser().error("--speed must be above 0")
    if options.openapi:
        from scalingo_sandbox.openapi import document

        print(json.dumps(document(), indent=1, ensure_ascii=False))
        return
    from pydantic import ValidationError

    from scalingo_sandbox.engines import FACTORIES, EngineError
    from scalingo_sandbox.seed import load, merged
    from scalingo_sandbox.server import Running

    if options.engine not in FACTORIES:
        sys.exit(f"scalingo-sandbox: the engine {options.engine} is not part of this version")
    try:
        seed = merged([load(Path(path)) for path in options.seed]) if options.seed else load(None)
        running = Running(
            seed,
            speed=options.speed,
            engine=options.engine,
            tls_directory=None if options.tls is None else Path(options.tls),
            api_token=options.api_token,
            port_base=options.port_base,
        )
    except (OSError, ValueError, ValidationError, EngineError) as error:
        sys.exit(f"scalingo-sandbox: {error}")

    status = 0

    def ready() -> None:
        content = running.description()
        if options.ready_file:
            _write_ready_file(Path(options.ready_file), content)
        if options.exports:
            for name, value in running.exports().items():
                print(f"export {name}={shlex.quote(value)}")
        elif not options.command:
            print(f"scalingo-sandbox: control at {content['control_url']}, authentication at {content['auth_url']}")
        sys.stdout.flush()
        if options.command:
            commanded.set()

    async def follow() -> None:
        """Run the command. A signal that is for both of them is the command's: its end is that of the sandbox."""
        nonlocal status
        await commanded.wait()
        loop = asyncio.get_running_loop()
        try:
            process = await asyncio.create_subprocess_exec(*options.command, env=_surroundings(running.exports()))
        except OSError as error:
            print(f"scalingo-sandbox: {options.command[0]}: {error.strerror}", file=sys.stderr)
            status = 127
        else:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, _pass_on, process, number)
            status = await process.wait()
            status = 128 - status if status < 0 else status
        running.stop()

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, running.stop)
        beside = [asyncio.create_task(_watch_parent(running.stop))] if options.with_parent else []
        beside += [asyncio.create_task(follow())] if options.command else []
        try:
            await running.serve(ready)
        finally:
            for task in beside:
                task.cancel()
            if options.ready_file:
                Path(options.ready_file).unlink(missing_ok=True)

    commanded = asyncio.Event()
    asyncio.run(serve())
    sys.exit(status)


def _surroundings(exports: dict[str, str]) -> dict[str, str]:
    """The environment of the command: no address and no token in it leads anywhere else."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.fullmatch(r"SCALINGO_(\w+_URL|\w+_TOKEN|CA_PATH)", name)
    }
    return {**kept, **exports}


def _pass_on(process: asyncio.subprocess.Process, number: int) -> None:
    """Ctrl-C reaches all processes of a terminal, so that the command has it already."""
    if number != signal.SIGINT or not sys.stdin.isatty():
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)


async def _watch_parent(stop: object) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(0.25)
    stop()  # type: ignore[operator]
