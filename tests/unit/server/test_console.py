"""The console's words are whole in both languages, its files are those that were looked at, its keys stand once."""

import hashlib
import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file

from graph.edges import START, declared
from nodes.load import load_flow
from pharmacy.domain import errors
from pharmacy.domain.conversation import Kind
from pharmacy.domain.errors import FlowError
from pharmacy.domain.held_for import HeldFor
from pharmacy.domain.policy import Limits
from pharmacy.domain.unsent_for import UnsentFor
from pharmacy.settings import CHECKOUT
from pharmacy.storage.restores import REASON
from server.console.assets import STATIC, address_of
from server.console.desk import CAUSES, REFUSALS
from server.console.forms import LONGEST_FORM
from server.console.keys import KEYS, read_keys
from server.console.languages import NAMES, catalogue, language
from server.console.templates import HERE, sender, visible
from server.console.unfit import EXPECTED
from server.console.view import SECTIONS, View
from server.worker.reply import STOPPED

TEMPLATES = sorted((HERE / "templates").glob("*.html"))
_MADE = re.compile(r'(?<![\w.])(?:Reason|_handed_over|open_case)\(\s*(?:tx, conversation, )?"([a-z_]+)"')
_HIT = re.compile(r'GateHit\("([a-z_]+)"')
OLD = re.compile(
    r"\bhx-(?:ext|on|vars)\b|(?<!hx-)\bsse-(?:connect|swap|close)\b|htmx:[a-z]+[A-Z]|hx-vals=.js:|hx-trigger=\"[^\"]*\["
)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_word_of_a_page_is_there_in_japanese(template: Path) -> None:
    words = catalogue("ja")
    asked = [found[1] for found in extract_from_file("jinja2.ext:babel_extract", template, options={"trimmed": "true"})]

    missing = [each for each in asked if not (words.get(each if isinstance(each, str) else each[:2]) or _NONE).string]

    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_every_code_has_its_sentence(name: str) -> None:
    families = {
        "tab": [tab.value for tab in SECTIONS], "empty": [tab.value for tab in SECTIONS], "tier": "EUH",
        "author": ("patient", "pharmacist", "machine"), "refusal": REFUSALS, "cause": CAUSES,
        "key": [key.name for key in KEYS.every],
        "kind": [kind.value for kind in Kind if kind is not Kind.TEXT], "reason": _reasons(), "held": [*HeldFor],
        "gate": [*_gates(), "profile"],
        "expected": EXPECTED, "unsent": [*UnsentFor],
        "node": {re.sub("^generate_.*", "generate", node) for node in declared(load_flow()) if node != START},
        "pregnancy": ("pregnant", "possible", "breastfeeding", "none", "unknown"), "sex": ("female", "male", "other"),
    }  # fmt: skip
    speaks = language(name)

    missing = [f"{family}:{code}" for family, codes in families.items() for code in codes
               if speaks.translations.gettext(f"{family}:{code}") == f"{family}:{code}"]  # fmt: skip

    assert missing == []


def test_every_limit_of_the_policy_has_its_code() -> None:
    assert [name for name in Limits.model_fields if f"limit_{name}" not in [*HeldFor]] == []


def test_a_code_that_nobody_knows_is_shown_itself() -> None:
    assert language("ja").coded("held", "something_new") == "something_new"


def test_both_languages_know_the_same_codes() -> None:
    known = [
        {message.id for message in catalogue(name) if re.fullmatch("[a-z]+:[a-zE-U_]+", str(message.id))}
        for name in NAMES
    ]

    assert known[0] == known[1]


def test_no_page_speaks_the_dialect_of_htmx_2_or_needs_eval() -> None:
    written = [*TEMPLATES, *STATIC.glob("*.js")]

    assert [f"{path.name}: {found[0]}" for path in written if (found := OLD.search(path.read_text("utf-8")))] == []


def test_no_page_lets_htmx_run_before_its_extension_is_there() -> None:
    late = re.compile(r"(?:htmx|hx-sse)\.min\.js[^>]*\b(?:defer|async|module)\b")

    assert [path.name for path in TEMPLATES if late.search(path.read_text("utf-8"))] == []


