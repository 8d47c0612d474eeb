# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the site shows of playbooks and roles, from where it is written: the comment at the head of a playbook, the first play in the README
of a role.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import yaml
from surroundings import ROOT, shipped

GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
PLAYBOOKS = ROOT / "docs" / "docsite" / "rst" / "playbooks.rst"
BEGIN, END = "..\n   begin of the playbooks, written by `make lists`", "..\n   end of the playbooks\n"
EXAMPLE = "    # BEGIN of the example and the links, written by `make lists`"
#: In a text: names of the collection, files, options and values, which are code.
CODE = re.compile(
    r"(?P<role>(?<=role )community\.scalingo\.\w+)"
    r"|`(?P<quoted>[^`]+)`"
    r"|(?P<word>(?<![\w/.-])(?:--[a-z-]+|[A-Z]+_[A-Z_]+|~?/[\w./~-]*\w|[\w-]+\.(?:yml|md|json|html)\b|[a-z]+(?:\.[a-z]+)*\.?\w*_\w*[a-z](?:/\w+)?|community\.scalingo\.\w+)(?![\w(]))"
)


def playbooks() -> list[Path]:
    """The playbooks that the artifact holds."""
    names = [path for path in shipped() if path.parent.name == "playbooks" and not path.name.endswith(".meta.yml")]
    return [ROOT / path for path in names if path.suffix == ".yml"]


def head(path: Path) -> list[str]:
    """The paragraphs of the comment at the head of a playbook. One that is indented is code or a list."""
    blocks = re.split(r"\n(?=[^#]|\n)", path.read_text(encoding="utf-8"))
    (comment,) = [block.strip("\n") for block in blocks if re.match(r"\n*# (?!Copyright)", block)][:1]
    return [part.strip("\n") for part in re.sub(r"(?m)^#( |$)", "", comment).split("\n\n") if part.strip()]


def rst(text: str) -> str:
    """Plain text, with its names as code."""

    def plain(part: str) -> str:
        return re.sub(r"([*|`\\]|_(?!\w))", r"\\\1", part)

    written, place = [], 0
    for found in CODE.finditer(text):
        written.append(plain(text[place : found.start()]))
        code = found["quoted"] or found["word"]
        written.append(f"``{code}``" if code else f":ansplugin:`{found['role']}#role`")
        place = found.end()
    return "".join([*written, plain(text[place:])])


def variables(text: str) -> Iterator[str]:
    """A list of variables and their meanings as a list of definitions."""
    entries: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        name, dummy, meaning = line.strip().partition("  ")
        if line.startswith("   "):
            entries[-1][1].append(line.strip())
        else:
            entries.append((name, [meaning.strip()] if meaning else []))
    for names, meaning in entries:
        found = re.match(r"(.*?)(?: \((.*)\))?$", names)
        assert found
        default = f" ({'required' if found[2] == 'required' else f'``{found[2]}``'})" if found[2] else ""
        yield ", ".join(f"``{name}``" for name in found[1].split(", ")) + default
        yield textwrap.indent(rst(" ".join(meaning)), "    ")
        yield ""


def section(path: Path) -> Iterator[str]:
    """The part of the page about one playbook."""
    yield f".. _ansible_collections.community.scalingo.docsite.playbooks.{path.stem}:\n"
    yield f"{path.stem}\n{'-' * len(path.stem)}\n"
    parts = head(path)
    part = ""
    while parts:
        before, part = part, parts.pop(0)
        title, dummy, rest = part.partition("\n")
        if part.startswith("  "):
            code = [textwrap.dedent(part)]
            while parts and parts[0].startswith("  "):
                code.append(textwrap.dedent(parts.pop(0)))
            if code[0].startswith("ansible-"):
                yield f".. code-block:: shell\n\n{textwrap.indent(code[0], '    ')}\n"
            else:
                named = re.search(r"such as this (\S+\.yml)", before)
                caption = f"\n   :caption: {named[1]}" if named else ""
                text = textwrap.indent((chr(10) * 2).join(code), "    ")
                yield f".. code-block:: yaml+jinja{caption}\n\n{text}\n"
        elif rest.startswith("  "):
            yield f"{rst(title.rstrip(':'))}:\n"
            yield from variables(textwrap.dedent(rest))
        else:
            yield textwrap.fill(rst(" ".join(part.split())), 120, break_long_words=False, break_on_hyphens=False) + "\n"


def page() -> str:
    return "\n" + "\n".join(line for path in playbooks() for line in section(path)) + "\n"


def example(path: Path) -> str:
    """What a role's page has beside its variables, for its argument specification."""
    role = path.parts[-3]
    found = re.search(
        r"(?ms)^```yaml[^\n]*\n(- name: .*?)^```$", (ROOT / "roles" / role / "README.md").read_text(encoding="utf-8")
    )
    if found is None:
        raise SystemExit(f"roles/{role}/README.md has no play")
    return f"""    seealso:
      - name: README of the role
        description: What the role does step by step, what its summary holds, and what to do when it fails.
        link: {GALAXY["repository"]}/blob/main/roles/{role}/README.md
      - ref: ansible_collections.community.scalingo.docsite.playbooks
        description: The playbooks that run the roles for one database or for many.
    examples: |
{textwrap.indent(found[1], "      ")}"""
