"""Local files in the benchmarks' own formats: what is read of them, and what is refused."""

from __future__ import annotations

import csv
import json

import numpy as np
import pandas as pd
import pytest
from tasks.drawing import text_of
from tasks.random_reader import reader

import headwidgets as hw
from headwidgets.errors import InputError
from headwidgets.tasks.load import FORMATS

CAPITALS = {
    "question": "What is the capital of France?",
    "choices": ["Rome", "Paris", "Stockholm", "Oslo"],
    "answer": 1,
    "subject": "geography",
}
BATS = {
    "question": "How well do bats see?",
    "mc1_targets": {"choices": ["Fairly well.", "They are blind."], "labels": [1, 0]},
    "mc2_targets": {
        "choices": ["Fairly well.", "They have eyes.", "They are blind.", "Not at all."],
        "labels": [1, 1, 0, 0],
    },
}
FILM = {"sentence": "a lovely and clever film ", "label": 1}
BORN = [
    {"question": "Where was Mary born?", "answer": {"value": "Rome", "aliases": ["Roma"]}},
    {"question": "Where was John born?", "answer": {"value": "Cairo", "aliases": []}},
]
PAPER = {
    "title": "Search with memory .",
    "entities": ["memory", "visual search", "attention"],
    "types": "<method> <task> <method>",
    "relations": ["memory -- USED-FOR -- visual search"],
    "abstract": "this paper uses <method_0> .",
    "abstract_og": "this paper studies how Visual  Search uses memory .",
}
NEWS = {"text": "Shares in Japan fall as oil price climbs", "label": 2}

EXAMPLES = {
    "mmlu": CAPITALS,
    "truthfulqa": BATS,
    "sst2": FILM,
    "triviaqa": BORN[0],
    "agenda": PAPER,
    "agnews": NEWS,
}


def written(path, *rows, name="some.jsonl"):
    """Write rows as lines of JSON."""
    file = path / name
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return file


def loaded(path, form, *rows, n_ctx=None, **options):
    file = written(path, *rows)
    return hw.load_task(file, form, **options).prompts(text_of("every word"), n_ctx)


def test_every_common_task_with_a_format_has_an_example():
    assert set(EXAMPLES) == set(FORMATS)


# ---------------------------------------------------------------------- what is read


def test_mmlu(tmp_path):
    prompts = loaded(tmp_path, "mmlu", CAPITALS, {**CAPITALS, "answer": "C", "subject": "cities"})
    frame = "What is the capital of France?\nA. {}\nB. {}\nC. {}\nD. {}\nAnswer:"
    assert prompts.clean[0] == frame.format("Rome", "Paris", "Stockholm", "Oslo")
    assert (prompts.answer, prompts.foil) == ((" B",), (" A",)), "one question is one prompt"
    assert prompts.corrupted[0] == frame.format("Paris", "Rome", "Stockholm", "Oslo")
    assert prompts.options == ((" A", " B", " C", " D"),)
    assert (prompts.chance, prompts.templates) == (0.25, ("geography",))
    assert prompts.name == "MMLU, some.jsonl"
    tokens = text_of("every word").shown(text_of("every word").encode(prompts.clean[0]))
    labels = {role: tokens[places[0]].strip() for role, places in prompts.roles.items()}
    assert labels["LABEL"] == "B"
    assert labels["OPTION"] == labels["OPTION_B"] == "Paris"
    assert labels["D"] == "D"


def test_truthfulqa_with_its_choices(tmp_path):
    other = {**BATS, "question": "How do dogs hear?", "category": "animals"}
    prompts = loaded(tmp_path, "truthfulqa", BATS, other)
    front = "Q: How well do bats see?\nA: "
    assert prompts.clean[0] == f"{front}Fairly well.\nTrue or false? It is"
    assert (prompts.answer, prompts.foil) == ((" true", " false"), (" false", " true"))
    assert prompts.clean[1] == "Q: How do dogs hear?\nA: They are blind.\nTrue or false? It is"
    assert prompts.templates == ("truthfulqa", "animals")
    one = prompts.choices[0]
    assert one.prompt == front.rstrip()
    assert one.one == (" Fairly well.", " They are blind.")
    assert one.true == (" Fairly well.", " They have eyes.")
    assert one.false == (" They are blind.", " Not at all.")
    assert prompts.corrupted is None, "the two are of different lengths"
    assert "no corrupted prompt, for it would be of another length: 2" in prompts.notes


