"""Each rule of `isnad check data`, broken once in a small invented folder."""

import json
import lzma
from dataclasses import replace
from pathlib import Path

import pytest

from isnad.check import LEAKS, Problem, Report, check_data, leaks, render
from isnad.errors import IsnadError
from isnad.examples import load_data, sentence_hash

SENTENCES = {
    "assert": "افتتح رئيس البلدية صباح أمس حديقة {0} الجديدة في وسط المدينة.",
    "deny": "ونفت إدارة {0} ما نشرته صفحات محلية عن إغلاق أبوابها نهاية الشهر.",
    "attribute": "وقال مدير {0} إن العمال تسلموا رواتبهم كاملة قبل العيد.",
    "speculate": "وقد ترتفع أجرة الدخول إلى {0} إذا استمر نقص المياه في الصيف.",
}
WORDS = {"deny": "نفت", "attribute": "قال", "speculate": "قد"}
NAMES = ["الزيتون", "النخيل", "السنديان", "الياسمين"]


def unit(text: str, start: int, label: str) -> dict:
    at = text.find(WORDS[label]) if label in WORDS else None
    return {
        "start": start,
        "end": start + len(text),
        "sha1": sentence_hash(text),
        "label": label,
        "attributed": label in ("deny", "attribute"),
        "source": None,
        "cue": None if at is None else [at, at + len(WORDS[label])],
        "annotators": ["author"],
    }


def article(doc_id: str, name: str, outlet: str = "صحيفة") -> dict:
    texts = [s.format(name) for s in SENTENCES.values()]
    units, start = [], 0
    for text, label in zip(texts, SENTENCES, strict=True):
        units.append(unit(text, start, label))
        start += len(text) + 1
    return {
        "doc_id": doc_id,
        "title": f"أخبار {name}",
        "text": " ".join([*texts, *(f"{name}{i}" for i in range(40))]),
        "outlet": outlet,
        "date": "2024-05-14",
        "kind": "article",
        "sentences": units,
    }


class Folder:
    """An invented data folder: one composed article in each of train, dev and test, one of news in test-outlets."""

    def __init__(self, root: Path) -> None:
        self.root, self.corpora = root / "data", root / "corpora"
        self.composed = [article(f"c{i}", NAMES[i]) for i in range(3)]
        self.news = [article("n1", NAMES[3], "wire")]
        self.texts = [{k: a[k] for k in ("doc_id", "title", "text", "date", "outlet")} for a in self.news]
        self.second: list[dict] = []
        self.splits = {"train": ["composed:c0"], "dev": ["composed:c1"], "test": ["composed:c2"]}
        self.splits["test-outlets"] = ["paper:n1"]

    def add_news(self, new: dict, split: str) -> None:
        self.news.append(new)
        self.texts.append({k: new[k] for k in ("doc_id", "title", "text", "date", "outlet")})
        self.splits[split].append(f"paper:{new['doc_id']}")

    def write(self) -> None:
        standoff = [
            {"corpus": "paper", **{k: v for k, v in a.items() if k not in ("title", "text")}} for a in self.news
        ]
        for name, lines in (("composed/a", self.composed), ("news/paper", standoff), ("second/news", self.second)):
            path = self.root / "data" / f"{name}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        (self.root / "data/splits").mkdir()
        for split, ids in self.splits.items():
            content = json.dumps({"split": split, "articles": ids}, indent=0)
            (self.root / f"data/splits/{split}.json").write_text(content, encoding="utf-8")
        self.corpora.mkdir()
        with lzma.open(self.corpora / "paper.jsonl.xz", "wt", encoding="utf-8") as out:
            out.writelines(json.dumps(t, ensure_ascii=False) + "\n" for t in self.texts)

    def check(self) -> Report:
        self.write()
        return check_data(self.root / "data", self.corpora)

    def only(self) -> Problem:
        problems = self.check().problems
        assert len(problems) == 1, problems
        return problems[0]


@pytest.fixture
def data(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def where(problem: Problem) -> tuple[str, int, str]:
    return "/".join(Path(problem.file).parts[-2:]), problem.line, problem.rule


def test_sound_data_has_no_problems_and_is_counted(data: Folder) -> None:
    report = data.check()
    assert report.problems == ()
    assert (report.articles, report.missing) == (4, 0)
    assert report.sentences["train", "composed", "article", "deny"] == 1
    assert report.sentences["test-outlets", "news", "article", "assert"] == 1
    shown = render(report)
    assert shown.startswith("no problems\n")
    assert "4 articles, the text of 0 is not here; 0 errors, 0 warnings" in shown


def test_without_the_news_text_articles_are_missing_and_the_rest_is_checked(data: Folder) -> None:
    data.write()
    report = check_data(data.root / "data", None)
    assert (report.missing, report.problems) == (1, ())


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IsnadError, match=r"expected a folder of labelled data.*correct the path"):
        check_data(tmp_path / "nowhere")