def test_no_page_has_a_script_or_a_style_of_its_own() -> None:
    inline = re.compile(r"<script(?![^>]*(?:src=|application/json))|<style|\sstyle=|\son[a-z]+=")

    assert [path.name for path in TEMPLATES if inline.search(path.read_text("utf-8"))] == []


def test_the_files_of_others_are_those_that_were_looked_at() -> None:
    table = re.findall(r"\| `(\S+)` \| \S+ \| `([0-9a-f]{64})` \|", (STATIC / "vendor/README.md").read_text("utf-8"))

    found = {name: hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() for name, _ in table}

    assert dict(table) == found
    shipped = {path.name for path in (STATIC / "vendor").iterdir()} - {"README.md"}
    assert {name for name in shipped if not name.endswith(".LICENSE")} == found.keys()


def test_a_file_with_other_content_has_another_address() -> None:
    assert address_of("console.css").startswith("/static/console.css?v=")
    with pytest.raises(KeyError):
        address_of("nowhere.js")


def test_a_key_that_stands_for_two_things_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "keys.toml"
    table.write_text('[one]\ncode = "KeyA"\nshown = ["A"]\n[two]\ncode = "KeyA"\nshown = ["A"]\n')

    with pytest.raises(ValueError, match="stand for two things"):
        read_keys(table)


def test_every_key_has_its_act_in_the_handler() -> None:
    acts = (STATIC / "keys.js").read_text("utf-8").partition("const acts = {")[2].partition("\n};")[0]

    assert re.findall(r"^  ([a-z_]+):", acts, re.MULTILINE) == [key.name for key in KEYS.every]


def test_what_nobody_would_see_is_spelt_out() -> None:
    assert visible("前\u202e後\u200b") == "前[U+202E]後[U+200B]"


@pytest.mark.parametrize("given", [{}, {"tab": "nowhere"}, {"tab": "check", "other": "x"}, {"phase": "x", "mine": "2"}])
def test_a_view_that_nobody_knows_is_the_first_one(given: dict[str, str]) -> None:
    assert View.read(given, load_flow()).address() == "/"


def test_an_address_brings_its_view_back() -> None:
    view = View.read({"tab": "person", "q": "葛根湯 & 50%", "c": "c-1"}, load_flow())

    assert view.address() == "/?tab=person&q=%E8%91%9B%E6%A0%B9%E6%B9%AF+%26+50%25&c=c-1"


def test_a_reply_of_the_longest_kind_fits_into_a_form() -> None:
    assert 5_000 * len("%E8%91%9B") < LONGEST_FORM


@pytest.mark.parametrize(
    ("by", "said"),
    [("policy:1", "自動送信（ポリシー第1版）"), ("fixed_text", "自動送信（決まった文）"), ("session:owner", "owner")],
)
def test_what_went_out_by_itself_says_so(by: str | None, said: str) -> None:
    assert sender(language("ja"), by) == said


class _Nothing:
    string = ""


_NONE = _Nothing()


def _reasons() -> set[str]:
    """Return every code that some line of the program gives for calling a person."""
    rooms = [path for room in ("graph", "nodes", "pharmacy", "server") for path in (CHECKOUT / room).rglob("*.py")]
    named = {code for path in rooms for code in _MADE.findall(path.read_text("utf-8"))}
    faults = {kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FlowError)}
    screened = set(re.findall(r'_hit\("([a-z_]+)"', (CHECKOUT / "nodes/screen.py").read_text("utf-8")))
    return (
        named
        | faults
        | screened
        | {"judge_unavailable", "triage", "patient_profile", *STOPPED, REASON, Kind.UNSENT.value}
    )


def _gates() -> list[str]:
    """Return the name of every file of rules, each a sort of message that a gate holds, and what is found without."""
    without = _HIT.findall((CHECKOUT / "pharmacy/domain/gates/recognise.py").read_text("utf-8"))
    return without + [
        path.stem for path in (CHECKOUT / "pharmacy/domain/gates/rules").glob("*.toml") if path.stem != "vocabulary"
    ]
