"""The pages' templates in the reader's language, and how a page is answered."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from pharmacy.domain.budget import Rate
from pharmacy.domain.unsent_for import UnsentFor
from pharmacy.storage.access import Caller
from server.access import program_of
from server.console.assets import address_of
from server.console.languages import Language, language, language_of
from server.console.tongues import marked
from server.headers import PAGE_POLICY

HERE = Path(__file__).parent
PAGE_HEADERS = {"Content-Security-Policy": PAGE_POLICY}


def page(request: Request, name: str, status: int = 200, **blanks: Any) -> HTMLResponse:
    """Return the page of that template, in the language of whoever asks."""
    chosen = language_of(request)
    words = templates(chosen).get_template(name).render(language=chosen, rate=_rate_of(request), **blanks)
    return HTMLResponse(
        marked(words, chosen.name),
        status,
        PAGE_HEADERS | {"Content-Language": chosen.name, "Vary": "Cookie, HX-Request"},
    )


def unsent_for(speaks: Language, text: Mapping[str, Any]) -> str:
    """Return why a text has not gone out, and whether it may have arrived; of an old record, its own words."""
    code = text["problem_code"]
    if code is None:
        return str(text["problem"])
    said = speaks.coded("unsent" if code in [*UnsentFor] else "held", code)
    gap = "" if speaks.name == "ja" else " "
    return said + gap + speaks.translations.gettext("It may have arrived.") if text["may_have_arrived"] else said


def _rate_of(request: Request) -> Rate | None:
    """Return the rate that the pharmacy has set; the one that is shipped is nobody's quotation."""
    settings = program_of(request).settings
    return settings.budgets.rate if "yen_per_usd" in settings.model_fields_set else None


@pass_context
def money(context: Context, usd: float | None) -> str:
    """Return a cost as the reader's language writes it: in yen at the pharmacy's own rate, else in US dollars."""
    speaks: Language = context["language"]
    return speaks.money(usd, context["rate"])


@pass_context
def fine_money(context: Context, usd: float) -> str:
    """Return what one case costs, which may be far less than a hundredth of a yen."""
    speaks: Language = context["language"]
    return speaks.fine_money(usd, context["rate"])


_UNSEEN = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def visible(words: str) -> str:
    """Return `words` with what nobody would see in them, such as a turn of the writing direction, spelt out."""
    return _UNSEEN.sub(lambda found: f"[U+{ord(found.group()):04X}]", words)


def seconds_until(at: str | None) -> float:
    """Return how long it is from now until a time in ISO form; 0 where it has passed, or there is none."""
    return max(0.0, (datetime.fromisoformat(at) - datetime.now(UTC)).total_seconds()) if at else 0.0


def named(actor: str | None) -> str:
    """Return somebody's own name: how they came in is for the books."""
    way, _, name = (actor or "").partition(":")
    return name if way in ("session", "key") else actor or ""


def person(speaks: Language, caller: Caller, actor: str | None) -> str:
    """Return who somebody is to the person who reads: oneself, or a colleague by name."""
    return speaks.coded("who", "self" if actor == caller.actor else "other", {"who": named(actor)})


def sender(speaks: Language, by: str | None) -> str:
    """Return who sent a message: a person by name, and of what went out by itself that it did, and by which rule."""
    way, _, version = (by or "").partition(":")
    return speaks.coded("sent", way, {"version": version}) if way in ("policy", "fixed_text") else named(by)


@cache
def templates(chosen: Language) -> Environment:
    """Return the templates with a language's words in them."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    made.install_gettext_translations(chosen.translations, newstyle=True)  # type: ignore[attr-defined]
    made.policies["ext.i18n.trimmed"] = True
    made.globals["asset"] = address_of
    made.globals["english"] = language("en")  # commands are found by their English names too
    made.filters["visible"] = visible
    made.filters["named"] = named
    made.filters["money"] = money
    made.filters["fine_money"] = fine_money
    made.globals["person"] = person
    made.globals["sender"] = sender
    made.globals["unsent_for"] = unsent_for
    made.globals["seconds_until"] = seconds_until
    made.globals["at"] = datetime.fromisoformat
    return made
