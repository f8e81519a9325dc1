"""What must hold of the project's own files: pins, contracts, decision records, glossary, packaging."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString

import myopoise

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "myopoise"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ["requirements.lock", "requirements-dev.lock"]
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[^\s;]+)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
ABOVE_OR_BESIDE = {"cli", "web", "report", "__main__"}


def lines(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def pins(name: str) -> dict[str, str]:
    return {m["name"]: m["version"] for m in map(PIN.match, lines(name)) if m}


def bare(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0].lower()


def module(requirement: str) -> str:
    return requirement.replace("-", "_")


def wanted(*groups: str) -> set[str]:
    project, extras = PROJECT["project"], PROJECT["project"]["optional-dependencies"]
    asked = [*project["dependencies"], *extras["excel"], *extras["sas"]]
    for group in groups:
        asked += PROJECT["dependency-groups"][group]
    return {bare(r) for r in asked}


# --- what is installed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_file_is_a_pin_or_a_hash(lock: str) -> None:
    assert [line for line in lines(lock) if not (PIN.match(line) or HASH.match(line))] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_is_followed_by_a_hash(lock: str) -> None:
    found = lines(lock)
    followed = zip(found, [*found[1:], ""], strict=True)
    assert [line for line, after in followed if PIN.match(line) and not HASH.match(after)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_names_no_host_and_no_option(lock: str) -> None:
    text = "\n".join(lines(lock))
    assert [
        mark for mark in (":" + "//", "www" + ".", "#", "--index", "--find", "--extra", "@") if mark in text
    ] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_a_library_is_pinned_to_one_version_for_every_python(lock: str) -> None:
    names = [m["name"] for m in map(PIN.match, lines(lock)) if m]
    assert sorted(names) == sorted(set(names))


def test_what_is_asked_for_is_pinned_with_the_build_backend() -> None:
    assert wanted("build") <= pins("requirements.lock").keys()
    assert wanted("build", "dev") <= pins("requirements-dev.lock").keys()


def test_tests_run_on_the_versions_that_users_get() -> None:
    users, developers = (pins(lock) for lock in LOCKS)
    assert users.items() <= developers.items()


def test_the_package_imports_only_libraries_it_declares() -> None:
    # The sampler is declared as an extra but in no lock: it is half a gigabyte that no user of the core needs.
    extra = PROJECT["project"]["optional-dependencies"]["reference"]
    declared = set(map(module, wanted())) | set(map(module, map(bare, extra)))
    strangers = {
        (name, str(path.relative_to(PACKAGE)))
        for path in PACKAGE.rglob("*.py")
        for name in imported(path)
        if name not in declared | {"myopoise"} | set(sys.stdlib_module_names)
    }
    assert strangers == set()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def test_every_file_of_the_package_is_in_the_wheel(tmp_path: Path) -> None:
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    ours = {
        path.relative_to(PACKAGE.parent).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert ours - shipped == set()
    assert not any(name.startswith("tests/") for name in shipped)


# --- the rooms --------------------------------------------------------------------------------------------


def rooms() -> set[str]:
    return {module.name for module in pkgutil.iter_modules([str(PACKAGE)])}


def contract(start: str) -> dict[str, list[str]]:
    (found,) = (c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["name"].startswith(start))
    return found


def test_every_room_has_its_layer() -> None:
    layers = re.findall(r"myopoise\.(\w+)", " ".join(contract("Rooms")["layers"]))
    assert rooms() - {"__main__"} - set(layers) == set()


def test_every_room_below_the_report_is_kept_from_ink() -> None:
    kept = {name.removeprefix("myopoise.") for name in contract("Numbers and ink")["source_modules"]}
    assert rooms() - ABOVE_OR_BESIDE - kept == set()


# --- docstrings -------------------------------------------------------------------------------------------


def public() -> Iterator[tuple[str, object]]:
    for module in pkgutil.walk_packages(myopoise.__path__, "myopoise."):
        if module.name.endswith("__main__"):
            continue
        room = importlib.import_module(module.name)
        for name, thing in vars(room).items():
            ours = getattr(thing, "__module__", "") == room.__name__
            if ours and not name.startswith("_") and (inspect.isclass(thing) or inspect.isfunction(thing)):
                yield f"{room.__name__}.{name}", thing


def test_a_docstring_that_lists_parameters_lists_exactly_those_the_call_takes() -> None:
    wrong = {}
    for name, thing in public():
        doc = NumpyDocString(inspect.getdoc(thing) or "")
        listed = [part.strip(" *") for parameter in doc["Parameters"] for part in parameter.name.split(",")]
        if listed and listed != (taken := takes(thing)):
            wrong[name] = f"listed {listed}, takes {taken}"
    assert wrong == {}


def takes(thing: object) -> list[str]:
    if dataclasses.is_dataclass(thing):
        return [field.name for field in dataclasses.fields(thing) if field.init]
    return list(inspect.signature(thing).parameters)  # type: ignore[arg-type]


# --- pages ------------------------------------------------------------------------------------------------

RECORDS = ROOT / "docs" / "decisions"


def test_every_decision_record_is_in_the_index() -> None:
    linked = set(
        re.findall(r"\]\((\d{4}-[a-z-]+\.md)\)", (RECORDS / "README.md").read_text(encoding="utf-8"))
    )
    assert {path.name for path in RECORDS.glob("[0-9]*.md")} == linked


def test_every_decision_record_has_context_choice_cost_and_test() -> None:
    wanted_sections = ["Context", "Choice", "What it costs", "How it is tested"]
    sections = {
        path.name: re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for path in RECORDS.glob("[0-9]*.md")
    }
    assert {name: found for name, found in sections.items() if found != wanted_sections} == {}


def test_the_glossary_is_alphabetical_and_defines_each_word_once() -> None:
    text = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    words = [word.lower() for word in re.findall(r"^\*\*(.+)\*\*$", text, flags=re.MULTILINE)]
    assert len(words) > 50
    assert words == sorted(set(words))


def test_a_changelog_fragment_is_of_a_known_kind() -> None:
    kinds = {"answer", "evidence", "feature", "fix", "removed"}
    fragments = [path.name for path in (ROOT / "changelog.d").glob("*") if path.name != "README.md"]
    assert [name for name in fragments if name.split(".")[1:] not in [[kind, "md"] for kind in kinds]] == []


def test_no_file_names_a_machine_path_or_a_package_registry() -> None:
    marks = [
        "/" + "work/",
        "/" + "tmp/",
        "/" + "root/",
        "py" + "pi.org",
        "python" + "hosted",
        "index" + "-url",
    ]
    folders = ("src", "tests", "docs", "changelog.d", ".ci")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files += [
        path for path in ROOT.glob("*") if path.suffix in {".md", ".toml", ".lock"} or path.name == "Makefile"
    ]
    found = {
        (str(path.relative_to(ROOT)), mark)
        for path in files
        if path.is_file() and "__pycache__" not in path.parts
        for mark in marks
        if mark in path.read_text(encoding="utf-8", errors="replace")
    }
    assert found == set()


def test_continuous_integration_ends_with_the_tests() -> None:
    commands = [line for line in lines(".ci/run") if line.startswith("make ")]
    assert commands == ["make check", "make test"]