def test_a_folder_without_articles(tmp_path: Path) -> None:
    rules = {p.rule for p in check_data(tmp_path).problems}
    assert rules == {"json", "split-file", "empty-class"}


def test_a_missing_corpus_is_a_warning(data: Folder) -> None:
    data.write()
    (data.corpora / "paper.jsonl.xz").unlink()
    report = check_data(data.root / "data", data.corpora)
    assert [p.rule for p in report.warnings] == ["corpus"]
    assert report.errors == []
    assert "see data/README.md" in report.warnings[0].message


@pytest.mark.parametrize("line", [b"{broken", b"\xff\xfe", b""])
def test_json(data: Folder, line: bytes) -> None:
    data.write()
    path = data.root / "data/composed/a.jsonl"
    path.write_bytes(path.read_bytes() + line + b"\n")
    (problem,) = check_data(data.root / "data", data.corpora).problems
    assert where(problem) == ("composed/a.jsonl", 4, "json")
    assert "expected one article as JSON in UTF-8" in problem.message
    assert "rewrite the line" in problem.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda a: a.pop("outlet"),
            "expected 'outlet' in an article (a non-empty string), found no such field; add it",
        ),
        (lambda a: a.update(kind="story"), "'kind' in an article to be one of article, target, found 'story'"),
        (lambda a: a.update(date=2024), "expected 'date' in an article to be a string"),
        (lambda a: a.update(sentences=[]), "'sentences' in an article to be a non-empty list"),
        (lambda a: a.update(corpus="paper"), "expected no field 'corpus' in an article of this folder"),
        (lambda a: a.update(tilte="x"), "no field 'tilte'"),
        (
            lambda a: a["sentences"][0].update(label="claim"),
            "'label' in sentence 1 to be one of assert, deny, attribute",
        ),
        (lambda a: a["sentences"][1].update(attributed=1), "'attributed' in sentence 2 to be true or false, found int"),
        (lambda a: a["sentences"][1].update(cue=[1]), "'cue' in sentence 2 to be null or [start, end]"),
        (lambda a: a["sentences"][1].update(start=True), "'start' in sentence 2 to be a whole number"),
        (lambda a: a["sentences"][1].update(sha1="12"), "'sha1' in sentence 2 to be 40 hexadecimal digits"),
        (lambda a: a["sentences"][1].pop("annotators"), "expected 'annotators' in sentence 2"),
        (lambda a: a["sentences"][1].update(guidelines=0), "'guidelines' in sentence 2 to be the version of"),
        (lambda a: a["sentences"][1].update(trap="yes"), "'trap' in sentence 2 to be true or false"),
        (lambda a: a["sentences"].append("x"), "expected sentence 5 as a JSON object, found str"),
    ],
)
def test_schema(data: Folder, change, message: str) -> None:
    change(data.composed[2])
    (problem,) = (p for p in data.check().problems if p.rule == "schema")
    assert where(problem) == ("composed/a.jsonl", 3, "schema")
    assert message in problem.message


def test_schema_of_news_wants_a_corpus_and_no_text(data: Folder) -> None:
    data.write()
    path = data.root / "data/news/paper.jsonl"
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["text"] = "نص"
    del raw["corpus"]
    path.write_text(json.dumps(raw), encoding="utf-8")
    problems = [p for p in check_data(data.root / "data", data.corpora).problems if p.rule == "schema"]
    assert "expected 'corpus' in an article" in problems[0].message
    assert "no field 'text'" in problems[1].message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda u: u[3].update(end=9999), "expected 0 <= start < end <= "),
        (lambda u: u[3].update(start=-5), "expected 0 <= start < end <= "),
        (lambda u: u[1].update(start=3), "begin before"),
        (lambda u: u.extend([dict(u[0], start=-1, end=-1, sha1=sentence_hash("أخبار السنديان"))] * 2), "title once"),
    ],
)
def test_offsets(data: Folder, change, message: str) -> None:
    change(data.composed[2]["sentences"])
    problem = data.only()
    assert where(problem) == ("composed/a.jsonl", 3, "offsets")
    assert message in problem.message
    assert "composed:c2:" in problem.message