def test_truthfulqa_as_its_authors_wrote_it(tmp_path):
    """Answers with 1 and 0, not choices with labels."""
    old = dict(BATS)
    for column in ("mc1_targets", "mc2_targets"):
        given = BATS[column]
        old[column] = dict(zip(given["choices"], given["labels"], strict=True))
    assert loaded(tmp_path, "truthfulqa", old) == loaded(tmp_path, "truthfulqa", BATS)


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        (FILM, " positive"),
        ({"text": "a lovely and clever film", "label": "Positive"}, " positive"),
        ({"text": "a lovely and clever film", "label": "0"}, " negative"),
    ],
)
def test_sst2(tmp_path, row, answer):
    prompts = loaded(tmp_path, "SST-2", row)
    assert prompts.clean == ("Review: a lovely and clever film\nSentiment:",)
    assert prompts.answer == (answer,)
    assert prompts.options == ((" negative", " positive"),)


def test_triviaqa_asks_the_question_alone_and_takes_its_foil_from_another_row(tmp_path):
    prompts = loaded(tmp_path, "trivia_qa", *BORN, {"question": "Who?", "answer": "John Paul"})
    assert prompts.clean[0] == "Q: Where was Mary born?\nA:"
    text = text_of("every word")
    said = [text.label(a) for a in prompts.answer]
    assert said == [" Rome", " Cairo", " John"]
    assert [text.label(f) for f in prompts.foil] == [" Cairo", " John", " Rome"]
    assert prompts.options is None
    assert prompts.chance == pytest.approx(1 / text.d_vocab)
    assert prompts.notes[1:] == ("answers of several tokens, of which the first is asked for: 1",)


def test_a_foil_is_no_other_name_of_the_answer(tmp_path):
    rows = [BORN[0], {"question": "Which city?", "answer": "roma"}, BORN[1]]
    prompts = loaded(tmp_path, "triviaqa", *rows)
    assert text_of("every word").label(prompts.foil[0]) == " Cairo"


def test_triviaqa_needs_two_answers(tmp_path):
    with pytest.raises(InputError, match="no wrong answer begins with another token: ' Rome'"):
        loaded(tmp_path, "triviaqa", BORN[0], BORN[0])


def test_agenda_asks_for_the_first_entity_that_the_abstract_names(tmp_path):
    prompts = loaded(tmp_path, "agenda", PAPER, {**PAPER, "abstract_og": "nothing of it"})
    text = text_of("every word")
    assert prompts.clean[0].split("\n") == [
        "Title: Search with memory .",
        "Entities: memory; visual search; attention",
        "Relations: memory USED-FOR visual search",
        "Abstract: this paper studies how",
    ]
    assert text.label(prompts.answer[0]) == text.label(text.encode("a Visual")[1])
    assert text.label(prompts.foil[0]) == " memory"
    assert "rows left out, for the abstract names none of the entities: 1" in prompts.notes


def test_agenda_without_the_written_abstract(tmp_path):
    row = {**PAPER, "abstract": "memory is used", "relations": []}
    del row["abstract_og"]
    prompts = loaded(tmp_path, "agenda", row)
    assert prompts.clean[0].endswith("Relations: none\nAbstract:")
    assert text_of("every word").label(prompts.answer[0]) == " memory"


def test_agnews(tmp_path):
    rows = [{**NEWS, "text": f"{NEWS['text']} {i}", "label": i % 4} for i in range(12)]
    prompts = loaded(tmp_path, "ag_news", *rows)
    topics = (" World", " Sports", " Business", " Technology")
    assert prompts.answer == topics * 3
    assert prompts.clean[0] == "Article: Shares in Japan fall as oil price climbs 0\nTopic:"
    assert {f for a, f in zip(prompts.answer, prompts.foil, strict=True) if a == " World"} == {
        " Sports",
        " Business",
        " Technology",
    }


def test_text_with_braces_and_lines_stays_as_it_is(tmp_path):
    row = {**CAPITALS, "question": "What is {x} in\n  f'{y}'?", "choices": ["{a}", "b", "c", "d"]}
    prompts = loaded(tmp_path, "mmlu", row)
    assert prompts.clean[0].startswith("What is {x} in\n  f'{y}'?\nA. {a}\n")


# ---------------------------------------------------------------------- kinds of file


