"""Products from files: every fact with its source, every complaint with its place."""

import json
from pathlib import Path

import pytest

from pharmacy.domain.errors import ConfigError
from pharmacy.domain.facts import Source
from pharmacy.domain.products.read import bodies_in, product_from, shipped

BODY = {"id": "x", "formula": "某湯", "dose": "1日3回", "source": "添付文書", "date": "2024-05"}
FACTS = ("crude_drugs", "use", "dose", "timing", "cautions", "interactions")


def put(folder: Path, name: str, content: object) -> Path:
    """Return a file of `content`, as JSON unless it is a text."""
    file = folder / name
    file.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return file


def test_about_thirty_formulas_ship_and_none_invents_a_fact_without_a_source() -> None:
    products = [product_from(product_id, body) for product_id, body in shipped().items()]

    assert len(products) >= 30
    assert all(product.sources[name] for product in products for name in FACTS if getattr(product, name))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("one.json", BODY, id="one"),
        pytest.param("many.json", [BODY], id="a-list"),
        pytest.param("lines.jsonl", "\ufeff" + json.dumps(BODY) + "\r\n\r\n", id="lines-with-mark-and-blanks"),
        pytest.param(
            "one.toml",
            'id = "x"\nformula = "某湯"\ndose = "1日3回"\nsource = "添付文書"\ndate = "2024-05"\n',
            id="toml",
        ),
    ],
)
def test_each_form_of_file_is_read(tmp_path: Path, name: str, content: object) -> None:
    ((product_id, body),) = bodies_in(put(tmp_path, name, content))

    product = product_from(product_id, body)

    assert (product.id, product.formula, product.dose) == ("x", "某湯", "1日3回")
    assert product.sources == {"dose": Source("添付文書", "2024-05")}


def test_a_facts_own_source_comes_before_the_shared_one() -> None:
    own = {**BODY, "sources": {"dose": {"source": "箱", "date": "2025"}}}

    assert product_from("x", {k: v for k, v in own.items() if k != "id"}).sources["dose"] == Source("箱", "2025")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        pytest.param("a.json", {**BODY, "colour": "red"}, r"a\.json: x\.colour = 'red'", id="unknown-field"),
        pytest.param("a.json", {"id": "x", "formula": "某湯", "dose": "1"}, "dose: has no source", id="no-source"),
        pytest.param("a.json", {**BODY, "price": "1980"}, r"x\.price = '1980'", id="price-in-quotes"),
        pytest.param("a.json", {**BODY, "date": "昨日"}, r"x\.date = '昨日'", id="no-date"),
        pytest.param("a.json", {**BODY, "formula": "某\n湯"}, r"x\.formula", id="two-lines"),
        pytest.param("a.json", {**BODY, "formula": "[某湯]"}, r"x\.formula", id="brackets"),
        pytest.param("a.json", {"formula": "某湯"}, "expected an object with an 'id'", id="no-id"),
        pytest.param("a.json", [BODY, BODY], r"a\.json\[1\]: id 'x' stands twice", id="twice"),
        pytest.param("a.json", "{", "expected products as", id="no-json"),
        pytest.param("a.json", "[" * 100_000, "expected products as", id="too-deep"),
        pytest.param("a.jsonl", json.dumps(BODY) + "\n{", r"a\.jsonl:2: ", id="a-broken-line"),
        pytest.param("a.toml", "id = ", "expected products as", id="no-toml"),
        pytest.param("a.csv", "x", r"expected a \.toml, \.json or \.jsonl", id="another-form"),
    ],
)
def test_what_is_no_product_is_refused_by_place(tmp_path: Path, name: str, content: object, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        [*bodies_in(put(tmp_path, name, content))]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.json"):
        [*bodies_in(tmp_path / "nowhere.json")]
