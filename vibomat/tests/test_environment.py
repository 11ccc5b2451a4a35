"""Secrets come from variables, or from files that variables name."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from vibomat.environment import secret


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "key"
    monkeypatch.setenv("KEY_FILE", str(path))
    return path


def test_a_secret_is_the_variable_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "$HOME \n")
    assert secret("KEY") == "$HOME \n"
    assert secret("NO_KEY") == ""


def test_a_secret_is_in_the_file_that_is_named(file: Path) -> None:
    file.write_text(" $HOME\r\n")
    assert secret("KEY") == " $HOME"


def test_a_variable_and_a_file_contradict(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "x")
    with pytest.raises(ImproperlyConfigured, match=r"^Set KEY or KEY_FILE, not both\.$"):
        secret("KEY")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, r"^Can't read .*key, which KEY_FILE names: No such file or directory\.$"),
        (b"\xff", r"^Can't read .*key, which KEY_FILE names: it is no text\.$"),
        (b"\n", r"^.*key, which KEY_FILE names, is empty\.$"),
    ],
)
def test_a_file_without_a_secret_is_said(file: Path, content: bytes | None, reason: str) -> None:
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ImproperlyConfigured, match=reason):
        secret("KEY")