def as_table(path, form, delimiter, name):
    rows = [{k: v if isinstance(v, str) else str(v) for k, v in EXAMPLES[form].items()}]
    file = path / name
    with file.open("w", encoding="utf-8", newline="") as out:
        quoting = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
        writer = csv.DictWriter(
            out, rows[0], delimiter=delimiter, quoting=quoting, quotechar=None if quoting else '"'
        )
        writer.writeheader()
        writer.writerows(rows)
    return file


@pytest.mark.parametrize("form", [form for form in EXAMPLES if form != "triviaqa"])
@pytest.mark.parametrize("kind", ["json", "nested", "csv", "tsv", "bom"])
def test_every_kind_of_file_reads_the_same(tmp_path, form, kind):
    expected = loaded(tmp_path, form, EXAMPLES[form])
    file = tmp_path / ("some.json" if kind in ("json", "nested") else f"some.{kind}")
    if kind == "json":
        file.write_text(json.dumps([EXAMPLES[form]], indent=1))
    elif kind == "nested":
        file.write_text(json.dumps({"version": 1, "data": [EXAMPLES[form]]}))
    elif kind == "bom":
        file = tmp_path / "some.jsonl"
        file.write_text(f"\n{json.dumps(EXAMPLES[form])}\r\n\n", encoding="utf-8-sig")
    else:
        file = as_table(tmp_path, form, "," if kind == "csv" else "\t", f"some.{kind}")
    found = hw.load_task(file, form).prompts(text_of("every word"))
    assert found.to_json() == {**expected.to_json(), "name": found.name}


def test_quotes_of_a_tsv_are_letters(tmp_path):
    """As in GLUE, which quotes nothing."""
    file = tmp_path / "train.tsv"
    file.write_text('sentence\tlabel\n"a " lovely film\t1\n')
    prompts = hw.load_task(file, "sst2").prompts(text_of("every word"))
    assert prompts.clean == ('Review: "a " lovely film\nSentiment:',)


def test_parquet_comes_with_arrays(tmp_path, monkeypatch):
    file = tmp_path / "some.parquet"
    file.write_bytes(b"PAR1")
    row = {**BATS, "mc1_targets": {k: np.array(v) for k, v in BATS["mc1_targets"].items()}}
    choices = {**CAPITALS, "choices": np.array(CAPITALS["choices"]), "answer": np.int64(1)}
    for form, one in (("truthfulqa", row), ("mmlu", choices)):
        monkeypatch.setattr(pd, "read_parquet", lambda _, one=one: pd.DataFrame([one]))
        found = hw.load_task(file, form).prompts(text_of("every word"))
        assert found.clean == loaded(tmp_path, form, EXAMPLES[form]).clean
        assert found.choices == loaded(tmp_path, form, EXAMPLES[form]).choices


def test_parquet_without_pyarrow_says_what_to_do(tmp_path, monkeypatch):
    file = tmp_path / "some.parquet"
    file.write_bytes(b"PAR1")

    def lacking(_):
        raise ImportError

    def broken(_):
        message = "not a Parquet file"
        raise ValueError(message)

    monkeypatch.setattr(pd, "read_parquet", lacking)
    with pytest.raises(InputError, match="needs pyarrow, which is not installed: pip install"):
        hw.load_task(file, "mmlu")
    monkeypatch.setattr(pd, "read_parquet", broken)
    with pytest.raises(InputError, match="as Parquet, but not a Parquet file"):
        hw.load_task(file, "mmlu")


def test_names_of_columns_may_be_in_capitals(tmp_path):
    rows = [{name.title(): value for name, value in row.items()} for row in BORN]
    for row in rows:
        row["Answer"] = {"Value": row["Answer"]["value"], "Aliases": []}
    assert loaded(tmp_path, "triviaqa", *rows) == loaded(tmp_path, "triviaqa", *BORN)


# ---------------------------------------------------------------------- how many


def test_rows_are_drawn_by_seed_and_keep_their_order(tmp_path):
    rows = [{**NEWS, "text": f"Article {i}"} for i in range(300)]

    def drawn(**options):
        found = loaded(tmp_path, "agnews", *rows, **options)
        return [int(one.split()[2].partition("\n")[0]) for one in found.clean]

    assert len(drawn()) == 100
    assert drawn() == drawn(seed=0) == sorted(drawn()) != drawn(seed=1)
    assert drawn(n=None) == list(range(300))
    assert len(drawn(n=7)) == 7
    few = loaded(tmp_path, "agnews", *rows[:3])
    assert few.notes == ("3 of 100: the file has no more rows",)


