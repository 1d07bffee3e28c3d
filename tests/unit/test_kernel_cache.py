"""After an upgrade no kernel runs with the machine code of the version before."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from anlan.kernel_cache import PACKAGE, PARTS, PREFIX, SETTING, choose, digest


def package(folder: Path, factor: int) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text(
        "from pathlib import Path\n"
        "from anlan.kernel_cache import settle\n"
        "settle(Path(__file__).parent, ('.',))\n"
    )
    (folder / "inner.py").write_text(
        f"from numba import njit\n@njit(cache=True)\ndef inner(x):\n    return {factor} * x\n"
    )
    (folder / "outer.py").write_text(
        textwrap.dedent("""
            from numba import njit
            from kernels.inner import inner
            @njit(cache=True)
            def outer(x):
                return inner(x) + 1
        """)
    )


def run(folder: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name != SETTING}
    env["PYTHONPATH"] = os.pathsep.join([str(folder), env.get("PYTHONPATH", "")])
    script = "from kernels.outer import outer; print(outer(10.0))"
    return subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_change_in_a_called_kernel_is_seen_by_its_caller_in_another_file(tmp_path: Path) -> None:
    package(tmp_path / "kernels", 2)
    assert run(tmp_path) == "21.0"
    assert run(tmp_path) == "21.0"
    package(tmp_path / "kernels", 3)
    assert run(tmp_path) == "31.0"


def test_one_folder_serves_every_part_whichever_is_imported_first() -> None:
    env = {name: value for name, value in os.environ.items() if name != SETTING}
    script = "import {}; import os; print(os.environ['NUMBA_CACHE_DIR'])"
    told = {
        subprocess.run(
            [sys.executable, "-c", script.format(names)], env=env, capture_output=True, text=True, check=True
        ).stdout
        for names in ("anlan.warn.target", "anlan.assess", "anlan.assess, anlan.warn.target")
    }
    assert len(told) == 1
    assert digest(PACKAGE, PARTS) in told.pop()


@pytest.mark.parametrize("part", PARTS)
def test_a_change_in_any_part_moves_the_folder(tmp_path: Path, part: str) -> None:
    for name in PARTS:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "kernels.py").write_text("njit = 1\n")
    before = digest(tmp_path, PARTS)
    (tmp_path / part / "kernels.py").write_text("njit = 2\n")
    assert digest(tmp_path, PARTS) != before


def test_a_folder_that_the_operator_names_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, str(tmp_path / "mine"))
    assert choose(tmp_path) is None
    monkeypatch.setenv(SETTING, str(tmp_path / f"{PREFIX}0"))
    assert choose(tmp_path) == tmp_path / "__pycache__" / f"{PREFIX}{digest(tmp_path)}"


def test_where_the_package_cannot_be_written_the_users_cache_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SETTING, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    package(tmp_path / "kernels", 2)
    (tmp_path / "kernels" / "__pycache__").write_text("in the way")
    assert (
        choose(tmp_path / "kernels")
        == tmp_path / "cache" / "anlan" / f"{PREFIX}{digest(tmp_path / 'kernels')}"
    )
