# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of documentation, run as a reader runs them.

A page is a file in reStructuredText or Markdown. Of its blocks of code

- one with a caption (`:caption: shop.yml`, in Markdown `title="shop.yml"` after the language) is a file that the reader saves,
- one of `shell` is run by `sh` in the directory of these files, in the order of the page,
- one of YAML without a caption is a playbook, or tasks of one, and is run, too,
- one after a comment `.. not run: REASON`, in Markdown `<!-- not run: REASON -->`, cannot run here,
- any other, such as `text`, is output or a picture.

tests/unit/test_pages.py fails when a block is run by no test.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import re
import shlex
import signal
import subprocess
import tempfile
import textwrap
import time
import typing as t
from pathlib import Path

import yaml
from support.playbook import ROOT, RUN_SECONDS, Ansible, Run, reported, text_of

SHELL = ("shell", "sh", "bash", "console")
YAML = ("yaml", "yaml+jinja")
DIRECTIVE = re.compile(r"( *)\.\. code-block:: *(\S*)\s*$")
FENCE = re.compile(r"( *)```+ *([\w+-]*) *(.*?)\s*$")
NOT_RUN = re.compile(r" *(?:\.\.|<!--) not run: *(.+?)(?: *-->)?\s*$")


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of code. `caption` is the name of its file; `not_run` the reason why it cannot run here."""

    page: str
    line: int
    kind: str
    caption: str | None
    not_run: str | None
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def is_shell(self) -> bool:
        return self.kind in SHELL

    @property
    def is_play(self) -> bool:
        return self.kind in YAML and not self.caption

    @property
    def must_run(self) -> bool:
        return self.not_run is None and (self.is_shell or self.kind in YAML or self.caption is not None)

    @property
    def playbook(self) -> str:
        """Its text; tasks get a play around them."""
        data = yaml.safe_load(self.text)
        assert isinstance(data, list) and all(isinstance(item, dict) for item in data), (
            f"{self.place}: neither plays nor tasks; give the block the caption of a file"
        )
        if all({"hosts", "ansible.builtin.import_playbook"} & item.keys() for item in data):
            return self.text
        head = "- name: Run the tasks of the page\n  hosts: localhost\n  gather_facts: false\n  tasks:\n"
        return head + textwrap.indent(self.text, "    ")


def blocks_of(path: Path) -> list[Block]:
    """All blocks of code of a page, in its order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    reader = _of_markdown if path.suffix == ".md" else _of_rst
    return list(reader(str(path.relative_to(ROOT)), lines))


def _of_rst(page: str, lines: t.Sequence[str]) -> t.Iterator[Block]:
    for number, line in enumerate(lines):
        head = DIRECTIVE.match(line)
        if head is None:
            continue
        caption = None
        rest = number + 1
        while rest < len(lines) and (option := re.match(r" +:([\w-]+):(.*)$", lines[rest])):
            caption = option[2].strip() if option[1] == "caption" else caption
            rest += 1
        margin = head[1] + " "
        end = rest
        while end < len(lines) and (not lines[end].strip() or lines[end].startswith(margin)):
            end += 1
        yield Block(page, number + 1, head[2], caption, _reason(lines[:number]), _text(lines[rest:end]))


def _of_markdown(page: str, lines: t.Sequence[str]) -> t.Iterator[Block]:
    begun: tuple[int, re.Match[str]] | None = None
    for number, line in enumerate(lines):
        fence = FENCE.match(line)
        if fence is None:
            continue
        if begun is None:
            begun = number, fence
            continue
        first, head = begun
        begun = None
        title = re.search(r'title="([^"]+)"', head[3])
        text = _text(lines[first + 1 : number])
        yield Block(page, first + 1, head[2], title and title[1], _reason(lines[:first]), text)


def _reason(before: t.Sequence[str]) -> str | None:
    last = next((line for line in reversed(before) if line.strip()), "")
    found = NOT_RUN.match(last)
    return found and found[1]


def _text(lines: t.Sequence[str]) -> str:
    return textwrap.dedent("\n".join(lines)).strip("\n") + "\n"


