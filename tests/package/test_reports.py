"""The scripts behind `make verify` and `make bench` write what happened, failures included."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]
AUTHOR = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "a test"), ("EMAIL", "test@example.org"))
}

_ROW = {
    "form": "clean",
    "score": (1.0, 1.0),
    "place": 1,
    "by_score": 1,
    "claimed": (),
    "verdict": "candidate",
    "before": "",
    "candidates": (),
    "kept": True,
}
"""A line of the oracle, but for its kind."""


def git(folder, *arguments):
    """Run git in `folder`, as nobody in particular; return what it said."""
    command = ["git", "-C", str(folder), *arguments]
    environment = {**os.environ, **AUTHOR}
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment
    ).stdout


@pytest.fixture
def report(tmp_path, monkeypatch):
    """The report module, writing into an empty folder, importable as the scripts import it."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    import report as module

    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "REPORTS", tmp_path / "reports")
    return module


def test_a_table_is_markdown(report):
    made = report.table(["name", "value"], [("a|b", 1 / 3), ("two\nlines", 4)])
    assert made == "| name | value |\n| --- | --- |\n| a\\|b | 0.3333 |\n| two lines | 4 |\n"


def test_a_report_names_the_commit_it_belongs_to(report, tmp_path):
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        git(tmp_path, *command)
    head = git(tmp_path, "rev-parse", "--short=12", "HEAD").strip()
    text = report.write("one", "The title", "the body").read_text()
    assert text.startswith(f"# The title\n\nCommit {head}. Python ")
    assert text.endswith("\n\nthe body\n")

    (tmp_path / "more.txt").write_text("not committed")
    assert f"Commit {head}, with uncommitted changes." in report.write("two", "t", "b").read_text()


def test_a_report_outside_git_says_so(report, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "Commit no commit." in report.write("one", "t", "b").read_text()


def test_what_takes_minutes_is_worked_out_once_a_commit(report, tmp_path):
    made = []

    def rows():
        made.append(len(made))
        return [{"n": len(made)}]

    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "first"]):
        git(tmp_path, *command)
    (tmp_path / ".gitignore").write_text(".verify/\n.gitignore\n")
    assert report.once("one", rows) == report.once("one", rows) == [{"n": 1}]
    assert report.once("two", rows) == [{"n": 2}]
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "second")
    assert report.once("one", rows) == [{"n": 3}]
    (tmp_path / "more.txt").write_text("not committed")
    assert report.once("one", rows) == [{"n": 4}]
    assert report.once("one", rows) == [{"n": 5}], "it may have changed since"


def test_the_test_report_counts_what_failed(report, tmp_path, monkeypatch):
    import report_tests

    source = tmp_path / "tests.xml"
    source.write_text(
        """<testsuites><testsuite>
        <testcase classname="tests.model.test_a" name="good" time="1.5"/>
        <testcase classname="tests.model.test_a" name="bad" time="2"><failure/></testcase>
        <testcase classname="tests.model.test_b" name="broken" time="0"><error/></testcase>
        <testcase classname="tests.zoo.test_c" name="left" time="0"><skipped/></testcase>
        </testsuite></testsuites>"""
    )
    monkeypatch.setattr(report_tests, "SOURCE", source)
    assert report_tests.main() == 0
    text = (report.REPORTS / "tests.md").read_text()
    assert "| tests.model | 1 | 2 | 0 | 3.5 |" in text
    assert "| tests.zoo | 0 | 0 | 1 | 0 |" in text
    assert text.index("test_a::bad") < text.index("test_a::good")


def test_without_a_run_there_is_no_test_report(report, tmp_path, monkeypatch, capsys):
    import report_tests

    monkeypatch.setattr(report_tests, "SOURCE", tmp_path / "absent.xml")
    assert report_tests.main() == 1
    assert "make verify" in capsys.readouterr().err
    assert not report.REPORTS.exists()


@pytest.fixture
def bench(report, tmp_path):
    """The benchmarks' runner, over an empty folder of benchmarks."""
    import bench as module

    assert module.report is report
    (tmp_path / "benchmarks").mkdir()
    return module


def test_a_missed_bar_fails_the_bench_and_is_written(report, bench, tmp_path):
    good, bad = tmp_path / "benchmarks" / "good.py", tmp_path / "benchmarks" / "slow.py"
    good.write_text('"""How quick it is."""\nprint("| a | b |")\n')
    bad.write_text('import sys\nprint("9 seconds")\nsys.exit(1)\n')
    (tmp_path / "benchmarks" / "_shared.py").write_text("raise SystemExit(3)\n")
    assert bench.main([]) == 1
    good_text, bad_text = (
        (report.REPORTS / f"bench_{name}.md").read_text() for name in ("good", "slow")
    )
    assert good_text.startswith("# How quick it is\n\nCommit ")
    assert good_text.endswith("| a | b |\n")
    assert bad_text.endswith("9 seconds\n\n**Exit status 1.**\n")
    assert len(list(report.REPORTS.glob("*"))) == 2
    assert bench.main(["good"]) == 0


def test_only_the_benchmarks_that_were_named_are_run(report, bench, tmp_path, capsys):
    for name in ("one", "two"):
        (tmp_path / "benchmarks" / f"{name}.py").write_text('print("done")\n')
    assert bench.main(["two"]) == 0
    assert [path.name for path in report.REPORTS.glob("*")] == ["bench_two.md"]
    assert bench.main(["three"]) == 1
    assert "expected benchmarks among one, two, got three" in capsys.readouterr().err


def test_nothing_to_measure_is_a_failure(bench, report):
    assert bench.main([]) == 1
    assert not report.REPORTS.exists()


