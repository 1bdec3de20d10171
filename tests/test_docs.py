"""The documents say what is so."""

import re
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY


@pytest.mark.parametrize(("page", "function"), [("configuration", "reference"), ("door", "door")])
def test_a_generated_page_is_the_generated_one(tmp_path, page, function):
    script = (
        "import sys; sys.path.insert(0, 'docs'); import generate\n"
        f"from pathlib import Path; Path(sys.argv[1]).write_text(generate.{function}(), 'utf-8')"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "c.md")], cwd=REPOSITORY, env={}, check=True)
    written = (REPOSITORY / "docs" / f"{page}.md").read_text("utf-8")
    assert written == (tmp_path / "c.md").read_text("utf-8"), "run: python docs/generate.py"


def test_every_module_drawn_in_the_architecture_is_there_and_none_is_missing():
    drawing = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8").split("## The house")[1].split("\n\n")[1]
    for package in (
        "commands",
        "gate",
        "gate/processes",
        "gate/vision",
        "gate/door",
        "gate/readers",
        "gate/fleet",
        "gate/store",
        "gate/store/people",
        "gate/store/record",
        "gate/store/site",
        "gate/store/compound",
        "gate/care",
        "gate/care/backup",
        "gate/care/doctor",
        "gate/drill",
        "centre",
        "models",
        "enroll",
        "api",
        "api/front",
        "api/v1",
        "api/pages",
        "api/pages/settings",
        "evaluate",
        "evaluate/demo",
        "systemd/deploy",
    ):
        name = package.split("/")[-1] + "/"
        (line,) = (line for line in drawing.splitlines() if line.strip().startswith(name))
        drawn = set(re.findall(r"[a-z_]+", re.sub(r"\(.*?\)|packs/\*\.toml|[a-z0-9]+/", "", line)))
        there = {path.stem for path in (REPOSITORY / package).glob("*.py")} - {"__init__"}
        assert drawn == there, package


def test_the_readme_names_every_command():
    from commands.cli import COMMANDS

    readme = (REPOSITORY / "README.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"`facegate {name}" not in readme] == []


def each_names_a_test(lines):
    """Fails unless each line of a table names a test that is there."""
    for line in lines:
        named = re.findall(r"`([\w/]+\.py)::(\w+)`", line)
        assert named, f"no test holds: {line}"
        for file, name in named:
            assert f"def {name}(" in (REPOSITORY / "tests" / file).read_text("utf-8"), f"{file} has no {name}"


def test_every_line_of_the_threat_model_names_a_test_that_is_there():
    threats = (REPOSITORY / "docs" / "security.md").read_text("utf-8").split("## What the record proves")[0]
    lines = [line for line in threats.splitlines() if line.startswith("| ") and not line.startswith("| tried ")]
    assert len(lines) > 60
    each_names_a_test(lines)


def rules():
    """Each line of the table of rules: the line, its rule's number, and the files that keep it."""
    text = (REPOSITORY / "docs" / "rules.md").read_text("utf-8")
    for line in text.splitlines():
        if re.match(r"\| \d", line):
            yield line, int(line[2:].split(".")[0]), re.findall(r"`([^`]+)`", line.split(" | ")[1])


def test_every_rule_names_the_file_that_keeps_it_and_a_test_that_is_there():
    each_names_a_test([line for line, _, _ in rules()])
    assert sorted({number for _, number, _ in rules()}) == list(range(1, 13))
    for line, _, kept_in in rules():
        assert kept_in, f"kept nowhere: {line}"
        assert [file for file in kept_in if not (REPOSITORY / file).is_file()] == []


def test_every_rule_that_is_broken_on_purpose_stands_where_it_is_looked_for():
    from tests.soak.test_broken_rules import BREAKS

    kept = {(number, file) for _, number, kept_in in rules() for file in kept_in}
    for one in BREAKS:
        assert one.keeps in (REPOSITORY / one.file).read_text("utf-8"), f"{one.rule}: not in {one.file}"
        assert (int(one.rule.split()[0]), one.file) in kept, f"{one.rule}: docs/rules.md does not name {one.file}"
        for path in one.tests.split():
            assert path.startswith("-") or "/" not in path or (REPOSITORY / path).exists(), f"{one.rule}: no {path}"


def test_each_decision_has_a_number_of_its_own_and_a_date():
    decisions = (REPOSITORY / "docs" / "decisions.md").read_text("utf-8")
    numbers = [int(number) for number in re.findall(r"^(\d+)\. \(\d{4}-\d\d-\d\d\) \*\*", decisions, re.MULTILINE)]
    assert numbers == list(range(1, len(re.findall(r"^\d+\. ", decisions, re.MULTILINE)) + 1))


def test_every_link_of_the_docs_leads_to_a_file_and_a_heading_that_are_there():
    lost = []
    for page in (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))):
        for path, _, anchor in (
            link.partition("#") for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")) if "://" not in link
        ):
            target = page.parent / path if path else page
            if not target.exists() or (anchor and anchor not in anchors(target.read_text("utf-8"))):
                lost.append(f"{page.name}: {path}#{anchor}")
    assert lost == []


def anchors(text):
    """Of its headings, as they are made by whoever shows such a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
