# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What playbooks take, and what the surveys of AWX ask: both from the argument specs of the roles, for scripts/lists.

The head of a playbook names its variables. PLAYBOOK.meta.yml describes them: those of a role are written here, those of the playbook itself, and its
examples, are kept as they are. playbooks/controller/templates.yml names the questions of each survey, and surveys.yml beside it is written here.
"""

from __future__ import annotations

import re
import sys
import typing as t
from pathlib import Path

import heads
import yaml
from surroundings import ROOT

# The checkout under the name of a collection, also where nothing was set up.
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401

Option = dict[str, t.Any]
HEADER = """---
# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# %s

"""
OF_META = "The variables of the playbook. `make lists` writes those of roles, and copies those of the playbook hosts; the others are written here."
OF_PROJECT = "Written by `make lists` from playbooks/controller/templates.yml."
OF_SURVEYS = "Written by `make lists` from templates.yml beside it and from the argument specs of the roles."
#: What an option of a play is said to be: the markup, and what is inside a structure, stay with the role.
KEPT = ("type", "elements", "choices", "required", "default")
MOST = 8


class Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)

    def represent_str(self, data: str) -> yaml.Node:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


Dumper.add_representer(str, Dumper.represent_str)


def dumped(data: t.Any, header: str) -> str:
    return HEADER % header + yaml.dump(data, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)


def read(path: Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def unmarked(text: str) -> str:
    """A description without markup: M(community.scalingo.x) and O(x) are x."""
    text = re.sub(r"\b[VOCEMP]\(((?:[^()\\]|\\.)*)\)", lambda found: re.sub(r"#\w+.*|\\(?=.)", "", found[1]), text)
    return " ".join(text.split())


def described(option: Option) -> list[str]:
    text = option["description"]
    return [unmarked(line) for line in ([text] if isinstance(text, str) else text)]


def of_roles() -> dict[str, Option]:
    """Every variable of every role."""
    found: dict[str, Option] = {}
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        found |= read(path)["argument_specs"]["main"]["options"]
    return found


def head(path: Path) -> tuple[list[str], list[str]]:
    """What a playbook says of itself at its head: its first paragraphs, up to the examples, and the names of its variables."""
    paragraphs = heads.head(path)
    prose = []
    for paragraph in paragraphs:
        if re.match(r"\s|Variables|Databases,|with, for example|Example", paragraph):
            break
        prose.append(" ".join(paragraph.split()))
    listed = re.findall(r"^  ([a-z]\w+(?:, [a-z]\w+)*)(?: \([^)]*\))?(?: {2,}|$)", "\n".join(paragraphs), re.MULTILINE)
    return prose, [name for names in listed for name in names.split(", ") if "_" in name]


def metas() -> dict[Path, str]:
    """PLAYBOOK.meta.yml of each playbook of the artifact."""
    roles = of_roles()
    common = read(ROOT / "playbooks" / "hosts.meta.yml")["argument_specs"]["hosts"]["options"]
    written = {}
    for path in heads.playbooks():
        meta = path.with_suffix(".meta.yml")
        earlier = read(meta)["argument_specs"][path.stem] if meta.is_file() else {"options": {}, "examples": ""}
        prose, names = head(path)
        short, dummy, rest = prose[0].partition(". ")
        options = {}
        for name in dict.fromkeys(names):
            if name in roles:
                option = roles[name]
                kept = {key: option[key] for key in KEPT if key in option and option[key] not in ("", [], {})}
                options[name] = {"description": " ".join(described(option)), **kept}
            else:
                own = earlier["options"].get(name) or common.get(name)
                if not own:
                    raise SystemExit(f"{meta.relative_to(ROOT)}: describe the variable {name}, with its type")
                options[name] = common.get(name, own)
        description = [part for part in (rest, *prose[1:]) if part]
        written[meta] = dumped(
            {
                "short_description": short.rstrip("."),
                "description": " ".join(description) or short,
                "argument_specs": {
                    path.stem: {
                        "short_description": short.rstrip("."),
                        "options": options,
                        "examples": earlier["examples"],
                    }
                },
            },
            OF_META,
        )
    return written


def limits(name: str) -> dict[str, int]:
    """The least and the most of a number, as the role refuses others."""
    from ansible_collections.community.scalingo.plugins.plugin_utils import _role_forms

    roles = sorted((path.name for path in (ROOT / "roles").iterdir()), key=len, reverse=True)
    short = next((name[len(role) + 1 :] for role in roles if name.startswith(role + "_")), name)
    form = _role_forms.FORMS.get(name) or _role_forms.FORMS.get(short)
    found = re.search(r"number from (\d+)(?: to (\d+)| up)", form.allowed if form else "")
    return {key: int(value) for key, value in zip(("min", "max"), found.groups()) if value} if found else {}


def question(name: str, option: Option, required: bool) -> Option:
    """A question of a survey. Nothing is filled in but what is chosen or counted, and never a consent."""
    first, *rest = described(option)
    title, dummy, more = first.partition(". ")
    kind, choices, default = option.get("type", "str"), option.get("choices"), option.get("default")
    rest = [*([more] if more else []), *rest]
    asked: Option = {
        "question_name": title.rstrip("."),
        "question_description": "",
        "variable": name,
        "required": required,
    }
    filled: t.Any = ""
    if kind == "bool":
        asked |= {"type": "multiplechoice", "choices": ["true", "false"]}
        filled = "" if default is None else str(default).lower()
    elif choices:
        asked |= {
            "type": "multiselect" if kind == "list" else "multiplechoice",
            "choices": [str(one) for one in choices],
        }
        filled = "\n".join(default) if isinstance(default, list) else str(default or "")
    elif kind in ("int", "float"):
        asked |= {"type": "integer" if kind == "int" else "float", **limits(name)}
        filled = "" if default is None else float(default) if kind == "float" else default
    else:
        asked |= {
            "type": "textarea" if kind in ("list", "dict") else "text",
            "min": 0,
            "max": 32768 if kind in ("list", "dict") else 1024,
        }
        if kind == "list":
            rest.append("One per line." if option.get("elements") != "dict" else "As JSON or YAML.")
        if default:
            empty = ", ".join(map(str, default)) if isinstance(default, list) else default
            rest.append(f"Empty is {empty}.")
    if is_consent(name):
        filled = ""
    return {**asked, "question_description": " ".join(rest), "default": filled}


def is_consent(name: str) -> bool:
    return name.endswith("_allow")


def surveys(written: dict[Path, str]) -> dict[Path, str]:
    """The questions of each template of AWX, as job_template of awx.awx takes them."""
    place = ROOT / "playbooks" / "controller"
    roles = of_roles()
    found: dict[str, list[Option]] = {}
    for template in read(place / "templates.yml")["scalingo_awx_templates"]:
        playbook, names = template["playbook"], template.get("questions", [])
        own = yaml.safe_load(written[ROOT / "playbooks" / f"{playbook}.meta.yml"])["argument_specs"][playbook][
            "options"
        ]
        unknown = [name for name in names if name not in roles and name not in own]
        if unknown or len(names) > MOST:
            raise SystemExit(
                f"playbooks/controller/templates.yml: {playbook} asks {len(names)} questions; not known: {', '.join(unknown) or 'none'}"
            )
        required = template.get("required", [])
        found[playbook] = [
            question(name, option, bool(option.get("required")) or name in required)
            for name in names
            for option in [roles.get(name) or own[name]]
        ]
    return {place / "surveys.yml": dumped({"scalingo_awx_surveys": found}, OF_SURVEYS)}


def project() -> dict[Path, str]:
    """The files of a project of AWX, one for each template; none for a template that is gone."""
    place = ROOT / "extensions" / "awx" / "project"
    files = {path: "" for path in place.glob("*.yml") if "import_playbook:" in path.read_text(encoding="utf-8")}
    for template in read(ROOT / "playbooks" / "controller" / "templates.yml")["scalingo_awx_templates"]:
        play = {
            "name": template["name"],
            "ansible.builtin.import_playbook": f"community.scalingo.{template['playbook']}",
        }
        files[place / f"{template['playbook']}.yml"] = dumped([play], OF_PROJECT)
    return files


def wanted() -> dict[Path, str]:
    written = metas()
    return {**written, **surveys(written), **project()}