def test_a_labelled_title_needs_a_title(data: Folder) -> None:
    data.composed[0]["sentences"].append(dict(unit("", 0, "assert"), start=-1, end=-1))
    data.composed[0]["title"] = ""
    assert "found none; add `title` or remove the sentence" in data.only().message


def test_hash_of_composed(data: Folder) -> None:
    data.composed[1]["sentences"][0]["sha1"] = "0" * 40
    problem = data.only()
    assert where(problem) == ("composed/a.jsonl", 2, "hash")
    assert "expected SHA-1 00000000… of composed:c1:0-" in problem.message
    assert "label the sentence anew" in problem.message


def test_hash_of_news_names_the_sentence_and_hides_its_text(data: Folder) -> None:
    data.texts[0]["text"] = data.texts[0]["text"].replace("صباح", "عشية")
    problem = data.only()
    assert where(problem) == ("news/paper.jsonl", 1, "hash")
    assert "make the corpus again as data/README.md says" in problem.message
    assert "عشية" not in problem.message


@pytest.mark.parametrize(
    ("number", "change", "message"),
    [
        (0, {"attributed": True}, "expected no attributed for 'assert'"),
        (0, {"cue": [0, 3]}, "expected no cue for 'assert'"),
        (2, {"label": "skip"}, "expected no attributed, cue for 'skip'"),
        (2, {"attributed": False}, "expected `attributed` true for 'attribute', found false"),
        (3, {"source": [0, 3]}, "expected a source only where `attributed` is true"),
    ],
)
def test_fields(data: Folder, number: int, change: dict, message: str) -> None:
    extra = article("c3", "البرتقال")
    extra["sentences"][number].update(change)
    data.composed.append(extra)
    data.splits["test"].append("composed:c3")
    problem = data.only()
    assert where(problem) == ("composed/a.jsonl", 4, "fields")
    assert message in problem.message


@pytest.mark.parametrize("span", [[5, 5], [-1, 4], [0, 500]])
def test_spans(data: Folder, span: list[int]) -> None:
    data.composed[0]["sentences"][1]["cue"] = span
    problem = data.only()
    assert where(problem) == ("composed/a.jsonl", 1, "spans")
    assert f"found [{span[0]}, {span[1]}]; correct it" in problem.message


def test_duplicate_id(data: Folder) -> None:
    data.composed.append(article("c0", "البرتقال"))
    problem = data.only()
    assert where(problem) == ("composed/a.jsonl", 4, "duplicate-id")
    assert "a.jsonl:1 too" in problem.message


def test_a_repeated_sentence_is_an_error_in_composed(data: Folder) -> None:
    text = SENTENCES["assert"].format(NAMES[0]).replace("أمس", "أَمس")
    old = data.composed[1]["text"]
    data.composed[1]["text"] = f"{old} {text}"
    data.composed[1]["sentences"].append(unit(text, len(old) + 1, "assert"))
    problem = data.only()
    assert where(problem) == ("composed/a.jsonl", 2, "duplicate-sentence")
    assert problem.severity == "error"
    assert "to repeat composed:c0:0-" in problem.message


def test_a_repeated_sentence_in_news(data: Folder) -> None:
    new = article("n2", NAMES[3], "radio")
    new["text"] = " ".join([SENTENCES["assert"].format(NAMES[3]), *(f"كلمة{i}" for i in range(40))])
    new["sentences"] = new["sentences"][:1]
    data.add_news(new, "test")
    problem = data.only()
    assert where(problem) == ("news/paper.jsonl", 2, "duplicate-sentence")
    assert "put both articles in one split or reword one" in problem.message
    report = Report((problem, replace(problem, rule="hash")), 0, 0, {})
    assert report.only(LEAKS).problems == (problem,), "--leakage asks for leaks alone"


def test_short_sentences_may_repeat(data: Folder) -> None:
    for a in data.composed[:2]:
        start = len(a["text"]) + 1
        a["text"] += " اقرأ أيضاً في الموقع"
        a["sentences"].append(unit("اقرأ أيضاً في الموقع", start, "skip"))
    assert data.check().problems == ()


