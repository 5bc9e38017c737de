"""A test of every build, beside the others, with what it holds in one sentence."""

from __future__ import annotations

from flows.desk.scaffold.project import Project

FOLDER = "tests/data"
DESCRIBED = f"{FOLDER}/data_tests.yml"


def add(project: Project, name: str, sql: str, says: str) -> None:
    """Write a test and its sentence."""
    project.create(f"{FOLDER}/{name}.sql", sql)
    line = f'  - {{name: {name}, description: "{says}"}}\n'
    project.rewrite(DESCRIBED, f"{project.read(DESCRIBED).rstrip()}\n{line}")