class Page:
    """A page, by the name of its file in docs/docsite/rst, or by its path in the repository."""

    def __init__(self, name: str) -> None:
        self.path = ROOT / (name if "/" in name or "." in name else f"docs/docsite/rst/{name}.rst")
        self.name = str(self.path.relative_to(ROOT))

    @functools.cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @functools.cached_property
    def blocks(self) -> list[Block]:
        """All that can run here."""
        return [block for block in blocks_of(self.path) if block.must_run]

    @property
    def files(self) -> dict[str, str]:
        """The files that the reader saves: their names and texts."""
        return {block.caption: block.text for block in self.blocks if block.caption}

    @property
    def saved(self) -> dict[str, str]:
        """The same, with those that cannot be used here."""
        return {block.caption: block.text for block in blocks_of(self.path) if block.caption}

    @property
    def shell(self) -> list[str]:
        return [block.text for block in self.blocks if block.is_shell]

    @property
    def plays(self) -> list[str]:
        """The playbooks that are no files."""
        return [block.playbook for block in self.blocks if block.is_play]

    def run(
        self,
        ansible: Ansible,
        replace: t.Mapping[str, str] | None = None,
        more: t.Mapping[str, str] | None = None,
        status: t.Mapping[str, int] | None = None,
        options: t.Sequence[str] = (),
    ) -> list[Run]:
        """Run the whole page: return one run for each block of shell and each playbook that is no file.

        `replace` says what stands in a text here instead of what the page says. `status` has the exit status of a block that does
        not end with zero, by a part of its text. `options` are for the playbooks that are no files.
        """
        for block in self.blocks:
            others = "".join(other.text for other in self.blocks if other is not block)
            assert not block.caption or block.caption in others or not re.match(r"- (.*\n  )*hosts:", block.text), (
                f"{block.place}: no command of the page runs {block.caption}"
            )
        wanted = dict(status or {})
        done = []
        with _shell(ansible) as shell:
            for block in self.blocks:
                if block.caption:
                    path = ansible.working_directory / block.caption
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(_with(block.text, replace) + (more or {}).get(block.caption, ""), encoding="utf-8")
                    continue
                if block.is_shell:
                    seen = shell(_with(block.text, replace))
                else:
                    seen = ansible.play(_with(block.playbook, replace), *options)
                expected = [wanted.pop(part) for part in list(wanted) if part in block.text]
                assert [seen.returncode] == (expected or [0]), f"{block.place}\n{block.text}\n{seen}"
                done.append(seen.clean())
        assert not wanted, f"no block of {self.name} has {', '.join(wanted)}"
        return done


def _with(text: str, replace: t.Mapping[str, str] | None) -> str:
    for old, new in (replace or {}).items():
        text = text.replace(old, new)
    return text


@contextlib.contextmanager
def _shell(ansible: Ansible) -> t.Iterator[t.Callable[[str], Run]]:
    """A shell that is told one block after the other. What a block exports, the next ones know; what still runs at the end is ended."""
    variables = ansible.variables()
    variables["PATH"] = os.pathsep.join([str(ansible.programs), str(Ansible.standard), variables["PATH"]])
    groups: list[int] = []
    with tempfile.TemporaryDirectory(prefix="page-") as place:
        exports, lines = Path(place) / "exports", Path(place) / "results"
        exports.touch()

        def tell(text: str) -> Run:
            lines.write_text("", encoding="utf-8")
            name = shlex.quote(str(exports))
            begun = time.monotonic()
            with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
                process = subprocess.Popen(
                    ["sh", "-eu", "-c", f". {name}\n{text}\nexport -p > {name}\n"],
                    cwd=ansible.working_directory,
                    env={**variables, "SUPPORT_JSON_LINES": str(lines)},
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                )
                groups.append(process.pid)
                process.wait(RUN_SECONDS)
                shown = [text_of(stream) for stream in (stdout, stderr)]
            return Run(["sh", text], process.returncode, *shown, time.monotonic() - begun, *reported(lines))

        try:
            yield tell
        finally:
            for group in groups:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