def test_a_notebook_that_fails_fails_the_report(report, tmp_path, monkeypatch):
    import report_notebooks

    monkeypatch.setattr(report_notebooks, "EXECUTED", tmp_path / "executed")
    outcomes = {"a.ipynb": (0, 1.0, 0.5), "b.ipynb": (1, 2.0, 0.25)}
    monkeypatch.setattr(report_notebooks, "execute", lambda path: outcomes[path.name])
    (tmp_path / "notebooks").mkdir()
    for name in outcomes:
        (tmp_path / "notebooks" / name).write_text("{}")
    assert report_notebooks.main() == 1
    text = (report.REPORTS / "notebooks.md").read_text()
    assert "| a.ipynb | ran | 1 | 0.5 |" in text
    assert "| b.ipynb | failed (1) | 2 | 0.25 |" in text


@pytest.fixture
def emergence(report):
    """The report of the emergence lab, with what takes minutes left out."""
    import report_emergence as module

    return module


def test_clamps_are_in_order_where_only_the_last_may_tie(emergence):
    times = {"none": 5, "previous token": 4, "layer 1": 3, "match": 1, "copy": 2}
    in_order = emergence.bars.in_order
    assert in_order({**times, "layer 1 + copy": 1})
    assert not in_order({**times, "layer 1 + copy": 1.5})
    assert not in_order({**times, "layer 1 + copy": 0, "layer 1": 2})
    assert not in_order({**times, "layer 1 + copy": 0, "previous token": 5})
    assert in_order({**times, "layer 1 + copy": 0, "none": float("inf")})


def test_the_shipped_runs_are_listed_with_their_sizes(emergence):
    (row,), text = emergence.shipped()
    assert row.kept
    assert "| low16 | 0.0001 | 1 × 60,000 | 60 |" in text
    listed = [line for line in text.splitlines() if line.startswith("| ")][1:]
    kilobytes = sum(int(line.split("|")[-2]) for line in listed[1:])
    assert kilobytes / 1e3 == pytest.approx(float(row.found.split()[0]), abs=0.02)
    assert "| paper-clamps | 5b: clamps | match |" in emergence.beside()


def test_a_missed_bar_fails_the_report_of_the_lab_and_is_written(emergence, report, monkeypatch):
    bars = emergence.bars

    def rows(name, found, **bounds):
        return lambda: [bars.within(name, found, **bounds)]

    for name in ("learns", "clamped", "slowed", "product", "exact"):
        monkeypatch.setattr(bars, name, rows(name, 0.5, low=0.4))
    for name in ("alone", "opened"):
        monkeypatch.setattr(emergence, name, rows(name, 0.5, high=1))
    times = dict.fromkeys(("none", "match"), 3000.0)
    monkeypatch.setattr(bars, "six", lambda: [(5, times, {})])
    start = (*rows("start", 0.5, low=0, high=1)(), *rows("each", 2.0, high=1)())
    monkeypatch.setattr(bars, "beginnings", lambda: (list(start), "why"))
    assert emergence.main() == 0, "what is shown as a finding does not fail it"
    text = (report.REPORTS / "emergence.md").read_text()
    assert "| learns | ≥ 0.4 | 0.5 | kept |" in text
    assert "| each | ≤ 1 | 2 | MISSED |" in text
    assert "| 5 | 3 | 3 |" in text
    monkeypatch.setattr(emergence, "opened", rows("opened", 16, high=15))
    assert emergence.main() == 1
    assert "| opened | ≤ 15 | 16 | MISSED |" in (report.REPORTS / "emergence.md").read_text()


@pytest.fixture
def confirmed(report):
    """The report of the proofs, with what takes minutes left out."""
    import report_confirmed as module

    return module


def test_a_proof_that_could_not_be_measured_says_why(confirmed):
    import pandas as pd

    lacking = {"share": float("nan"), "p_corrected": float("nan"), "confirmed": False}
    about = {"kind": "k", "measurement": "m", "layer": 1, "head": 2, "score": 0.5}
    none = {"kind": "n", "measurement": "n", "reason": "no candidate"}
    small = {"share": 0.01, "p_corrected": 0.5, "confirmed": False, "reason": "costs 1%"}
    other = {"share": 0.4, "p_corrected": 0.001, "confirmed": False}
    chance = {**other, "reason": "the model does not do the task"}
    proved = {**other, "confirmed": True, "reason": "costs 40%"}
    table = pd.DataFrame(
        [
            none,
            {**about, **lacking, "reason": "too few facts"},
            *({**about, **one} for one in (small, chance, proved)),
        ]
    )
    rows = confirmed.rows([table, table])
    assert [row[-1] for row in rows] == [
        *("no candidate", "too few facts", "", "the model does not do the task", ""),
    ]
    assert [row[4] for row in rows] == ["", "–, –", "1%, 1%", "40%, 40%", "40%, 40%"]
    assert [row[5] for row in rows] == ["", "", "0.5", "0.001", "0.001"]
    assert [row[6] for row in rows] == ["", "no", "no", "no", "yes"]


def test_the_report_of_the_proofs_counts_the_kinds_that_there_are(confirmed):
    from headwidgets.taxonomy import all_kinds

    n = len({one.measurement for one in all_kinds()})
    assert f"{len(all_kinds())} kinds are\n{n} measurements" in confirmed.text()


def test_the_oracle_names_the_kinds_that_are_not_planted_if_there_are_any(report):
    import report_oracle as module

    from headwidgets.taxonomy import all_kinds

    every = [SimpleNamespace(kind=one.name, **_ROW) for one in all_kinds()]
    text = module.body(every, 5)
    assert "Not planted" not in text
    assert "without a score" not in text, "every kind has one"
    assert f"{len(every)} kinds, " in text
    assert f"Not planted, 1 of {len(every)}: {every[-1].kind}.\n" in module.body(every[:-1], 5)