# ---------------------------------------------------------------------- on a model


def test_a_session_takes_a_file_and_measures_it(tmp_path):
    session = reader()
    session.prompts = hw.load_task(written(tmp_path, BATS), "truthfulqa")
    frame = session.accuracy()
    assert frame.attrs["measured_on"] == "TruthfulQA, some.jsonl, n = 1"
    assert 0 < frame["mc2"][0] < 1
    assert frame["questions"][0] == 1
    assert session.accuracy(hw.load_task(written(tmp_path, BATS), "truthfulqa")).equals(frame)
    again = hw.Prompts.from_json(session.prompts.to_json())
    assert again == session.prompts


def test_prompts_beyond_the_context_are_left_out_whole(tmp_path):
    rows = [{**NEWS, "text": "Shares fall " * k} for k in (3, 40, 50)]
    prompts = loaded(tmp_path, "agnews", *rows, n_ctx=64)
    assert len(prompts) == 1
    assert "longer than this model's context of 64: 85 tokens, 105 tokens" in prompts.notes[-1]
    with pytest.raises(
        InputError, match=r"no prompt of AG News, some\.jsonl can be used.* 85 tokens"
    ):
        loaded(tmp_path, "agnews", *rows[1:], n_ctx=64)


def test_a_tokenizer_that_cuts_the_labels_is_told(tmp_path):
    file = written(tmp_path, FILM)
    with pytest.raises(InputError, match=r"not one token: ' positive' \(9\)"):
        hw.load_task(file, "sst2").prompts(text_of("planted"))


# ---------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("form", EXAMPLES)
def test_other_columns_are_named_with_those_expected(tmp_path, form):
    file = written(tmp_path, {"prompt": "a", "target": "b"})
    with pytest.raises(InputError) as refused:
        hw.load_task(file, form)
    said = str(refused.value)
    assert said.startswith("some.jsonl is not in the format of ")
    assert said.endswith("got prompt, target")
    for names in FORMATS[form].columns:
        assert " or ".join(names) in said