def test_near_duplicate(data: Folder) -> None:
    new = article("n2", NAMES[3], "radio")
    new["text"] += " وختم الحفل."
    new["sentences"] = new["sentences"][:1]
    new["sentences"][0].update(start=len(new["text"]) - 12, end=len(new["text"]), sha1=sentence_hash(" وختم الحفل."))
    data.add_news(new, "train")
    problem = data.only()
    assert where(problem) == ("news/paper.jsonl", 1, "near-duplicate")
    assert "found paper:n1 (test-outlets) and paper:n2 (train) to share 100%" in problem.message
    assert "move one to the split of the other" in problem.message
    (leak,) = leaks(load_data(data.root / "data", data.corpora))
    assert "paper:n2 (train) and paper:n1 (test-outlets)" in leak


def test_sound_data_does_not_leak(data: Folder) -> None:
    data.write()
    assert leaks(load_data(data.root / "data", data.corpora)) == []
    assert leaks(load_data(data.root / "data", None, ())) == []


def test_an_article_in_no_split(data: Folder) -> None:
    data.composed.append(article("c3", "البرتقال"))
    report = data.check()
    (problem,) = report.problems
    assert where(problem) == ("composed/a.jsonl", 4, "no-split")
    assert "found composed:c3 in none; add its id" in problem.message
    assert "(none)" in render(report)


def test_a_split_names_an_article_that_is_not_there(data: Folder) -> None:
    data.splits["dev"].append("paper:gone")
    problem = data.only()
    assert where(problem) == ("splits/dev.json", 5, "split-unknown")
    assert "paper:gone, found none; remove the id" in problem.message


def test_an_article_in_two_splits(data: Folder) -> None:
    data.splits["test"].append("composed:c0")
    problem = data.only()
    assert where(problem) == ("splits/test.json", 5, "split-twice")
    assert "found composed:c0 in train too; keep it in one split" in problem.message


def test_a_broken_split_file(data: Folder) -> None:
    data.write()
    (data.root / "data/splits/test.json").write_text("[]", encoding="utf-8")
    rules = [where(p) for p in check_data(data.root / "data", data.corpora).problems]
    assert ("splits/test.json", 1, "split-file") in rules


def test_a_publisher_of_test_outlets_elsewhere(data: Folder) -> None:
    data.add_news(article("n2", "البرتقال", "wire"), "train")
    problem = data.only()
    assert where(problem) == ("news/paper.jsonl", 2, "publisher")
    assert "expected wire in test-outlets alone, found paper:n2 in train" in problem.message


@pytest.mark.parametrize(
    ("broken", "what"),
    [
        ("\ufffd", "U+FFFD"),
        ("\ud800", "a lone surrogate"),
        ("\x07", "a control character"),
        ("\u202e", "a bidi control"),
        ("قال".encode().decode("cp1252", "replace").replace("\ufffd", "‚"), "wrong code page"),
        ("Ã©", "wrong code page"),
        ("ÇáÓÚæÏíÉ", "wrong code page"),
    ],
)
def test_unicode(data: Folder, broken: str, what: str) -> None:
    data.composed[0]["text"] += f" {broken}"
    problem = data.only()
    assert where(problem) == ("composed/a.jsonl", 1, "unicode")
    assert what in problem.message
    assert "in composed:c0 (text); restore the text" in problem.message


def test_foreign_names_are_clean_unicode(data: Folder) -> None:
    data.composed[0]["text"] += " Élysée, Malmö, Ørsted, São Tomé, پژوهش\u200cها"
    assert data.check().problems == ()


@pytest.mark.parametrize("split", ["train", "dev"])
def test_an_empty_class(data: Folder, split: str) -> None:
    number = ["train", "dev"].index(split)
    del data.composed[number]["sentences"][1]
    problem = data.only()
    assert where(problem) == (f"splits/{split}.json", 1, "empty-class")
    assert f"expected sentences labelled 'deny' in {split}, found none" in problem.message


def test_second_labels_must_be_of_published_sentences(data: Folder) -> None:
    second = {"corpus": "composed", **{k: v for k, v in data.composed[0].items() if k not in ("title", "text")}}
    data.second = [second, json.loads(json.dumps(second))]
    data.second[1]["sentences"][0]["sha1"] = "0" * 40
    problem = data.only()
    assert where(problem) == ("second/news.jsonl", 2, "reading")
    assert "expected a published sentence behind composed:c0:0-" in problem.message


def test_render_gives_one_line_a_problem(data: Folder) -> None:
    data.composed[0]["sentences"][1]["cue"] = [5, 5]
    lines = render(data.check()).splitlines()
    assert lines[0].startswith(f"{data.root}/data/composed/a.jsonl:1: spans: expected cue within 0 to ")
    assert lines[-1].endswith("1 errors, 0 warnings")
