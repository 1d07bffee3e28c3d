"""Documentation that cannot fall behind: links, commands, reference pages, languages, versions, locks."""

from __future__ import annotations

import ast
import fnmatch
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import anlan

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TWINS = ("README.md", "docs/index.md", "docs/tutorial/first-hour.md", "docs/howto/compose-a-warning.md")
OWN_COMMANDS = {"test", "check", "bench", "soak", "help", "COMMAND"}

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`|^ {4,}(\S.*)$", re.MULTILINE)
COMMAND = re.compile(r"^(?:\$ )?(?:\./run|anlan)((?: +[^\s`|;&]+)*)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Names of the headings of a page, as they are linked to."""
    heads = re.findall(r"^#+ (.+)$", without_fences(page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(without_fences(page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and there.suffix == ".md" and anchor not in anchors(there)):
            broken.append(target)
    assert not broken, f"{name(page)} links to what is not there"


def commands_in(page: Path) -> Iterator[list[str]]:
    """Words of every `./run ...` and `anlan ...` written as code."""
    for inline, block in CODE.findall(page.read_text("utf-8")):
        if match := COMMAND.match((inline or block).split("  ")[0].split(" #")[0].strip()):
            yield match.group(1).split()


def known_commands() -> dict[str, set[str]]:
    """Command -> its sub-commands; empty where it has none."""
    app = importlib.import_module("anlan.cli.main").app
    found: dict[str, set[str]] = {}
    for command in app:
        if not command.startswith("-"):
            found[command] = {sub for sub in app[command] if not sub.startswith("-")}
    return found


def test_every_command_in_the_documentation_exists() -> None:
    known = known_commands()
    wrong = []
    for page in PAGES:
        for words in commands_in(page):
            if not words or not re.fullmatch(r"[a-zA-Z][\w-]*", words[0]) or words[0] in OWN_COMMANDS:
                continue
            subs = known.get(words[0])
            if subs is None or (subs and len(words) > 1 and words[1].islower() and words[1] not in subs):
                wrong.append(f"{name(page)}: {' '.join(words)}")
    assert not wrong


def test_every_command_is_found_in_the_documentation() -> None:
    used = {words[0] for page in PAGES if page.name != "cli.md" for words in commands_in(page) if words}
    assert set(known_commands()) <= used


def test_the_script_and_the_commands_do_not_share_a_name() -> None:
    assert not OWN_COMMANDS & set(known_commands())


def test_generated_reference_pages_are_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    monkeypatch.setattr(sys, "argv", ["anlan"])  # the usage lines repeat how the program was called
    for module in ("generate", "surfaces"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    pages: dict[str, str] = importlib.import_module("generate").pages()
    stale = [
        page for page, text in pages.items() if (ROOT / "docs/reference" / page).read_text("utf-8") != text
    ]
    assert not stale, "run: .venv/bin/python docs/generate.py"


def codes() -> dict[str, str]:
    """Reason code -> where it stands, for every code written out in the source; one that is put together
    from a beginning and a value ends with an asterisk."""
    found: dict[str, str] = {}
    for file in sorted((ROOT / "src/anlan").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            values: list[ast.expr] = []  # where a code may stand in this node
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Reason":
                values = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "code")]
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "reason_code":
                values = [node.value]
            for value in values:
                joined = {
                    id(part)
                    for one in ast.walk(value)
                    if isinstance(one, ast.JoinedStr)
                    for part in one.values
                }
                for part in ast.walk(value):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        code = part.value + ("*" if id(part) in joined else "")
                        found[code] = f"{file.relative_to(ROOT)}:{value.lineno}"
    return found


def test_every_reason_is_described_in_both_languages() -> None:
    page = (ROOT / "docs/reference/reasons.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", page, re.MULTILINE)
    described = {
        code for code, english, chinese in rows if english.strip() and re.search(r"[一-鿿]", chinese)
    }
    missing = {code: where for code, where in codes().items() if not fnmatch.filter(described, code)}
    assert not missing, "docs/reference/reasons.md does not describe them"


@pytest.mark.parametrize("page", TWINS)
def test_entry_pages_come_in_english_and_chinese(page: str) -> None:
    english, chinese = ROOT / page, ROOT / page.replace(".md", ".zh.md")
    assert chinese.name in english.read_text("utf-8")
    text = chinese.read_text("utf-8")
    assert english.name in text
    assert len(re.findall(r"[一-鿿]", text)) > 100
    shown = [words for words in commands_in(english) if words]
    assert shown == [words for words in commands_in(chinese) if words], "both show the same commands"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name.endswith(".zh.md")], ids=name)
def test_chinese_sentences_have_chinese_punctuation(page: Path) -> None:
    text = re.sub(r"\]\([^)]*\)|^ {4,}.*$", "]", without_fences(page.read_text("utf-8")), flags=re.MULTILINE)
    text = re.sub(r"`[^`]*`", "``", text.replace("![", "["))
    found = [match[0] for match in re.finditer(r".{0,12}[一-鿿][\]`]{0,3}[,:;()?!].{0,12}", text)]
    found += [match[0] for match in re.finditer(r".{0,12}[,:;()?!] ?[\[`]{0,3}[一-鿿].{0,12}", text)]
    assert found == []


def test_the_changelog_has_an_entry_for_this_version() -> None:
    assert f"\n## {anlan.__version__}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == anlan.__version__


def test_the_architecture_names_every_layer() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = project["tool"]["importlinter"]["contracts"][0]["layers"]
    page = (ROOT / "docs/explanation/architecture.md").read_text("utf-8")
    table = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page, re.MULTILINE)
    assert [re.findall(r"\w+", row) for row in table] == [re.findall(r"\w+", layer) for layer in layers]


def test_every_promise_names_tests_that_exist() -> None:
    page = (ROOT / "docs/explanation/promises.md").read_text("utf-8")
    promises = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    assert len(promises) == 8
    for promise in promises:
        cited = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", promise)
        assert cited, promise.splitlines()[0]
        for file, test in cited:
            text = (ROOT / file).read_text("utf-8")
            assert not test or f"def {test}(" in text, f"{file}::{test}"


def test_nothing_in_the_text_belongs_to_one_machine_or_names_a_package_host() -> None:
    hosts = r"https?://[^\s)>\"']*\b(?:pypi|pythonhosted|npmjs|debian|conda|crates)\.\w+"
    paths = r"(?<![\w.~-])/(?:work|root|tmp|opt)/"
    texts = [*PAGES, ROOT / "run", ROOT / ".ci/run", ROOT / "NOTICE", ROOT / "packages.debian"]
    wrong = [
        f"{name(page)}: {match.group()}"
        for page in texts
        for match in re.finditer(f"{hosts}|{paths}", page.read_text("utf-8"))
    ]
    assert not wrong


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_locks_have_hashes_for_everything_and_addresses_for_nothing(lock: str) -> None:
    text = (ROOT / f"locks/{lock}.lock").read_text("utf-8")
    assert "://" not in text
    assert "--index-url" not in text
    requirements = re.split(r"\n(?=[a-z])", text.strip())
    for requirement in requirements:
        assert re.match(r"[a-z0-9-]+(\[[a-z,]+\])?==[^\s;]+", requirement), requirement[:80]
        assert "--hash=sha256:" in requirement, requirement[:80]


def locked(lock: str) -> set[tuple[str, str]]:
    text = (ROOT / f"locks/{lock}.lock").read_text("utf-8")
    return set(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, re.MULTILINE))


def required(*extras: str) -> set[str]:
    """Names that pyproject.toml asks for, as they stand in a lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["project"]["optional-dependencies"]
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    asked += [requirement for extra in extras for requirement in groups[extra]]
    matches = (re.match(r"[A-Za-z0-9._-]+", requirement) for requirement in asked)
    return {re.sub(r"[-_.]+", "-", match.group()).lower() for match in matches if match}


def test_the_locks_cover_what_the_project_asks_for() -> None:
    assert required("build") <= {package for package, _ in locked("run")}
    assert required("build", "dev") <= {package for package, _ in locked("dev")}


def test_what_runs_is_what_is_tested() -> None:
    assert locked("run") <= locked("dev")
