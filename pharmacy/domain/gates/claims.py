"""The output gate: what no text that leaves the pharmacy may say."""

from collections.abc import Iterator

from pharmacy.domain.gates.claims_contacts import unlisted_contacts
from pharmacy.domain.gates.claims_copies import copied_prompts, other_names
from pharmacy.domain.gates.claims_doses import doses_above_label
from pharmacy.domain.gates.claims_hit import ClaimHit, LintContext
from pharmacy.domain.gates.claims_rules import RULE_FILE, ClaimRule, ClaimRules, load_rules
from pharmacy.domain.gates.claims_view import ENDS, View, hidden, letters, plain

__all__ = ["RULE_FILE", "ClaimHit", "LintContext", "lint", "load_rules"]

LONGEST_UNITS = 5_000
"""UTF-16 units, the channel's own limit for one message."""

_AFTER_CHARS = 40


def lint(text: str, context: LintContext = LintContext(), rules: ClaimRules | None = None) -> tuple[ClaimHit, ...]:  # noqa: B008
    """Return everything in `text` that may not be sent, in the order of its places; empty means it may.

    Raises:
        ConfigError: the rule file is missing or broken; then nothing may be sent.
    """
    rules = rules or load_rules(RULE_FILE, context.crude_drugs)
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 > LONGEST_UNITS:
        # Too long to send is too long to read: nobody waits for patterns over a megabyte.
        return (ClaimHit("form.long", "", (0, len(text)), rules.code_reasons["form.long"]),)
    words, signs = letters(text), plain(text)
    found = [*_claims(words, rules), *_by_code(words, signs, context, rules)]
    hits = [_hit(text, view.original(*span), rule, reason) for view, span, rule, reason in found]
    hits += [_hit(text, (place, place + 1), "form.hidden", rules.code_reasons["form.hidden"]) for place in hidden(text)]
    if not words.text.strip(ENDS + "、"):
        hits.append(_hit(text, (0, len(text)), "form.empty", rules.code_reasons["form.empty"]))
    return tuple(sorted(hits, key=lambda hit: (hit.span, hit.rule)))


_Found = tuple[View, tuple[int, int], str, str]


def _claims(words: View, rules: ClaimRules) -> Iterator[_Found]:
    for rule in rules.rules:
        for span in _spans(words.text, rule):
            if not (rule.deniable and _denied(words.text, span[1], rules)):
                yield words, span, rule.name, rule.reason


def _spans(text: str, rule: ClaimRule) -> set[tuple[int, int]]:
    if not rule.any_claim.search(text):
        return set()
    claims = {match.span() for pattern in rule.claims for match in pattern.finditer(text)}
    excused = [match.span() for pattern in rule.unless for match in pattern.finditer(text)]
    # The mark that ends a sentence is no part of the claim: an excuse need not reach over it.
    within = {(s, s + len(text[s:e].rstrip(ENDS))): (s, e) for s, e in claims if s < e}
    return {claim for (s, e), claim in within.items() if not any(start <= s and e <= end for start, end in excused)}


def _denied(text: str, end: int, rules: ClaimRules) -> bool:
    after = text[end : end + _AFTER_CHARS]
    return any(pattern.match(after) for pattern in rules.denied_after)


def _by_code(words: View, signs: View, context: LintContext, rules: ClaimRules) -> Iterator[_Found]:
    places = (
        ("contact.unlisted", signs, unlisted_contacts(signs.text, context.allowed_contacts)),
        ("dose.above_label", words, doses_above_label(words.text, context.label_doses)),
        ("name.other_patient", words, other_names(words.text, context.other_names)),
        ("prompt.copied", words, copied_prompts(words.text, context.prompt_texts)),
    )
    for rule, view, spans in places:
        for span in spans:
            yield view, span, rule, rules.code_reasons[rule]


def _hit(text: str, span: tuple[int, int], rule: str, reason: str) -> ClaimHit:
    return ClaimHit(rule, text[span[0] : span[1]], span, reason)
