"""Names of kampo formulas in a text: those on the sheet, those that ship, and any word that looks like one."""

import re
from collections.abc import Iterable, Sequence
from functools import cache

from pharmacy.domain.products.read import shipped
from pharmacy.models.local.wording import folded

_LIKE_A_FORMULA = re.compile("[一-龥々]{2,9}(?:湯|散|丸|飲子)(?:[加合][一-龥々]{1,8})?|温清飲|茯苓飲")
_EVERYDAY = ("銭湯", "熱湯", "給湯", "発散", "解散", "分散", "拡散", "一丸", "弾丸", "閑散", "薬湯", "足湯")
_STOPS = re.compile("[一-龥々]*(?:毎日|今日|昨日|今朝|毎朝|毎晩|以前|先日|注文|購入|服用|現在|最近|同時|一緒|途中)")


def named(text: str, on_sheet: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the formulas that a text names, each once; one that nobody knows by the word itself."""
    rest, found = folded(text), []
    for name, formula in _names(tuple(on_sheet)):
        if name in rest:
            # A longer name that starts with a known one is another formula: 葛根湯加川芎辛夷 is not 葛根湯.
            if any(match.group().find(name) >= 0 and match.group() != name for match in _longer(rest)):
                continue
            rest = rest.replace(name, "\0")
            found.append(formula)
    strange = (_STOPS.sub("", match.group()) for match in _LIKE_A_FORMULA.finditer(rest))
    return tuple(dict.fromkeys([*found, *(word for word in strange if len(word) > 2 and not word.endswith(_EVERYDAY))]))


def without_names(text: str, on_sheet: Iterable[str] = ()) -> str:
    """Return a text, folded, in which every formula's name is the word 漢方."""
    rest = folded(text)
    for name, _ in _names(tuple(on_sheet)):
        rest = rest.replace(name, "漢方")
    return _LIKE_A_FORMULA.sub(_plain, rest)


def _plain(match: re.Match[str]) -> str:
    return match.group() if match.group().endswith(_EVERYDAY) else "漢方"


def _longer(text: str) -> Iterable[re.Match[str]]:
    return (match for match in _LIKE_A_FORMULA.finditer(text) if re.search("[湯散丸飲][加合]", match.group()))


@cache
def _names(on_sheet: tuple[str, ...]) -> Sequence[tuple[str, str]]:
    """Return (folded name, formula), the longest name first."""
    names = [(formula, formula) for formula in on_sheet]
    for body in shipped().values():
        own = (body["formula"], body.get("reading"), *body.get("aliases", ()))
        names += [(name, body["formula"]) for name in own if name]
    unique = {folded(name): formula for name, formula in reversed(names)}
    return sorted(unique.items(), key=lambda pair: -len(pair[0]))
