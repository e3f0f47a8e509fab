"""What scripts/run wrote down is found again by every other command, and never overrules the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tradeproject.runtime import RUNTIME_FILE, data_dir, load_runtime_environment, read_runtime_file

NAME = "TAS_TEST_RUNTIME"


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv(NAME, "to be taken back")
    monkeypatch.delenv(NAME)


def write(folder: Path, text: str) -> None:
    (folder / RUNTIME_FILE).write_text(text)


def test_it_reads_names_and_values(tmp_path):
    write(tmp_path, "# a comment\n\nONE=1\n TWO = a=b \nno pair here\n")
    assert read_runtime_file(tmp_path / RUNTIME_FILE) == {"ONE": "1", "TWO": "a=b"}


def test_it_takes_a_missing_file_for_an_empty_one(tmp_path):
    assert read_runtime_file(tmp_path / RUNTIME_FILE) == {}


def test_it_fills_in_what_the_environment_lacks(tmp_path):
    write(tmp_path, f"{NAME}=stored\n")
    assert load_runtime_environment(Path("/nowhere")) == tmp_path
    assert os.environ[NAME] == "stored"


def test_it_leaves_the_environment_its_way(tmp_path, monkeypatch):
    write(tmp_path, f"{NAME}=stored\n")
    monkeypatch.setenv(NAME, "given")
    load_runtime_environment(Path("/nowhere"))
    assert os.environ[NAME] == "given"


def test_it_does_not_stand_in_the_way_of_a_value_given_by_file(tmp_path, monkeypatch):
    write(tmp_path, f"{NAME}=stored\n")
    monkeypatch.setenv(f"{NAME}_FILE", "/run/secrets/given")
    load_runtime_environment(Path("/nowhere"))
    assert NAME not in os.environ


def test_it_keeps_its_data_in_the_checkout_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("DATA_DIR")
    assert data_dir(Path("/checkout")) == Path("/checkout/.data")


def test_it_makes_a_relative_folder_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", "here")
    assert data_dir(Path("/checkout")) == (tmp_path / "here").resolve()