@pytest.mark.parametrize(
    ("form", "change", "said"),
    [
        ("mmlu", {"choices": ["a", "b", "c"]}, "'choices' as a list of 4 texts, got ['a', 'b'"),
        ("mmlu", {"choices": "a, b, c, d"}, "'choices' as a list of texts, got 'a, b, c, d'"),
        ("mmlu", {"choices": ["a", "", "c", "d"]}, "'choices' as a list of texts"),
        ("mmlu", {"choices": ["a", None, "c", "d"]}, "'choices' as a list of texts"),
        ("mmlu", {"choices": "[1, 2"}, "'choices' as a list of texts, got '[1, 2'"),
        ("mmlu", {"answer": 4}, "'answer' as a number from 0 to 3 or one of A, B, C, D, got 4"),
        ("mmlu", {"answer": "E"}, "got 'E'"),
        ("mmlu", {"answer": True}, "got True"),
        ("mmlu", {"answer": 1.5}, "got 1.5"),
        ("mmlu", {"question": " "}, "'question' as text, got ' '"),
        ("mmlu", {"question": None}, "'question' as text, got None"),
        ("mmlu", {"question": 3}, "'question' as text, got 3"),
        ("truthfulqa", {"mc1_targets": {"choices": ["a"], "labels": [1]}}, "'mc1_targets' as"),
        ("truthfulqa", {"mc1_targets": ["a", "b"]}, "'mc1_targets' as names with values"),
        ("truthfulqa", {"mc2_targets": {"a": 1, "b": 0, "c": 2}}, "'mc2_targets' as choices"),
        ("truthfulqa", {"mc2_targets": {"choices": ["a", "b"], "labels": [1]}}, "'mc2_targets' as"),
        ("truthfulqa", {"mc2_targets": {"a": 1, " ": 0}}, "'mc2_targets' as choices"),
        ("sst2", {"label": -1}, "'label' as a number from 0 to 1 or one of negative, positive"),
        ("sst2", {"sentence": ""}, "'sentence' as text, got ''"),
        ("triviaqa", {"answer": {"aliases": ["a"]}}, "'answer' as a text, or a value with aliases"),
        ("triviaqa", {"answer": 3}, "'answer' as names with values"),
        ("agenda", {"entities": []}, "'entities' as a list of texts, got []"),
        ("agenda", {"title": None}, "'title' as text, got None"),
        ("agnews", {"label": "Weather"}, "or one of World, Sports, Business, Sci/Tech"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_named(tmp_path, form, change, said):
    rows = [EXAMPLES[form], {**EXAMPLES[form], **change}]
    with pytest.raises(InputError) as refused:
        hw.load_task(written(tmp_path, *rows), form)
    assert str(refused.value).startswith("line 2 of some.jsonl: expected ")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"text": "a", "label": 1}\n\n{"text": \n', "line 3 of a.jsonl: expected JSON"),
        ("a.jsonl", '{"text": "a", "label": 1}\n[1]\n', "line 2 of a.jsonl: expected an object"),
        ("a.jsonl", "", "a.jsonl is empty"),
        ("a.jsonl", " \n\n", "a.jsonl is empty"),
        ("a.json", "", "a.json is empty"),
        ("a.json", "[]", "a.json is empty"),
        ("a.json", '[{"text": "a",\n"label": 1},\n{"text": }]', "a.json, line 3: expected JSON"),
        ("a.json", '[{"text": "a", "label": 1}, 3]', "row 2 of a.json: expected an object"),
        ("a.json", '"a"', "expected a.json as a list of objects"),
        ("a.json", '{"a": [], "b": []}', "expected a.json as a list of objects"),
        ("a.csv", "", "a.csv is empty"),
        ("a.csv", "text,label\n", "a.csv is empty"),
        ("a.csv", "text,label\na,1\nb,c,1\n", "line 3 of a.csv: expected 2 cells, got 3"),
        ("a.csv", 'text,label\n"a\nb",1\n"c,1\n', "line 4 of a.csv: unexpected end of data"),
        ("a.csv", "text,label\na,1\nb\n", "line 3 of a.csv: expected 2 cells, got 1"),
        ("a.tsv", "text\tlabel\na\tx\n", "line 2 of a.tsv: expected 'label' as a number"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(tmp_path, name, content, said):
    file = tmp_path / name
    file.write_text(content)
    with pytest.raises(InputError) as refused:
        hw.load_task(file, "agnews")
    assert said in str(refused.value)


def test_json_that_is_too_deep_is_refused(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text("[" * 200_000)
    with pytest.raises(InputError, match=r"line 1 of a\.jsonl: expected JSON, but it is too deep"):
        hw.load_task(file, "agnews")


def test_what_is_no_file(tmp_path):
    for path, said in (
        (tmp_path / "none.jsonl", "does not exist"),
        (str(tmp_path / "none.csv"), "does not exist"),
        (3, "expected the path of a file, got 3"),
        (
            tmp_path / "a.txt",
            r"expected a file \.jsonl, \.json, \.csv, \.tsv, \.parquet, got 'a.txt'",
        ),
        ("mmlu", "got 'mmlu'"),
    ):
        with pytest.raises(InputError, match=said):
            hw.load_task(path, "mmlu")
    folder = tmp_path / "a.json"
    folder.mkdir()
    with pytest.raises(InputError, match="is a folder"):
        hw.load_task(folder, "mmlu")
    (tmp_path / "b.jsonl").write_bytes(b'{"text": "\xff"}')
    with pytest.raises(InputError, match="as UTF-8 text, but byte 10 is none"):
        hw.load_task(tmp_path / "b.jsonl", "mmlu")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "hellaswag"}, "expected a format 'mmlu', 'truthfulqa', .* got 'hellaswag'"),
        ({"format": None}, "got None"),
        ({"format": "mmlu", "n": 0}, "n as a whole number from 1 to 100,000, got 0"),
        ({"format": "mmlu", "n": "all"}, "got 'all'"),
        ({"format": "mmlu", "seed": -1}, "seed as a whole number from 0"),
    ],
)
def test_what_is_asked_for_is_checked_first(tmp_path, options, said):
    with pytest.raises(InputError, match=said):
        hw.load_task(tmp_path / "none.jsonl", **options)


def test_reading_a_file_leaves_the_limit_of_cells_as_it_was(tmp_path):
    before = csv.field_size_limit()
    path = tmp_path / "long.csv"
    path.write_text(f'text,label\n"{"good " * 40_000}",1\n', encoding="utf-8")
    hw.load_task(path, format="sst2")
    assert csv.field_size_limit() == before
